"""Browsers that were sent to a vendor to give us leave, until they come back: once, within ten minutes."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.secrets import Keyring
from connector.store.tables import consents_asked
from connector.store.users import digest

LIFE = timedelta(minutes=10)
_T = consents_asked.c


@dataclass(frozen=True, slots=True)
class Asked:
    """One browser on its way."""

    session: str
    account: str
    kind: str
    redirect_uri: str
    verifier: str


def ask(conn: sa.Connection, keyring: Keyring, asked: Asked, now: datetime) -> str:
    """The state to send along; an older one of the same session and account ends, as do all that are too old."""
    state = secrets.token_urlsafe(32)
    mine = sa.and_(_T.session == asked.session, _T.account == asked.account)
    conn.execute(sa.delete(consents_asked).where(sa.or_(mine, _T.expires_at <= now)))
    row: dict[str, Any] = {"id": digest(state), "session": asked.session, "account": asked.account, "kind": asked.kind}
    row |= {"redirect_uri": asked.redirect_uri, "expires_at": now + LIFE}
    row["verifier"] = keyring.encrypt(asked.verifier, _place(digest(state)))
    insert_many(conn, consents_asked, [row])
    return state


def take(conn: sa.Connection, keyring: Keyring, state: str, now: datetime) -> Asked | None:
    """What was asked under this state, for the one caller that takes it; None when it is spent, too old or made up.

    It is looked up by its hash, so that nothing can be learned from how long that takes."""
    mine = sa.delete(consents_asked).where(_T.id == digest(state)).returning(consents_asked)
    row = conn.execute(mine).first()
    if row is None or row.expires_at <= now:
        return None
    verifier = keyring.decrypt(row.verifier, _place(row.id))
    return Asked(row.session, row.account, row.kind, row.redirect_uri, verifier)


def _place(id_: str) -> str:
    return f"{id_}:verifier"
