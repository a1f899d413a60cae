"""The access token of one account, which all processes share: one refresh at a time, stored before it is used."""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from connector.errors import NotFound
from connector.store.engine import Store
from connector.store.secrets import Keyring
from connector.store.tables import accounts

REFRESH = 60.0  # seconds to wait for another process's token refresh: its HTTP call takes 23 at most
Values = Mapping[str, Any]


class StoredTokens:
    """ports.Tokens over accounts.token."""

    def __init__(self, store: Store, keyring: Keyring, account: str) -> None:
        self._store, self._keyring, self._account = store, keyring, account
        self._owed: tuple[Values | None, Values] | None = None  # (what was stored, what was given for it)

    def current(self) -> Values | None:
        with self._store.read() as conn:
            row = conn.execute(sa.select(accounts.c.token).where(accounts.c.id == self._account)).first()
        if row is None:
            raise NotFound("The account was deleted.", code="no_account")
        return None if row.token is None else self._keyring.decrypt(row.token, self._context)

    def refresh(self, stale: str | None, fetch: Callable[[Values | None], Values]) -> Values:
        with self._store.locks.wait(self.lock, REFRESH):
            stored = self._settled(self.current())
            if stored is not None and stored["access_token"] != stale:
                return stored
            fresh = dict(fetch(stored))
            self._owed = (stored, fresh)
            return self._settled(stored) or fresh

    def keep(self, token: Values) -> None:
        """What a person's leave gave; a refresh that is under way ends first."""
        with self._store.locks.wait(self.lock, REFRESH):
            self._put(token)

    def _settled(self, stored: Values | None) -> Values | None:
        """Stores what was given: also what an earlier call was given while the database was away.

        The refresh token that it came for may be spent: it is nowhere else."""
        if self._owed is None:
            return stored
        before, fresh = self._owed
        if before == stored:
            self._put(fresh)
            stored = fresh
        self._owed = None
        return stored

    def _put(self, token: Values) -> None:
        packed = self._keyring.encrypt(dict(token), self._context)
        with self._store.write() as conn:
            conn.execute(sa.update(accounts).where(accounts.c.id == self._account).values(token=packed))

    @property
    def lock(self) -> str:
        """What a refresh holds."""
        return f"token:{self._account}"

    @property
    def _context(self) -> str:
        return f"{self._account}:token"
