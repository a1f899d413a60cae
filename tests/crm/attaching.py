"""A file for the adapters' tests."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.ports import FileChange, StoredFile

DATA = b"%PDF-1.4 a contract"


def change(folder: Path, object_: str, record: str, **more: Any) -> FileChange:
    """A contract on its way to a record."""
    path = folder / "contract"
    path.write_bytes(DATA)
    file = StoredFile(path=path, name='con"tract.pdf', mime="application/pdf", size=len(DATA))
    given = {"id": "1", "ref": "abc-1", "at": datetime(2026, 11, 30, tzinfo=UTC), "text": "signed", "file": file}
    return FileChange(**{**given, "object": object_, "record": record, **more})
