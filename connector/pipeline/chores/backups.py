"""Backups while everything runs, each night by a chore; and the way back, after which nothing doubles."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connector.errors import ConnectorError, GiveUp
from connector.pipeline.drain import log
from connector.ports import Clock
from connector.store import archive, backup_notes, documents, dumping, erased_list, journal, options
from connector.store.engine import Store
from connector.store.tables import from_ms

ENDING = ".backup"
KEY_PLACE = "backup:key"
MEDIA, DOCUMENTS = "media/", "documents/"
CHORE, EVERY = "backup", timedelta(minutes=10)
RETRY = timedelta(hours=1)  # after one that failed
MARGIN = timedelta(hours=1)  # the journal is kept so much longer than the oldest backup
Told = dict[str, Any]


def file_name(now: datetime) -> str:
    """By the moment of its snapshot, so that names sort by time."""
    return f"connector-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{ENDING}"


def backup(store: Store, path: Path, now: datetime, *, key: str = "", media: bool = True) -> Told:
    """One file with all but the secret key: {file, size, seconds, ...the manifest}. Raises StoreDown, OSError."""
    began = time.monotonic()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.writing(path, key) as out:
        told: Told = {"made_at": now.isoformat(), "release": _release(), "key_check": _check(store)}
        told |= dumping.dump(store, out, path.parent)
        told["documents"] = _documents(store, out)
        told["media"] = _media(store, out) if media else None
        out.manifest(told)
    return told | {"file": str(path), "size": path.stat().st_size, "seconds": round(time.monotonic() - began, 1)}


def _release() -> str:
    try:
        return version("whatsapp-crm-connector")
    except PackageNotFoundError:
        return ""


def _check(store: Store) -> str:
    """Opens only with the keys that the secrets in this backup open with."""
    return store.keyring.encrypt("backup", KEY_PLACE) if store.keyring is not None else ""


def _documents(store: Store, out: archive.Archive) -> int:
    """The live ones as files too, for whoever opens the ZIP."""
    with store.read() as conn:
        found = documents.live(conn)
    for row in found:
        with out.part(f"{DOCUMENTS}{row.kind}/{row.name}.yaml") as part:
            part.write(row.text.encode())
    return len(found)


def _media(store: Store, out: archive.Archive) -> int:
    """Files that are forgotten meanwhile are not missed: their rows say so by now."""
    done = 0
    for file in sorted(store.files.root.glob("*/*")):
        if file.is_file() and file.suffix == "":
            try:
                out.copy(f"{MEDIA}{file.parent.name}/{file.name}", file, packed=False)
                done += 1
            except FileNotFoundError:
                continue
    return done


# ---- many of them ------------------------------------------------------------------------------------------------
def kept(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first; what is not ours, or not whole, is not among them."""
    return sorted(folder.glob(f"connector-*{ENDING}"))


def prune(folder: Path, keep: int) -> int:
    """Deletes all but the newest `keep`; how many."""
    old = kept(folder)[:-keep] if keep else []
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def made(path: Path) -> datetime | None:
    """When a backup of ours was begun, by its name."""
    try:
        return datetime.strptime(path.name, f"connector-%Y%m%dT%H%M%SZ{ENDING}").replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Nightly:
    """The chore: once a night into `folder`, at `hour` in the deployment's time zone; keeps the newest `keep`."""

    store: Store
    clock: Clock
    folder: Path
    keep: int = 7
    hour: int = 2
    key: str = ""
    media: bool = True

    def run(self, stop: Callable[[], bool]) -> None:  # noqa: ARG002 - a backup is whole or none
        now = self.clock.now()
        if not self.due(now):
            return
        try:
            told = backup(self.store, self.folder / file_name(now), now, key=self.key, media=self.media)
            self._tidy(now)
        except (OSError, ConnectorError) as error:
            log.error("the backup failed: %s", error)
            self._note({"ok": False, "error": f"{type(error).__name__}: {error}"[:500]}, now)
            raise GiveUp("The nightly backup failed.", hint=str(error)[:300], code="backup") from error
        self._note({"ok": True, "file": told["file"], "size": told["size"], "seconds": told["seconds"]}, now)

    def due(self, now: datetime) -> bool:
        """None was made since the last time the clock struck `hour`. One that failed is tried again an hour later."""
        with self.store.read() as conn:
            zone, last = ZoneInfo(options.get(conn).time_zone), backup_notes.last(conn) or {}
        if not last.get("ok", True) and now - from_ms(last["tried_at"]) < RETRY:
            return False
        if not last.get("at"):
            return True
        struck = now.astimezone(zone).replace(hour=self.hour, minute=0, second=0, microsecond=0)
        struck -= timedelta(days=1) if struck > now else timedelta()
        return from_ms(last["at"]) < struck

    def _tidy(self, now: datetime) -> None:
        """Older backups, and what the journal and the list of the erased hold for none that is left."""
        prune(self.folder, self.keep)
        with self.store.read() as conn:
            raw = options.get(conn).before("raw", now)
        oldest = next((at for path in kept(self.folder) if (at := made(path))), now)
        edge = max(oldest, raw) - MARGIN
        if self.store.journal is not None:
            journal.prune(self.store.journal.folder, edge.timestamp())
        for folder in self.store.erased_in:
            erased_list.prune(folder, oldest - MARGIN)

    def _note(self, told: Mapping[str, Any], now: datetime) -> None:
        with self.store.write() as conn:
            backup_notes.put(conn, told, now)


# ---- looking -----------------------------------------------------------------------------------------------------
def check(path: Path, key: str = "") -> Told:
    """The manifest of a backup whose every part is whole. Raises GiveUp, NotAllowed, OSError."""
    with archive.reading(path, key) as reading:
        reading.check()
        return reading.manifest


def put_media(reading: archive.Reading, root: Path) -> int:
    """The files that are not there already; how many."""
    done = 0
    for name in reading.under(MEDIA):
        goal = root / name.removeprefix(MEDIA)
        if not goal.exists():
            goal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = goal.with_name(goal.name + ".part")
            reading.save(name, draft)
            draft.replace(goal)
            done += 1
    return done
