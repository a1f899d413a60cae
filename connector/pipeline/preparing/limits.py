"""`at_most` as rows are stored: what others have stored meanwhile counts, and so do the rows beside them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connector.core.documents import SendDocument
from connector.store import people, waiting


def hold(conn: Any, made: Sequence[tuple[SendDocument, dict[str, Any]]], now: datetime) -> None:
    """Refuses, in place, the ready rows that are more than their document allows one person.

    One at a time over all processes: two would each see nothing of the other's rows."""
    some = [(document, row) for document, row in made if document.at_most and row["state"] == "ready" and row["lane"]]
    if not some:
        return
    people.alone(conn)
    lanes, names = {row["lane"] for _, row in some}, {document.name for document, _ in some}
    before = waiting.starts(conn, sorted(lanes), sorted(names))
    for document, row in some:
        mine = before.setdefault((row["lane"], document.name), [])
        said = document.at_most.reached((at for at, send in mine if send != row["id"]), now) if document.at_most else ""
        if said:
            words = f"The person got {document.name} {said}."
            row |= {"state": "refused", "code": "at_most", "reason": words, "who": "", "body": None}
            row |= {"next_at": None, "ended_at": now, "tell": 1}
        else:
            mine.append((now, row["id"]))
