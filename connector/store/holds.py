"""Whom a person of ours talks with: automation is silent until they are given back, or until a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import holds

_T = holds.c
WORDS = {"handoff": "a colleague was asked to take over", "echo": "somebody answered from the phone app",
         "person": "a person holds it"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hold:
    """A person talks with this contact. `until` None = until they are given back."""

    contact: str
    why: str  # handoff echo person
    text: str
    at: datetime
    until: datetime | None

    @property
    def words(self) -> str:
        """Why nothing is said, in one sentence."""
        end = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "until they are given back"
        return f"{WORDS.get(self.why, self.why)}: automation is silent {end}"


def load(conn: sa.Connection, contacts: Iterable[str], now: datetime) -> dict[str, Hold]:
    """{contact: the hold on it now}."""
    wanted = set(contacts)
    rows = _load(conn, wanted, now) if wanted else ()
    return {row.contact: Hold(row.contact, row.why, row.text, row.at, row.until) for row in rows}


@once
def _load(conn: sa.Connection, contacts: set[str], now: datetime) -> sa.Executable:
    mine = sa.and_(among(conn, _T.contact, contacts), sa.or_(_T.until.is_(None), _T.until > now))
    return sa.select(holds).where(mine)


def put(conn: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Holds contacts ({contact, why, text, at, until, event}); the later end stands."""
    for row in sorted(rows, key=lambda r: r["contact"]):
        if insert_many(conn, holds, [dict(row)], ignore_conflicts=True, returning=["contact"]):
            continue
        longer = sa.and_(_T.until.is_not(None), _T.until < row["until"]) if row["until"] else sa.true()
        values = {k: v for k, v in row.items() if k != "contact"}
        conn.execute(sa.update(holds).where(_T.contact == row["contact"], longer).values(**values))


def release(conn: sa.Connection, contact: str) -> bool:
    """Automation may speak again. False when nothing was held."""
    return conn.execute(sa.delete(holds).where(_T.contact == contact)).rowcount > 0


def merge(conn: sa.Connection, into: str, gone: str) -> None:
    """A hold follows the contact."""
    for row in conn.execute(sa.select(holds).where(_T.contact == gone)).all():
        put(conn, [dict(row._mapping) | {"contact": into}])
    conn.execute(sa.delete(holds).where(_T.contact == gone))


def over(conn: sa.Connection, now: datetime) -> int:
    """Forgets holds whose time has passed; how many."""
    return conn.execute(sa.delete(holds).where(_T.until.is_not(None), _T.until <= now)).rowcount
