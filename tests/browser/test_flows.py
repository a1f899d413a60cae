"""A flow from its first draft to a conversation: drawn, mended, walked, made a test, published, begun on a phone."""

import re

from playwright.sync_api import Page, expect

from tests.browser.acts import ANA, change_text, publish, text_of
from tests.browser.house import until

STEPS = ("need", "details", "thanks", "human")
GOES = "{buy: details, help: human}"


def test_a_flow_is_drawn_mended_walked_published_and_begun(tab, ready):
    page = tab("/mappings/")
    page.get_by_role("link", name=re.compile("New")).first.click()
    begin(page, "first-talk")
    a_broken_way_is_found_and_mended(page)
    walked_by_machine(page)
    walked_by_hand(page)
    publish(page)
    expect(page.get_by_role("status").filter(has_text="Version 1 is live.")).to_be_visible(timeout=30_000)
    begun_by_a_customer(page, ready.web)
    seen_in_conversations(page, ready.web)


def begin(page: Page, name: str) -> None:
    """The starter of a flow: its text, and beside it the drawing."""
    page.get_by_role("radio", name=re.compile("Conversation|Flow")).check()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("CRM account").select_option("hubspot")
    page.get_by_role("button", name="Begin").click()
    drawing = page.locator("#form .flow").first
    for step in STEPS:
        expect(drawing.get_by_role("button", name=step, exact=False).first).to_be_visible()
    expect(page.get_by_role("tab", name="Tests 3/3")).to_be_visible()


def a_broken_way_is_found_and_mended(page: Page) -> None:
    """A `go:` to a step that is not there is told with its line, and cannot be published."""
    change_text(page, GOES, "{buy: detials, help: human}")
    finding = page.get_by_role("list", name="Findings")
    expect(finding).to_contain_text("detials")
    expect(finding).to_contain_text(re.compile(r"[Ll]ine \d+"))
    change_text(page, "{buy: detials, help: human}", GOES)
    expect(page.get_by_role("tab", name="Tests 3/3")).to_be_visible()
    expect(finding).not_to_contain_text("detials")


def walked_by_machine(page: Page) -> None:
    """Every path: each step is coloured as covered."""
    page.get_by_role("tab", name="All paths").click()
    paths = page.locator("#paths")
    expect(paths).to_contain_text(re.compile(r"(\d+) of \1 steps reached"))
    expect(paths.locator(".flow-row.walked").filter(has_text="details").first).to_be_visible()


def walked_by_hand(page: Page) -> None:
    """The phone beside the drawing; the conversation becomes a test with one click."""
    page.get_by_role("tab", name="Phone").click()
    phone = page.locator("#try")
    phone.get_by_role("button", name="hello", exact=True).click()
    phone.get_by_role("button", name="I want to buy").click()
    expect(phone.locator(".flow-row.walked")).to_have_count(2)
    page.get_by_label("Write as the customer").fill("Two chairs")
    page.keyboard.press("Enter")
    expect(phone.get_by_text("It has ended: asked")).to_be_visible()
    phone.get_by_role("button", name="Make this conversation a test").click()
    expect(page.get_by_role("tab", name="Tests 4/4")).to_be_visible()
    assert "say: [hello, buy, Two chairs]" in text_of(page)
    assert "# id: label, at most 3" in text_of(page), "comments are gone"


def begun_by_a_customer(page: Page, base: str) -> None:
    """On the sandbox's phone: the starting word, a tap, what they need; the CRM has it; the why tells the steps."""
    page.goto(f"{base}/phone/{ANA}")
    messages = page.get_by_role("log", name="Messages")
    write(page, "hello")
    messages.get_by_role("button", name="I want to buy").last.click()
    expect(messages.get_by_text("Tell us in a few words").last).to_be_visible(timeout=30_000)
    write(page, "Two chairs")
    expect(messages.get_by_text("You will hear from us today").last).to_be_visible(timeout=30_000)
    expect(page.locator("#records .changed").filter(has_text="Two chairs").first).to_be_visible(timeout=30_000)
    messages.locator("article.out").filter(has_text="Two chairs").last.get_by_role("link", name="why").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana")
    document = page.get_by_role("region", name="first-talk")
    expect(document).to_contain_text("details")
    expect(document).to_contain_text("asked")


def write(page: Page, words: str) -> None:
    box = page.get_by_label("Write as Ana", exact=False)
    box.fill(words)
    box.press("Enter")


def seen_in_conversations(page: Page, base: str) -> None:
    """The one that ended, with all that was said; another, given to a person and back; where people stand."""
    page.goto(f"{base}/conversations/?state=ended")
    page.get_by_role("row").filter(has_text="first-talk").get_by_role("link").first.click()
    log = page.get_by_role("log", name="The conversation")
    expect(log).to_contain_text("what can we do for you?")
    expect(log).to_contain_text("Two chairs")

    page.goto(f"{base}/phone/{ANA}")
    write(page, "hello")
    row = page.get_by_role("row").filter(has_text="first-talk")
    page.goto(f"{base}/conversations/")
    until(lambda: row.count() or (page.reload() is None and row.count()), "the conversation is listed")
    expect(row).to_contain_text("need")
    row.get_by_role("link").first.click()
    page.get_by_role("button", name="A person talks").click()
    expect(page.get_by_text("automation is silent until they are given back")).to_be_visible()
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_role("button", name="A person talks")).to_be_visible()
    page.goto(f"{base}/mappings/first-talk/running")
    expect(page.get_by_text("1 waits here")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("https://wa.me/"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("QR"))).to_be_visible()
