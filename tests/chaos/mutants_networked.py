"""Two promises of networks and tokens, broken on purpose (tests.chaos.mutants)."""

import time
from collections.abc import Callable, Mapping
from typing import Any

BETWEEN = 0.25  # seconds


def reset_unsent() -> None:
    """An answer that broke off counts as if nothing had left."""
    import httpx

    from connector.whatsapp import wire

    wire._NOT_SENT = (*wire._NOT_SENT, httpx.ReadError, httpx.RemoteProtocolError)  # type: ignore[assignment]


def many_refreshers() -> None:
    """Whoever finds the token aged renews it, and nobody waits for another."""
    import sqlalchemy as sa

    from connector.store.tables import accounts
    from connector.store.tokens import StoredTokens

    def refresh(self: Any, stale: str | None, fetch: Callable[[Any], Mapping[str, Any]]) -> Mapping[str, Any]:
        stored = self.current()
        if stored is not None and stored["access_token"] != stale:
            return dict(stored)
        time.sleep(BETWEEN)
        fresh = dict(fetch(stored))
        packed = self._keyring.encrypt(fresh, self._context)
        with self._store.write() as conn:
            conn.execute(sa.update(accounts).where(accounts.c.id == self._account).values(token=packed))
        return fresh

    StoredTokens.refresh = refresh  # type: ignore[method-assign,assignment] # broken on purpose


MUTANTS: Mapping[str, Callable[[], None]] = {"reset_unsent": reset_unsent, "many_refreshers": many_refreshers}
