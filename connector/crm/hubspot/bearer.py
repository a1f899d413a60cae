"""What a call proves itself with: a token that somebody pasted, or OAuth's, renewed at half its life."""

import threading
import time
from typing import Protocol

from connector.crm.hubspot import oauth
from connector.errors import TryAgain
from connector.ports import Account, Token, Tokens

AGAIN = 60.0  # seconds until the next try, when HubSpot was away at half the token's life


class Bearer(Protocol):
    """Safe for many threads."""

    def current(self) -> str: ...

    def renew(self, stale: str) -> tuple[str, bool]:
        """Another token than `stale`, which was refused; "" when there is none to be had. True = asked for just now:
        what another process stored may be old."""
        ...


class Static:
    """A service key, or the token of an app with static auth: it does not expire."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        return self._token

    def renew(self, stale: str) -> tuple[str, bool]:
        del stale
        return "", True


class Renewing:
    """OAuth's: held in memory, so that a call costs no read; the store makes one refresh of many."""

    def __init__(self, account: Account, tokens: Tokens) -> None:
        self._account, self._tokens = account, tokens
        self._lock = threading.Lock()
        self._held: Token | None = None

    def current(self) -> str:
        with self._lock:
            if self._held is None:
                self._held = self._tokens.current()
            if self._held is None or not self._held.get("access_token"):
                self._held = self._refreshed(None)
            elif time.time() >= float(self._held.get("renew_at") or 0):
                self._held = self._early(self._held)
            return str(self._held["access_token"])

    def _early(self, held: Token) -> Token:
        """Half of its life is over: renewed now, it never runs out under a call. It is still good if that fails."""
        try:
            return self._refreshed(str(held["access_token"]))
        except TryAgain:
            if time.time() >= float(held.get("expires_at") or 0):
                raise
            return {**held, "renew_at": time.time() + AGAIN}

    def renew(self, stale: str) -> tuple[str, bool]:
        asked: list[bool] = []
        with self._lock:
            if self._held is None or self._held.get("access_token") == stale:
                self._held = None
                self._held = self._refreshed(stale, asked)
            return str(self._held["access_token"]), bool(asked)

    def _refreshed(self, stale: str | None, asked: list[bool] | None = None) -> Token:
        def fetch(stored: Token | None) -> Token:
            if asked is not None:
                asked.append(True)
            return oauth.refresh(self._account, stored)

        return self._tokens.refresh(stale, fetch)
