"""People of the console: who may sign in, their sessions, their one-time links, and tries that failed.

Tokens are kept as SHA-256 only: whoever reads the database cannot sign in with what stands there.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.core.text import clean
from connector.ids import new_id
from connector.store.bulk import insert_many
from connector.store.tables import invites, sessions, throttles, users

LINK_LIFE = timedelta(days=2)
SESSION_LIFE = timedelta(days=14)
IDLE = timedelta(days=3)  # a session nobody used so long has ended
SEEN = timedelta(minutes=5)  # how exactly the last use is known: a write at every page would cost more than it tells
AGENT = 300  # characters of what a browser calls itself
FREE_TRIES = 5
FREE = {"address": 20}  # by what is counted
LONGEST = 900  # seconds between two tries
FORGIVEN = timedelta(hours=1)  # tries older than this do not count any more


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


# ---- people ------------------------------------------------------------------------------------------------------
def add(conn: sa.Connection, email: str, name: str, role: str, now: datetime) -> str | None:
    """The new person's id; None when the e-mail (compared in lower case) is taken."""
    row = {"id": new_id(), "email": email.strip().lower(), "name": name.strip(), "role": role, "at": now}
    made = insert_many(conn, users, [row], ignore_conflicts=True, returning=["id"])
    return str(made[0].id) if made else None


def everyone(conn: sa.Connection) -> Sequence[sa.Row[Any]]:
    """Every person, by e-mail."""
    return conn.execute(sa.select(users).order_by(users.c.email)).all()


def get(conn: sa.Connection, user: str) -> sa.Row[Any] | None:
    """By id or e-mail."""
    return conn.execute(sa.select(users).where(sa.or_(users.c.id == user, users.c.email == user.lower()))).first()


def change(conn: sa.Connection, user: str, **values: Any) -> None:
    """Sets name, role, language, state or password; who is disabled, or has a new password or role, signs in anew.

    A link that was not used yet ends with a new password, and when its person is disabled."""
    conn.execute(sa.update(users).where(users.c.id == user).values(**values))
    if "password" in values or values.get("state") == "disabled":
        conn.execute(sa.delete(invites).where(invites.c.user == user))
    if {"state", "password", "role"} & values.keys():
        conn.execute(sa.delete(sessions).where(sessions.c.user == user))


def rehashed(conn: sa.Connection, user: str, old: str, new: str) -> None:
    """The same password under another hash; their sessions go on."""
    conn.execute(sa.update(users).where(users.c.id == user, users.c.password == old).values(password=new))


def admins(conn: sa.Connection) -> int:
    """How many active admins there are: the last one can be neither disabled nor given another role.

    They are held to the end of the transaction: two admins who take each other's role away do not both succeed."""
    query = sa.select(users.c.id).where(users.c.role == "admin", users.c.state == "active")
    return len(conn.execute(query.order_by(users.c.id).with_for_update()).all())


# ---- one-time links ----------------------------------------------------------------------------------------------
def invite(conn: sa.Connection, user: str | None, now: datetime) -> str:
    """A link's token, good once and for two days; an older link of the same person ends."""
    token = secrets.token_urlsafe(32)
    same = invites.c.user.is_(None) if user is None else invites.c.user == user
    conn.execute(sa.delete(invites).where(same))
    insert_many(conn, invites, [{"id": digest(token), "user": user, "expires_at": now + LINK_LIFE}])
    return token


def invited(conn: sa.Connection, token: str, now: datetime) -> sa.Row[Any] | None:
    """The link's row (`user` None = it makes the first admin), while it is good."""
    query = sa.select(invites).where(invites.c.id == digest(token), invites.c.used_at.is_(None))
    row = conn.execute(query.where(invites.c.expires_at > now)).first()
    if row is not None and row.user is None and conn.execute(sa.select(users.c.id).limit(1)).first():
        return None
    return row


def use(conn: sa.Connection, token: str, now: datetime) -> bool:
    """True for the one caller that uses the link up."""
    mine = sa.and_(invites.c.id == digest(token), invites.c.used_at.is_(None), invites.c.expires_at > now)
    return conn.execute(sa.update(invites).where(mine).values(used_at=now)).rowcount == 1


# ---- sessions ----------------------------------------------------------------------------------------------------
def sign_in(
    conn: sa.Connection, user: str, now: datetime, *, agent: str = "", network: str = "", enrol: bool = False
) -> str:
    """A new session's token, for the cookie; sessions of anybody that have ended are forgotten on the way.

    `enrol`: first of all they set up a second factor."""
    token = secrets.token_urlsafe(32)
    row = {"id": digest(token), "user": user, "csrf": secrets.token_urlsafe(24), "at": now, "seen_at": now}
    more = {"expires_at": now + SESSION_LIFE, "proved_at": now, "enrol": int(enrol)}
    insert_many(conn, sessions, [row | more | {"agent": clean(agent, AGENT), "network": clean(network, 100)}])
    ended = sa.or_(sessions.c.expires_at < now, sessions.c.seen_at < now - IDLE)
    conn.execute(sa.delete(sessions).where(ended))
    conn.execute(sa.update(users).where(users.c.id == user).values(seen_at=now))
    return token


def session(conn: sa.Connection, token: str, now: datetime) -> sa.Row[Any] | None:
    """(session, csrf, seen_at, proved_at, enrol, user, email, name, role, language) of an active person's session."""
    t, u = sessions.c, users.c
    columns: tuple[sa.ColumnElement[Any], ...] = (
        t.id.label("session"),
        t.csrf,
        t.seen_at,
        t.proved_at,
        t.enrol,
        u.id.label("user"),
        u.email,
        u.name,
        u.role,
        u.language,
    )
    query = sa.select(*columns).join(users, u.id == t.user).where(t.id == digest(token), u.state == "active")
    return conn.execute(query.where(t.expires_at > now, t.seen_at > now - IDLE)).first()


def seen(conn: sa.Connection, session_id: str, now: datetime) -> None:
    """Notes the use of a session."""
    conn.execute(sa.update(sessions).where(sessions.c.id == session_id).values(seen_at=now))


def sign_out(conn: sa.Connection, session_id: str, user: str = "") -> bool:
    """Ends one session, with `user` only if it is theirs; True when there was one."""
    mine = sa.and_(sessions.c.id == session_id, sessions.c.user == user) if user else sessions.c.id == session_id
    return conn.execute(sa.delete(sessions).where(mine)).rowcount == 1


def sign_out_others(conn: sa.Connection, user: str, session_id: str) -> int:
    """Ends every other session of this person; how many."""
    others = sa.and_(sessions.c.user == user, sessions.c.id != session_id)
    return conn.execute(sa.delete(sessions).where(others)).rowcount


def sessions_of(conn: sa.Connection, user: str, now: datetime) -> Sequence[sa.Row[Any]]:
    """The good sessions of a person, the last used first."""
    t = sessions.c
    good = sa.and_(t.user == user, t.expires_at > now, t.seen_at > now - IDLE)
    return conn.execute(sa.select(sessions).where(good).order_by(t.seen_at.desc(), t.id)).all()


def proved(conn: sa.Connection, session_id: str, now: datetime, *, enrolled: bool = False) -> str:
    """They have just shown who they are: the session goes on under a new token. "" = it has ended."""
    token = secrets.token_urlsafe(32)
    values = {"id": digest(token), "proved_at": now} | ({"enrol": 0} if enrolled else {})
    done = conn.execute(sa.update(sessions).where(sessions.c.id == session_id).values(**values)).rowcount
    return token if done == 1 else ""


# ---- tries that failed -------------------------------------------------------------------------------------------
def held(conn: sa.Connection, keys: Sequence[str], now: datetime) -> float:
    """Seconds until the next try of these (an address, an e-mail) is looked at; 0 = now."""
    latest = conn.execute(sa.select(sa.func.max(throttles.c.until)).where(throttles.c.key.in_(keys))).scalar()
    return max(0.0, (latest - now).total_seconds()) if latest else 0.0


def tried(conn: sa.Connection, keys: Sequence[str], now: datetime) -> float:
    """Counts a try before it is looked at, so that many at once are as slow as one by one; seconds to wait, 0 = look.

    Five are free, then each doubles the wait, up to a quarter of an hour; of an address more, many may share it."""
    fresh = [{"key": key, "n": 0, "until": now, "at": now} for key in sorted(keys)]
    insert_many(conn, throttles, fresh, ignore_conflicts=True)
    query = sa.select(throttles).where(throttles.c.key.in_(keys)).order_by(throttles.c.key).with_for_update()
    rows = conn.execute(query).all()
    wait: float = max((row.until - now).total_seconds() for row in rows)
    if wait > 0:
        return wait
    for row in rows:
        n, free = row.n + 1 if row.at > now - FORGIVEN else 1, FREE.get(row.key.partition(":")[0], FREE_TRIES)
        pause = timedelta(seconds=min(LONGEST, 2.0 ** min(n - free, 20))) if n > free else timedelta(0)
        values = {"n": n, "until": now + pause, "at": now}
        conn.execute(sa.update(throttles).where(throttles.c.key == row.key).values(**values))
    return 0.0


def forgiven(conn: sa.Connection, keys: Sequence[str]) -> None:
    """Somebody signed in: their tries are forgotten; of an address that others share, this one only."""
    shared = [key for key in keys if key.partition(":")[0] in FREE]
    conn.execute(sa.delete(throttles).where(throttles.c.key.in_([key for key in keys if key not in shared])))
    conn.execute(sa.update(throttles).where(throttles.c.key.in_(shared)).values(n=throttles.c.n - 1))
