"""The chores behind the figures: tallies move on, and what became of the last days' sends and questions is summed."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store import counts, health, review, snapshots, tallies
from connector.store.engine import Store
from connector.store.figures import DAY, DAYS, EVENTS, HOUR, SENDS, beginning, first_id, replace, week
from connector.store.send_lists import GROUPS
from connector.store.tables import events, from_ms, sends, to_ms

OPEN = "review_by_document"  # snapshot: {document: open questions}
COUNTED = "days_counted"  # snapshot: {day in ms: when it was last counted, in ms}
REST = timedelta(hours=12)  # between two counts of a day whose messages have arrived
FRESH = 2  # days whose messages are still on their way
_E, _S = events.c, sends.c
_GROUP = {state: group for group, states in GROUPS.items() for state in states}
OUT = ("RecordChanged", "TriggerCalled", "TimerDue")


def tally(store: Store) -> None:
    """Every half minute: the tallies move on."""
    with store.write() as conn:
        tallies.advance(conn)


def count(store: Store, now: datetime) -> None:
    """Every few minutes: reads without holding anybody up, then keeps the sums in short transactions."""
    _hours(store, now)
    for day in _due(store, now):
        _day(store, day, now)
    with store.read() as conn:
        questions = review.by_document(conn)
        refused = counts.counts(conn)["refused"]
        bad = health.bad_hours(conn, now)
    with store.write() as conn:
        snapshots.put(conn, counts.REFUSED, refused, now)
        snapshots.put(conn, OPEN, questions, now)
        snapshots.put(conn, health.BAD, {str(to_ms(hour)): sums for hour, sums in bad.items()}, now)


def _hours(store: Store, now: datetime) -> None:
    """Events of the running hour and the one before; the newest ones are at the end of the table."""
    this = beginning(now, HOUR)
    for hour in (this - HOUR, this):
        with store.read() as conn:
            sums = events_between(conn, hour, hour + HOUR)
        with store.write() as conn:
            replace(conn, EVENTS, hour, {(EVENTS, way): n for way, n in sums.items()})


def events_between(conn: sa.Connection, start: datetime, end: datetime) -> dict[str, int]:
    """{"in", "out", "status", "other": events received then}; by the ids, which are made in the order of time."""
    received = sa.and_(_E.id >= first_id(start - timedelta(minutes=5)), _E.received_at >= start, _E.received_at < end)
    found: dict[str, int] = {}
    for kind, n in conn.execute(sa.select(_E.kind, sa.func.count()).where(received).group_by(_E.kind)):
        way = "in" if kind == "InboundMessage" else "status" if kind == "DeliveryStatus" else "other"
        way = "out" if kind in OUT else way
        found[way] = found.get(way, 0) + n
    return found


def _due(store: Store, now: datetime) -> list[datetime]:
    """The days that are counted now: today and yesterday each time, older ones twice a day."""
    with store.read() as conn:
        kept = snapshots.get(conn, COUNTED)
    last = kept[0] if kept else {}
    days = [week(now) + n * DAY for n in range(DAYS)]
    fresh = beginning(now, DAY) - (FRESH - 1) * DAY
    old = to_ms(now - REST)
    return [day for day in days if day >= fresh or last.get(str(to_ms(day)), 0) <= old]


def _day(store: Store, day: datetime, now: datetime) -> None:
    with store.read() as conn:
        sums = sends_between(conn, day, day + DAY)
    with store.write() as conn:
        replace(conn, SENDS, day, {(SENDS + group, name): n for (group, name), n in sums.items()})
        kept = snapshots.get(conn, COUNTED)
        days: dict[str, Any] = {k: v for k, v in (kept[0] if kept else {}).items() if from_ms(int(k)) >= week(now)}
        snapshots.put(conn, COUNTED, days | {str(to_ms(day)): to_ms(now)}, now)


def sends_between(conn: sa.Connection, start: datetime, end: datetime) -> dict[tuple[str, str], int]:
    """{(group, document): messages made then that stand there now}; another tool's have no document."""
    query = sa.select(_S.state, _S.document, sa.func.count()).where(_S.at >= start, _S.at < end)
    found: dict[tuple[str, str], int] = {}
    for state, document, n in conn.execute(query.group_by(_S.state, _S.document)):
        key = (_GROUP.get(state, state), document)
        found[key] = found.get(key, 0) + n
    return found
