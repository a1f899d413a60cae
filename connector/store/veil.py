"""Who was erased, as salted hashes: enough to honour an opt-out and to know what is delivered again, and no more.

The salt is encrypted under the keys that are not in the database: with a copy of it nobody can try every phone number.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from connector.core.phone import spellings
from connector.errors import NotAllowed
from connector.store.bulk import in_chunks, insert_many
from connector.store.once import once
from connector.store.tables import consents, erased_ids, events, sends, settings

if TYPE_CHECKING:
    from connector.store.engine import Store

Key = tuple[str, str]  # (kind, value) of a contact's key
SALT, PLACE = "erasing_salt", "erasing:salt"
PREFIX = "erased:"
_T = erased_ids.c


class Veil:
    """Hashes under one salt."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def _hash(self, text: str) -> str:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._salt, digest_size=20).hexdigest()

    def key(self, text: str) -> str:
        """Stands for a message id or a dedupe key."""
        return text if text.startswith(PREFIX) else PREFIX + self._hash("key:" + text)

    def person(self, key: Key) -> str:
        """Stands for a phone, a WhatsApp id (which is a phone) or a user id."""
        kind, value = key[0].removeprefix("old_"), key[1]
        names = {"bsuid": "user:", "email": "email:"}
        return self._hash(names.get(kind, "phone:") + value.removeprefix("+"))


def of(store: "Store", conn: sa.Connection) -> Veil | None:
    """The veil; None while nobody was ever erased. Raises NotAllowed when our keys do not open its salt."""
    packed = _packed(conn).scalar()
    if packed is None:
        return None
    if store.keyring is None:
        raise NotAllowed("The keys of this deployment are needed.", hint="Set CONNECTOR_SECRET_KEY.", code="secret_key")
    return _opened(store.keyring, packed)


@once
def _packed(_: sa.Connection) -> sa.Executable:
    return sa.select(settings.c.value).where(settings.c.name == SALT)


@lru_cache(maxsize=8)
def _opened(keyring: Any, packed: str) -> Veil:
    return Veil(bytes.fromhex(keyring.decrypt(packed, PLACE)))


def make(store: "Store", conn: sa.Connection, now: datetime) -> Veil:
    """The veil, with a fresh salt at the first erasure."""
    known = of(store, conn)
    if known is None and store.keyring is not None:
        packed = store.keyring.encrypt(os.urandom(32).hex(), PLACE)
        insert_many(conn, settings, [{"name": SALT, "value": packed, "at": now}], ignore_conflicts=True)
        known = of(store, conn)
    if known is None:
        raise NotAllowed("Erasing needs the keys of this deployment.", hint="Set CONNECTOR_SECRET_KEY.", code="keys")
    return known


def remember(
    conn: sa.Connection, veil: Veil, contact: str, keys: Iterable[Key], opted_out: Mapping[str, Any], now: datetime
) -> int:
    """Keeps the hashes of these keys, in every spelling of a phone, with what was opted out; how many."""
    hashes = {veil.person(key) for given in keys for key in _spelled(given)}
    for chunk in in_chunks(sorted(hashes)):
        conn.execute(sa.delete(erased_ids).where(_T.hash.in_(chunk)))
    rows = [{"hash": h, "contact": contact, "at": now, "consents": dict(opted_out) or None} for h in sorted(hashes)]
    insert_many(conn, erased_ids, rows)
    return len(rows)


def _spelled(key: Key) -> list[Key]:
    kind, value = key
    if kind.removeprefix("old_") in ("wa_id", "phone"):
        return [("phone", one) for one in {value, *spellings(value)}]
    return [key]


def known(conn: sa.Connection, veil: Veil, keys: Collection[Key]) -> dict[Key, sa.Row[Any]]:
    """{key: (hash, contact, at, consents)} of the keys whose owner was erased."""
    hashes = {veil.person(key): key for key in keys}
    rows: dict[str, sa.Row[Any]] = {}
    for chunk in in_chunks(sorted(hashes)):
        rows.update((row.hash, row) for row in conn.execute(sa.select(erased_ids).where(_T.hash.in_(chunk))))
    return {key: row for key in keys if (row := rows.get(veil.person(key))) is not None}


def veiled_events(conn: sa.Connection, keys: Collection[str]) -> set[str]:
    """Which of these veiled keys stand for an event that was erased."""
    return _there(conn, events.c.dedupe_key, keys)


def veiled_sends(conn: sa.Connection, wamids: Collection[str]) -> set[str]:
    """Which of these veiled message ids stand for a message to somebody who was erased."""
    return _there(conn, sends.c.wamid, wamids)


def _there(conn: sa.Connection, column: sa.Column[Any], values: Collection[str]) -> set[str]:
    found: set[str] = set()
    for chunk in in_chunks(sorted(set(values))):
        found.update(conn.execute(sa.select(column).where(column.in_(chunk))).scalars())
    return found


def inherit(store: "Store", conn: sa.Connection, given: Mapping[Key, str]) -> None:
    """{key: the contact that just got it}: what its erased owner had opted out of is opted out still."""
    veil = of(store, conn) if given else None
    if veil is None:
        return
    rows = [
        {
            "contact": given[key], "category": category, "state": "opted_out", "how": how,
            "at": datetime.fromtimestamp(at / 1000, UTC), "event": None,
            "evidence": "Opted out before their data was erased.",
        }
        for key, row in known(conn, veil, list(given)).items()
        for category, (at, how) in (row.consents or {}).items()
    ]  # fmt: skip
    once = {(row["contact"], row["category"]): row for row in rows}
    insert_many(conn, consents, list(once.values()))


def stopped(conn: sa.Connection, hashes: Collection[str], category: str, how: str, at_ms: int) -> None:
    """Somebody who was erased stops a category once more: told by the status of an old message."""
    mine = sa.select(_T.contact).where(_T.hash.in_(list(hashes)))
    for row in conn.execute(sa.select(erased_ids).where(_T.contact.in_(mine.scalar_subquery()))).all():
        merged = {**(row.consents or {}), category: [at_ms, how]}
        conn.execute(sa.update(erased_ids).where(_T.hash == row.hash).values(consents=merged))


def prune(conn: sa.Connection, before: datetime) -> int:
    """Forgets hashes that hold no opt-out once nothing old can be delivered again; how many."""
    return conn.execute(sa.delete(erased_ids).where(_T.at < before, _T.consents.is_(None))).rowcount
