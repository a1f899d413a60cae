"""Tokens of the JSON API: kept as SHA-256, shown once, each with a role, scopes and an end.

A token is never more than its maker: it opens nothing while they are disabled, and no more than their role today.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.ids import new_id
from connector.store.bulk import insert_many
from connector.store.tables import api_tokens, users
from connector.store.users import digest

PREFIX = "wcc_"  # so that a leaked one is recognised by whoever scans for secrets
USED = timedelta(minutes=5)  # how exactly the last use is known
_T = api_tokens.c


def add(
    conn: sa.Connection,
    name: str,
    role: str,
    author: str,
    now: datetime,
    expires_at: datetime | None = None,
    *,
    user: str | None = None,
    scopes: Sequence[str] | None = None,
    networks: Sequence[str] = (),
) -> tuple[str, str]:
    """(id, token); the token itself is nowhere else. `user` made it; `scopes` None = all that its role may."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = {"id": new_id(), "name": name, "hash": digest(token), "hint": token[-4:], "role": role, "author": author}
    limits = {"user": user, "scopes": None if scopes is None else list(scopes), "networks": list(networks) or None}
    insert_many(conn, api_tokens, [row | limits | {"at": now, "expires_at": expires_at}])
    return str(row["id"]), token


def all_tokens(conn: sa.Connection) -> Sequence[sa.Row[Any]]:
    """Every token that was ever made, newest first; `maker` is the state of who made it."""
    return conn.execute(_with_maker().order_by(_T.at.desc(), _T.id.desc())).all()


def of(conn: sa.Connection, token: str, now: datetime) -> sa.Row[Any] | None:
    """The row of a good token, with `maker` (active) and `maker_role`; both None where no person made it."""
    good = sa.and_(_T.revoked_at.is_(None), sa.or_(_T.expires_at.is_(None), _T.expires_at > now))
    lives = sa.or_(_T.user.is_(None), users.c.state == "active")
    return conn.execute(_with_maker().where(_T.hash == digest(token), good, lives)).first()


def _with_maker() -> sa.Select[Any]:
    maker = (users.c.state.label("maker"), users.c.role.label("maker_role"))
    return sa.select(api_tokens, *maker).join_from(api_tokens, users, users.c.id == _T.user, isouter=True)


def used(conn: sa.Connection, id_: str, now: datetime) -> None:
    """Notes its use."""
    conn.execute(sa.update(api_tokens).where(_T.id == id_).values(used_at=now))


def revoke(conn: sa.Connection, id_: str, now: datetime) -> str:
    """Ends it; its name, "" when there is none to end."""
    mine = sa.and_(_T.id == id_, _T.revoked_at.is_(None))
    return str(conn.execute(sa.update(api_tokens).where(mine).values(revoked_at=now).returning(_T.name)).scalar() or "")
