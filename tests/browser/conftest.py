"""A house with its first admin, a browser, and pages that fail their test when anything goes wrong in them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chrome
from tests.browser.house import House

PERSON = {"email": "ana@example.com", "name": "Ana", "password": "correct horse battery"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "first: needs the house as it is on its first day")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


def pytest_sessionstart() -> None:
    if not chrome.found():
        pytest.exit("There is no Chromium: apt-get install chromium, or set CHROMIUM to its path.", returncode=3)


expect.set_options(timeout=chrome.PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chrome.chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def open_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], House]]:
    """Starts houses; all are ended by SIGTERM, with nothing wrong in their logs."""
    opened: list[House] = []

    def begin(**more: str) -> House:
        opened.append(House(tmp_path_factory.mktemp("home"), **more))
        return opened[-1]

    yield begin
    codes = [house.end() for house in opened]
    assert codes == [0] * len(codes)
    for house in opened:
        wrong = [line for line in house.said().splitlines() if re.search(r"content policy:|Traceback|, number ", line)]
        assert wrong == [], house.said()[-6000:]


@pytest.fixture(scope="session")
def house(open_house: Callable[[], House]) -> House:
    """The house that all tests share; the tests of the first day find it empty."""
    return open_house()


@pytest.fixture(scope="session")
def admin(house: House, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first admin's session, begun with the one-time link."""
    return welcomed(house.link, browser, tmp_path_factory.mktemp("state") / "admin.json", **PERSON)


@pytest.fixture(scope="session")
def ready(house: House, admin: Path, browser: Browser) -> House:
    """The house with the sandbox connected."""
    here = chrome.context(browser, admin)
    page = here.new_page()
    page.goto(f"{house.web}/setup/")
    connect = page.get_by_role("button", name="Connect the sandbox")
    if connect.is_visible():
        connect.click()
    expect(page.get_by_role("link", name="Open the phone")).to_be_visible(timeout=60_000)
    here.close()
    return house


def welcomed(link: str, browser: Browser, state: Path, email: str = "", name: str = "", password: str = "") -> Path:
    """Somebody uses a one-time link; where their session is kept."""
    here = chrome.context(browser, None)
    page = here.new_page()
    page.goto(link)
    if email:
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Name", exact=False).first.fill(name)
    page.get_by_label("Password", exact=False).first.fill(password)
    page.get_by_role("button").last.click()
    page.wait_for_url(re.compile(r"/(setup|activity)/"))
    here.storage_state(path=state)
    here.close()
    return state


@pytest.fixture
def watch() -> chrome.Watch:
    """What the test's pages may do besides."""
    return chrome.Watch()


@pytest.fixture
def tab(house: House, browser: Browser, admin: Path, watch: chrome.Watch) -> Iterator[Callable[..., Page]]:
    """tab("/path", width, scheme): a page of the admin's; the test fails with what went wrong in any of them."""
    opened = []

    def begin(path: str = "/", width: int = 1440, scheme: str = "light", state: Path | None = admin) -> Page:
        opened.append(chrome.context(browser, state, width, scheme))
        page = opened[-1].new_page()
        watch.over(page)
        page.goto(house.web + path)
        return page

    yield begin
    for one in opened:
        one.close()
    assert watch.faults == []
