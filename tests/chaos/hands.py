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
from connector.store.tables import changes, deliveries, plans
from tests.chaos.processes import Slot

SUSPECT = 3  # attempts: an event that was interrupted five times is taken for the cause (docs/decisions/0005)
HELD = """
    SELECT a.usename::text, (l.classid::bigint << 32) | l.objid::bigint
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Hand:
    """A process with rows in hand. `stage` is write, handle or unpack."""

    slot: str
    stage: str
    account: str = ""


@dataclass(slots=True)
class Hands:
    """Looks from outside; nothing in the processes knows of it."""

    app: App
    slots: Sequence[Slot]
    accounts: Sequence[str]
    locks: Path | None  # of SQLite; None = Postgres
    dead_since: float = 0.0  # rows in flight that were started before then belong to somebody we killed
    _names: Mapping[int, tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        names = {key_of(f"account:{account}"): ("write", account) for account in self.accounts}
        self._names = names | {key_of("unpack"): ("unpack", ""), key_of("clock"): ("clock", "")}

    def look(self) -> list[Hand]:
        """Workers that hold a lock and have rows under it; [] also while the database is away."""
        try:
            return [hand for hand in self._holding() if self.rows(hand)]
        except StoreDown:
            return []

    def idle(self) -> list[str]:
        """Workers that hold nothing."""
        try:
            held = {hand.slot for hand in self._holding()}
        except StoreDown:
            held = set()
        return [slot.name for slot in self.slots if slot.kind == "worker" and slot.name not in held]

    def rows(self, hand: Hand) -> int:
        """Rows in flight, in the making, or waiting to be unpacked, that can only be this hand's."""
        if not hand.stage:
            return 0
        query = {"write": self._in_flight, "handle": self._in_the_making, "unpack": self._new}[hand.stage]
        with self.app.store.read() as conn:
            return int(conn.execute(query(hand)).scalar_one())

    def died(self) -> None:
        self.dead_since = time.time()

    def _in_flight(self, hand: Hand) -> sa.Select[tuple[int]]:
        t = changes.c
        since = datetime.fromtimestamp(self.dead_since, UTC)
        mine = sa.and_(t.state == "in_flight", t.account == hand.account, t.started_at > since)
        return sa.select(sa.func.count()).select_from(changes).where(mine)

    def _in_the_making(self, _: Hand) -> sa.Select[tuple[int]]:
        """None while an event is close to being suspected: real crashes do not aim at one event five times."""
        begun = sa.and_(plans.c.state == "new", plans.c.attempts > 0)
        worst = sa.select(sa.func.max(plans.c.attempts)).where(begun).scalar_subquery()
        return sa.select(sa.func.count()).select_from(plans).where(begun, worst < SUSPECT)

    def _new(self, _: Hand) -> sa.Select[tuple[int]]:
        return sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.state == "new")

    def _holding(self) -> list[Hand]:
        found = {Hand(slot, *self._names.get(key, ("handle", ""))) for slot, key in self._held()}
        return sorted((hand for hand in found if hand.stage != "clock"), key=astuple)

    def _held(self) -> list[tuple[str, int]]:
        """(slot, key of the lock)."""
        if self.locks is None:
            with self.app.store.read() as conn:
                return [(str(user), int(key)) for user, key in conn.execute(sa.text(HELD))]
        names = {slot.pid: slot.name for slot in self.slots}
        return [(names[pid], key) for pid, key in file_locks(self.locks) if pid in names]


def file_locks(path: Path) -> list[tuple[int, int]]:
    """(pid, first byte) of every lock held on a file, as Linux tells it."""
    inode = str(path.stat().st_ino) if path.exists() else ""
    rows = (line.split() for line in Path("/proc/locks").read_text("ascii").splitlines())
    return [(int(row[4]), int(row[6])) for row in rows if row[1] == "POSIX" and row[5].rpartition(":")[2] == inode]
