"""What a person should know and mend: one row for each finding, gone when it is mended."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import in_chunks, insert_many
from connector.store.tables import findings

_T = findings.c
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` and `key` name it; `document` is the one it stops, "" = none."""

    code: str
    key: str
    message: str
    hint: str = ""
    document: str = ""


def raise_(conn: sa.Connection, found: Iterable[Finding], now: datetime) -> None:
    """Keeps these; one that is known keeps its time and gets the newest words."""
    named = {(f.code, f.key): {"message": f.message, "hint": f.hint, "document": f.document} for f in found}
    if not named:
        return
    fresh = [{"code": code, "key": key, "at": now, **named[code, key]} for code, key in sorted(named)]
    made = insert_many(conn, findings, fresh, ignore_conflicts=True, returning=["code", "key"])
    new = {(row.code, row.key) for row in made}
    known = [{"c": code, "k": key, **named[code, key]} for code, key in sorted(named.keys() - new)]
    if known:
        same = sa.and_(_T.code == sa.bindparam("c"), _T.key == sa.bindparam("k"))
        conn.execute(sa.update(findings).where(same), known)


def clear(conn: sa.Connection, code: str, keys: Sequence[str]) -> None:
    """These are mended."""
    for chunk in in_chunks(list(keys)):
        conn.execute(sa.delete(findings).where(_T.code == code, _T.key.in_(chunk)))


def clear_all(conn: sa.Connection, code: str) -> int:
    """Every one of this code; how many."""
    return conn.execute(sa.delete(findings).where(_T.code == code)).rowcount


def renew(conn: sa.Connection, codes: Collection[str], found: Sequence[Finding], now: datetime) -> None:
    """Of these codes exactly `found` remain."""
    kept = {(f.code, f.key) for f in found}
    mended: dict[str, list[str]] = {}
    for code, key in conn.execute(sa.select(_T.code, _T.key).where(_T.code.in_(list(codes)))):
        if (code, key) not in kept:
            mended.setdefault(code, []).append(key)
    for code, keys in mended.items():
        clear(conn, code, keys)
    raise_(conn, found, now)


def all_(conn: sa.Connection) -> Sequence[sa.Row[Any]]:
    """(code, key, message, hint, document, at), oldest first."""
    return conn.execute(sa.select(findings).order_by(_T.at, _T.code, _T.key)).all()


def summed(conn: sa.Connection) -> list[dict[str, Any]]:
    """As doctor tells them: {code, count, examples, hint}; an example is the sentence itself."""
    grouped: dict[str, list[sa.Row[Any]]] = {}
    for row in all_(conn):
        grouped.setdefault(row.code, []).append(row)
    return [
        {"code": code, "count": len(rows), "examples": [r.message for r in rows[:EXAMPLES]], "hint": rows[0].hint}
        for code, rows in grouped.items()
    ]
