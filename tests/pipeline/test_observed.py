"""The whole business at DEBUG: what the log must never say; and the same business as /metrics tells it."""

# ruff: noqa: F811 - fixtures
import io
import json
import logging
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connector import logs
from connector.pipeline.chores.regular import Chore, Chores
from connector.store import alarms, snapshots
from connector.store.tables import send_attempts
from connector.works import alarms as alarming
from connector.works import deep
from tests.pipeline import canaries
from tests.pipeline.canaries import CANARIES, PHONE, SECRET
from tests.pipeline.conftest import ANA
from tests.pipeline.messages import replies, text
from tests.pipeline.street import Street, lane  # noqa: F401 - fixtures
from tests.pipeline.test_erase import ANSWERS


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a worker's log says at DEBUG; whatever stood before stands again."""
    root, ours = logging.getLogger(), logging.getLogger("connector")
    kept = (root.handlers[:], root.level, ours.level, sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    logs.set_up("DEBUG", "json", process="worker", stream=stream)
    yield stream
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    ours.setLevel(kept[2])
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = kept[3:]


def visit(url: str, **headers: str) -> tuple[int, str]:
    """A page as anybody asks for it."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def live(street: Street) -> None:
    """A person's whole life with us, on good days and bad ones."""
    street.publish(ANSWERS)
    street.sent_template(PHONE, "webinar_invite_v2", wamid=canaries.id_("import"))
    bodies = canaries.bodies()
    street.deliver(*bodies[:2], replies(text(ANA, "on monday", id="wamid.ana")))
    street.settle()
    street.sandbox.faults(
        {"route": "* /hubspot/*", "kind": "5xx", "times": 2}, {"route": "* /hubspot/*", "kind": "half", "times": 1},
        {"route": "POST */messages", "kind": "error", "code": 131026, "times": 1},
        {"route": "POST */messages", "kind": "drop_after", "times": 1},
    )  # fmt: skip
    street.deliver(*bodies[2:], b"no json of " + PHONE.encode())
    street.deliver(canaries.status(canaries.id_("never"), "failed", errors=[{"code": 131026, "title": SECRET}]))
    for _ in range(4):
        street.settle()
        street.unpark()
    street.sandbox.faults({"route": "* /hubspot/*", "kind": "expired", "times": 3})
    street.deliver(canaries.webhook(canaries.value(canaries.text(PHONE, canaries.said("again"), id=canaries.id_("z")))))
    street.settle()
    bad = Chore(timedelta(), lambda _: street.sandbox.records(canaries.said("a mistake of ours"), PHONE)[0])
    Chores(street.app.store, street.app.clock, {"bad": bad}).do(lambda: False)
    street.call("/hooks/whatsapp/whatsapp", {"forged": SECRET})
    visit(f"{street.url}/contacts/?q={PHONE}")
    visit(f"{street.url}/contacts/{PHONE}")
    visit(f"{street.url}/nowhere/{SECRET}")


def secrets(street: Street) -> list[str]:
    found = [str(value) for account in street.app.accounts() for value in account.secrets.values()]
    return [value for value in found if len(value) > 6]


def test_the_log_of_the_whole_business_names_nobody_and_metrics_count_it(lane: Street, log: io.StringIO) -> None:
    live(lane)
    said = log.getvalue()
    found = [json.loads(line) for line in said.splitlines()]
    assert {"connector.pipeline", "connector.request"} <= {line["logger"] for line in found}
    assert all({"time", "level", "logger", "process", "pid", "message"} <= set(line) for line in found)
    assert any("exception" in line for line in found), "nothing went wrong: a test of bad days needs some"
    assert {line.get("path") for line in found if line["logger"] == "connector.request"} >= {"/contacts/", "-"}
    assert [word for word in (*CANARIES, *secrets(lane)) if word in said] == []
    _measured(lane)


def _measured(lane: Street) -> None:
    status, page = visit(f"{lane.url}/metrics")
    assert status == 200
    told = {
        (one.name, *(one.labels[name] for name in sorted(one.labels))): one.value
        for family in text_string_to_metric_families(page) for one in family.samples
    }  # fmt: skip
    rows = [kind for kind, _ in lane.stored()]
    for kind in set(rows):
        assert told["connector_events_total", kind] == rows.count(kind), kind
    assert told["connector_events_stored",] == len(rows)
    assert told["connector_changes_total", "hubspot", "done"] > 0
    tries = Counter(row.outcome for row in lane.rows(send_attempts) if row.outcome)
    sent = {key[2]: n for key, n in told.items() if key[0] == "connector_send_requests_total"}
    assert sent == tries
    assert tries, lane.outcomes()
    assert told["connector_api_limit_allowed", "hubspot", "daily", "hubspot"] > 1000
    assert told["connector_redis_up",] == 0
    assert PHONE not in page
    assert visit(f"{lane.url}/metrics", **{"X-Forwarded-For": "203.0.113.9"})[0] == 404


def test_the_long_look_finds_what_is_wrong_around_us(lane: Street) -> None:
    told = deep.look(lane.app)
    codes = {one["code"]: one for one in told["findings"]}
    assert "redis_away" in codes  # this house has none
    assert not {"public_url_away", "public_url_other", "clock", "schema", "journal_mode", "key_file"} & set(codes)
    (lane.app.config.home / "secret.key").chmod(0o644)
    lane.sandbox.faults({"route": "* /graph/*", "kind": "expired"})
    worse = {one["code"]: one for one in deep.look(lane.app)["findings"]}
    assert worse["key_file"]["hint"].startswith("chmod 600")
    assert worse["token"]["examples"][0].startswith("whatsapp: ")
    kept = deep.kept(lane.app)
    assert kept is not None
    assert {one["code"] for one in kept[0]["findings"]} == set(worse)


def test_the_long_look_waits_until_a_house_is_furnished(lane: Street) -> None:
    app = lane.app
    app.around = Chores(app.store, app.clock, {deep.NAME: Chore(deep.EVERY, app.look_around)})
    assert "around" in app.bells()
    app.drain("around", stop=lambda: False)
    assert deep.kept(app) is None
    assert "around" not in app.bells()
    lane.clock.moved += deep.FIRST
    assert "around" in app.bells()
    app.drain("around", stop=lambda: False)
    assert deep.kept(app) is not None
    assert "around" not in app.bells()


def test_the_alarm_chore_tells_nobody_where_nobody_is_to_be_told(lane: Street) -> None:
    with lane.app.store.write() as conn:
        snapshots.put(conn, f"account:{lane._id('whatsapp')}", {"issues": [
            {"code": "token_expires", "message": "The token ends soon.", "at": "2026-01-01T00:00:00+00:00"}
        ]}, lane.clock.now())  # fmt: skip
    assert alarming.look(lane.app) == 0
    with lane.app.store.read() as conn:
        assert [row.code for row in alarms.listing(conn)] == ["token_expires"]
    assert lane.cli("alarms", "list") == 1
    assert "The token ends soon." in lane.said
    assert "Told to nobody." in lane.said
    assert lane.cli("alarms", "test") == 2
