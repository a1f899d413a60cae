"""The access token of one account, which all processes share: one refresh at a time, stored before it is used."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from connector.errors import NotFound, StoreDown, TryAgain
from connector.store.engine import Store
from connector.store.secrets import Keyring
from connector.store.tables import accounts

REFRESH = 60.0  # seconds to wait for another process's token refresh: its HTTP call takes 23 at most
TRIES, PAUSE = 20, 0.25  # how often, and seconds between, to store a new token while the database is away
Values = Mapping[str, Any]


class StoredTokens:
    """ports.Tokens over accounts.token."""

    def __init__(self, store: Store, keyring: Keyring, account: str) -> None:
        self._store, self._keyring, self._account = store, keyring, account
        self._owed: tuple[Values | None, Values] | None = None  # (what was stored, what was given for it)

    def current(self) -> Values | None:
        return self._opened(self._packed())

    def refresh(self, stale: str | None, fetch: Callable[[Values | None], Values]) -> Values:
        with self._store.locks.wait(self.lock, REFRESH):
            stored = self._settled()
            if stored is not None and stored["access_token"] != stale:
                return stored
            self._owed = (stored, dict(fetch(stored)))
            now = self._surely_settled()
            if now is None:
                raise TryAgain("The account was changed while its token was renewed.", code="token_changed")
            return now

    def keep(self, token: Values) -> None:
        """What a person's leave gave; a refresh that is under way ends first."""
        with self._store.locks.wait(self.lock, REFRESH), self._store.write() as conn:
            packed = self._keyring.encrypt(dict(token), self._context)
            conn.execute(sa.update(accounts).where(accounts.c.id == self._account).values(token=packed))

    def _surely_settled(self) -> Values | None:
        """The refresh token it came for may be spent by now: a database that is away is asked again."""
        for _ in range(TRIES - 1):
            try:
                return self._settled()
            except StoreDown:
                time.sleep(PAUSE)
        return self._settled()

    def _settled(self) -> Values | None:
        """What is stored once what we were given is: also what a call was given while the database was away for long.

        Where our lock was lost and its next holder has renewed it too, theirs."""
        while True:
            packed = self._packed()
            stored = self._opened(packed)
            if self._owed is None or self._owed[0] != stored:
                self._owed = None
                return stored
            fresh = self._owed[1]
            if self._swapped(packed, self._keyring.encrypt(fresh, self._context)):
                self._owed = None
                return fresh

    def _packed(self) -> Any:
        with self._store.read() as conn:
            row = conn.execute(sa.select(accounts.c.token).where(accounts.c.id == self._account)).first()
        if row is None:
            raise NotFound("The account was deleted.", code="no_account")
        return row.token

    def _opened(self, packed: Any) -> Values | None:
        return None if packed is None else self._keyring.decrypt(packed, self._context)

    def _swapped(self, before: Any, packed: str) -> bool:
        """Compare-and-set."""
        mine = sa.and_(accounts.c.id == self._account, accounts.c.token.is_not_distinct_from(before))
        with self._store.write() as conn:
            return conn.execute(sa.update(accounts).where(mine).values(token=packed)).rowcount == 1

    @property
    def lock(self) -> str:
        """What a refresh holds."""
        return f"token:{self._account}"

    @property
    def _context(self) -> str:
        return f"{self._account}:token"
