"""What a CRM's answer makes of a change: done, another try later, or a question for a person. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector import errors
from connector.core import retry
from connector.core.changes import Outcome
from connector.store.changes import Row

MAX_ATTEMPTS = 5
Result = tuple[str, Mapping[str, Any], datetime | None]  # state, outcome, next_at


@dataclass(slots=True)
class Done:
    """What one lot came to."""

    results: dict[int, Result] = field(default_factory=dict)
    created: dict[str, tuple[str, str]] = field(default_factory=dict)  # lane -> (object, record id)
    unburn: list[int] = field(default_factory=list)
    doubtful: set[int] = field(default_factory=set)  # their call was broken off after a request of it had left
    error: errors.ConnectorError | None = None


def waits_for_record(rows: Sequence[Row], done: Done) -> Result:
    """The record could not be made: its timeline entries share the fate of its fields."""
    for other in rows:
        state, outcome, next_at = done.results.get(other.seq, ("", {}, None))
        if other.kind == "SetField" and state == "new":
            return state, outcome, next_at
    return "review", {"text": "The CRM has no record for this contact, and it could not be created."}, None


def result(row: Row, outcome: Outcome, refused: str | None, now: datetime) -> Result:
    """One change's, by the CRM's word on it; `refused`: this field alone."""
    body = {k: v for k in ("text", "code", "record", "activity", "ms", "created") if (v := getattr(outcome, k))}
    if refused:
        return "review", body | {"text": refused}, None
    if outcome.state == "retry":
        return later(row, body, outcome.after, now)
    return ("done" if outcome.state == "done" else "review"), body, None


def later(row: Row, body: Mapping[str, Any], after: float | None, now: datetime) -> Result:
    """Another try, a while later; a person's after MAX_ATTEMPTS."""
    if row.attempts + 1 >= MAX_ATTEMPTS:
        return "review", {**body, "text": f"Tried {row.attempts + 1} times: {body.get('text', '')}"}, None
    until = retry.next_try(row.attempts + 1, now, after=after, base=1.0, cap=60.0, jitter=0.0)
    return "new", body, until or now + timedelta(seconds=60)
