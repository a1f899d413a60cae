"""Who was erased, beside the backups: a restore of an older one erases them again. One line of JSON for each person,
with hashes and our own ids only."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from connector.store.family import Family
from connector.store.tables import erased_ids, settings, to_ms
from connector.store.veil import SALT

if TYPE_CHECKING:
    from connector.store.engine import Store

NAME = "erased.jsonl"


def note(store: "Store", conn: sa.Connection, family: Family, now: datetime) -> None:
    """In the transaction that begins the erasure; on the disk before it is committed. Raises OSError."""
    if not store.erased_in:
        return
    rows = conn.execute(sa.select(erased_ids).where(erased_ids.c.contact == family.root)).all()
    line = {
        "at": to_ms(now), "contact": family.root, "contacts": family.contacts,
        "salt": conn.execute(sa.select(settings.c.value).where(settings.c.name == SALT)).scalar(),
        "hashes": {row.hash: row.consents for row in rows},
    }  # fmt: skip
    for folder in store.erased_in:
        append(folder / NAME, line)


def append(path: Path, line: Mapping[str, Any]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(line).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Every line of every list; a last one that is not whole was never committed."""
    for path in {folder / NAME for folder in folders}:
        if path.exists():
            for text in path.read_text(encoding="utf-8").splitlines():
                try:
                    yield json.loads(text)
                except ValueError:
                    continue


def prune(folder: Path, before: datetime) -> int:
    """Forgets whom no backup that is kept can bring back; how many."""
    path = folder / NAME
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.read().splitlines(keepends=True)
        kept = [line for line in lines if not _older(line, to_ms(before))]
        if len(kept) < len(lines):
            file.seek(0)
            file.writelines(kept)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    return len(lines) - len(kept)


def _older(line: bytes, before: int) -> bool:
    try:
        return bool(json.loads(line)["at"] < before)
    except (ValueError, KeyError):
        return True
