"""make screens: a picture of every screen into docs/screens, light and dark, wide and narrow, from the demo's house."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser import chrome
from tests.browser.conftest import PERSON, welcomed
from tests.browser.house import ROOT, House

FOLDER = ROOT / "docs" / "screens"
LARGEST = 150_000  # bytes of a picture
ANA = "573001112222"
# name: where it is, and what is opened there
SCREENS = {
    "setup": "/setup/",
    "phone": f"/phone/{ANA}",
    "activity": "/activity/",
    "why": f"/activity/?q={ANA}",
    "mappings": "/mappings/",
    "editor": "/mappings/webinar-interest",
    "review": "/review/",
    "templates": "/templates/",
    "template": "/templates/",
    "sends": "/sends/",
    "contacts": "/contacts/",
    "contact": f"/contacts/?q={ANA}",
    "health": "/health/",
    "settings": "/settings/",
}
OPENED = {"why": "Me interesa", "template": "quote_ready", "contact": "Ana"}  # the line of the list
LOOKS = ((1440, "light"), (1440, "dark"), (390, "light"))


def main(wanted: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chrome.chromium() as browser:
        house = House(Path(folder), "demo")
        try:
            state = welcomed(house.link, browser, Path(folder) / "state.json", **PERSON)
            for width, scheme in LOOKS:
                page = chrome.context(browser, state, width, scheme).new_page()
                for name in wanted or SCREENS:
                    page.goto(house.web + SCREENS[name])
                    prepare(page, name)
                    save(page, FOLDER / f"{name}-{width}-{scheme}.png")
                page.context.close()
        finally:
            house.end()


def prepare(page: Page, name: str) -> None:
    """What there is to see."""
    if name in OPENED:
        page.locator("main a[data-row]").filter(has_text=OPENED[name]).first.click()
        page.wait_for_load_state()
    if name == "editor":
        page.get_by_role("tab", name="Try it").click()
        expect(page.locator("#try-result .tried")).to_be_visible()
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)


def save(page: Page, path: Path) -> None:
    """A palette picture: as many colours as fit."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        shot.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            out, "PNG", optimize=True
        )
        if out.tell() < LARGEST:
            break
    path.write_bytes(out.getvalue())
    print(f"{path.relative_to(ROOT)}  {out.tell() // 1000} kB  {colours} colours")


if __name__ == "__main__":
    main(sys.argv[1:])
