"""Read marks and "typing": customers see that their message was read. Best effort: nothing waits, nothing is kept."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from connector import errors
from connector.ports import Account, Messenger

log = logging.getLogger("connector.pipeline")
SETTING = "read_marks"  # of the WhatsApp account: no · yes · typing (and "typing", until we answer or 25 s have passed)
WORDS = ("yes", "typing")
WAITING = 200  # marks that may wait; more are left out, as a later mark covers the earlier ones of a person
CALLS = 2


@dataclass(slots=True)
class Marks:
    """`heard(rows, accounts)` after each batch; calls go out from threads of its own."""

    messenger: Callable[[Account], Messenger]
    _pool: ThreadPoolExecutor | None = None
    _open: set[Any] = field(default_factory=set)

    def heard(self, rows: Sequence[Mapping[str, Any]], accounts: Mapping[str, Account]) -> None:
        """Marks the last message of each person; Meta marks those before it."""
        last: dict[tuple[str, str], str] = {}
        for row in rows:
            account = accounts.get(row["account"])
            if account is not None and row["kind"] == "InboundMessage" and wanted(account):
                last[row["account"], str(row["lane"])] = str(row["dedupe_key"])
        for (account_id, _), wamid in last.items():
            self._mark(accounts[account_id], wamid)

    def _mark(self, account: Account, wamid: str) -> None:
        if len(self._open) >= WAITING:
            return
        self._pool = self._pool or ThreadPoolExecutor(CALLS, thread_name_prefix="marks")
        call = self._pool.submit(self._call, account, wamid)
        self._open.add(call)
        call.add_done_callback(self._open.discard)

    def _call(self, account: Account, wamid: str) -> None:
        try:
            self.messenger(account).mark_read(wamid, typing=wanted(account) == "typing")
        except errors.ConnectorError as error:
            log.info("%s: a message was not marked as read: %s", account.name, error, extra={"account": account.id})
        except Exception:
            log.exception("%s: a message was not marked as read", account.name, extra={"account": account.id})

    def wait(self) -> None:
        """Until what was begun has ended; the next mark begins anew."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None


def wanted(account: Account) -> str:
    """ "" yes typing."""
    word = str(account.settings.get(SETTING) or "").strip().lower()
    return word if word in WORDS else ""
