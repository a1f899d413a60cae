"""The audit log: who changed what. Rows are only added; nothing but retention takes them away. No secret gets in.

Each line is chained to the one before (audit_chain), and triggers refuse what is not an addition."""

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

import sqlalchemy as sa

from connector.core.text import clean
from connector.store import audit_chain
from connector.store.tables import audit

HIDDEN = "(hidden)"
DEEPEST, WIDEST, LONGEST = 8, 200, 2000  # levels, entries of one list or object, characters of one text
_SECRET = re.compile(
    r"token|secret|passw|pwd|passphrase|authoriz|credential|cookie|csrf|api_?key|private_?key|jwt|signature|hash|(^|_)otp(_|$)"
)
_NAMES = ("name", "key", "field")  # {"name": "client_secret", "value": ...}: a form's rows
_T = audit.c


def append(
    conn: sa.Connection, who: str, action: str, object_: str, detail: Mapping[str, Any] | None, now: datetime
) -> None:
    """One line, at the end of the transaction of what it tells of. `action` is a word like document.publish."""
    row = {
        "at": now, "who": clean(who, 200), "action": clean(action, 100), "object": clean(object_, 300),
        "detail": None if detail is None else redacted(detail),
    }  # fmt: skip
    audit_chain.chained(conn, row)


def page(
    conn: sa.Connection,
    *,
    before: int | None = None,
    limit: int = 50,
    who: str = "",
    action: str = "",
    object_: str = "",
) -> list[sa.Row[Any]]:
    """(seq, at, who, action, object, detail), newest first; the next page is `before` = the last seq of this one.

    An action that ends with a dot means all that begin with it."""
    query = sa.select(audit).order_by(_T.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(_T.seq < before)
    if who:
        query = query.where(_T.who == clean(who, 200))
    if action:
        word = clean(action, 100)
        query = query.where(_T.action.startswith(word, autoescape=True) if word[-1:] == "." else _T.action == word)
    if object_:
        query = query.where(_T.object == clean(object_, 300))
    return list(conn.execute(query))


def prune(conn: sa.Connection, before: datetime, limit: int) -> int:
    """Retention: the oldest lines that are past their time, at most `limit`, without a gap; how many went."""
    rows = conn.execute(sa.select(_T.seq, _T.at).order_by(_T.seq).limit(limit)).all()
    old = list(takewhile(lambda row: row.at < before, rows))
    return audit_chain.cut(conn, old[-1].seq) if old else 0


def redacted(value: Any, deep: int = DEEPEST) -> Any:
    """The same as JSON, without what stands under the name of a secret, and bounded."""
    if isinstance(value, Mapping):
        return _object(value, deep) if deep else "…"
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one, deep - 1) for one in list(value)[:WIDEST]] if deep else "…"
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has no NaN
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return clean(value.isoformat() if isinstance(value, datetime) else str(value), LONGEST)


def _object(value: Mapping[Any, Any], deep: int) -> dict[str, Any]:
    named = any(_is_secret(value[name]) for name in _NAMES if isinstance(value.get(name), str))
    return {
        clean(str(name), 100): HIDDEN if inner not in (None, "") and (_is_secret(name) or (named and name == "value"))
        else redacted(inner, deep - 1)
        for name, inner in list(value.items())[:WIDEST]
    }  # fmt: skip


def _is_secret(name: Any) -> bool:
    """accessToken, access-token and ACCESS_TOKEN are one name."""
    return _SECRET.search(re.sub(r"[-_. ]+", "_", str(name)).lower()) is not None
