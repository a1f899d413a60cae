"""Our own writes of watched fields: each absorbs one event of the CRM, so that it does not set off a message."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from connector.core.canonical import digest
from connector.core.contact import Value
from connector.store.bulk import in_chunks, insert_many
from connector.store.tables import own_writes

BEFORE, AFTER = timedelta(seconds=5), timedelta(seconds=120)  # clocks differ; a CRM's automation takes a while
KEEP = timedelta(days=2)  # CRMs repeat a webhook for 24 hours
Written = tuple[str, str, str, Value]  # object, record, field, value
_T = own_writes.c


@dataclass(frozen=True, slots=True)
class Own:
    """One write that absorbed no event yet."""

    seq: int
    object: str
    record: str
    field: str
    value_hash: str
    started_at: datetime
    ended_at: datetime | None

    def explains(self, object_: str, record: str, field: str, value: Value, at: datetime) -> bool:
        """The event tells of this very write."""
        if (self.object, self.record, self.field) != (object_, record, field) or self.value_hash != digest(value):
            return False
        return self.started_at - BEFORE <= at and (self.ended_at is None or at <= self.ended_at + AFTER)


def begin(conn: sa.Connection, account: str, rows: Sequence[Written], now: datetime) -> None:
    """Before the call: whatever the CRM says from now on may be our own doing."""
    fresh = [
        {"account": account, "object": o, "record": r, "field": f, "value_hash": digest(v), "started_at": now}
        for o, r, f, v in rows
    ]
    insert_many(conn, own_writes, fresh)


def end(conn: sa.Connection, account: str, rows: Sequence[Written], now: datetime) -> None:
    """After the call, whatever it came to."""
    if not rows:
        return
    b = sa.bindparam
    mine = (_T.account == account, _T.record == b("r"), _T.field == b("f"), _T.object == b("o"))
    still = (_T.value_hash == b("v"), _T.ended_at.is_(None))
    values = [{"o": o, "r": r, "f": f, "v": digest(v)} for o, r, f, v in rows]
    conn.execute(sa.update(own_writes).where(*mine, *still).values(ended_at=now), values)


def unused(conn: sa.Connection, account: str, records: Iterable[str]) -> dict[tuple[str, str], list[Own]]:
    """{(object, record): writes that absorbed nothing yet, oldest first}."""
    found: dict[tuple[str, str], list[Own]] = defaultdict(list)
    columns = (_T.seq, _T.object, _T.record, _T.field, _T.value_hash, _T.started_at, _T.ended_at)
    for chunk in in_chunks(sorted(set(records))):
        query = sa.select(*columns).where(_T.account == account, _T.record.in_(chunk), _T.used == 0)
        for row in conn.execute(query.order_by(_T.seq)):
            found[row.object, row.record].append(Own(*row))
    return dict(found)


def use(conn: sa.Connection, seqs: Sequence[int]) -> int:
    """Each absorbs one event only; how many still could."""
    done = 0
    for chunk in in_chunks(sorted(seqs)):
        query = sa.update(own_writes).where(_T.seq.in_(chunk), _T.used == 0).values(used=1)
        done += conn.execute(query).rowcount
    return done


def prune(conn: sa.Connection, now: datetime) -> int:
    """Forgets writes that no event can tell of any more."""
    return conn.execute(sa.delete(own_writes).where(_T.started_at < now - KEEP)).rowcount
