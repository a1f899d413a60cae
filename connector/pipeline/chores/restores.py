"""The way back from a backup: checked before anything is touched, then loaded, then made safe, then looked over.

Nothing of ours may run meanwhile. Done again with the same files it ends the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from connector.errors import NotAllowed, NotFound, Rejected
from connector.pipeline.chores.backups import KEY_PLACE, Told, put_media
from connector.pipeline.people import privacy
from connector.store import archive, audit, doctor, dumping, erased_list, journal, media, restored, restoring, veil
from connector.store import erased as erased_rows
from connector.store.engine import Store
from connector.store.restored import Window
from connector.store.secrets import Keyring

BATCH = restoring.BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to restore to, and what this deployment has."""

    url: str
    home: Path
    keyring: Keyring
    open: Callable[[], Store]
    key: str = ""  # of sealed files
    lists: Sequence[Path] = ()  # folders with a list of who was erased


@dataclass(slots=True)
class Restore:
    """What was done."""

    manifest: Told
    window: Window
    media: int = 0
    settled: Mapping[str, int] = field(default_factory=dict)
    journal: Mapping[str, Any] = field(default_factory=dict)
    erased: int = 0
    findings: Sequence[Mapping[str, Any]] = ()


def restore(place: Place, path: Path, now: datetime, *, journals: Sequence[Path] = (), force: bool = False) -> Restore:
    """Raises Rejected, GiveUp, NotAllowed before anything is changed, StoreDown, OSError."""
    with archive.reading(path, place.key) as reading:
        reading.check()
        opens(place.keyring, reading.manifest)
        dumping.fits(place.url, reading)
        _empty(place, force)
        _readable(journals, place.key)
        dumping.load(place.url, reading, f"{now:%Y%m%dT%H%M%SZ}")
        store = place.open()
        try:
            since = datetime.fromisoformat(reading.manifest["made_at"]).astimezone(UTC)
            done = Restore(reading.manifest, Window(since, now, bool(journals)))
            done.media = put_media(reading, store.files.root)
            _aside(store, f"{now:%Y%m%dT%H%M%SZ}")
            _make_safe(store, place, done, journals, path.parent, now)
        finally:
            store.close()
    return done


def _aside(store: Store, stamp: str) -> None:
    """Files of rows that are gone lie beside the others from now on: nobody would ever forget them."""
    root = store.files.root
    found = [path for path in root.glob("*/*") if path.is_file()]
    for start in range(0, len(found), BATCH):
        part = found[start : start + BATCH]
        with store.read() as conn:
            odd = set(media.strange(conn, [path.name for path in part]))
        for path in (one for one in part if one.name in odd):
            goal = root.with_name(f"{root.name}.before-{stamp}") / path.parent.name / path.name
            goal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(goal)


def opens(keyring: Keyring, manifest: Mapping[str, Any]) -> None:
    """Raises NotAllowed when the secrets in this backup do not open with the keys we have."""
    try:
        if manifest.get("key_check"):
            keyring.decrypt(manifest["key_check"], KEY_PLACE)
    except NotAllowed as error:
        raise NotAllowed(
            "The secrets in this backup do not open with this deployment's CONNECTOR_SECRET_KEY.",
            hint="Put back the key (or HOME/secret.key) of the time of the backup; a backup never holds it.",
            code="secret_key",
        ) from error


def _empty(place: Place, force: bool) -> None:
    there = dumping.in_use(place.url, place.home)
    if there and not force:
        told = ", ".join(f"{n:,} {name}" for name, n in there.items())
        hint = "To replace it: --force. A SQLite file is kept beside the new one; a Postgres database is not."
        raise Rejected(f"The database is not empty: {told}.", hint=hint, code="not_empty")


def _readable(journals: Sequence[Path], key: str) -> None:
    """A journal that does not open is told before the database is replaced."""
    for folder in journals:
        if not folder.is_dir():
            raise NotFound(f"There is no folder {folder}.", code="no_journal")
    for _ in journal.read(journals, key):
        pass


def _make_safe(
    store: Store, place: Place, done: Restore, journals: Sequence[Path], beside: Path, now: datetime
) -> None:
    store.keyring = place.keyring
    with store.write() as conn:
        done.settled = restoring.settle(conn, done.window)
        restored.mark(conn, done.window, now, {})
    gone = [line for line in erased_list.read([beside, *place.lists, *journals]) if line["at"] >= _edge(done.window)]
    done.erased = erase_again(store, gone, now)
    if journals:
        done.journal = _replay(store, place, done.window, journals, gone)
    with store.write() as conn:
        told = {"backup": done.manifest["made_at"], "settled": dict(done.settled), "journal": dict(done.journal)}
        audit.append(conn, "restore", "database.restore", "", told, now)
    with store.read() as conn:
        done.findings = doctor.findings(conn, now)


def _edge(window: Window) -> int:
    return int((window.since - restoring.MARGIN).timestamp() * 1000)


# ---- the journal -------------------------------------------------------------------------------------------------
def _replay(
    store: Store, place: Place, window: Window, journals: Sequence[Path], gone: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    told, found = journal.Reading(), restoring.Found()
    found.erased = {contact: line["at"] for line in gone for contact in line["contacts"]}
    entries = journal.read(journals, place.key, told)
    for batch in _batches(entries):
        with store.write() as conn:
            restoring.apply(conn, batch, window, found)
    return {
        "files": told.files, "entries": told.entries, "deliveries": found.deliveries, "messages": found.sends,
        "broken": told.broken or [],
    }  # fmt: skip


def _batches(entries: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(entries, BATCH)):
        yield batch


# ---- who was erased since ----------------------------------------------------------------------------------------
def erase_again(store: Store, lines: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Erases those whom the backup brought back, and keeps the word of when it was first done; how many."""
    if not lines:
        return 0
    with store.write() as conn:
        erased_rows.salt(conn, [line["salt"] for line in lines if line["salt"]], now)
    with store.read() as conn:
        veiled = veil.of(store, conn)
        known = erased_rows.people(conn, veiled, lines) if veiled is not None else set()
    for contact in sorted(known):
        privacy.erase(store, contact, "restore", now)
    with store.write() as conn:
        erased_rows.keep(conn, lines)
    return len(known)
