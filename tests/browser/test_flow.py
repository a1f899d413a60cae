"""A flow from its first draft to a conversation: drawn, walked, made a test of, simulated, published, begun."""

import re

from playwright.sync_api import expect

from tests.browser.acts import ANA, publish, text_of


def test_a_flow_is_drawn_walked_tested_published_and_begun(tab, ready):
    page = tab("/mappings/+new?kind=flow")
    page.get_by_label("Name", exact=True).fill("first-talk")
    page.get_by_label("CRM account").select_option("hubspot")
    page.get_by_role("button", name="Begin").click()
    drawing = page.locator("#form .flow").first
    expect(drawing.get_by_role("button", name="need")).to_contain_text("what can we do for you?")
    expect(page.get_by_role("tab", name="Tests 3/3")).to_be_visible()

    page.get_by_role("tab", name="Phone").click()
    phone = page.locator("#try")
    phone.get_by_role("button", name="hello", exact=True).click()
    phone.get_by_role("button", name="I want to buy").click()
    expect(phone.locator(".flow-row.walked")).to_have_count(2)
    page.get_by_label("Write as the customer").fill("Two chairs")
    page.keyboard.press("Enter")
    expect(phone.get_by_text("It has ended: asked")).to_be_visible()
    expect(page.get_by_label("Write as the customer")).to_be_disabled()
    phone.get_by_role("button", name="Make this conversation a test").click()
    expect(page.get_by_role("tab", name="Tests 4/4")).to_be_visible()
    assert "say: [hello, buy, Two chairs]" in text_of(page)
    assert "# id: label, at most 3" in text_of(page)

    page.get_by_role("tab", name="All paths").click()
    expect(page.locator("#paths")).to_contain_text("5 of 5 steps reached")
    publish(page)
    expect(page.get_by_role("status").filter(has_text="is live.")).to_be_visible(timeout=30_000)

    ready.customer(ANA, text="hello")
    page.goto(f"{ready.web}/conversations/")
    for _ in range(40):
        if page.get_by_text("first-talk").count() > 1:
            break
        page.wait_for_timeout(500)
        page.reload()
    row = page.get_by_role("row").filter(has_text="waits for an answer")
    expect(row).to_contain_text("need")
    row.get_by_role("link").first.click()
    log = page.get_by_role("log", name="The conversation")
    expect(log).to_contain_text("what can we do for you?")
    page.get_by_role("button", name="A person talks").click()
    expect(page.get_by_text("automation is silent until they are given back")).to_be_visible()
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_role("button", name="A person talks")).to_be_visible()
    page.goto(f"{ready.web}/mappings/first-talk/running")
    expect(page.get_by_text("1 waits here")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"wa\.me"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("QR"))).to_be_visible()
