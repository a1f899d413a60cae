"""The second factor of a person: a seed for their authenticator app, and ten codes for whoever lost it.

The seed is encrypted and bound to its person. Of each code the step is stored by compare-and-set: none works twice.
"""

import base64
import os
import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core import totp
from connector.store.bulk import insert_many
from connector.store.secrets import Keyring
from connector.store.tables import recovery_codes, users
from connector.store.users import digest

CODES = 10
BYTES = 15  # of one recovery code: from 112 bits on a slow hash adds nothing (OWASP ASVS 5, 6.5.2)
APP, RECOVERY = "app", "recovery"  # what a person has shown
_U, _R = users.c, recovery_codes.c


def _place(user: str) -> str:
    return f"{user}:totp"


def propose(conn: sa.Connection, keyring: Keyring, user: str) -> bytes:
    """A new seed that counts from its first right code on; the old one holds until then."""
    seed = os.urandom(totp.SEED)
    packed = keyring.encrypt(seed.hex(), _place(user))
    conn.execute(sa.update(users).where(_U.id == user).values(totp_new=packed))
    return seed


def proposed(keyring: Keyring, row: Any) -> bytes | None:
    """The seed that waits for its first code (`row` of users). Raises NotAllowed."""
    return bytes.fromhex(keyring.decrypt(row.totp_new, _place(row.id))) if row.totp_new else None


def confirm(conn: sa.Connection, keyring: Keyring, row: Any, given: str, now: datetime) -> list[str]:
    """The recovery codes, shown once, when this is a code of the proposed seed; [] = it is none."""
    seed = proposed(keyring, row)
    step = totp.matching(seed, plain(given), now) if seed is not None else None
    if step is None:
        return []
    same = sa.and_(_U.id == row.id, _U.totp_new == row.totp_new)
    values = {"totp": row.totp_new, "totp_new": None, "totp_step": step, "totp_at": now}
    if conn.execute(sa.update(users).where(same).values(**values)).rowcount != 1:
        return []
    return recovery(conn, row.id)


def recovery(conn: sa.Connection, user: str) -> list[str]:
    """Ten new codes; the old ones end."""
    conn.execute(sa.delete(recovery_codes).where(_R.user == user))
    codes = [base64.b32encode(secrets.token_bytes(BYTES)).decode().lower() for _ in range(CODES)]
    insert_many(conn, recovery_codes, [{"hash": _hash(user, code), "user": user} for code in codes])
    return ["-".join(code[n : n + 4] for n in range(0, len(code), 4)) for code in codes]


def left(conn: sa.Connection, user: str) -> int:
    """How many recovery codes were not used yet."""
    query = sa.select(sa.func.count()).where(_R.user == user, _R.used_at.is_(None))
    return int(conn.execute(query).scalar_one())


def shown(conn: sa.Connection, keyring: Keyring, row: Any, given: str, now: datetime) -> str:
    """APP or RECOVERY when this code is right and was not used before, and now it is; "" = no. Raises NotAllowed."""
    code = plain(given)
    if len(code) == totp.DIGITS:
        return APP if row.totp and _stepped(conn, keyring, row, code, now) else ""
    mine = sa.and_(_R.hash == _hash(row.id, code), _R.user == row.id, _R.used_at.is_(None))
    return RECOVERY if conn.execute(sa.update(recovery_codes).where(mine).values(used_at=now)).rowcount == 1 else ""


def _stepped(conn: sa.Connection, keyring: Keyring, row: Any, code: str, now: datetime) -> bool:
    seed = bytes.fromhex(keyring.decrypt(row.totp, _place(row.id)))
    step = totp.matching(seed, code, now)
    if step is None:
        return False
    newer = sa.and_(_U.id == row.id, _U.totp == row.totp, _U.totp_step < step)
    return conn.execute(sa.update(users).where(newer).values(totp_step=step)).rowcount == 1


def off(conn: sa.Connection, user: str) -> None:
    """They have none any more."""
    conn.execute(sa.update(users).where(_U.id == user).values(totp=None, totp_new=None, totp_at=None))
    conn.execute(sa.delete(recovery_codes).where(_R.user == user))


def plain(given: str) -> str:
    """As it was shown or as it was typed: without spaces and dashes, in lower case."""
    return "".join(given.split()).replace("-", "").lower()


def _hash(user: str, code: str) -> str:
    return digest(f"{user}:{code}")
