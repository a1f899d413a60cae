"""What a broadcast's message was planned with: when it waited and is looked at again, it says the same."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from connector.core import documents as language
from connector.core.contact import Record
from connector.core.documents import SendDocument
from connector.store import broadcast_people
from connector.store import documents as document_rows
from connector.store.engine import Store


def people(conn: Any, rows: Sequence[Any]) -> dict[str, Record]:
    """{send: its person's values as they were}, of the rows that belong to a broadcast."""
    found = broadcast_people.params(conn, [row.id for row in rows if row.broadcast])
    return {send: _record(row) for send, row in found.items()}


def _record(row: Any) -> Record:
    _, object_, id_ = row.record or ("", "", "")
    return Record(object=object_, id=id_ or f"line {row.line}", fields=row.params or {})


def document(store: Store, row: Any) -> tuple[SendDocument, int] | None:
    """The version that the broadcast was planned with."""
    with store.read() as conn:
        found = document_rows.get(conn, row.document, row.version)
    read = _read(found.text) if found is not None else None
    return (read, row.version) if isinstance(read, SendDocument) else None


@lru_cache(maxsize=16)
def _read(text: str) -> language.Document:
    return language.read(text)
