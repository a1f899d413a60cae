"""Connected systems: plain settings, encrypted secrets, and the access token that all processes share."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.errors import NotFound, Rejected, StoreDown, TryAgain
from connector.ids import new_id
from connector.ports import Account, Tokens
from connector.store.bulk import insert_many
from connector.store.engine import Store
from connector.store.secrets import Keyring
from connector.store.tables import accounts, numbers

# Settings whose value is how the vendor names the account in what it sends: the item's owner.
OWNERS = ("phone_number_id", "waba_id", "portal_id", "org_id")
ORG_ID = 15  # characters; Salesforce writes the same id with three more, a checksum
REFRESH = 60.0  # seconds to wait for another process's token refresh: its HTTP call takes 23 at most
TRIES, PAUSE = 20, 0.25  # how often, and seconds between, to store a new token while the database is away

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)  # documents and webhook paths carry it
NAME_RULE = "letters, digits, - _ and . only, at most 64"

Values = Mapping[str, Any]


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
    known = conn.execute(sa.select(accounts.c.id, accounts.c.kind).where(accounts.c.name == name)).first()
    if known is not None and known.kind != kind:
        raise Rejected(
            f"There is already a {known.kind} account named {name}.", hint="Choose another name.", code="name_taken"
        )
    id_ = known.id if known is not None else new_id()
    values = {"settings": dict(settings), "secrets": keyring.encrypt(dict(secrets), f"{id_}:secrets"), "token": None}
    values |= {"state": "ok", "reason": ""}
    if known is not None:
        conn.execute(sa.update(accounts).where(accounts.c.id == id_).values(**values))
    else:
        insert_many(conn, accounts, [{"id": id_, "kind": kind, "name": name, "created_at": now, **values}])
    return Account(id=id_, kind=kind, name=name, settings=dict(settings), secrets=dict(secrets))


def all_accounts(conn: sa.Connection, keyring: Keyring) -> list[Account]:
    """Every account, oldest first."""
    return [
        _account(row, keyring)
        for row in conn.execute(sa.select(accounts).order_by(accounts.c.created_at, accounts.c.id))
    ]


def ids(conn: sa.Connection) -> list[str]:
    """Every account's id; opens no secret."""
    return list(conn.execute(sa.select(accounts.c.id).order_by(accounts.c.id)).scalars())


def get(conn: sa.Connection, keyring: Keyring, name: str) -> Account | None:
    """By name or id."""
    query = sa.select(accounts).where(sa.or_(accounts.c.id == name, accounts.c.name == name))
    row = conn.execute(query).first()
    return None if row is None else _account(row, keyring)


def find_by_owner(conn: sa.Connection, keyring: Keyring, owner: str) -> Account | None:
    """The account an item belongs to: by phone_number_id, WABA id, portal id or organization id."""
    id_ = owners(conn).get(owner)
    return None if id_ is None else get(conn, keyring, id_)


def owners(conn: sa.Connection, everyone: Iterable[Account] | None = None) -> dict[str, str]:
    """{what vendors call us: account id}: phone_number_id, WABA id, portal id, organization id (both lengths).

    `everyone`: the accounts, where the caller has read them."""
    known = {row.id: row.account for row in conn.execute(sa.select(numbers.c.id, numbers.c.account)) if row.account}
    for row in conn.execute(sa.select(accounts.c.id, accounts.c.settings)) if everyone is None else everyone:
        known.update(dict.fromkeys(owner_ids(row.settings), row.id))
    return known


def owner_ids(settings: Values) -> list[str]:
    """The ids of one account's settings; names are written with - or _."""
    given = {name.replace("-", "_"): str(value) for name, value in settings.items() if value}
    ids = [given[name] for name in OWNERS if name in given]
    return [*ids, given["org_id"][:ORG_ID]] if "org_id" in given else ids


def state(conn: sa.Connection, account: str) -> str:
    """ok, paused or needs_person; "" when there is no such account."""
    found = conn.execute(sa.select(accounts.c.state).where(accounts.c.id == account)).scalar()
    return "" if found is None else str(found)


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
    """Forgets the account, its secrets and its numbers; what it received stays."""
    conn.execute(sa.delete(numbers).where(numbers.c.account == account))
    conn.execute(sa.delete(accounts).where(accounts.c.id == account))


def tokens(store: Store, keyring: Keyring, account: str) -> Tokens:
    """The access token of one account, shared by all processes."""
    return _StoredTokens(store, keyring, account)


class _StoredTokens:
    """ports.Tokens over accounts.token."""

    def __init__(self, store: Store, keyring: Keyring, account: str) -> None:
        self._store, self._keyring, self._account = store, keyring, account

    def current(self) -> Values | None:
        return self._opened(self._packed())

    def refresh(self, stale: str | None, fetch: Callable[[Values | None], Values]) -> Values:
        with self._store.locks.wait(f"token:{self._account}", REFRESH):
            packed = self._packed()
            stored = self._opened(packed)
            if stored is not None and stored["access_token"] != stale:
                return stored
            fresh = dict(fetch(stored))
            while not self._keep(packed, fresh):
                packed = self._packed()
                theirs = self._opened(packed)
                if theirs is None:
                    raise TryAgain("The account was changed while its token was renewed.", code="token_changed")
                if theirs != stored:  # our lock was lost, and its next holder has renewed it too
                    return theirs
            return fresh

    def _packed(self) -> Any:
        with self._store.read() as conn:
            row = conn.execute(sa.select(accounts.c.token).where(accounts.c.id == self._account)).first()
        if row is None:
            raise NotFound("The account was deleted.", code="no_account")
        return row.token

    def _opened(self, packed: Any) -> Values | None:
        return None if packed is None else self._keyring.decrypt(packed, self._context)

    def _keep(self, before: Any, fresh: Values) -> bool:
        """Compare-and-set. The old one may be spent by now: a database that is away is asked again."""
        packed = self._keyring.encrypt(fresh, self._context)
        for _ in range(TRIES - 1):
            try:
                return self._swapped(before, packed)
            except StoreDown:
                time.sleep(PAUSE)
        return self._swapped(before, packed)

    def _swapped(self, before: Any, packed: str) -> bool:
        mine = sa.and_(accounts.c.id == self._account, accounts.c.token.is_not_distinct_from(before))
        with self._store.write() as conn:
            return conn.execute(sa.update(accounts).where(mine).values(token=packed)).rowcount == 1

    @property
    def _context(self) -> str:
        return f"{self._account}:token"


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
