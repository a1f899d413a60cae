"""Files that customers sent are fetched while WhatsApp has them (7 days), and kept; what waits for one is woken."""

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector import errors
from connector.core import retry
from connector.ids import new_id
from connector.pipeline.drain import Stop, alone, log
from connector.ports import Account, Clock, Messenger
from connector.store import media
from connector.store.engine import Store

BELL = "media"
CALLS = 4  # files at once
LEASE = timedelta(minutes=15)  # a file whose worker died is due again after so long; the longest download takes 10
TRIES = 30  # with an hour between the last ones: about a day
LIVES = timedelta(days=7)  # of WhatsApp's id of a file; Meta, Media, checked 2026-11
GONE = "WhatsApp keeps a file for 7 days, and does not have this one any more."
KEEP = "keep_media"  # setting of the WhatsApp account; "no": files are not fetched


def rows(events: Sequence[Mapping[str, Any]], accounts: Mapping[str, Account], now: datetime) -> list[dict[str, Any]]:
    """The files that these event rows brought."""
    return [
        _row(event, event["payload"], now)
        for event in events
        if event["kind"] == "InboundMessage" and event["payload"].get("type") == "media" and _keeps(event, accounts)
    ]


def _keeps(event: Mapping[str, Any], accounts: Mapping[str, Account]) -> bool:
    account = accounts.get(event["account"])
    return account is not None and str(account.settings.get(KEEP) or "yes") != "no"


def _row(event: Mapping[str, Any], told: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    answer = told.get("answer") or {}
    return {
        "id": new_id(), "way": "in", "account": event["account"], "number": str(told.get("number") or ""),
        "event": event["id"], "media_id": str(answer.get("id") or ""), "kind": str(answer.get("kind") or ""),
        "mime": str(answer.get("mime_type") or ""), "name": str(answer.get("filename") or ""),
        "declared": str(answer.get("sha256") or ""), "state": "new", "next_at": now, "at": now,
    }  # fmt: skip


@dataclass(slots=True)
class Fetcher:
    """Fetches what is due; `messenger` knows an account's API by the account's id, None = it is gone."""

    store: Store
    messenger: Callable[[str], Messenger | None]
    clock: Clock
    ring: Callable[[str], None] = lambda _: None

    def drain(self, stop: Stop) -> None:
        """Until nothing is due or `stop` says so; one process at a time."""
        alone(self.store, BELL, lambda: self._work(stop), self._more, stop)

    def _more(self) -> bool:
        with self.store.read() as conn:
            return bool(media.due(conn, self.clock.now(), 1))

    def _work(self, stop: Stop) -> None:
        with ThreadPoolExecutor(CALLS, thread_name_prefix="media") as pool:
            while not stop():
                now = self.clock.now()
                with self.store.read() as conn:
                    due = media.due(conn, now, CALLS)
                if not due:
                    return
                with self.store.write() as conn:
                    mine = media.start(conn, due, now + LEASE)
                list(pool.map(self._fetch, mine))

    # ---- one file, in a thread of the pool ----------------------------------------------------------------------
    def _fetch(self, row: Any) -> None:
        try:
            found = self._download(row)
        except (errors.NotFound, errors.Rejected) as error:
            self._end(row, GONE if isinstance(error, errors.NotFound) else error.message)
        except errors.ConnectorError as error:
            self._later(row, error)
        except Exception as error:  # noqa: BLE001 - one file must not hold the others
            log.exception("file %s cannot be fetched", row.id)
            self._later(row, errors.TryAgain(f"{type(error).__name__}: {error}"[:300]))
        else:
            self._stored(row, found)

    def _download(self, row: Any) -> Any:
        api = self.messenger(row.account)
        if api is None:
            raise errors.Rejected("The WhatsApp account it came to is gone.", code="account")
        with self.store.files.writing(row.id) as out:
            return api.download(row.media_id, out, declared=row.mime, sha256=row.declared)

    def _stored(self, row: Any, found: Any) -> None:
        with self.store.write() as conn:
            kept = media.stored(conn, row, self.clock.now(), mime=found.mime, size=found.size, sha256=found.sha256)
            woken = media.wake(conn, row.media_id) if kept else []
        if not kept:  # erased meanwhile
            self.store.files.delete(row.id)
        self._ring(woken)

    def _later(self, row: Any, error: errors.ConnectorError) -> None:
        """Again, further apart each time; never once WhatsApp must have deleted it."""
        now = self.clock.now()
        after = error.after if isinstance(error, errors.TryAgain) else 600.0  # a token: a person mends it meanwhile
        then = retry.next_try(
            row.attempts + 1,
            now,
            after=after,
            base=5.0,
            cap=3600.0,
            jitter=random.random(),  # noqa: S311
            tries=TRIES,
        )
        if then is None or then > row.at + LIVES:
            self._end(row, error.message)
            return
        with self.store.write() as conn:
            media.later(conn, row, then, error.message)

    def _end(self, row: Any, reason: str) -> None:
        with self.store.write() as conn:
            media.refuse(conn, row, reason)
            woken = media.wake(conn, row.media_id)
        self._ring(woken)

    def _ring(self, accounts: Sequence[str]) -> None:
        for account in accounts:
            self.ring(f"write:{account}")
