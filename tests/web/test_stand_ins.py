"""The sandbox connected by a worker's task: everything an admin would do by hand, and never over a real account."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connector import config, errors
from connector.app import open_app
from connector.base import kinds
from connector.bell import RedisBell
from connector.sandbox.__main__ import serve
from connector.store import documents, setting_up
from connector.store.tasks import Task
from connector.web.sandbox import Sandbox
from connector.works import stand_ins

ANA = "573001112222"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = serve(0)
    yield Sandbox(running.url, 20.0)
    running.close()


@pytest.fixture
def env(own_home, start, sandbox):
    """A running web process that the sandbox can call."""
    from tests.web.front import environment

    given = environment(own_home, REDIS_URL="redis://127.0.0.1:1/0", SANDBOX_URL=sandbox.url)
    web = start(given)
    return given | {"PORT": str(web.port)}


@pytest.fixture
def app(env):
    settings = config.load(env)
    bell = RedisBell(settings.redis_url)
    opened = open_app(settings, bell)
    yield opened
    opened.close()
    bell.close()


def task() -> Task:
    now = datetime.now(UTC)
    none = {"started_at": None, "beat_at": None, "ended_at": None}
    given = {
        "args": {},
        "state": "running",
        "done": 0,
        "total": 0,
        "author": "a",
        "wish": "",
        "error": "",
        "attempts": 1,
    }
    return Task(id="t", kind="sandbox.connect", at=now, **given, **none)


def test_one_task_connects_publishes_and_invites(app, sandbox):
    steps: list[tuple[int, int]] = []
    found = stand_ins.connect_task(app, task(), lambda done, total: steps.append((done, total)))
    assert steps[-1] == (5, 5)
    assert {a.kind for a in app.accounts()} == {"whatsapp", "hubspot", "salesforce"}
    assert stand_ins.connected(app, sandbox)
    assert sandbox.heard()
    with app.store.read() as conn:
        assert found["documents"] == [row.name for row in documents.live(conn)]
        seen = setting_up.steps(conn)
    assert len(seen.checked) == 3
    assert all(body["issues"] == [] for body, _ in seen.checked.values()), seen.checked
    (message,) = sandbox.phone(ANA)["messages"]
    assert [button["id"] for button in message["buttons"]] == ["interested", "later", "no"]
    sandbox.write(ANA, {"button": "Me interesa", "reply_to": message["id"]})
    webhooks = sandbox.call("GET", "/_webhooks?wait=10")
    assert webhooks["graph"]["delivered"] >= 1, json.dumps(webhooks)
    assert stand_ins.connect_task(app, task(), lambda *_: None)["documents"] == found["documents"]  # again: the same


def test_a_real_account_of_that_name_is_left_alone(app):
    app.add_account(kinds()["hubspot"], "hubspot", {}, {"token": "real", "client_secret": "real"})
    with pytest.raises(errors.Rejected, match="not the sandbox's"):
        stand_ins.connect_task(app, task(), lambda *_: None)
    (account,) = app.accounts()
    assert account.secrets["token"] == "real"


def test_without_a_sandbox_it_is_refused(env):
    settings = config.load(env | {"SANDBOX_URL": ""})
    bell = RedisBell(settings.redis_url)
    opened = open_app(settings, bell)
    with pytest.raises(errors.Rejected, match="No sandbox"):
        stand_ins.connect_task(opened, task(), lambda *_: None)
    opened.close()
    bell.close()


def test_the_sandboxs_refusals_are_told_in_its_words(sandbox):
    with pytest.raises(errors.Rejected, match="no template"):
        sandbox.carry(ANA, {"template": "nope"})
    with pytest.raises(errors.Unreachable):
        Sandbox("http://127.0.0.1:1", 0.5).people()
