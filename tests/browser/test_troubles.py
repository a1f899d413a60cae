"""Bad days: two people at once, a session that ends, a database and a CRM that are away. What was typed stays."""

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import ANA, change_text, mailing_tool_invites, open_document, text_of
from tests.browser.conftest import welcomed
from tests.browser.hostile import cli, settled
from tests.browser.house import until

DOCUMENT = "webinar-interest"


@pytest.fixture(scope="module")
def bo(ready, browser, tmp_path_factory):
    """A colleague's session."""
    link = re.search(r"http://\S+/welcome/\S+", cli(ready, "users", "add", "bo@example.com", "--role", "publisher"))
    assert link is not None
    return welcomed(link.group(), browser, tmp_path_factory.mktemp("bo") / "bo.json", password="correct horse battery")


@pytest.fixture
def editor(ready, tab):
    """editor(state): the document, opened by somebody."""

    def begin(**more) -> Page:
        page = tab("/mappings/", **more)
        open_document(page, DOCUMENT)
        return page

    return begin


def about(page: Page, words: str) -> None:
    """Another first line of what the document is for, in its text."""
    line = next(line for line in text_of(page).splitlines() if line.startswith("about:"))
    change_text(page, line, f"about: {words}")


def save(page: Page) -> None:
    page.get_by_role("button", name="Save draft").click()


def stands(page: Page, words: str) -> None:
    """The text is still there as it was typed."""
    assert f"about: {words}\n" in text_of(page)


def test_two_people_in_one_document_lose_nothing(editor, bo, watch):
    watch.expect("409")
    mine, theirs = editor(), editor(state=bo)
    about(mine, "Written by Ana.")
    about(theirs, "Written by Bo.")
    save(theirs)
    expect(theirs.get_by_text("Saved", exact=True)).to_be_visible()
    save(mine)
    conflict = mine.get_by_role("alert").filter(has_text="bo@example.com saved version")
    expect(conflict).to_contain_text("Written by Bo.")
    expect(conflict).to_contain_text("Written by Ana.")
    stands(mine, "Written by Ana.")
    conflict.get_by_role("button", name="Save mine after theirs").click()
    expect(mine.get_by_text("Saved", exact=True)).to_be_visible()
    mine.reload()
    stands(mine, "Written by Ana.")


def test_a_session_that_ends_while_somebody_types(editor, tab, watch, house):
    watch.expect("401")
    page = editor()
    about(page, "Typed while the session ended.")
    kept = page.context.cookies()
    page.context.clear_cookies()
    save(page)
    told = page.get_by_role("alert").filter(has_text="Your session has ended")
    expect(told).to_be_visible()
    stands(page, "Typed while the session ended.")
    with page.context.expect_page() as opened:
        told.get_by_role("link", name="Sign in in a new tab").click()
    door = opened.value
    door.get_by_label("E-mail").fill("ana@example.com")
    door.get_by_label("Password").fill("correct horse battery")
    door.get_by_role("button", name="Sign in").click()
    door.wait_for_url(re.compile("/activity/|/setup/"))
    door.close()
    page.bring_to_front()
    stands(page, "Typed while the session ended.")
    save(page)  # as the page said: sign in in another tab, then repeat
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert {one["value"] for one in page.context.cookies()} != {one["value"] for one in kept}


def test_a_browser_that_closed_offers_what_was_typed(editor):
    page = editor()
    about(page, "Not saved before the browser closed.")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_role("button", name="Take it up").click()
    expect(page.locator("#text")).to_have_value(re.compile("Not saved before the browser closed."))
    save(page)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def test_a_database_that_is_away_while_somebody_saves(editor, watch, ready):
    watch.expect("503")
    page = editor()
    about(page, "Typed while the database was away.")
    with closing(sqlite3.connect(ready.home / "connector.db", isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")  # nobody else can write
        save(page)
        told = page.get_by_role("alert").filter(has_text="The database does not answer right now")
        expect(told).to_be_visible(timeout=45_000)
        other.execute("ROLLBACK")
    stands(page, "Typed while the database was away.")
    expect(page.get_by_text("Not saved", exact=True)).to_be_visible()
    save(page)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def test_a_crm_that_is_away_while_somebody_tries(editor, ready):
    invitation = mailing_tool_invites(ready, ANA)
    ready.customer(ANA, button={"text": "Más tarde", "payload": "later"}, reply_to=invitation)
    until(lambda: settled(ready, 1), "the tap is judged")
    page = editor()
    about(page, "Tried while the CRM was away.")
    page.get_by_role("tab", name="Try it").click()
    page.get_by_text("Or take something that happened").click()
    page.locator("#past-events").get_by_role("button").first.click()
    live = page.get_by_role("button", name="With the CRM's values of now")
    expect(live).to_be_visible()
    page.wait_for_load_state("networkidle")  # the page tries by itself after each change, and would show that
    ready.play("POST", "/_faults", [{"route": "* /hubspot/*", "kind": "5xx"}])
    try:
        live.click()
        expect(page.locator("#try-result .note.bad")).to_be_visible(timeout=60_000)
    finally:
        ready.play("POST", "/_faults", [])
    stands(page, "Tried while the CRM was away.")
    live.click()
    expect(page.locator("#try-result .tried")).to_be_visible(timeout=60_000)
