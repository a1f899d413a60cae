"""What a person does about sends: pause, resume, cancel, send again; and the list that says why each one waits."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store import parks
from connector.store.among import among
from connector.store.once import once
from connector.store.sending import CANCELLED
from connector.store.tables import accounts, findings, in_state, sends
from connector.store.tables import parks as parked

SCOPES = ("account", "number", "template", "document", "broadcast", "contact", "send")
FOR_EVER = timedelta(days=36500)
AGAIN = "sent_again_by_person"
AT_ONCE = 5_000  # sends that are cancelled in one transaction
BY_PERSON = "A person cancelled it."
_T = sends.c
MARKS = {  # scope -> column
    "document": "document", "broadcast": "broadcast", "number": "number", "account": "account", "contact": "lane",
}  # fmt: skip
FILTERS: Mapping[str, sa.Column[Any]] = {
    "id": _T.id, "state": _T.state, "document": _T.document, "number": _T.number, "contact": _T.lane, "to": _T.to,
    "event": _T.event, "template": _T.template, "crm": _T.crm, "code": _T.code,
}  # fmt: skip


COLUMNS = (
    _T.id, _T.document, _T.version, _T.template, _T.language, _T.category, _T.step, _T.to, _T.user_id, _T.state,
    _T.label, _T.code, _T.reason, _T.who, _T.next_at, _T.at, _T.started_at, _T.ended_at, _T.number, _T.account, _T.crm,
    _T.attempts, _T.lane, _T.event, _T.answered_by, _T.broadcast,
)  # fmt: skip


def pause(conn: sa.Connection, scope: str, key: str, reason: str, now: datetime) -> None:
    """Nothing of it is sent until it is resumed; one row, however much waits. A template's key is `account:name`."""
    parks.park(conn, scope, key, now + FOR_EVER, reason or "A person paused it.")


def resume(conn: sa.Connection, scope: str, key: str, now: datetime) -> bool:
    """It goes on, with what was set aside meanwhile. False when it did not rest."""
    p = parked.c
    gone = conn.execute(sa.delete(parked).where(p.scope == scope, p.key == key, p.until > now)).rowcount > 0
    aside = sa.and_(in_state(sends, "ready"), _T.code == "parked", _of(scope, key))
    conn.execute(sa.update(sends).where(aside).values(next_at=now, code="", reason=""))
    if scope == "document":
        conn.execute(sa.delete(findings).where(findings.c.code == "template_changed", findings.c.document == key))
    return gone


def wake(conn: sa.Connection, template: str, now: datetime) -> None:
    """The template can be sent again: what waited for it is looked at now."""
    waited = sa.and_(in_state(sends, "waiting", "ready"), _T.template == template, _T.code == "template")
    conn.execute(sa.update(sends).where(waited, _T.next_at > now).values(next_at=now))


def _of(scope: str, key: str) -> sa.ColumnElement[bool]:
    """The sends of one scope."""
    if scope == "template":
        account, _, name = key.partition(":")
        return sa.and_(_T.account == account, _T.template == name)
    column = {
        "account": _T.account, "number": _T.number, "document": _T.document, "broadcast": _T.broadcast,
        "contact": _T.lane, "send": _T.id,
    }  # fmt: skip
    return column[scope] == (key.partition(":")[0] if scope == "contact" else key)


def cancel(conn: sa.Connection, scope: str, key: str, reason: str, now: datetime, *, at_once: int = AT_ONCE) -> int:
    """What has not left yet never will; how many. A single send that may have been sent can be closed this way too.

    Of very many only a mark is made, which the sender obeys from this moment on; `carry_out` does the rest."""
    states = ("waiting", "ready", "unknown") if scope == "send" else ("waiting", "ready")
    mine = sa.and_(in_state(sends, *states), _of(scope, key))
    count = conn.execute(sa.select(sa.func.count()).select_from(sends).where(mine)).scalar_one()
    if count <= at_once:
        return _cancelled(conn, mine, reason, now)
    parks.park(conn, CANCELLED + scope, key, now, reason)
    return count


def carry_out(conn: sa.Connection, now: datetime) -> int:
    """A part of what cancel marks stand for becomes rows; how many, 0 when no mark is left."""
    p = parked.c
    mark = _mark(conn).first()
    if mark is None:
        return 0
    held = sa.and_(in_state(sends, "waiting", "ready"), _of(mark.scope.removeprefix(CANCELLED), mark.key))
    ids = list(conn.execute(sa.select(_T.id).where(held, _T.at <= mark.until).limit(AT_ONCE)).scalars())
    if len(ids) < AT_ONCE:
        conn.execute(sa.delete(parked).where(p.scope == mark.scope, p.key == mark.key))
    _cancelled(conn, sa.and_(among(conn, _T.id, ids), in_state(sends, "waiting", "ready")), mark.reason, now)
    return max(1, len(ids))


@once
def _mark(_: sa.Connection) -> sa.Executable:
    p = parked.c
    return sa.select(parked).where(p.scope.startswith(CANCELLED)).order_by(p.scope, p.key).limit(1)


def _cancelled(conn: sa.Connection, mine: sa.ColumnElement[bool], reason: str, now: datetime) -> int:
    ended = sa.update(sends).where(mine).values(
        state="cancelled", code="cancelled", reason=reason or BY_PERSON, who="", next_at=None, ended_at=now,
        tell=sa.case((_T.crm != "", 1), else_=_T.tell),
    )  # fmt: skip
    return conn.execute(ended).rowcount


def send_again(conn: sa.Connection, id: str, now: datetime) -> bool:
    """A person has looked: one that may have been sent goes out once more. False when it is not unknown (any more)."""
    query = sa.update(sends).where(_T.id == id, in_state(sends, "unknown"))
    return conn.execute(query.values(state="ready", label=AGAIN, code="", reason="", next_at=now)).rowcount == 1


def listing(
    conn: sa.Connection, filters: Mapping[str, str | Sequence[str]], limit: int, now: datetime
) -> list[dict[str, Any]]:
    """The newest sends, {id, document, to, state, label, reason, next_at} and more; `filters` by FILTERS."""
    query = sa.select(*COLUMNS)
    for name, value in filters.items():
        query = query.where(FILTERS[name].in_([value] if isinstance(value, str) else value))
    return explained(conn, conn.execute(query.order_by(_T.id.desc()).limit(limit)).all(), now)


def explained(conn: sa.Connection, rows: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    """Rows of COLUMNS as a person reads them: with the reason why each one waits or ended."""
    whys = _whys(conn, rows, now)
    return [_shown(row, whys) for row in rows]


def _shown(row: Any, whys: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """One line; what is marked as cancelled is shown so, though its row waits for its turn."""
    line = dict(row._mapping) | {"reason": _why(row, whys)}
    marks = [(CANCELLED + scope, getattr(row, column)) for scope, column in MARKS.items()]
    if row.state in ("waiting", "ready") and (mark := next((m for m in marks if m in whys), None)):
        line |= {"state": "cancelled", "code": "cancelled", "reason": whys[mark] or BY_PERSON, "next_at": None}
    return line


def _why(row: sa.Row[Any], whys: Mapping[tuple[str, str], str]) -> str:
    """Its own reason; of one that is ready, what it waits behind comes first."""
    if row.state != "ready":
        return str(row.reason)
    places = (("account", row.account), ("number", row.number), ("document", row.document),
              ("broadcast", row.broadcast), ("send", row.id))  # fmt: skip
    behind = next((whys[place] for place in places if place in whys), "")
    return behind or row.reason or whys.get(("pace", row.number), "")


def _whys(conn: sa.Connection, rows: Sequence[sa.Row[Any]], now: datetime) -> dict[tuple[str, str], str]:
    ready = [row for row in rows if row.state == "ready"]
    keys = {
        "account": {row.account for row in ready}, "number": {row.number for row in ready},
        "document": {row.document for row in ready}, "send": {row.id for row in ready},
        "broadcast": {row.broadcast for row in ready if row.broadcast}, "pace": {row.number for row in ready},
    }  # fmt: skip
    p, found = parked.c, {}
    if ready:
        here = sa.or_(*(sa.and_(p.scope == scope, among(conn, p.key, values)) for scope, values in keys.items()))
        parked_now = conn.execute(sa.select(p.scope, p.key, p.reason).where(here, p.until > now))
        found.update({(row.scope, row.key): row.reason for row in parked_now})
    marks = conn.execute(sa.select(p.scope, p.key, p.reason).where(p.scope.startswith(CANCELLED)))
    found.update({(row.scope, row.key): row.reason for row in marks})
    held = sa.select(accounts.c.id, accounts.c.state, accounts.c.reason).where(accounts.c.state != "ok")
    found.update({("account", row.id): row.reason or f"The account is {row.state}." for row in conn.execute(held)})
    return found
