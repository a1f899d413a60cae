"""Export and erasure of one person. An erasure is many short transactions; one that was cut off goes on."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

from connector import errors
from connector.store import accounts, audit, dossier, family, media, mentions, privacy, scour, uploads, veil
from connector.store.engine import Store
from connector.store.family import Family
from connector.store.privacy import Work

MENTIONED = "mentions in "  # a stage that looks through a whole table
FILES = 100  # of one transaction
PATIENCE = 30.0  # seconds to wait for who works on this person
Progress = Callable[[int, int], None]


def export(store: Store, contact: str) -> dict[str, Any]:
    """Everything stored about a person (a contact's id), as JSON-ready values. Raises NotFound."""
    with store.read() as conn:
        found = family.of(conn, contact)
        if found is None:
            raise errors.NotFound(f"There is no contact {contact}.", code="no_contact")
        told = dossier.of(conn, found)
    for file in told["media"]:  # the files themselves: contacts export --files DIR, or the disk
        file["file"] = str(store.files.path(file["id"])) if file["state"] == "stored" else ""
    return told


def erase(
    store: Store,
    contact: str,
    who: str,
    now: datetime,
    *,
    progress: Progress = lambda _done, _total: None,
    patience: float = PATIENCE,
) -> dict[str, int]:
    """Takes a person out of every table and body: {table: rows}. Called again, it goes on, or finds nothing to do.

    Raises NotFound; TryAgain when somebody works on this person for long."""
    found = _find(store, contact)
    with store.locks.wait(f"erase:{found.root}", patience), _lanes(store, found, patience):
        with store.read() as conn:
            work = privacy.running(store, conn, found.root)
        if work is None:
            work = _begin(store, found, who, now, patience)
        _files(store, work)
        work.add({"uploads": uploads.without(store, work.family.ids)})
        _go(store, work, progress)
        with store.write() as conn:
            privacy.finish(conn, work)
            audit.append(conn, who, "contact.erase", found.root, {"rows": work.counts}, now)
        scour.out(store, work.family.ids)
    return work.counts


def _files(store: Store, work: Work) -> None:
    """What they sent us: from the disk first, so that none stays that no row knows of."""
    while True:
        with store.read() as conn:
            ids = media.of_lanes(conn, work.family.lanes, work.top, FILES)
        if not ids:
            return
        for id_ in ids:
            store.files.delete(id_)
        with store.write() as conn:
            work.add({"media": media.gone(conn, ids, privacy.WHY)})
            privacy.save(store, conn, work)


def _find(store: Store, contact: str) -> Family:
    with store.read() as conn:
        found = family.of(conn, contact)
        going = privacy.running(store, conn, found.root) if found else None
    if found is None:
        raise errors.NotFound(f"There is no contact {contact}.", code="no_contact")
    return going.family if going else found


@contextmanager
def _lanes(store: Store, found: Family, patience: float) -> Iterator[None]:
    """Nobody plans or decides for this person meanwhile."""
    with store.read() as conn:
        owners = accounts.ids(conn)
    missing = {f"lane:{account}:{lane}" for account in owners for lane in found.lanes}
    end = time.monotonic() + patience
    with ExitStack() as held:
        while missing := missing - held.enter_context(store.locks.hold(sorted(missing))):
            if time.monotonic() > end:
                raise errors.TryAgain(
                    "This person is being worked on.", hint="Try again in a minute.", code="lanes_held"
                )
            time.sleep(0.1)
        yield


def _begin(store: Store, found: Family, who: str, now: datetime, patience: float) -> Work:
    """What is on its way to WhatsApp or the CRM is waited for: its answer would be stored after us."""
    end = time.monotonic() + patience
    while True:
        with store.read() as conn:
            busy = privacy.busy(conn, found)
        if not busy or time.monotonic() > end:
            break
        time.sleep(0.1)
    with store.write() as conn:
        again = family.of(conn, found.root)
        if again is None or set(again.lanes) != set(found.lanes):
            raise errors.TryAgain("This person has just changed.", hint="Try again.", code="changed")
        return privacy.begin(store, conn, again, who, now)


def _go(store: Store, work: Work, progress: Progress) -> None:
    """Their own rows, then every mention elsewhere; each part is one transaction that also keeps how far it came."""
    with store.read() as conn:
        veiled = veil.of(store, conn)
        total, done = privacy.size(conn, work) + mentions.count(conn), 0
    assert veiled is not None
    stages = [*privacy.PARTS, *(MENTIONED + name for name in mentions.PLACES)]
    for stage in stages[stages.index(work.stage) if work.stage else 0 :]:
        if work.stage != stage:
            work.stage, work.cursor = stage, None
        more = True
        while more:
            more, n = _part(store, work, veiled)
            done += n
            progress(min(done, total), total)
    progress(total, total)


def _part(store: Store, work: Work, veiled: veil.Veil) -> tuple[bool, int]:
    """(whether there is more of this stage, rows gone through)."""
    if work.stage in privacy.PARTS:
        with store.write() as conn:
            more = privacy.PARTS[work.stage](conn, work, veiled)
            privacy.save(store, conn, work)
        return more, privacy.EVENTS if work.stage == "events" else privacy.SENDS
    if not work.family.ids:
        return False, 0
    name = work.stage.removeprefix(MENTIONED)
    with store.read() as conn:
        rows, work.cursor, n = mentions.look(conn, name, work.family.ids, work.at, work.cursor)
    for start in range(0, len(rows), privacy.EVENTS):
        with store.write() as conn:
            work.add(mentions.mend(conn, name, rows[start : start + privacy.EVENTS], work.family, veiled))
            privacy.save(store, conn, work)
    return work.cursor is not None, n
