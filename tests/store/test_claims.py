"""Whoever looks for work walks the rows that wait, never the history."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connector.store import changes, contacts, deliveries, plans
from connector.store.engine import Store, open_store
from connector.store.tables import accounts

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LOOKS: dict[str, Callable[[sa.Connection], Any]] = {
    "lanes": lambda conn: plans.due_lanes(conn, "a", NOW, 200, skip=["x"]),
    "take": lambda conn: plans.take(conn, "a", ["l"], NOW, 100),
    "handle bells": lambda conn: plans.accounts_due(conn, NOW),
    "lanes of triggers": lambda conn: plans.due_lanes(conn, "a", NOW, 200, journey="trigger"),
    "take triggers": lambda conn: plans.take(conn, "a", ["l"], NOW, 100, journey="trigger"),
    "trigger bells": lambda conn: plans.accounts_due(conn, NOW, "trigger"),
    "changes": lambda conn: changes.due(conn, "a", NOW, 100),
    "write bells": lambda conn: changes.accounts_due(conn, NOW, NOW),
    "recover": lambda conn: changes.recover(conn, "a", NOW, most=10),
    "of a lane": lambda conn: changes.pending_values(conn, "a", ["l"], []),
    "newcomers": lambda conn: changes.resolve_records(conn, "a", {"l": ("contacts", "1")}),
    "merge": lambda conn: contacts.merge(conn, "old", "new", NOW),
    "deliveries": lambda conn: deliveries.claim_deliveries(conn, 10),
}
WAITING = ("changes", "plans", "deliveries")


@pytest.fixture
def store(sqlite_url: str, home: Path) -> Iterator[Store]:
    opened = open_store(sqlite_url, home=home)
    yield opened
    opened.close()


def _steps(conn: sa.Connection, look: Callable[[sa.Connection], Any]) -> list[str]:
    """SQLite's plan of every statement that `look` makes."""
    steps: list[str] = []

    def note(conn: Any, _: Any, statement: str, values: Any, __: Any, many: bool) -> None:
        found = conn.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", values[0] if many else values)
        steps.extend(row[3] for row in found)

    sa.event.listen(conn, "before_cursor_execute", note)
    look(conn)
    return steps


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_for_work_reads_the_index_of_what_waits(store: Store, name: str) -> None:
    with store.write() as conn:
        steps = _steps(conn, LOOKS[name])
    mine = [s for s in steps if s.split()[1] in (*WAITING, "p", "q")]
    assert mine
    assert all("_new" in s or "_pending" in s or "plans_lane" in s for s in mine), mine


def test_a_lane_is_looked_up_by_its_own_index(store: Store) -> None:
    """By the account's, each plan would walk every plan before it."""
    with store.write() as conn:
        steps = _steps(conn, LOOKS["lanes"])
    assert any(s.startswith("SEARCH q USING INDEX plans_lane") for s in steps), steps


def test_accounts_with_work_are_named_once(store: Store) -> None:
    with store.write() as conn:
        for id_ in ("a", "b"):
            conn.execute(sa.insert(accounts).values(id=id_, name=id_, settings={}, created_at=NOW))
        for n in range(3):
            conn.execute(sa.insert(plans.plans).values(event=f"e{n}", account="a", event_seq=n, lane="l"))
        assert plans.accounts_due(conn, NOW) == ["a"]
