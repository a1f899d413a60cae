"""Every screen, light and dark, wide and narrow, full of hostile texts: nothing runs or overflows, all can read."""

import json
import re

import pytest
from playwright.sync_api import Page

from tests.browser import crawl, hostile
from tests.browser.chrome import WIDTHS

OF_THE_CONSOLE = {"setup", "phone", "activity", "mappings", "review", "templates", "sends", "conversations",
                  "contacts", "reports", "health", "settings", "people", "tokens", "links", "audit", "me",
                  "tasks"}  # fmt: skip


@pytest.fixture(scope="module")
def full(ready) -> None:
    """The house after its first day, with hostile texts in everything people and CRMs may write."""
    hostile.fill(ready)


def ran(page: Page) -> list[str]:
    """What a payload would leave."""
    return ["a payload ran"] if page.evaluate("window.__xss !== undefined") else []


def looks(page: Page) -> list[str]:
    """A page's faults at every width, in both schemes."""
    crawl.unfold(page)
    faults = ran(page) + crawl.drawn(page) + crawl.tables(page)
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        faults += crawl.overflow(page)
        if width != 1024:
            page.emulate_media(color_scheme="light")
            faults += [f"light {width}: {one}" for one in crawl.unfit(page)]
            page.emulate_media(color_scheme="dark")
            page.evaluate(crawl.PAINTED)  # the editor changes its colours with the next frame
            faults += [f"dark {width}: {one}" for one in crawl.unfit(page, contrast_only=True)]
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")
    return faults


def dialogs(page: Page) -> list[str]:
    """The faults of every dialog of a page, opened by its button."""
    faults = []
    for button in page.locator("main button[data-open]:visible, header button[data-open='keys']").all()[:4]:
        button.click()
        dialog = page.locator("dialog[open]")
        name = dialog.get_attribute("id")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            faults += [f"dialog {name} {scheme}: {one}" for one in crawl.unfit(page, within="dialog[open]")]
        page.set_viewport_size({"width": 390, "height": 844})
        faults += [f"dialog {name}: {one}" for one in crawl.overflow(page)]
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light")
        page.keyboard.press("Escape")
    return faults


def test_every_screen(full, tab, watch, house):
    watch.expect("status of 404")  # the page that is not there is a page, too
    page, faults, seen = tab("/activity/"), {}, set()
    page.on("dialog", lambda dialog: faults.setdefault("dialog", []).append(dialog.message))
    for route, path in crawl.crawl(page, house.web):
        found = looks(page) + dialogs(page)
        if found:
            faults[f"{route} {path}"] = found
        seen.add(route.partition(".")[0])
    (house.home / "faults.json").write_text(json.dumps(faults, indent=1, ensure_ascii=False))
    assert OF_THE_CONSOLE - seen == set()
    assert faults == {}, json.dumps(faults, indent=1, ensure_ascii=False)


def test_sign_in_and_what_a_used_link_says(tab, house, watch):
    watch.expect("410")
    page = tab("/signin", state=None)
    faults = looks(page)
    page.goto(house.link)
    faults += looks(page)
    assert faults == []


def test_every_hostile_text_is_text(full, tab, house):
    page, faults = tab("/activity/"), []
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    for who, payload in zip(hostile.NAMES, hostile.PAYLOADS, strict=True):
        page.goto(f"{house.web}/activity/?q={who}")
        rows = page.locator("table.lines tbody tr")
        assert rows.count() >= 2, f"{payload[:60]!r}: not both messages are listed"
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            faults += [f"list, {payload[:40]!r}: {one}" for one in crawl.overflow(page) + ran(page)]
        page.locator("a[data-row]").first.click()
        page.wait_for_url(re.compile(r"/activity/.+"))
        if payload.isascii() and payload.isprintable():
            assert payload[:40].strip() in page.locator("main").inner_text(), f"{payload[:60]!r} cannot be read"
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            faults += [f"why, {payload[:40]!r}: {one}" for one in crawl.overflow(page) + ran(page)]
    assert faults == []


@pytest.mark.parametrize("width", [390, 1440])
def test_phones_show_hostile_messages_as_text(full, tab, house, width):
    page, faults = tab("/phone", width=width), []
    for who in hostile.NAMES[::6]:
        page.goto(f"{house.web}/phone/{who}")
        faults += [f"{who}: {one}" for one in crawl.overflow(page) + ran(page)]
    assert faults == []
