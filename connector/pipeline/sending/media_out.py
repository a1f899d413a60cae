"""Our files go to WhatsApp before the messages that carry them: once for each number, anew when the id has expired."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from connector import errors
from connector.core import message, retry
from connector.core.message.sniff import HEAD, mismatch
from connector.ids import new_id
from connector.pipeline.drain import Stop, alone, log
from connector.ports import Clock, FetchedFile, Messenger, StoredFile
from connector.store import media
from connector.store.engine import Store

LASTS = timedelta(days=29)  # an upload lives 30 days; Meta, Media, checked 2026-11
LEASE = timedelta(minutes=5)
TRIES = 8
FRESH = timedelta(days=1)  # how long what an address gave counts as what it gives


@dataclass(slots=True)
class Uploader:
    """Uploads what messages of one number wait for; holds `upload:<number>`, so a file never goes twice at once."""

    store: Store
    number: str
    messenger: Messenger
    clock: Clock
    ring: Callable[[str], None] = lambda _: None

    def drain(self, stop: Stop) -> None:
        """Until nothing is due or `stop` says so."""
        alone(self.store, f"upload:{self.number}", lambda: self._work(stop), self._more, stop)

    def _due(self) -> Any:
        with self.store.read() as conn:
            return media.uploads_due(conn, self.clock.now(), self.number)

    def _more(self) -> bool:
        return bool(self._due())

    def _work(self, stop: Stop) -> None:
        while rows := self._due():
            for row in rows:
                if stop():
                    return
                with self.store.write() as conn:
                    mine = media.uploading(conn, row, self.clock.now() + LEASE)
                if mine:
                    self._one(row)
                    self.ring(f"send:{self.number}")

    def _one(self, row: Any) -> None:
        try:
            file, lasts = self._file(row.media)
            found = self.messenger.upload(file)
        except errors.ConnectorError as error:
            self._failed(row, error)
        except Exception as error:  # noqa: BLE001 - one file must not hold the others
            log.exception("file %s cannot be uploaded", row.media)
            self._failed(row, errors.TryAgain(f"{type(error).__name__}: {error}"[:300]))
        else:
            now = self.clock.now()
            with self.store.write() as conn:
                media.uploaded(conn, row, found, now + lasts, now)

    def _file(self, key: str) -> tuple[StoredFile, timedelta]:
        """The file, and how long its id is used: what an address gives may change, a file of ours does not."""
        with self.store.read() as conn:
            row = media.one(conn, key)
        lasts = LASTS
        if row is not None and row.way == "out" and row.url:
            row, lasts = self._fetched(row), FRESH
        if row is None or row.state != "stored":
            raise errors.NotFound("The file that it carries is not kept here (any more).", code="no_file")
        path = self.store.files.path(key)
        if not path.exists():
            raise errors.NotFound("The file that it carries is missing on disk.", code="no_file")
        kept = StoredFile(path=path, name=row.name or key, mime=row.mime, size=row.size or 0, sha256=row.sha256)
        return kept, lasts

    def _fetched(self, row: Any) -> Any:
        """A file of an address, fetched anew once it is a day old."""
        now = self.clock.now()
        if row.state == "stored" and row.stored_at and row.stored_at > now - FRESH:
            return row
        most = message.LIMITS[f"{row.kind}.bytes"].most
        with self.store.files.writing(row.id) as out:
            found = self.messenger.fetch(row.url, out, most)
        name = unquote(urlsplit(row.url).path.rpartition("/")[2])[:200]
        with self.store.write() as conn:
            media.fetched(conn, row.id, now, mime=found.mime, size=found.size, sha256=found.sha256, name=name)
            return media.one(conn, row.id)

    def _failed(self, row: Any, error: errors.ConnectorError) -> None:
        """A refusal is for good; a token waits for its person; anything else is tried again."""
        now = self.clock.now()
        after = error.after if isinstance(error, errors.TryAgain) else None
        then = None
        if not isinstance(error, errors.GiveUp):
            wait = 600.0 if isinstance(error, errors.NeedsPerson) else after
            then = retry.next_try(
                row.attempts + 1,
                now,
                after=wait,
                base=2.0,
                cap=600.0,
                jitter=random.random(),  # noqa: S311
                tries=TRIES,
            )
        with self.store.write() as conn:
            media.upload_failed(conn, row, then, error.message, now)


# ---- files of ours ---------------------------------------------------------------------------------------------------
def keep(store: Store, source: Path, mime: str, name: str, clock: Clock) -> str:
    """A file of ours, kept to be sent; its key stands as `media:` in a message. Raises Rejected."""
    kind = next((kind for kind, types in message.TYPES.items() if mime in types), "document")
    most = message.LIMITS[f"{kind}.bytes"].most
    size = source.stat().st_size
    if size > most:
        raise errors.Rejected(f"WhatsApp takes {kind} files of at most {most:,} bytes.", code="too_large")
    with source.open("rb") as given:
        if why := mismatch(mime, given.read(HEAD)):
            raise errors.Rejected(why, code="type")
        given.seek(0)
        return _keep(store, clock, kind, lambda out: _copied(given, out, mime), name=name)


def _keep(store: Store, clock: Clock, kind: str, fill: Callable[[BinaryIO], Any], **more: Any) -> str:
    key, now = new_id(), clock.now()
    with store.files.writing(key) as out:
        found = fill(out)
    row = {"id": key, "kind": kind, "mime": found.mime, "size": found.size, "sha256": found.sha256, "state": "stored"}
    with store.write() as conn:
        media.add(conn, {**row, "at": now, "stored_at": now, **more})
    return key


def _copied(given: BinaryIO, out: BinaryIO, mime: str) -> FetchedFile:
    digest, size = sha256(), 0
    while chunk := given.read(64 * 1024):
        digest.update(chunk)
        size += len(chunk)
        out.write(chunk)
    return FetchedFile(mime=mime, size=size, sha256=digest.hexdigest())
