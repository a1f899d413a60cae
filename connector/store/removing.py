"""An account that is removed: its name is free at once, its secrets go, and what waits for it ends with that reason.

Its row stays: it explains what it once did. Nothing is dropped silently: a plan that was never made is shown to a
person, a change that was never written is refused, a message that was never sent is refused; each says why.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store import conversations, sending
from connector.store.accounts import REMOVED
from connector.store.engine import Store
from connector.store.tables import (
    accounts,
    broadcasts,
    callbacks,
    changes,
    consents_asked,
    in_state,
    media,
    numbers,
    plans,
    sends,
)

CODE = "account_removed"
WHY = "The account was disconnected before this was done."
MAYBE = "The account was disconnected while this was being written: it may have been, look in the CRM."
MOST = 500  # rows of one transaction
Step = Callable[[sa.Connection, str, datetime], int]


def begin(conn: sa.Connection, id_: str, now: datetime) -> bool:
    """From this commit on nobody finds it: its hook answers 401, nothing starts for it. False when it is removed.

    Trigger links of its documents go with it."""
    row = conn.execute(sa.select(accounts).where(accounts.c.id == id_).with_for_update()).first()
    if row is None or row.state == REMOVED:
        return False
    _part(conn, row, now)
    for link in conn.execute(sa.select(accounts).where(accounts.c.kind == "link", accounts.c.state != REMOVED)).all():
        if link.settings.get("crm") == row.name:
            _part(conn, link, now)
            forget(conn, link.id)
    conn.execute(sa.delete(consents_asked).where(consents_asked.c.account == id_))
    return True


def _part(conn: sa.Connection, row: Any, now: datetime) -> None:
    """The blank keeps the name from being one that somebody could choose."""
    name = f"{row.name} (removed {now:%Y-%m-%d %H:%M:%S} {row.id[-6:]})"
    values = {"name": name, "state": REMOVED, "reason": f"Disconnected on {now:%Y-%m-%d}."}
    conn.execute(sa.update(accounts).where(accounts.c.id == row.id).values(**values))


def forget(conn: sa.Connection, id_: str) -> None:
    """Its secrets and its token are gone."""
    conn.execute(sa.update(accounts).where(accounts.c.id == id_).values(secrets=None, token=None))


def end_work(store: Store, id_: str, now: datetime) -> int:
    """Ends what waits for it, in short transactions; how many rows. Repeating it finds only what came since."""
    ended = 0
    for step in STEPS:
        while True:
            with store.write() as conn:
                n = step(conn, id_, now)
            ended += n
            if n < MOST:
                break
    return ended


def sweep(store: Store, now: datetime, stop: Callable[[], bool]) -> None:
    """Ends what a worker that still knew a removed account has made for it since."""
    with store.read() as conn:
        gone = list(conn.execute(sa.select(accounts.c.id).where(accounts.c.state == REMOVED)).scalars())
    for account in gone:
        if stop():
            return
        end_work(store, account, now)


def has_secrets(conn: sa.Connection, id_: str) -> bool:
    """Its secrets are still to be deleted."""
    row = conn.execute(sa.select(accounts.c.secrets, accounts.c.token).where(accounts.c.id == id_)).first()
    return row is not None and (row.secrets is not None or row.token is not None)


def _some(conn: sa.Connection, key: sa.Column[Any], *where: sa.ColumnElement[bool]) -> list[Any]:
    return list(conn.execute(sa.select(key).where(*where).limit(MOST)).scalars())


def _plans(conn: sa.Connection, id_: str, _: datetime) -> int:
    mine = sa.and_(plans.c.account == id_, in_state(plans, "new"))
    some = plans.c.event.in_(_some(conn, plans.c.event, mine))
    return conn.execute(sa.update(plans).where(mine, some).values(state="dead", error=WHY, next_at=None)).rowcount


def _changes(conn: sa.Connection, id_: str, now: datetime) -> int:
    ended = 0
    for state, to, text in (("new", "refused", WHY), ("in_flight", "review", MAYBE)):
        t = changes.c
        mine = sa.and_(t.account == id_, in_state(changes, "new", "in_flight"), t.state == state)
        some = t.seq.in_(_some(conn, t.seq, mine))
        values = {"state": to, "outcome": {"code": CODE, "text": text}, "next_at": None, "done_at": now}
        ended += conn.execute(sa.update(changes).where(mine, some).values(**values)).rowcount
    return ended


def _sends(conn: sa.Connection, id_: str, now: datetime) -> int:
    """Of a CRM: what its documents were to send. Those in flight are settled by their statuses, as ever."""
    t = sends.c
    mine = sa.and_(sa.or_(t.crm == id_, t.account == id_), in_state(sends, "waiting", "ready"))
    some = t.id.in_(_some(conn, t.id, mine))
    values: dict[str, Any] = {"state": "refused", "code": CODE, "reason": WHY, "who": "you", "next_at": None}
    # nobody is left to be told where the CRM is gone
    values |= {"ended_at": now, "tell": sa.case((t.crm == id_, 0), else_=sa.case((t.crm != "", 1), else_=t.tell))}
    return conn.execute(sa.update(sends).where(mine, some).values(**values)).rowcount


def _numbers(conn: sa.Connection, id_: str, now: datetime) -> int:
    """Of WhatsApp: what its numbers were to send goes out from another number, where there is one."""
    ended = 0
    for number in _some(conn, numbers.c.id, numbers.c.account == id_):
        ended += sending.homeless(conn, str(number), now)
        conn.execute(sa.delete(numbers).where(numbers.c.id == number))
    return min(ended, MOST - 1)  # one round is all


def _waits(conn: sa.Connection, id_: str, now: datetime) -> int:
    c, b, m = callbacks.c, broadcasts.c, media.c
    conn.execute(sa.update(callbacks).where(c.account == id_, c.state == "waiting").values(state="expired"))
    open_ = b.state.in_(("draft", "scheduled", "planning", "running"))
    ended = {"state": "cancelled", "reason": WHY, "ended_at": now}
    n = conn.execute(sa.update(broadcasts).where(b.crm == id_, open_).values(**ended)).rowcount
    fetching = sa.and_(m.account == id_, in_state(media, "new"))
    n += conn.execute(sa.update(media).where(fetching).values(state="refused", reason=WHY, next_at=None)).rowcount
    n += conversations.of_account_gone(conn, id_, WHY, now)
    return min(n, MOST - 1)


STEPS: tuple[Step, ...] = (_plans, _changes, _numbers, _sends, _waits)
