"""Connected systems: plain settings, encrypted secrets, and the access token that all processes share."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.errors import Rejected
from connector.ids import new_id
from connector.ports import CONSENT, Account
from connector.store.bulk import insert_many
from connector.store.engine import Store
from connector.store.once import once
from connector.store.secrets import Keyring
from connector.store.tables import accounts, numbers
from connector.store.tokens import StoredTokens

PLACE = ("base_url", "domain", "client_id")  # settings that say where a person's leave was given, and to which app
REMOVED = "removed"  # the state of an account whose secrets are gone; its row explains what it once did

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)  # documents and webhook paths carry it
NAME_RULE = "letters, digits, - _ and . only, at most 64"

Values = Mapping[str, Any]
_THERE = accounts.c.state != REMOVED


def usable_name(name: str) -> bool:
    """Letters, digits, - _ and . only, at most 64, the first one a letter or digit."""
    return NAME.fullmatch(name) is not None


def add(
    conn: sa.Connection,
    keyring: Keyring,
    kind: str,
    name: str,
    settings: Values,
    secrets: Mapping[str, str],
    now: datetime,
) -> Account:
    """Stores an account; the same kind and name again changes it. Raises Rejected when another kind has that name."""
    known = conn.execute(sa.select(accounts).where(accounts.c.name == name)).first()
    if known is not None and known.kind != kind:
        raise Rejected(
            f"There is already a {known.kind} account named {name}.", hint="Choose another name.", code="name_taken"
        )
    id_ = known.id if known is not None else new_id()
    values: dict[str, Any] = {"settings": dict(settings), "state": "ok", "reason": ""}
    values["secrets"] = keyring.encrypt(dict(secrets), f"{id_}:secrets")
    if known is None or not _same_leave(known.settings, settings):
        values["token"] = None
    if known is not None:
        conn.execute(sa.update(accounts).where(accounts.c.id == id_).values(**values))
    else:
        insert_many(conn, accounts, [{"id": id_, "kind": kind, "name": name, "created_at": now, **values}])
    return Account(id=id_, kind=kind, name=name, settings=dict(settings), secrets=dict(secrets))


def _same_leave(before: Values, after: Values) -> bool:
    """What a person gave leave for is unchanged: the token that came of it stays."""
    return bool(after.get(CONSENT)) and all(before.get(n, "") == after.get(n, "") for n in (CONSENT, *PLACE))


def connected(conn: sa.Connection, keyring: Keyring, account: Account, secrets: Mapping[str, str]) -> None:
    """A person gave leave: it works again, and by this leave."""
    values = {"settings": {**account.settings, CONSENT: "yes"}, "state": "ok", "reason": ""}
    packed = keyring.encrypt(dict(secrets), f"{account.id}:secrets")
    conn.execute(sa.update(accounts).where(accounts.c.id == account.id).values(secrets=packed, **values))


def set_settings(conn: sa.Connection, account: str, settings: Values) -> None:
    """Other settings; secrets and token stay."""
    conn.execute(sa.update(accounts).where(accounts.c.id == account).values(settings=dict(settings)))


def all_accounts(conn: sa.Connection, keyring: Keyring) -> list[Account]:
    """Every account, oldest first."""
    return [_account(row, keyring) for row in _all(conn)]


@once
def _all(_: sa.Connection) -> sa.Executable:
    return sa.select(accounts).where(_THERE).order_by(accounts.c.created_at, accounts.c.id)


def ids(conn: sa.Connection) -> list[str]:
    """Every account's id; opens no secret."""
    return list(conn.execute(sa.select(accounts.c.id).where(_THERE).order_by(accounts.c.id)).scalars())


def get(conn: sa.Connection, keyring: Keyring, name: str) -> Account | None:
    """By name or id."""
    row = _get(conn, name).first()
    return None if row is None else _account(row, keyring)


@once
def _get(_: sa.Connection, name: str) -> sa.Executable:
    return sa.select(accounts).where(sa.or_(accounts.c.id == name, accounts.c.name == name), _THERE)


def gone(conn: sa.Connection, keyring: Keyring, id_: str) -> Account | None:
    """One that was removed, with what is left of its secrets; None when there is none."""
    row = conn.execute(sa.select(accounts).where(accounts.c.id == id_, accounts.c.state == REMOVED)).first()
    return None if row is None else _account(row, keyring)


def owners(
    conn: sa.Connection, ids_of: Callable[[str, Values], Iterable[str]], everyone: Iterable[Account] | None = None
) -> dict[str, str]:
    """{what vendors call us: account id}; `ids_of` tells of a kind's settings what that is.

    `everyone`: the accounts, where the caller has read them."""
    known = {row.id: row.account for row in _numbers(conn) if row.account}
    for row in _settings(conn) if everyone is None else everyone:
        known.update(dict.fromkeys(ids_of(row.kind, row.settings), row.id))
    return known


@once
def _numbers(_: sa.Connection) -> sa.Executable:
    return sa.select(numbers.c.id, numbers.c.account)


@once
def _settings(_: sa.Connection) -> sa.Executable:
    return sa.select(accounts.c.id, accounts.c.kind, accounts.c.settings).where(_THERE)


def state(conn: sa.Connection, account: str) -> str:
    """ok, paused or needs_person; "" when there is no such account."""
    found = _state(conn, account).scalar()
    return "" if found is None else str(found)


@once
def _state(_: sa.Connection, account: str) -> sa.Executable:
    return sa.select(accounts.c.state).where(accounts.c.id == account)


def set_state(conn: sa.Connection, account: str, state: str, reason: str = "") -> None:
    """ok, paused (by a person) or needs_person; `reason` in plain words."""
    conn.execute(sa.update(accounts).where(accounts.c.id == account).values(state=state, reason=reason))


def rest(conn: sa.Connection, account: str) -> str:
    """Why the account does nothing, in words; "" when it works."""
    row = conn.execute(sa.select(accounts.c.state, accounts.c.reason).where(accounts.c.id == account)).first()
    return "" if row is None or row.state == "ok" else f"{row.state}: {row.reason}"


def ask_person(conn: sa.Connection, account: str, reason: str) -> None:
    """Only a person can mend it; one that a person has paused stays paused."""
    ok = sa.and_(accounts.c.id == account, accounts.c.state == "ok")
    conn.execute(sa.update(accounts).where(ok).values(state="needs_person", reason=reason))


def delete(conn: sa.Connection, account: str) -> None:
    """Forgets what nobody needs explained: a trigger link, a webhook. Other accounts are removed (removing.py)."""
    conn.execute(sa.delete(numbers).where(numbers.c.account == account))
    conn.execute(sa.delete(accounts).where(accounts.c.id == account))


def tokens(store: Store, keyring: Keyring, account: str) -> StoredTokens:
    """The access token of one account, shared by all processes."""
    return StoredTokens(store, keyring, account)


def _account(row: sa.Row[Any], keyring: Keyring) -> Account:
    secrets = keyring.decrypt(row.secrets, f"{row.id}:secrets") if row.secrets else {}
    return Account(
        id=row.id,
        kind=row.kind,
        name=row.name,
        settings=row.settings,
        secrets=secrets,
        state=row.state,
        reason=row.reason,
    )
