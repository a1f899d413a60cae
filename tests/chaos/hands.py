"""Who holds which lock, and which rows: read from the database and its locks, so that a kill can hit work in hand."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from connector.app import App
from connector.errors import StoreDown
from connector.store.locks import key_of
from connector.store.tables import changes, deliveries, plans, sends
from tests.chaos.processes import Slot

SUSPECT = 3  # attempts: an event that was interrupted five times is taken for the cause (docs/decisions/0005)
JOURNEYS = {"handle": "reply", "trigger": "trigger"}  # stage -> what its plans are called
BEGUN = (plans.c.state == "new", plans.c.attempts > 0)
HELD = """
    SELECT a.usename::text, (l.classid::bigint << 32) | l.objid::bigint
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Hand:
    """A process with rows in hand. `stage` is write, handle, unpack, trigger or send; `of` its account or number."""

    slot: str
    stage: str
    of: str = ""


@dataclass(slots=True)
class Hands:
    """Looks from outside; nothing in the processes knows of it."""

    app: App
    slots: Sequence[Slot]
    accounts: Sequence[str]
    numbers: Sequence[str]
    locks: Path | None  # of SQLite; None = Postgres
    since: float = 0.0  # rows in flight that were started before then belong to somebody we killed
    _names: Mapping[int, tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        names = {f"account:{account}": ("write", account) for account in self.accounts}
        names |= {f"number:{number}": ("send", number) for number in self.numbers}
        names |= {"unpack": ("unpack", "")}
        self._names = {key_of(name): stage for name, stage in names.items()}

    def look(self) -> list[Hand]:
        """Workers that hold a lock and have rows under it; [] also while the database is away."""
        try:
            return [hand for hand in self._holding() if self.rows(hand)]
        except StoreDown:
            return []

    def idle(self) -> list[str]:
        """Workers that hold nothing."""
        try:
            held = {slot for slot, _ in self._held()}
        except StoreDown:
            held = set()
        return [slot.name for slot in self.slots if slot.kind == "worker" and slot.name not in held]

    def rows(self, hand: Hand) -> int:
        """Rows in flight, in the making, or waiting to be unpacked, that can only be this hand's. Raises StoreDown."""
        if not hand.stage:
            return 0
        query = {"write": self._changing, "send": self._sending, "unpack": self._new}.get(hand.stage, self._making)
        with self.app.store.read() as conn:
            return int(conn.execute(query(hand)).scalar_one())

    def died(self) -> None:
        self.since = time.time()

    def _changing(self, hand: Hand) -> sa.Select[tuple[int]]:
        t = changes.c
        return _count(changes, t.state == "in_flight", t.account == hand.of, t.started_at > self._since)

    def _sending(self, hand: Hand) -> sa.Select[tuple[int]]:
        t = sends.c
        return _count(sends, t.state == "in_flight", t.number == hand.of, t.started_at > self._since)

    def _making(self, hand: Hand) -> sa.Select[tuple[int]]:
        """None while an event is close to being suspected: real crashes do not aim at one event five times."""
        worst = sa.select(sa.func.max(plans.c.attempts)).where(*BEGUN).scalar_subquery()
        return _count(plans, *BEGUN, plans.c.journey == JOURNEYS[hand.stage], worst < SUSPECT)

    def _new(self, _: Hand) -> sa.Select[tuple[int]]:
        return _count(deliveries, deliveries.c.state == "new")

    @property
    def _since(self) -> datetime:
        return datetime.fromtimestamp(self.since, UTC)

    def _holding(self) -> list[Hand]:
        """Who holds what; a lock that has no name of its own may be that of a lane."""
        held = self._held()
        names = dict(self._names) | (self._lanes() if any(key not in self._names for _, key in held) else {})
        found = {Hand(slot, *names[key]) for slot, key in held if key in names}
        return sorted(found, key=astuple)

    def _lanes(self) -> dict[int, tuple[str, str]]:
        """The locks of the lanes whose plans are in the making."""
        stages = {journey: stage for stage, journey in JOURNEYS.items()}
        query = sa.select(plans.c.account, plans.c.lane, plans.c.journey).where(*BEGUN).distinct()
        with self.app.store.read() as conn:
            rows = conn.execute(query).all()
        return {key_of(f"lane:{row.account}:{row.lane}"): (stages[row.journey], row.account) for row in rows}

    def _held(self) -> list[tuple[str, int]]:
        """(slot, key of the lock)."""
        if self.locks is None:
            with self.app.store.read() as conn:
                return [(str(user), int(key)) for user, key in conn.execute(sa.text(HELD))]
        names = {slot.pid: slot.name for slot in self.slots}
        return [(names[pid], key) for pid, key in file_locks(self.locks) if pid in names]


def _count(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.Select[tuple[int]]:
    return sa.select(sa.func.count()).select_from(table).where(*where)


def file_locks(path: Path) -> list[tuple[int, int]]:
    """(pid, first byte) of every lock held on a file, as Linux tells it."""
    inode = str(path.stat().st_ino) if path.exists() else ""
    rows = (line.split() for line in Path("/proc/locks").read_text("ascii").splitlines())
    return [(int(row[4]), int(row[6])) for row in rows if row[1] == "POSIX" and row[5].rpartition(":")[2] == inode]
