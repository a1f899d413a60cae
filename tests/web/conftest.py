"""One web process for the tests that leave it as it is; a test that does not starts its own."""

import shutil

import pytest

from tests.web.console import clock, console, make_console
from tests.web.front import Web, add_account, environment

__all__ = ["clock", "console", "make_console"]


@pytest.fixture(scope="module")
def web_home(tmp_path_factory, sqlite_template):
    home = tmp_path_factory.mktemp("home")
    shutil.copy(sqlite_template, home / "connector.db")
    return home


@pytest.fixture(scope="module")
def shop(web_home):
    """The id of the account `shop`."""
    return add_account(environment(web_home))


@pytest.fixture(scope="module")
def web(web_home, shop):
    running = Web(environment(web_home, REDIS_URL="redis://127.0.0.1:1/0"))
    yield running
    assert running.end() == 0


@pytest.fixture
def start():
    """Starts web processes that do not outlive the test."""
    running = []

    def begin(env):
        running.append(Web(env))
        return running[-1]

    yield begin
    for web in running:
        web.kill()


@pytest.fixture
def own_home(tmp_path, sqlite_template):
    """A home of its own with a fresh database."""
    home = tmp_path / "own"
    home.mkdir()
    shutil.copy(sqlite_template, home / "connector.db")
    return home
