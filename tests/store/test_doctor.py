"""Every promise broken on purpose is found, an honest history is silent, and each event is counted by one word."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core import changes as changes_of
from connector.store import doctor
from connector.store.engine import Store, insert_many
from connector.store.tables import (
    accounts,
    broadcast_people,
    changes,
    consents,
    contacts,
    conversations,
    deliveries,
    events,
    holds,
    metadata,
    parks,
    plans,
    send_attempts,
    sends,
    statuses,
)
from tests.depth import examples

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
JUST_NOW = NOW - timedelta(seconds=30)


class History:
    """Rows of one small, honest history, to be bent by a test."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.put(accounts, id="hub", kind="hubspot", name="hub", settings={}, created_at=LONG_AGO)
        self.put(deliveries, id="d1", account="wa", received_at=LONG_AGO, body=b"{}", state="unpacked")
        self.event("e1")
        self.plan("e1")
        self.change("e1", 0, done_at=LONG_AGO + timedelta(seconds=1))
        self.change("e1", 1, kind="LogActivity", done_at=LONG_AGO + timedelta(seconds=2))

    def put(self, table: sa.Table, **values: Any) -> None:
        with self.store.write() as conn:
            conn.execute(sa.insert(table).values(**values))

    def event(self, id: str, **values: Any) -> None:
        given = {
            "delivery": "d1",
            "account": "wa",
            "dedupe_key": id,
            "lane": "c1",
            "kind": "InboundMessage",
            "payload": {},
        }
        self.put(events, **{"id": id, **given, "received_at": LONG_AGO, "state": "done", **values})

    def plan(self, event: str, **values: Any) -> None:
        given = {"account": "hub", "event_seq": 1, "lane": "c1", "state": "done", "done_at": LONG_AGO}
        self.put(plans, **{"event": event, **given, **values})

    def change(self, event: str, ordinal: int, **values: Any) -> None:
        given = {"account": "hub", "lane": "c1", "record": "7", "kind": "SetField", "body": {}, "state": "done"}
        self.put(changes, **{"event": event, "ordinal": ordinal, **given, **values})

    def talk(self, id: str, **values: Any) -> None:
        given = {"contact": id, "account": "hub", "flow": "lead", "started_at": LONG_AGO, "moved_at": LONG_AGO}
        self.put(conversations, **{"id": id, **given, "wake_at": NOW + timedelta(hours=1), **values})

    def send(self, id: str, **values: Any) -> None:
        given = {
            "cause": id,
            "lane": "c1",
            "document": "quote",
            "category": "MARKETING",
            "wamid": f"w-{id}",
            "at": LONG_AGO,
            "started_at": LONG_AGO,
        }
        self.put(sends, **{"id": id, **given, "state": "sent", "rank": 2, **values})

    def consent(self, state: str, at: datetime, category: str = "all") -> None:
        self.put(consents, contact="c1", category=category, state=state, how="stop_word", at=at)

    def found(self) -> dict[str, list[Any]]:
        with self.store.read() as conn:
            return {f["code"]: f["examples"] for f in doctor.findings(conn, NOW)}

    def counts(self) -> dict[str, int]:
        with self.store.read() as conn:
            return doctor.counts(conn)


@pytest.fixture
def history(store: Store) -> Iterator[History]:
    return History(store)


def test_an_honest_history_is_silent(history: History) -> None:
    assert history.found() == {}
    assert history.counts() == {"deliveries": 1, "events": 1, "done": 1, "waiting": 0, "review": 0, "refused": 0}


def test_event_without_delivery(history: History) -> None:
    history.event("e2", delivery="gone")
    history.event("e3", delivery=None)  # a person's answer, or a timer
    assert history.found() == {"event_without_delivery": ["e2"]}


def test_event_without_plan(history: History) -> None:
    history.event("e2", state="new")
    assert history.found() == {"event_without_plan": ["e2"]}


def test_event_done_too_early(history: History) -> None:
    history.event("e2")
    history.plan("e2", state="new", event_seq=2, next_at=NOW + timedelta(seconds=5))
    assert history.found() == {"event_done_too_early": ["e2"]}


def test_change_missing(history: History) -> None:
    history.event("e2")
    history.plan("e2", event_seq=2)
    history.change("e2", 0, done_at=NOW)
    history.change("e2", 2, done_at=NOW)
    assert history.found() == {"change_missing": ["e2"]}


def test_change_without_plan(history: History) -> None:
    history.event("e2")
    history.change("e2", 0, done_at=NOW)
    assert history.found() == {"change_without_plan": ["e2"]}


def test_in_flight_too_long(history: History) -> None:
    history.change("e1", 2, state="in_flight", started_at=JUST_NOW)
    assert history.found() == {}
    history.change("e1", 3, state="in_flight", started_at=LONG_AGO)
    assert history.found() == {"in_flight_too_long": ["e1"]}


def test_out_of_order(history: History) -> None:
    history.event("e2")
    history.plan("e2", event_seq=2)
    history.change("e2", 0, record="8", done_at=LONG_AGO)  # another record
    history.change("e2", 1, kind="LogActivity", done_at=LONG_AGO)  # not a field
    assert history.found() == {}
    history.change("e2", 2, done_at=LONG_AGO)  # the same record, before e1's
    assert history.found() == {"out_of_order": ["e2"]}


def _set(field: str, value: str | None) -> dict[str, Any]:
    return changes_of.dump(changes_of.SetField(object="contacts", field=field, value=value))


@pytest.mark.parametrize(
    ("first", "then", "broken"),
    [
        (_set("city", "Cali"), _set("city", "Bogotá"), True),
        (_set("city", None), _set("city", 'nul \x00, ","value":" and } \ud800'), True),
        (_set("city", "a"), _set("city", None), True),
        (_set("city", "Cali"), _set("town", "Cali"), False),
        (_set("city", "Cali"), _set("city_2", "Cali"), False),
    ],
)
def test_only_one_field_has_an_order(history: History, first: Any, then: Any, broken: bool) -> None:
    """A field that was refused and tried again later says nothing about the other fields of its record."""
    history.change("e1", 2, body=first, done_at=LONG_AGO + timedelta(seconds=9))
    history.event("e2")
    history.plan("e2", event_seq=2)
    history.change("e2", 0, body=then, done_at=LONG_AGO + timedelta(seconds=3))
    assert bool(history.found()) is broken


def test_rows_in_flight_of_an_account_at_rest_are_explained(history: History) -> None:
    history.change("e1", 2, state="in_flight", started_at=LONG_AGO)
    assert history.found() == {"in_flight_too_long": ["e1"]}
    with history.store.write() as conn:
        conn.execute(sa.update(accounts).values(state="needs_person"))
    assert history.found() == {}


def test_a_change_may_wait_behind_another_contact_of_its_record(history: History) -> None:
    history.event("e2", lane="c2")
    history.plan("e2", lane="c2", event_seq=2)
    history.change("e2", 0, lane="c2", state="new", outcome={"text": "busy"})
    history.event("e3")
    history.plan("e3", event_seq=3)
    history.change("e3", 0, state="new")
    assert history.found() == {}


def test_rank_behind(history: History) -> None:
    history.send("s1", rank=2)
    history.put(statuses, wamid="w-s1", status="sent", event="e1")
    assert history.found() == {}
    history.put(statuses, wamid="w-s1", status="read", event="e1")
    assert history.found() == {"rank_behind": ["s1"]}


@pytest.mark.parametrize(
    "facts, send, broken",
    [
        ([("opted_out", -1)], {}, True),
        ([("opted_out", -1)], {"state": "refused"}, False),
        ([("opted_out", -1)], {"category": "utility"}, True),  # STOP stops everything
        ([("opted_out", -1)], {"document": ""}, False),  # another tool sent it
        ([("opted_out", -2), ("opted_in", -1)], {}, False),
        ([("opted_in", -2), ("opted_out", -1)], {}, True),
        ([("opted_out", 1)], {}, False),
        ([("opted_out", 0)], {}, False),  # it came in while the message left
        ([], {}, False),
    ],
)
def test_sent_after_opt_out(history: History, facts: list[tuple[str, int]], send: dict[str, str], broken: bool) -> None:
    for state, minutes in facts:
        history.consent(state, LONG_AGO + timedelta(minutes=minutes))
    history.send("s1", **send)
    assert history.found() == ({"sent_after_opt_out": ["s1"]} if broken else {})


@pytest.mark.parametrize("category, broken", [("marketing", True), ("utility", False)])
def test_an_opt_out_of_one_category(history: History, category: str, broken: bool) -> None:
    history.consent("opted_out", LONG_AGO - timedelta(minutes=1), "marketing")
    history.send("s1", category=category)
    assert history.found() == ({"sent_after_opt_out": ["s1"]} if broken else {})


def test_an_opt_out_counts_from_when_it_reached_us(history: History) -> None:
    history.event("e2", dedupe_key="stop", received_at=LONG_AGO + timedelta(seconds=5))
    history.put(
        consents, contact="c1", category="all", state="opted_out", at=LONG_AGO - timedelta(hours=3), event="stop"
    )
    history.send("s1")
    assert history.found() == {}
    history.send("s2", started_at=LONG_AGO + timedelta(minutes=1))
    assert history.found() == {"sent_after_opt_out": ["s2"]}


def test_accepted_twice(history: History) -> None:
    for n, outcome in ((1, "unknown"), (2, "accepted")):
        history.put(send_attempts, send="s1", n=n, started_at=LONG_AGO, outcome=outcome)
    assert history.found() == {}
    history.put(send_attempts, send="s1", n=3, started_at=LONG_AGO, outcome="accepted")
    assert history.found() == {"accepted_twice": ["s1"]}


def test_broadcast_people(history: History) -> None:
    """A person and a message each; one that was sent anew counts once, one that is refused has none."""
    history.send("s1", broadcast="b", lane="c1", state="failed", rank=3, label="sent_again_as_another")
    history.send("s2", broadcast="b", lane="c1")
    history.put(broadcast_people, broadcast="b", person="c1", line=2, state="planned", send="s2")
    history.put(broadcast_people, broadcast="b", person="#3", line=3, state="refused")
    assert history.found() == {}
    history.put(broadcast_people, broadcast="b", person="c2", line=4, state="planned", send="gone")
    history.send("s3", broadcast="b", lane="c1")
    assert {code: set(ids) for code, ids in history.found().items()} == {"broadcast_people": {"gone", "s3", "s2"}}


def test_send_in_flight_too_long(history: History) -> None:
    history.send("s1", state="in_flight", rank=0, started_at=JUST_NOW)
    assert history.found() == {}
    history.send("s2", state="in_flight", rank=0)
    assert history.found() == {"send_in_flight_too_long": ["s2"]}


def test_send_waits(history: History) -> None:
    history.send("s1", state="ready", rank=0, number="n1", account="wa", next_at=NOW + timedelta(hours=1))
    history.send("s2", state="ready", rank=0, number="n1", account="wa", next_at=JUST_NOW)
    assert history.found() == {}
    history.send("s3", state="ready", rank=0, number="n1", account="wa", next_at=LONG_AGO)
    history.send("s4", state="waiting", rank=0, crm="hub", next_at=LONG_AGO)
    history.send("s5", state="waiting", rank=0, crm="hub")
    assert {code: set(ids) for code, ids in history.found().items()} == {"send_waits": {"s3", "s4", "s5"}}


@pytest.mark.parametrize("scope, key", [("number", "n1"), ("pace", "n1"), ("account", "wa")])
def test_a_send_may_wait_for_its_number(history: History, scope: str, key: str) -> None:
    history.send("s1", state="ready", rank=0, number="n1", account="wa", next_at=LONG_AGO)
    history.put(parks, scope=scope, key=key, until=NOW + timedelta(minutes=1), reason="Meta said so.")
    assert history.found() == {}


@pytest.mark.parametrize(
    "states, word",
    [
        (["waiting"], "waiting"),
        (["ready"], "waiting"),
        (["in_flight"], "waiting"),
        (["unknown"], "review"),
        (["unknown", "ready"], "review"),
        (["failed"], "refused"),
        (["refused", "expired", "cancelled"], "refused"),
        (["refused", "delivered"], "done"),
        (["refused", "ready"], "waiting"),
        (["accepted"], "done"),
    ],
)
def test_sends_are_counted_by_their_event(history: History, states: list[str], word: str) -> None:
    history.event("e2")
    for n, state in enumerate(states):
        at = NOW + timedelta(hours=1)
        history.send(f"s{n}", event="e2", state=state, rank=0, next_at=at, started_at=NOW)
    assert history.counts() == {"deliveries": 1, "events": 2, "waiting": 0, "review": 0, "refused": 0} | (
        {"done": 2} if word == "done" else {"done": 1, word: 1}
    )
    assert history.found() == {}


def test_delivery_waits(history: History) -> None:
    history.put(deliveries, id="d2", account="wa", received_at=JUST_NOW, body=b"")
    history.put(deliveries, id="d3", account="wa", received_at=LONG_AGO, body=b"", error="KeyError")
    assert history.found() == {}
    history.put(deliveries, id="d4", account="wa", received_at=LONG_AGO, body=b"")
    assert history.found() == {"delivery_waits": ["d4"]}


PLAN_REASONS: list[dict[str, Any]] = [{"error": "HubSpot is away"}, {"next_at": NOW + timedelta(minutes=1)}]


def test_plan_waits(history: History) -> None:
    history.event("e2", state="new")
    history.plan("e2", state="new", event_seq=2)
    assert history.found() == {"plan_waits": ["e2"]}


@pytest.mark.parametrize("reason", PLAN_REASONS)
def test_a_plan_with_a_reason_may_wait_and_its_lane_behind_it(history: History, reason: dict[str, Any]) -> None:
    for n in (2, 3):
        history.event(f"e{n}", state="new")
        history.plan(f"e{n}", state="new", event_seq=n, **(reason if n == 2 else {}))
    assert history.found() == {}


def test_change_waits(history: History) -> None:
    history.change("e1", 2, state="new")
    assert history.found() == {"change_waits": ["e1"]}


@pytest.mark.parametrize(
    "reason", [{"outcome": {"text": "HubSpot answered 503"}}, {"next_at": NOW + timedelta(minutes=1)}]
)
def test_a_change_with_a_reason_may_wait_and_its_lane_behind_it(history: History, reason: dict[str, Any]) -> None:
    history.change("e1", 2, state="new", **reason)
    history.change("e1", 3, state="new")
    history.change("e1", 4, state="new", kind="SendMessage", lane="c2")  # nothing of this release carries it out
    assert history.found() == {}


@pytest.mark.parametrize("why", ["parked", "paused"])
def test_an_account_at_rest_is_a_reason(history: History, why: str) -> None:
    history.event("e2", state="new")
    history.plan("e2", state="new", event_seq=2)
    history.change("e1", 2, state="new")
    if why == "parked":
        history.put(parks, scope="account", key="hub", until=NOW + timedelta(minutes=1), reason="Busy")
    else:
        with history.store.write() as conn:
            conn.execute(sa.update(accounts).values(state="needs_person"))
    assert history.found() == {}


def test_two_conversations(history: History) -> None:
    with history.store.write() as conn:
        conn.execute(sa.text("DROP INDEX conversations_running"))  # it keeps us from doing wrong
    history.talk("t1", contact="c1")
    history.talk("t2", contact="c1")
    history.talk("t3", contact="c1", ended_at=LONG_AGO, wake_at=None)
    assert history.found() == {"two_conversations": ["c1"]}


def test_conversation_stuck(history: History) -> None:
    history.talk("t1", wake_at=None)
    history.talk("t2", wake_at=None)
    history.put(holds, contact="t2", at=LONG_AGO)
    assert history.found() == {"conversation_stuck": ["t1"]}


def test_conversation_late(history: History) -> None:
    history.talk("t1", wake_at=LONG_AGO)
    history.talk("t2", wake_at=JUST_NOW)
    assert history.found() == {"conversation_late": ["t1"]}


def test_conversation_of_nobody(history: History) -> None:
    history.put(contacts, id="t1", merged_into="c1", created_at=LONG_AGO)
    history.talk("t1")
    assert history.found() == {"conversation_of_nobody": ["t1"]}


def test_every_invariant_is_tested() -> None:
    here = {name.removeprefix("test_") for name in globals()}
    assert set(doctor.INVARIANTS) <= here


def test_findings_say_how_many(history: History) -> None:
    for n in range(10, 18):
        history.event(f"e{n}", delivery="gone")
    with history.store.read() as conn:
        (finding,) = doctor.findings(conn, NOW)
    assert (finding["code"], finding["count"], len(finding["examples"])) == ("event_without_delivery", 8, 5)
    assert finding["hint"]


# ---- counts --------------------------------------------------------------------------------------------------
CHANGE = ("new", "in_flight", "done", "refused", "review", "kept")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["new", "done", "dead"]),
        st.lists(st.sampled_from(["new", "done", "dead"]), max_size=2),
        st.lists(st.sampled_from(CHANGE), max_size=4),
    ),
    max_size=8,
)


def word(event: str, of_plans: list[str], of_changes: list[str]) -> str:
    """The definition, as the architecture says it."""
    if event == "dead" or "dead" in of_plans or "review" in of_changes:
        return "review"
    if event == "new" or "new" in of_plans or {"new", "in_flight"} & set(of_changes):
        return "waiting"
    if "refused" in of_changes and "done" not in of_changes:
        return "refused"
    return "done"


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=EVENTS)
def test_every_event_is_counted_by_one_word(store: Store, history: list[tuple[str, list[str], list[str]]]) -> None:
    expected = {"deliveries": 0, "events": len(history), "done": 0, "waiting": 0, "review": 0, "refused": 0}
    rows: dict[sa.Table, list[dict[str, Any]]] = {events: [], plans: [], changes: []}
    for n, (state, of_plans, of_changes) in enumerate(history):
        expected[word(state, of_plans, of_changes)] += 1
        key = {"event": f"e{n}", "lane": "c"}
        rows[events].append(
            {"id": f"e{n}", "account": "a", "dedupe_key": f"{n}", "payload": {}, "received_at": NOW, "state": state}
        )
        rows[plans] += [key | {"account": f"a{k}", "event_seq": n, "state": s} for k, s in enumerate(of_plans)]
        rows[changes] += [
            key | {"account": "a0", "ordinal": k, "body": {}, "state": s} for k, s in enumerate(of_changes)
        ]
    with store.write() as conn:
        for table in metadata.tables.values():
            conn.execute(sa.delete(table))
        for table, some in rows.items():
            insert_many(conn, table, some)
    with store.read() as conn:
        assert doctor.counts(conn) == expected
