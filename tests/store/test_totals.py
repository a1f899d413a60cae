"""Sums since the beginning: as the transaction they were noted in ends, and as the rows say."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from connector.store import events as event_rows
from connector.store import heard, measures, totals
from connector.store.bulk import insert_many
from connector.store.tables import deliveries as rows_of_deliveries
from connector.store.tables import snapshots

NOW = datetime(2026, 11, 24, 15, 20, tzinfo=UTC)


def known(store):
    with store.read() as conn:
        return {(row.name, row.a, row.b): row.n for row in totals.read(conn)}


def test_what_is_noted_counts_once_its_transaction_is_committed(store):
    for _ in range(2):
        with store.write() as conn:
            totals.note(conn, "sends", "wa", "accepted", 3)
            totals.note(conn, "sends", "wa", "accepted")
            totals.note(conn, "events", "InboundMessage")
    with suppress(RuntimeError), store.write() as conn:
        totals.note(conn, "sends", "wa", "accepted", 100)
        raise RuntimeError
    with store.write():
        pass  # the same connection, perhaps: what was rolled back is not added later
    assert known(store) == {("sends", "wa", "accepted"): 8, ("events", "InboundMessage", ""): 2}


def event(n, kind, **payload):
    return {
        "id": f"0193a7c2-0000-7000-8000-{n:012d}", "delivery": None, "account": "wa", "dedupe_key": str(n),
        "lane": None, "kind": kind, "payload": payload, "received_at": NOW, "state": "done",
        "attempts": 0, "error": None,
    }  # fmt: skip


def test_events_and_statuses_are_counted_where_they_are_stored(store):
    with store.write() as conn:
        event_rows.add(conn, [event(1, "InboundMessage", text="x"), event(2, "DeliveryStatus", status="read")], [])
        event_rows.add(conn, [event(3, "DeliveryStatus", status="sent")], [])
    assert known(store) == {
        ("events", "InboundMessage", ""): 1, ("events", "DeliveryStatus", ""): 2, ("statuses", "read", ""): 1,
        ("statuses", "sent", ""): 1,
    }  # fmt: skip


def delivery(n, account, at):
    return {"id": str(n), "account": account, "received_at": at, "body": b"", "state": "unpacked", "attempts": 0}


def test_webhooks_are_counted_by_the_hour_each_once_and_not_before_they_settled(store):
    old, fresh = NOW - timedelta(hours=2), NOW - timedelta(seconds=2)
    with store.write() as conn:
        came = [("wa", old), ("wa", old), ("crm", NOW - timedelta(minutes=30)), ("wa", fresh)]
        conn.execute(sa.insert(rows_of_deliveries), [delivery(n, *one) for n, one in enumerate(came)])
    for _ in range(2):
        with store.write() as conn:
            heard.count(conn, NOW)
    with store.read() as conn:
        assert heard.hours(conn, NOW) == {
            "wa": [datetime(2026, 11, 24, 13, tzinfo=UTC)], "crm": [datetime(2026, 11, 24, 14, tzinfo=UTC)],
        }  # fmt: skip
        assert heard.last(conn)["wa"] == old
    with store.write() as conn:
        heard.count(conn, NOW + timedelta(minutes=1))
    assert known(store) == {("deliveries", "wa", ""): 3, ("deliveries", "crm", ""): 1}
    with store.read() as conn:
        assert heard.last(conn)["wa"] == fresh
    with store.write() as conn:
        heard.count(conn, NOW + timedelta(days=20))
    with store.read() as conn:
        assert heard.hours(conn, NOW) == {}


def test_measures_of_an_empty_house(store):
    with store.read() as conn:
        found = measures.load(conn, NOW)
    assert {lag.stage for lag in found.lags} == set(found.waiting)
    assert set(found.waiting.values()) == {0}
    assert (found.events, found.deliveries, found.backup) == (0, 0, None)
    assert found.bytes > 10_000
    assert found.schema >= "0005"


def test_what_waits_is_counted_up_to_a_bound(store, monkeypatch):
    monkeypatch.setattr(measures, "MOST", 3)
    with store.write() as conn:
        rows = [delivery(n, "wa", NOW) | {"state": "new"} for n in range(5)]
        conn.execute(sa.insert(rows_of_deliveries), rows)
        insert_many(conn, snapshots, [{"name": "usage:crm", "body": {"daily": [5, 10]}, "at": NOW}])
    with store.read() as conn:
        found = measures.load(conn, NOW)
    assert found.waiting["unpack"] == 3
    assert found.deliveries == 5
    assert found.usage == {"crm": {"daily": [5, 10]}}
