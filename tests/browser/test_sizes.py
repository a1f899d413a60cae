"""What the console is for, on other screens: tap, see the field change, read why, change the mapping."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.acts import ANA, mailing_tool_invites


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "dark"), (1024, "light"), (1024, "dark"), (390, "light"), (390, "dark")]
)
def test_a_tap_its_why_and_its_mapping(ready, tab, width, scheme):
    mailing_tool_invites(ready, ANA)
    page = tab("/activity/", width, scheme)
    if width == 390:
        page.get_by_role("button", name="Menu").click()
    page.get_by_role("navigation", name="Screens").get_by_role("link", name="Phone").click()
    page.goto(f"{ready.web}/phone/{ANA}")
    page.get_by_role("log", name="Messages").get_by_role("button", name="Más tarde").last.click()
    expect(page.locator("#records [id$='-whatsapp_last_answer']")).to_contain_text("Más tarde")

    page.get_by_role("link", name="Why did this happen?").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana")
    page.get_by_role("region", name="webinar-interest").get_by_role("link", name="webinar-interest").click()

    page.get_by_role("tab", name="Form").click()
    words = f"Who tapped which button, {width} {scheme}."
    page.get_by_label("What it is for").fill(words)
    page.get_by_label("What it is for").press("Tab")
    expect(page.locator("#text")).to_have_value(re.compile(re.escape(words)))
    page.get_by_role("tab", name="Try it").click()
    expect(page.locator("#try-result .tried")).to_be_visible()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
