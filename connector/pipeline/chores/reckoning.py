"""The chores behind the reports: days are counted while their messages still move, and goals as records change."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.core import consent, events, goals
from connector.core.goals import Goal, Move
from connector.core.phone import country_of_start
from connector.pipeline.documents.library import LiveSend, Shelf
from connector.pipeline.triggers.firing import object_of_goal
from connector.ports import CRM, Account
from connector.store import conversation_lists, report_days, reporting, snapshots
from connector.store import goals as rows
from connector.store.engine import Store
from connector.store.figures import DAY, beginning, first_id
from connector.store.tables import from_ms, to_ms

COUNTED = "report_days_counted"  # snapshot: {day in ms: when it was last counted, in ms}
ASKING = "report_asking"  # snapshot: templates that a live document waits for an answer to
WORDS = "report_words"  # snapshot: {code of WhatsApp's: what it says}
LOOKED = "goals_looked"  # snapshot: {document: [what its goal was, the last event id looked at]}
SETTLED = timedelta(days=30)  # an older day's messages are not answered or read any more
REST = ((2, timedelta()), (8, timedelta(hours=12)), (31, timedelta(days=1)))  # days old: how long a count holds
PAST = timedelta(days=400)  # how far back a first count goes
DAYS = 20  # counted in one run: the past comes a part at a time
OVERLAP = timedelta(minutes=10)  # an event may be stored later than a newer one
FIRST = timedelta(days=1)  # what a new goal looks back
MOVES = 500  # changes of one transaction


# ---- days --------------------------------------------------------------------------------------------------------
def count(store: Store, shelves: Iterable[Shelf], now: datetime) -> int:
    """Counts the days that are due, the newest first; how many."""
    asking = sorted(_asking(shelves))
    with store.read() as conn:
        kept, first = snapshots.get(conn, COUNTED), report_days.oldest(conn)
    last = {int(day): int(at) for day, at in (kept[0] if kept else {}).items()}
    due = _due(last, first, now)[:DAYS]
    for day in due:
        with store.read() as conn:
            sums = reporting.of_day(conn, day, day + DAY, asking, country_of_start, idle)
            sums += conversation_lists.of_day(conn, day, day + DAY)
            words = reporting.words(conn, day, day + DAY)
        with store.write() as conn:
            report_days.replace(conn, day, sums)
            last[to_ms(day)] = to_ms(now)
            since = to_ms(now - PAST)
            snapshots.put(conn, COUNTED, {str(d): at for d, at in last.items() if d >= since}, now)
            snapshots.put(conn, ASKING, asking, now)
            if words:
                kept = snapshots.get(conn, WORDS)
                snapshots.put(conn, WORDS, words | (kept[0] if kept else {}), now)
    return len(due)


def _asking(shelves: Iterable[Shelf]) -> set[str]:
    """Templates that a live mapping waits for an answer to."""
    return {
        name for shelf in shelves for live in shelf.live for name in live.document.answer_to or () if "." not in name
    }


def _due(last: dict[int, int], first: datetime | None, now: datetime) -> list[datetime]:
    """The days whose count does not hold any more, newest first."""
    today, found = beginning(now, DAY), []
    day, floor = today, max(min(beginning(first or now, DAY), today - SETTLED), today - PAST)
    while day >= floor:
        at, age = last.get(to_ms(day)), (today - day).days
        rest = next((rest for most, rest in REST if age < most), None)
        # A day that was last counted while it still moved is counted once more when it is settled.
        settled = at is not None and rest is None and from_ms(at) >= day + SETTLED
        if at is None or (rest is not None and from_ms(at) <= now - rest) or (rest is None and not settled):
            found.append(day)
        day -= DAY
    return found


def idle(message: Any) -> bool:
    """A message that asks for nothing: a reaction, a word that ends messages, one in a group."""
    kind = message.get("type")
    silent = kind == "reaction" or kind in events.SILENT_TYPES or bool(message.get("group_id"))
    return silent or consent.stop_word(str(message.get("text") or "")) is not None


# ---- goals -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Aim:
    """One document's goal in one CRM account."""

    document: str
    goal: Goal
    object: str


def look(store: Store, account: Account, crm: CRM, shelf: Shelf, now: datetime) -> int:
    """Which messages have led to what they were meant to since the last look; how many."""
    found = 0
    for live in shelf.sends:
        if live.document.goal is not None:
            found += _document(store, account, _aim(live, crm), now)
    return found


def _aim(live: LiveSend, crm: CRM) -> _Aim:
    assert live.document.goal is not None
    return _Aim(live.document.name, live.document.goal, object_of_goal(live.document, crm.can.objects))


def _document(store: Store, account: Account, aim: _Aim, now: datetime) -> int:
    with store.read() as conn:
        kept = snapshots.get(conn, LOOKED)
    before = (kept[0] if kept else {}).get(aim.document)
    after = first_id(now - FIRST)
    if before is not None and before[0] == str(aim.goal):
        after = str(before[1])
    found, more = 0, True
    while more:
        with store.read() as conn:
            page = rows.moves(conn, account.id, aim.object, [aim.goal.field], after, now, MOVES)
            hits = _hits(conn, account, aim, page) if page else {}
        more = len(page) == MOVES
        after = page[-1].id if more else max(after, first_id(now - OVERLAP))
        with store.write() as conn:
            found += rows.keep(conn, aim.document, hits)
            kept = snapshots.get(conn, LOOKED)
            known = {**(kept[0] if kept else {}), aim.document: [str(aim.goal), after]}
            snapshots.put(conn, LOOKED, known, now)
    return found


def _hits(conn: Any, account: Account, aim: _Aim, page: Collection[Any]) -> dict[str, datetime]:
    """{message: when} of one page of changes. A change that does not say what to is what the field is now."""
    mine = [row for row in page if row.payload.get("field") == aim.goal.field and row.payload.get("what") == "changed"]
    untold = {_record(row.lane) for row in mine if row.payload.get("value") is None}
    known = rows.last_values(conn, account.id, aim.object, untold, aim.goal.field)
    moves = [
        Move(row.lane, _at(row))
        for row in mine
        if aim.goal.meant(row.payload.get("value", known.get(_record(row.lane))))
    ]
    if not moves:
        return {}
    since = min(move.at for move in moves) - aim.goal.within
    return goals.reached(aim.goal, moves, rows.sent(conn, aim.document, {move.record for move in moves}, since))


def _record(lane: str) -> str:
    return lane.rsplit(":", 1)[-1]


def _at(row: Any) -> datetime:
    said: str | None = row.payload.get("at")
    return datetime.fromisoformat(said) if said else row.received_at
