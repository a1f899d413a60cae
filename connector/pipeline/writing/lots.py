"""What goes to a CRM together: rows in order become lots of whole records, and each lot the calls of its kinds."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.core.contact import Contact
from connector.core.message.sniff import suffix
from connector.pipeline.writing.fencing import Mark
from connector.ports import ActivityChange, FileChange, RecordChange, StoredFile
from connector.store.changes import FILE, Row

Target = tuple[str, str]
ALONE = 2  # attempts after which a record is written alone


@dataclass(slots=True)
class Lot:
    """Records of one object that go to the CRM together: their fields in one call, then their timeline entries."""

    object: str
    known: bool  # the records exist; else they are upserted by our unique field
    rows: dict[Target, list[Row]] = field(default_factory=dict)
    files: Mapping[str, StoredFile] = field(default_factory=dict)  # WhatsApp's id of a file -> where it lies
    mark: Mark | None = None  # once its rows are in flight

    def all_rows(self) -> list[Row]:
        return [row for rows in self.rows.values() for row in rows]


def cut(rows: Sequence[Row], batch: int) -> list[Lot]:
    """Rows in order -> lots of at most `batch` records of one object; a record interrupted twice goes alone."""
    targets: dict[Target, list[Row]] = {}
    for row in rows:
        targets.setdefault(row.target, []).append(row)
    open_lots: dict[tuple[str, bool], Lot] = {}
    lots: list[Lot] = []
    for target, mine in targets.items():
        key = (mine[0].object, bool(target[0]))
        lot = open_lots.get(key)
        alone_ = any(row.attempts >= ALONE for row in mine)
        if lot is None or alone_ or len(lot.rows) >= batch:
            lot = Lot(*key)
            lots.append(lot)
            if not alone_:
                open_lots[key] = lot
        lot.rows[target] = mine
    return lots


def record_change(lot: Lot, target: Target, rows: Sequence[Row], people: Mapping[str, Contact]) -> RecordChange:
    """All fields of one record, the latest value of each."""
    fields = {str(row.body["field"]): row.body.get("value") for row in rows}
    if target[0]:
        return RecordChange(id=target[1], object=lot.object, record=target[1], fields=fields)
    person = people.get(target[1], Contact(id=target[1]))
    return RecordChange(
        id=target[1],
        object=lot.object,
        wa_id=person.wa_id,
        user_id=person.user_id,
        fields=fields,
        name=person.name,
        phone=person.phone,
    )


def activity_kind(row: Row) -> str:
    """message note task."""
    return str(row.body.get("what", "message")) if row.kind == "LogActivity" else "task"


def ref(row: Row) -> str:
    """What an entry is found by on its record; the same for the same entry of the same event, whenever it is made."""
    words = "\0".join(str(row.body.get(name, "")) for name in ("title", "text", "file"))
    told = hashlib.blake2b(words.encode(errors="surrogatepass"), digest_size=4).hexdigest()
    return f"{row.event[-12:]}-{row.kind[0]}{row.nth}-{told}"


def former_ref(row: Row) -> str:
    """What releases until November 2026 called it: during an upgrade their tries are taken up by us."""
    return f"{row.event[-12:]}-{row.seq}"


def activity_change(object_: str, kind: str, row: Row, record: str, *, look: bool) -> ActivityChange:
    """One timeline entry; `look`: it may be there already, and is looked for first."""
    body = row.body
    at = datetime.fromisoformat(body["at"])
    return ActivityChange(
        id=str(row.seq), ref=ref(row), kind=kind, object=object_, record=record, at=at,
        title=body.get("title", ""), text=body.get("text", ""), owner=body.get("owner", ""),
        look_first=look, former=former_ref(row),
    )  # fmt: skip


def file_change(object_: str, row: Row, record: str, file: StoredFile, *, look: bool) -> FileChange:
    """A customer's file on its way to their record."""
    body = row.body
    return FileChange(
        id=str(row.seq), ref=ref(row), object=object_, record=record,
        at=datetime.fromisoformat(body["at"]), file=file, text=body.get("text", ""), look_first=look,
        former=former_ref(row),
    )  # fmt: skip


def stored_file(row: Any, path: Path) -> StoredFile:
    """A row of `media` as an adapter takes it, with a name a person can open."""
    name = row.name or f"WhatsApp {row.kind} {row.at:%Y-%m-%d %H.%M}{suffix(row.mime)}"
    return StoredFile(path=path, name=name, mime=row.mime, size=row.size or 0, sha256=row.sha256)


def is_file(row: Row) -> bool:
    return row.kind == FILE
