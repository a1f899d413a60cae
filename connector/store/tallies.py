"""How many rows the two long tables have, without counting them all: so many up to a seq, and the few behind it.

The place moves on only when no row before it can appear any more. On SQLite there is one writer, and it is us. On
Postgres a transaction may commit a smaller seq later: the place is named at one run (`mark`), the newest transaction
noted at the next (`horizon`), and the place is taken once every transaction up to that one has ended."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.tables import deliveries, events, tallies

TABLES: Mapping[str, sa.Table] = {"deliveries": deliveries, "events": events}
_T = tallies.c
_XMIN = sa.text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
_XMAX = sa.text("SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)")


@dataclass(frozen=True, slots=True)
class Part:
    """A table's tally, and the number of rows behind it as a subquery; `upto` is a literal, so that it is planned."""

    name: str
    upto: int

    @property
    def kept(self) -> sa.ScalarSelect[Any]:
        return sa.select(_T.n).where(_T.name == self.name).scalar_subquery()

    @property
    def place(self) -> sa.ScalarSelect[Any]:
        return sa.select(_T.upto).where(_T.name == self.name).scalar_subquery()

    @property
    def behind(self) -> sa.ScalarSelect[Any]:
        table = TABLES[self.name]
        return sa.select(sa.func.count()).select_from(table).where(table.c.seq > self.upto).scalar_subquery()


def parts(conn: sa.Connection) -> list[Part]:
    """Where the tallies stand now. One that has moved since is seen by `place`, and the question asked anew."""
    known = {row.name: row.upto for row in conn.execute(sa.select(_T.name, _T.upto))}
    return [Part(name, known.get(name, 0)) for name in TABLES]


def advance(conn: sa.Connection) -> None:
    """One step of each tally, in one transaction that writes; a chore comes every minute."""
    for name in TABLES:
        insert_many(conn, tallies, [{"name": name, "upto": 0, "n": 0}], ignore_conflicts=True)
        row = _locked(conn, name)
        if conn.dialect.name == "sqlite":
            _take(conn, name, row.upto, _newest(conn, name))
        else:
            _step(conn, name, row)


def _step(conn: sa.Connection, name: str, row: Any) -> None:
    if row.mark is None:
        values: dict[str, Any] = {"mark": _newest(conn, name), "horizon": None}
    elif row.horizon is None:
        values = {"horizon": conn.execute(_XMAX).scalar_one()}
    elif conn.execute(_XMAX).scalar_one() < row.horizon:  # restored elsewhere: transactions are numbered anew
        values = {"mark": None, "horizon": None}
    elif conn.execute(_XMIN).scalar_one() >= row.horizon:
        _take(conn, name, row.upto, row.mark)
        values = {"mark": None, "horizon": None}
    else:
        return
    conn.execute(sa.update(tallies).where(_T.name == name).values(**values))


def _take(conn: sa.Connection, name: str, upto: int, mark: int) -> None:
    table = TABLES[name]
    between = sa.and_(table.c.seq > upto, table.c.seq <= mark)
    n = conn.execute(sa.select(sa.func.count()).select_from(table).where(between)).scalar_one()
    conn.execute(sa.update(tallies).where(_T.name == name).values(upto=max(upto, mark), n=_T.n + n))


def _newest(conn: sa.Connection, name: str) -> int:
    return int(conn.execute(sa.select(sa.func.max(TABLES[name].c.seq))).scalar() or 0)


def _locked(conn: sa.Connection, name: str) -> Any:
    return conn.execute(sa.select(tallies).where(_T.name == name).with_for_update()).one()


def delete(conn: sa.Connection, name: str, seqs: Collection[int]) -> int:
    """Deletes rows of a tallied table by seq, and keeps the tally true; how many there were. Nothing else deletes."""
    insert_many(conn, tallies, [{"name": name, "upto": 0, "n": 0}], ignore_conflicts=True)
    row = _locked(conn, name)
    table = TABLES[name]
    gone = conn.execute(sa.delete(table).where(table.c.seq.in_(list(seqs))).returning(table.c.seq)).scalars().all()
    counted = sum(seq <= row.upto for seq in gone)
    conn.execute(sa.update(tallies).where(_T.name == name).values(n=_T.n - counted))
    return len(gone)
