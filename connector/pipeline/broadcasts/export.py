"""The result of a broadcast, person by person, as rows of a CSV that no spreadsheet takes for formulas."""

from collections.abc import Iterator
from typing import Any

from connector.core.export import cell
from connector.pipeline.broadcasts.told import answer_of
from connector.store import broadcast_people
from connector.store.engine import Store

HEADER = (
    "line", "phone", "name", "record", "state", "code", "reason", "sent_at", "waits_until", "answer", "button", "send",
)  # fmt: skip


def rows(store: Store, broadcast: str) -> Iterator[tuple[str, ...]]:
    """The header, then each person; a page at a time, however many there are."""
    yield HEADER
    after = 0
    while True:
        with store.read() as conn:
            page = broadcast_people.lines(conn, broadcast, after)
            said = broadcast_people.answers_of(conn, [row.answered_by for row in page if row.answered_by])
        for row in page:
            yield tuple(cell(one) for one in _cells(row, said.get(row.answered_by or "")))
        if len(page) < broadcast_people.LISTED:
            return
        after = page[-1].line


def _cells(row: Any, answer: Any) -> tuple[str, ...]:
    state = row.send_state or ("refused" if row.state == broadcast_people.REFUSED else "")
    payload = answer or {}
    record = row.record[2] if row.record else ""
    return (
        str(row.line), row.phone, row.name, record, state, row.send_code or row.code, row.send_reason or row.reason,
        row.started_at.isoformat() if row.started_at else "", row.next_at.isoformat() if row.next_at else "",
        str(payload.get("text") or "")[:1000], answer_of(payload, row.buttons), row.send or "",
    )  # fmt: skip
