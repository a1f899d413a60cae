"""Looks for sends walk the rows that wait, never the history; bells ring for whom there is work and nobody else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.ids import new_id
from connector.store import accounts, gate_facts, holding, outcomes, parks, sending, sends
from connector.store.engine import Store, open_store
from connector.store.tables import accounts as account_rows
from connector.store.tables import sends as table

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
LOOKS: dict[str, Callable[[sa.Connection], Any]] = {
    "due": lambda conn: sending.due(conn, "n1", NOW, 50),
    "number bells": lambda conn: sending.numbers_due(conn, NOW, NOW),
    "crm bells": lambda conn: sending.crms_due(conn, NOW),
    "lost": lambda conn: outcomes.lose(conn, "n1", NOW, NOW),
    "unknown": lambda conn: outcomes.unknown(conn, "n1", NOW, 50),
    "start": lambda conn: sending.start(conn, sending.due(conn, "n1", NOW, 50), NOW),
    "look": lambda conn: gate_facts.look(conn, "n1", sending.due(conn, "n1", NOW, 50), NOW),
    "cancel": lambda conn: holding.cancel(conn, "document", "quote", "", NOW),
    "resume": lambda conn: holding.resume(conn, "document", "quote", NOW),
    "list": lambda conn: holding.listing(conn, {}, 50, NOW),
    "statuses": lambda conn: sends.add_statuses(
        conn, [{"wamid": "w", "status": "read", "event": "e", "send": "s", "at": NOW, "reason": ""}]
    ),
}


def row(**more: Any) -> dict[str, Any]:
    given = {
        "id": new_id(), "cause": new_id(), "event": None, "account": "wa", "crm": "hub", "lane": "c1", "number": "n1",
        "document": "quote", "category": "utility", "priority": 1, "to": "+573001112222", "body": {}, "state": "ready",
        "at": NOW, "next_at": NOW, "started_at": None,
    }  # fmt: skip
    return given | more


def put(store: Store, **more: Any) -> str:
    one = row(**more)
    with store.write() as conn:
        sends.add(conn, [one])
    return str(one["id"])


@pytest.mark.parametrize("name", LOOKS)
def test_no_look_walks_the_history(sqlite_url: str, home: Any, name: str) -> None:
    store = open_store(sqlite_url, home=home)
    put(store)
    seen: list[str] = []

    def explain(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            given = parameters[0] if many else parameters
            plan = conn.connection.dbapi_connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            seen.extend(step[3] for step in plan)

    with store.write() as conn:
        sa.event.listen(store.engine, "before_cursor_execute", explain)
        LOOKS[name](conn)
    sa.event.remove(store.engine, "before_cursor_execute", explain)
    store.close()
    walks = [
        s for s in seen if s.startswith("SCAN") and any(t in s.split() for t in ("sends", "send_attempts", "statuses"))
    ]
    allowed = {"SCAN sends"} if name == "list" else set[str]()  # from its end, by the key, as far as the limit
    assert seen
    assert {s for s in walks if "USING" not in s or "sends_" not in s} <= allowed


def test_what_is_to_be_sent_has_a_time(store: Store) -> None:
    id_ = put(store, next_at=None)
    with store.read() as conn:
        assert conn.execute(sa.select(table.c.next_at).where(table.c.id == id_)).scalar() == NOW


def numbers(store: Store, now: datetime = NOW) -> list[str]:
    with store.read() as conn:
        return sending.numbers_due(conn, now, now - timedelta(seconds=5))


def test_the_bells_of_numbers(store: Store) -> None:
    put(store, number="ready")
    put(store, number="later", next_at=NOW + timedelta(seconds=1))
    put(store, number="lost", state="in_flight", started_at=NOW - timedelta(seconds=6))
    put(store, number="under-way", state="in_flight", started_at=NOW - timedelta(seconds=4))
    put(store, number="unknown", state="unknown", next_at=NOW)
    put(store, number="person", state="unknown", next_at=None)
    put(store, number="done", state="accepted")
    assert numbers(store) == ["lost", "ready", "unknown"]
    with store.write() as conn:
        parks.park(conn, "number", "ready", NOW + timedelta(seconds=2), "Too fast.")
    assert numbers(store) == ["lost", "unknown"]
    assert "ready" in numbers(store, NOW + timedelta(seconds=3))


def test_a_paused_account_rings_for_none_of_its_numbers(store: Store) -> None:
    put(store)
    with store.write() as conn:
        conn.execute(sa.insert(account_rows).values(id="wa", kind="whatsapp", name="wa", settings={}, created_at=NOW))
    assert numbers(store) == ["n1"]
    with store.write() as conn:
        accounts.ask_person(conn, "wa", "The token has expired.")
    assert numbers(store) == []


def test_the_bells_of_crms(store: Store) -> None:
    put(store, crm="hub", state="waiting")
    put(store, crm="org", state="waiting", next_at=NOW + timedelta(hours=1))
    put(store, crm="old", state="sent")
    with store.read() as conn:
        assert sending.crms_due(conn, NOW) == ["hub"]


def test_a_list_is_filtered_and_the_newest_come_first(store: Store) -> None:
    first, second = put(store), put(store, state="waiting", reason="Night in Bogota.", document="visit")
    with store.read() as conn:
        assert [line["id"] for line in holding.listing(conn, {}, 9, NOW)] == [second, first]
        (line,) = holding.listing(conn, {"state": "waiting"}, 9, NOW)
        assert (line["document"], line["reason"]) == ("visit", "Night in Bogota.")


def test_an_earlier_state_never_comes_back(store: Store) -> None:
    """Statuses in any order, each twice; a proof of delivery beats a failure."""
    id_ = put(store, state="accepted", rank=1, wamid="w1")
    for word, state in (("read", "read"), ("failed", "read"), ("sent", "read"), ("read", "read"), ("played", "played")):
        with store.write() as conn:
            fact = {"wamid": "w1", "status": word, "event": new_id(), "send": None, "at": NOW, "reason": ""}
            sends.add_statuses(conn, [fact, fact])
            assert conn.execute(sa.select(table.c.state).where(table.c.id == id_)).scalar() == state


def test_a_failed_status_says_why(store: Store) -> None:
    id_ = put(store, state="accepted", rank=1, wamid="w1")
    fact = {"wamid": "w1", "status": "failed", "event": "e1", "send": id_, "at": NOW, "reason": "Not reachable.",
            "code": 131026, "who": "customer"}  # fmt: skip
    with store.write() as conn:
        sends.add_statuses(conn, [fact])
        found = conn.execute(sa.select(table).where(table.c.id == id_)).one()
    assert (found.state, found.code, found.reason, found.who, found.tell) == (
        "failed", "graph_131026", "Not reachable.", "customer", 1,
    )  # fmt: skip


def test_a_status_that_came_without_our_id_counts_once_the_message_is_known(store: Store) -> None:
    """WhatsApp's own id says nothing to us until one status, or the answer, comes with both."""
    id_ = put(store, state="unknown")
    common = {"wamid": "wamid.unheard", "at": NOW, "reason": ""}
    with store.write() as conn:
        sends.add_statuses(conn, [common | {"status": "read", "event": "e1", "send": None}])
        sends.add_statuses(conn, [common | {"status": "sent", "event": "e2", "send": id_}])
    with store.read() as conn:
        found = conn.execute(sa.select(table).where(table.c.id == id_)).one()
    assert (found.state, found.rank, found.wamid) == ("read", 5, "wamid.unheard")


def test_a_template_that_comes_back_wakes_what_waited_for_it(store: Store) -> None:
    later = NOW + timedelta(hours=1)
    mine = put(store, state="waiting", template="quote_ready", code="template", next_at=later)
    night = put(store, state="waiting", template="quote_ready", code="quiet_hours", next_at=later)
    other = put(store, state="waiting", template="visit_reminder", code="template", next_at=later)
    with store.write() as conn:
        holding.wake(conn, "quote_ready", NOW)
        found = {row.id: row.next_at for row in conn.execute(sa.select(table.c.id, table.c.next_at))}
    assert (found[mine], found[night], found[other]) == (NOW, later, later)
