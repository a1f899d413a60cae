"""A new admin's first day: from the one-time link to a mapping of their own, and back; then the same for a send."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import ANA, change_text, mailing_tool_invites, open_document, publish, yes

pytestmark = pytest.mark.first


def test_from_the_link_to_the_phone(tab):
    page = tab("/")
    expect(page).to_have_url(re.compile("/setup/"))
    page.get_by_role("button", name="Connect the sandbox").click()
    page.get_by_role("link", name="Open the phone").click(timeout=60_000)
    expect(page).to_have_url(re.compile(f"/phone/{ANA}"))
    page.get_by_role("log", name="Messages").get_by_role("button", name="Me interesa").click()
    stage = page.locator("#records [id$='-lifecyclestage'].changed")
    expect(stage).to_contain_text("Sales Qualified Lead", timeout=30_000)
    expect(page.locator("#records [id$='-whatsapp_last_answer'].changed")).to_contain_text("Me interesa")

    page.get_by_role("link", name="Why did this happen?").click()
    document = page.get_by_role("region", name="webinar-interest")
    expect(document).to_contain_text("salesqualifiedlead")
    expect(document.get_by_text("written").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana")
    document.get_by_role("link", name="webinar-interest").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("webinar-interest")


def test_a_mapping_is_changed_tried_published_and_rolled_back(tab, house):
    page = tab("/mappings/")
    open_document(page, "webinar-interest")
    target = page.get_by_label("set lifecyclestage map interested")
    target.select_option("opportunity")
    expect(page.get_by_text("Not saved", exact=True)).to_be_visible()
    page.get_by_role("tab", name=re.compile("Tests")).click()
    expect(page.get_by_role("tab", name="Tests 6/7")).to_be_visible()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Not published")).to_be_visible(timeout=30_000)

    change_text(page, "expect: {lifecyclestage: salesqualifiedlead, log", "expect: {lifecyclestage: opportunity, log")
    expect(page.get_by_role("tab", name="Tests 7/7")).to_be_visible()

    page.get_by_role("tab", name="Try it").click()
    page.get_by_text("Or take something that happened").click()
    page.locator("#past-events").get_by_role("button", name=re.compile("Ana")).first.click()
    tried = page.locator("#try-result")
    expect(tried).to_contain_text("opportunity")
    publish(page)
    expect(page.get_by_role("status").filter(has_text="Version 2 is live.")).to_be_visible(timeout=30_000)

    assert tapped_again(page, house, "Me interesa") == "Opportunity"

    page.goto(f"{house.web}/mappings/webinar-interest/versions")
    yes(page)
    page.get_by_role("row", name=re.compile("^1 ")).get_by_role("button", name="Roll back to it").click()
    expect(page.locator("#head, #content").filter(has_text=re.compile("[Ll]ive.*3|3.*live")).first).to_be_visible()
    page.goto(f"{house.web}/mappings/webinar-interest")
    expect(page.get_by_label("set lifecyclestage map interested")).to_have_value("salesqualifiedlead")


def tapped_again(page: Page, house, button: str) -> str:
    """Another invitation, another tap; the stage then."""
    mailing_tool_invites(house, ANA)
    page.goto(f"{house.web}/phone/{ANA}")
    page.get_by_role("log", name="Messages").get_by_role("button", name=button).last.click()
    stage = page.locator("#records [id$='-lifecyclestage'] strong")
    expect(stage).to_have_text("Opportunity", timeout=30_000)
    return stage.inner_text()


def test_a_deal_moves_and_the_customer_accepts(tab, house):
    page = tab(f"/phone/{ANA}")
    messages = page.get_by_role("log", name="Messages")
    page.get_by_label("A colleague moves it to").first.select_option(label="Presentation Scheduled")
    accept = messages.get_by_role("button", name=re.compile("Aceptar|Accept")).last
    expect(accept).to_be_visible(timeout=40_000)
    accept.click()
    expect(page.locator("#records [id$='-dealstage'].changed, #records .stage select").first).to_be_visible()
    expect(page.get_by_label("A colleague moves it to").first).to_have_value("closedwon", timeout=40_000)


def test_a_send_is_changed_and_its_message_seen_before_it_is_published(tab):
    page = tab("/mappings/")
    open_document(page, "quote-ready")
    about = page.get_by_label("What it is for", exact=True)
    about.fill(f"The quote, changed on {datetime.now(UTC):%A}.")
    about.press("Tab")
    page.get_by_role("tab", name="Try it").click()
    expect(page.locator("#try-result .bubble.out")).to_be_visible()
    publish(page)
    expect(page.get_by_role("status").filter(has_text="is live.")).to_be_visible(timeout=30_000)
