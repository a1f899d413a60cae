"""Every screen there is, found as a person finds it: by its links. One or a few pages of each route."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException

from connector.web.house import House
from connector.web.pages import flask_app

SPRITE = Path(__file__).parents[2] / "connector" / "web" / "static" / "vendor" / "icons.svg"
DRAWINGS = set(re.findall(r'<symbol[^>]*\bid="([\w-]+)"', SPRITE.read_text(encoding="utf-8")))
STARTS = ("/setup/", "/phone", "/activity/", "/mappings/", "/review/", "/templates/", "/sends/", "/sends/broadcasts",
          "/conversations/", "/conversations/?state=all", "/contacts/", "/reports/", "/reports/unanswered", "/health/",
          "/mappings/hostile-talk", "/settings/", "/settings/me/", "/settings/access/", "/prove/",
          "/activity/?q=nothing+has+this+name", "/no/such/page")  # fmt: skip
MANY: Mapping[str, int] = {"activity.why.index": 3, "mappings.edit": 3, "phone.of": 2, "contacts.one": 2}
PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
AXE = Axe().axe_script
ALIKE = ("tbody tr:nth-child(n+9)", ".talk article:nth-last-child(n+9)", ".events li:nth-child(n+9)")  # as those before
LINKS = """() => [...document.querySelectorAll("a[href]:not([download])")]
  .filter((a) => a.origin === location.origin).map((a) => a.pathname + a.search)"""
OVERFLOW = """() => {
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= most) return [];
  const scrolls = (e) => e && e !== document.body &&
    (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
  const out = [...document.body.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > most + 1 && !scrolls(e.parentElement));
  return [`${document.documentElement.scrollWidth} of ${most}`,
    ...out.slice(0, 4).map((e) => `${e.tagName}.${e.className}: ${(e.textContent || "").trim().slice(0, 40)}`)];
}"""


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


SQUEEZED = """() => [...document.querySelectorAll("main *")].filter((e) => {
  const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent).join("").trim();
  const box = e.getBoundingClientRect();
  return text.length >= 12 && box.width > 1 && box.width < 50 && box.height > 70 && !e.closest(".cm-editor, .hidden");
}).slice(0, 4).map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`)"""


def routes():
    """Knows which route a path belongs to."""
    nothing = House(
        store=None, keyring=None, clock=Clock(), ring=lambda *_: None, accounts=tuple,
        hook=str, manifests={}, public_url="http://127.0.0.1", sandbox="http://127.0.0.1:9",
    )  # type: ignore[arg-type]  # fmt: skip
    return flask_app(nothing).url_map.bind("127.0.0.1")


def crawl(page: Page, base: str, starts: tuple[str, ...] = STARTS) -> Iterator[tuple[str, str]]:
    """(route, path) of each page, opened in `page`."""
    known, waiting, seen, visited = routes(), list(starts), set[str](), Counter[str]()
    while waiting:
        path = waiting.pop(0)
        route = _route(known, path)
        if path in seen or visited[route] >= MANY.get(route, 1) + (path in starts):
            continue
        seen.add(path)
        page.goto(base + path)
        visited[_route(known, urlsplit(page.url).path)] += 1
        waiting += [one for one in page.evaluate(LINKS) if not one.startswith(("/static/", "/api/"))]
        yield route, path


def _route(known, path: str) -> str:
    try:
        return str(known.match(urlsplit(path).path, method="GET")[0])
    except HTTPException:
        return "none"


def unfold(page: Page) -> None:
    """Everything that may be opened in place is open."""
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(150)


def drawn(page: Page) -> list[str]:
    """Drawings that are not in the sprite."""
    used = page.evaluate("[...document.querySelectorAll('svg use')].map((u) => u.getAttribute('href').split('#')[1])")
    return [f"no drawing {name}" for name in sorted(set(used) - DRAWINGS)]


def overflow(page: Page) -> list[str]:
    """What is wider than the page, and words that stand in a column of a few letters."""
    width = f"{page.viewport_size['width']} px"
    return [
        *(f"{width}: {one}" for one in page.evaluate(OVERFLOW)),
        *(f"{width}, squeezed: {one}" for one in page.evaluate(SQUEEZED)),
    ]


def tables(page: Page) -> list[str]:
    """Tables that are none any more: another rule has taken their class. Phones show them as cards."""
    wrong = "[...document.querySelectorAll('table')].filter((t) => getComputedStyle(t).display !== 'table')"
    return [f"not a table: {one}" for one in page.evaluate(f"{wrong}.map((t) => t.className)")]


def unfit(page: Page, contrast_only: bool = False, within: str = "") -> list[str]:
    """axe's serious and critical findings."""
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if contrast_only:
        options["runOnly"] = {"type": "rule", "values": ["color-contrast"]}
    context = within or {"exclude": [[one] for one in ALIKE]}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    run = "([context, options]) => axe.run(context, options).then((found) => found.violations)"
    found = page.evaluate(run, [context, options])
    return [
        f"axe {one['id']} ({one['impact']}): {one['help']}: "
        + "; ".join(f"{node['target']} {node['html'][:160]} {_colours(node)}" for node in one["nodes"][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def _colours(node: Mapping[str, list[dict[str, dict[str, str]]]]) -> str:
    data = next((one["data"] for one in node["any"] if one.get("data")), None)
    return f"{data['fgColor']} on {data['bgColor']}: {data['contrastRatio']}" if data and "fgColor" in data else ""
