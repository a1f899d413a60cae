"""Which of the files in hand can go to the CRM now: stored ones go, others wait or say why they never will."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.pipeline.writing.lots import is_file, stored_file
from connector.ports import StoredFile
from connector.store import changes, media
from connector.store.changes import Row
from connector.store.engine import Store

LOOK_AGAIN = timedelta(minutes=10)  # a file that arrives rings itself; this is for a ring that was lost
UNKNOWN = "The file was not kept: this account does not fetch files (keep-media)."
Result = tuple[str, dict[str, Any], datetime | None]


@dataclass(slots=True)
class Sorted:
    """`files` by WhatsApp's id; `ended` {seq: outcome} of rows that cannot go; `later`: rows that wait."""

    files: dict[str, StoredFile] = field(default_factory=dict)
    ended: dict[int, Result] = field(default_factory=dict)
    later: list[int] = field(default_factory=list)


def sort(store: Store, conn: Any, rows: Sequence[Row], now: datetime) -> Sorted:
    """What becomes of these rows, which are in flight already."""
    mine = [row for row in rows if is_file(row)]
    out = Sorted()
    if not mine:
        return out
    known = media.of_files(conn, {str(row.body["file"]) for row in mine})
    for row in mine:
        file = known.get(str(row.body["file"]))
        if file is None or file.state in ("refused", "gone"):
            text = UNKNOWN if file is None else file.reason or "The file is not here any more."
            out.ended[row.seq] = ("review", {"text": text, "code": "no_file"}, None)
        elif file.state == "stored":
            out.files[file.media_id] = stored_file(file, store.files.path(file.id))
        else:
            out.later.append(row.seq)
            out.ended[row.seq] = ("new", {"text": "The file is still being fetched."}, now + LOOK_AGAIN)
    changes.unburn(conn, out.later)
    changes.end(conn, out.ended, now)
    return out
