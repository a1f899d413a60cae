"""One voice a message: what others than the conversation would say is kept silent; a person who takes over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.core.changes import Change, CreateTask, Handoff, LogActivity, Plan, SendMessage, SendTemplate, StartFlow
from connector.core.contact import Contact
from connector.pipeline.talks.talk import Taken
from connector.store.plans import Work

Json = dict[str, Any]
TASK = "A WhatsApp conversation waits for a person"


@dataclass(frozen=True, slots=True)
class Step:
    """A template that a step sends: through the gates of every send, in the transaction of its plan."""

    id: str
    cause: str
    ordinal: int
    work: Work
    taken: Taken
    change: SendTemplate
    person: Contact


def silence(plan: Plan, speaker: str, held: str, *, named: bool) -> dict[int, str]:
    """{index of a change: why it is not said}; a mapping that names the step itself keeps its voice."""
    if held:
        return {n: held for n, c in enumerate(plan.changes) if isinstance(c, SendMessage | StartFlow)}
    if not speaker or named:
        return {}
    why = f"{speaker} speaks with this person"
    return {n: why for n, c in enumerate(plan.changes) if isinstance(c, SendMessage | StartFlow)}


def taken_over(change: Handoff, plan: Plan, text: str, at: datetime) -> list[Change]:
    """The task and the note of a handoff; a task of the same title stands already."""
    title = change.text.strip() or TASK
    when = at.astimezone(UTC).isoformat()
    owner = change.to or "owner"
    made: list[Change] = []
    if not any(isinstance(c, CreateTask) and c.title == title for c in plan.changes):
        made.append(CreateTask(title=title, owner=owner, text=text, at=when))
    note = f"WhatsApp: a person takes over ({plan.document}): {title}. Automation is silent until they give it back."
    return [*made, LogActivity(what="note", text=note, at=when)]


def in_order(rows: Sequence[tuple[int, int, Json]]) -> list[Json]:
    """Rows by (event, ordinal): as they are to be said."""
    return [row for _, _, row in sorted(rows, key=lambda r: r[:2])]
