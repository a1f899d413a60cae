"""What people do in several tests."""

import subprocess
import sys
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from tests.browser.house import ROOT, House

ANA = "573001112222"


def yes(page: Page) -> None:
    """The next question is answered with yes."""
    page.once("dialog", lambda dialog: dialog.accept())


def open_document(page: Page, name: str) -> None:
    """From the list of mappings into one."""
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def text_of(page: Page) -> str:
    """The editor's whole text."""
    return page.locator("#text").input_value().replace("\r\n", "\n")


def paste_text(page: Page, text: str) -> None:
    """Another text is pasted over everything in the editor."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")
    expect(page.locator("#text")).to_have_value(text)


def change_text(page: Page, old: str, new: str) -> None:
    """One place of the editor's text."""
    text = text_of(page)
    assert text.count(old) == 1, text
    paste_text(page, text.replace(old, new))


def publish(page: Page) -> None:
    page.get_by_role("button", name="Publish", exact=True).click()


def mailing_tool_invites(house: House, who: str) -> str:
    """Another tool's invitation, which we are told of as it would tell us; its wamid."""
    message = {"template": "webinar_invite_v2", "language": "es", "buttons": ["interested", "later", "no"]}
    wamid = house.play("POST", f"/_customers/{who}/messages", message)["id"]
    told = house.home / "sends.csv"
    told.write_text(f"wamid,to,template,sent_at\n{wamid},{who},webinar_invite_v2,{datetime.now(UTC):%FT%TZ}\n")
    argv = [sys.executable, "-m", "connector.cli", "sends", "import", str(told)]
    subprocess.run(argv, env=house.env, cwd=ROOT, check=True, timeout=60, capture_output=True)
    return str(wamid)
