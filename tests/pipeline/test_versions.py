"""Versions in a person's hands: nobody writes over anybody unseen; back, off, on, compared."""

# ruff: noqa: F811 - fixtures

import time
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from connector.pipeline.documents import versions
from connector.store import documents as rows
from connector.store.engine import Store
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_journey import ANYTHING
from tests.pipeline.test_outbound_hubspot import DEAL, QUOTE

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
OTHER = ANYTHING + "log: message\n"
NAME = "every-text"


def states(store: Store) -> list[tuple[int, str]]:
    return [(v["version"], v["state"]) for v in versions.history(store, NAME)]


def test_the_second_of_two_sees_what_the_first_saved(store: Store) -> None:
    assert versions.put(store, ANYTHING, "ana", AT, base=0).version == 1
    mine = versions.put(store, OTHER, "ben", AT, base=0)
    assert (mine.did, mine.version) == ("conflict", 1)
    assert mine.other is not None
    assert (mine.other["author"], mine.other["text"], mine.other["version"]) == ("ana", ANYTHING, 1)
    assert states(store) == [(1, "draft")]
    assert versions.put(store, OTHER, "ben", AT, base=1).did == "saved"
    assert versions.put(store, OTHER, "ben", AT, base=2).did == "unchanged"
    assert versions.put(store, OTHER, "ana", AT, base=1, state="live").did == "conflict"
    assert versions.put(store, OTHER, "ben", AT, base=2, state="live").did == "published"
    assert states(store) == [(3, "live"), (2, "draft"), (1, "draft")]


def test_at_once_one_of_them_wins(store: Store) -> None:
    versions.put(store, ANYTHING, "ana", AT, base=0)
    made: list[str] = []

    def save(n: int) -> None:
        made.append(versions.put(store, f"{ANYTHING}# {n}\n", f"person {n}", AT, base=1).did)

    threads = [Thread(target=save, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["conflict"] * 4 + ["saved"]


def test_a_draft_may_be_wrong_what_judges_may_not(store: Store) -> None:
    wrong = ANYTHING.replace("crm:", "crn:")
    assert versions.put(store, wrong, "ana", AT, base=0).did == "saved"
    refused = versions.put(store, wrong, "ana", AT, base=1, state="live")
    assert (refused.did, refused.name) == ("refused", NAME)
    assert refused.verdict is not None
    assert refused.why.startswith("Line ")
    assert versions.put(store, "nothing: known\n", "ana", AT, base=0).did == "refused"


def test_back_to_what_was(store: Store) -> None:
    for n, text in enumerate((ANYTHING, OTHER)):
        versions.put(store, text, "ana", AT, base=n, state="live")
    made = versions.roll_back(store, NAME, None, "ben", AT + timedelta(1), note="too chatty")
    assert (made.did, made.version) == ("published", 3)
    last = versions.history(store, NAME)[0]
    assert (last["text"], last["author"], last["note"]) == (ANYTHING, "ben", "rolled back to version 1. too chatty")
    assert versions.roll_back(store, NAME, 9, "ben", AT).why == "every-text has no version 9."
    assert versions.roll_back(store, "no-such", None, "ben", AT).did == "missing"
    assert states(store) == [(3, "live"), (2, "retired"), (1, "retired")]


def test_off_and_on_begins_anew(store: Store) -> None:
    versions.put(store, ANYTHING, "ana", AT, base=0, state="live")
    versions.put(store, OTHER, "ana", AT + timedelta(1), base=1, state="live")
    with store.read() as conn:
        first = rows.live_version(conn, NAME)
    assert first is not None
    assert first.first_live_at == AT
    assert versions.switch_off(store, NAME, "ben", AT).version == 2
    assert versions.switch_off(store, NAME, "ben", AT).did == "missing"
    assert versions.switch_on(store, NAME, "ben", AT + timedelta(2)).did == "on"
    assert versions.switch_on(store, NAME, "ben", AT).did == "unchanged"
    assert versions.switch_on(store, "no-such", "ben", AT).did == "missing"
    with store.read() as conn:
        again = rows.live_version(conn, NAME)
    assert again is not None
    assert (again.n, again.text, again.first_live_at) == (3, OTHER, AT + timedelta(2))


def test_lines_that_differ(store: Store) -> None:
    versions.put(store, ANYTHING, "ana", AT, base=0, state="live")
    versions.put(store, OTHER, "ana", AT, base=1, state="live")
    found = versions.compare(store, NAME, 1, 2)
    assert found is not None
    assert [(one["kind"], one["text"]) for one in found if one["kind"] not in ("same", "skip")] == [
        ("new", "log: message")
    ]
    assert versions.compare(store, NAME, 1, 7) is None
    assert versions.diff(ANYTHING, ANYTHING) == []


@pytest.mark.parametrize("back", [True, False])
def test_a_send_that_is_switched_on_again_sends_nothing_for_what_was_meanwhile(lane: Street, back: bool) -> None:
    lane.publish(QUOTE)
    lane.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
    lane.settle()
    store, now = lane.app.store, lane.clock.now
    versions.switch_off(store, "quote-ready", "ana", now())
    lane.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
    lane.settle()
    time.sleep(0.01)
    assert versions.switch_on(store, "quote-ready", "ana", now()).did == "on"
    lane.pass_(hours=2)
    lane.app.catch_up(lambda: False)
    lane.settle()
    assert lane.sends == []
    if back:
        lane.move("hubspot", "deals", DEAL, dealstage="qualifiedtobuy")
        lane.settle()
        lane.move("hubspot", "deals", DEAL, dealstage="presentationscheduled")
        lane.settle()
        assert len(lane.sends) == 1
