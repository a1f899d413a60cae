"""The console with the keyboard alone: the way through is seen, and every key does what the help says."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import ANA
from tests.browser.house import until

RING = """() => {
  const at = document.activeElement, look = getComputedStyle(at);
  const near = getComputedStyle(at.parentElement);
  const drawn = (s) => (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none";
  const name = at.getAttribute("aria-label") || at.innerText || at.id;
  return { tag: at.tagName, name, seen: drawn(look) || drawn(near) };
}"""
PLACES = {
    "s": "/setup/",
    "m": "/mappings/",
    "r": "/review/",
    "t": "/templates/",
    "e": "/sends/",
    "v": "/conversations/",
    "o": "/reports/",
    "c": "/contacts/",
    "h": "/health/",
    "g": "/settings/",
    "p": "/phone/",
    "a": "/activity/",
}


def go(page: Page, keys: str, place: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)
    page.wait_for_url(re.compile(place))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def walk(page: Page, wanted: str, most: int = 90) -> None:
    """Tab until `wanted` has the focus; each stop is seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        at = page.evaluate(RING)
        assert at["seen"] or at["tag"] == "BODY", f"no focus is seen on {at}"
        if re.search(wanted, at["name"] or ""):
            return
    raise AssertionError(f"Tab never comes to {wanted}")


def test_every_screen_has_its_keys(ready, tab):
    page = tab("/activity/")
    for key, place in PLACES.items():
        go(page, f"g {key}", place)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("g")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox").first).to_be_focused()
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/activity/\?q=Ana"))


def test_the_skip_link_comes_first(ready, tab):
    page = tab("/mappings/")
    page.keyboard.press("Tab")
    assert page.evaluate(RING)["seen"]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_document_is_changed_tried_and_saved_without_a_mouse(ready, tab, scheme):
    page = tab("/activity/", scheme=scheme)
    go(page, "g m", "/mappings/")
    walk(page, "^webinar-interest$")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/mappings/webinar-interest"))
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    walk(page, "^Form$")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Try it")).to_be_focused()
    expect(page.locator("#try-result .tried")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Form")).to_be_focused()
    page.get_by_label("What it is for").focus()
    page.keyboard.press("End")
    page.keyboard.type(f" By keyboard, {scheme}.")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_have_value(re.compile(f"By keyboard, {scheme}"))
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def test_a_customer_taps_with_the_keyboard_and_why_is_read(ready, tab):
    page = tab(f"/phone/{ANA}")
    page.get_by_role("log", name="Messages").focus()
    walk(page, "^why$|^Why did this happen|Write as")
    page.get_by_label("Write as Ana", exact=False).focus()
    page.keyboard.type("Hello from the keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log", name="Messages")).to_contain_text("Hello from the keyboard")
    page.get_by_role("log", name="Messages").focus()  # keys are words while one writes
    go(page, "g a", "/activity/")
    line = page.get_by_role("link", name="Hello from the keyboard").first
    until(lambda: line.is_visible() or (page.reload() is None and line.is_visible()), "the message is listed")
    walk(page, "Hello from the keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/activity/[^?]+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana")
