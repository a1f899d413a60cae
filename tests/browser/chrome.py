"""Chromium, and a watch over every page: what nobody may see, and what would run where text should stand."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: containers have no user namespaces; nothing but our own pages is opened. The rest: no calls home.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE = 20_000  # milliseconds a page may take: the machine may be busy
WIDTHS = {1440: 900, 1024: 768, 390: 844}
# Runs in every page before its own scripts: what the content policy refuses becomes an error of the page.
WATCH = """
document.addEventListener("securitypolicyviolation", (e) =>
  console.error(`content policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber} ${e.sample}`));
"""


def found() -> str:
    """Chromium's path; "" when there is none."""
    named = os.environ.get("CHROMIUM", "")
    return named or next((path for name in NAMES if (path := shutil.which(name))), "")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for all tests."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found(), args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a page did that no page may do. `expected` are patterns of what a test provokes itself."""

    expected: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def expect(self, *patterns: str) -> None:
        """This is no fault here."""
        self.expected.extend(patterns)

    @property
    def faults(self) -> list[str]:
        return [one for one in self.seen if not any(re.search(pattern, one) for pattern in self.expected)]

    def over(self, page: Page) -> None:
        """Looks at `page` from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.seen.append(f"error of a script: {error}"))
        page.on("response", self._response)
        page.on("request", lambda asked: self.seen.append("a CSP report") if asked.url.endswith("/csp") else None)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.seen.append(f"console {message.type}: {message.text} {message.location.get('url', '')}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.seen.append(f"{response.status} {response.url}")


def context(browser: Browser, state: Path | None, width: int = 1440, scheme: str = "light") -> BrowserContext:
    """A person's browser."""
    opened = browser.new_context(
        viewport={"width": width, "height": WIDTHS.get(width, 900)},
        color_scheme=scheme,  # type: ignore[arg-type]
        storage_state=state,
        locale="en-US",
        reduced_motion="reduce",
    )
    opened.add_init_script(WATCH)
    opened.set_default_timeout(PATIENCE)
    opened.set_default_navigation_timeout(PATIENCE)
    return opened
