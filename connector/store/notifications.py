"""`notify:` of mappings: changes rows of kind Notify, new until they end; whoever holds `notify:<account>` calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import in_chunks
from connector.store.once import once
from connector.store.tables import accounts, changes, events, in_state

_T = changes.c
_OURS = sa.and_(in_state(changes, "new", "in_flight"), _T.state == "new", _T.kind == "Notify")


@dataclass(frozen=True, slots=True)
class Notification:
    """One call to be made; `webhook` is the account's name, `attempts` those that failed."""

    seq: int
    event: str
    webhook: str
    values: Mapping[str, Any]
    attempts: int
    at: datetime  # when what it tells of came in


def due(conn: sa.Connection, account: str, now: datetime, limit: int) -> list[Notification]:
    """Due ones of one CRM account, oldest first."""
    query = sa.select(_T.seq, _T.event, _T.body, _T.attempts, events.c.received_at)
    query = query.join(events, events.c.id == _T.event).where(_OURS, _T.account == account, _due(now))
    return [
        Notification(r.seq, r.event, r.body.get("webhook", ""), r.body.get("values", {}), r.attempts, r.received_at)
        for r in conn.execute(query.order_by(_T.seq).limit(limit))
    ]


def end(
    conn: sa.Connection, results: Mapping[int, tuple[str, Mapping[str, Any], datetime | None]], now: datetime
) -> None:
    """Stores what calls came to, {seq: (state, outcome, next_at)}; `new` = another try, anything else is final."""
    if not results:
        return
    b = sa.bindparam
    step = sa.update(changes).where(_T.seq == b("row"), _T.kind == "Notify", _T.state == "new")
    step = step.values(
        state=b("to"), outcome=b("told"), next_at=b("then"), done_at=b("ended"), attempts=_T.attempts + 1
    )
    rows = [
        {"row": seq, "to": state, "told": outcome, "then": then, "ended": None if state == "new" else now}
        for seq, (state, outcome, then) in results.items()
    ]
    conn.execute(step, rows)


def postpone(conn: sa.Connection, seqs: Sequence[int], until: datetime) -> None:
    """These wait for a webhook that does not answer; it costs them no attempt."""
    for chunk in in_chunks(list(seqs)):
        conn.execute(sa.update(changes).where(_T.seq.in_(chunk), _T.state == "new").values(next_at=until))


def accounts_due(conn: sa.Connection, now: datetime) -> list[str]:
    """CRM accounts with a call to be made."""
    return list(_accounts_due(conn, now).scalars())


@once
def _accounts_due(_: sa.Connection, now: datetime) -> sa.Executable:
    any_ = sa.exists().where(_T.account == accounts.c.id, _OURS, _due(now))
    return sa.select(accounts.c.id).where(any_)


def _due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(_T.next_at.is_(None), _T.next_at <= now)
