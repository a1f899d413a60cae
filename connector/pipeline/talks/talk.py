"""One conversation as the handler has it in hand: read from its row, moved by the core, written back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core import flow
from connector.core.changes import Plan
from connector.core.contact import Value, altered
from connector.core.flow import Move, State
from connector.ids import child
from connector.store.conversations import Write
from connector.store.plans import Work

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation; `revision` 0 = it began in this batch. `state` None = it has ended."""

    id: str
    contact: str
    account: str  # the CRM account whose flow it is
    source: str  # the WhatsApp account
    number: str
    flow: str
    version: int
    state: State | None
    revision: int = 0
    wake_at: datetime | None = None
    asked: str | None = None  # the send whose answer it waits for
    outcome: str = ""
    reason: str = ""
    started_at: datetime
    moved_at: datetime
    ended_at: datetime | None = None
    started_by: str | None = None
    ended_by: str | None = None

    @property
    def step(self) -> str:
        return self.state.step if self.state is not None else ""

    def moved(self, move: Move, work: Work, now: datetime) -> "Talk":
        """After a move of the core."""
        more: Json = {"state": move.state, "moved_at": now, "wake_at": move.state.wake_at if move.state else None}
        if move.state is not None:
            return altered(self, **more, version=move.state.version)
        return self.ended(move.end, move.because, work.event, now)

    def ended(self, word: str, reason: str, event: str | None, now: datetime) -> "Talk":
        more = {"state": None, "wake_at": None, "moved_at": now, "ended_at": now, "ended_by": event}
        return altered(self, **more, outcome=word, reason=reason[:500])

    def write(self, last: State | None) -> Write:
        """The row; one that has ended keeps its last state for whoever asks what was said."""
        state = self.state or last
        return Write(
            self.id, self.revision,
            {
                "contact": self.contact, "account": self.account, "source": self.source, "number": self.number,
                "flow": self.flow, "version": self.version, "step": state.step if state else "",
                "waits": self.state.waits if self.state else "", "state": flow.dump(state) if state else None,
                "wake_at": self.wake_at, "woken": 0, "expires_at": state.expires_at if state else None,
                "asked": self.asked, "outcome": self.outcome, "reason": self.reason, "started_at": self.started_at,
                "moved_at": self.moved_at, "ended_at": self.ended_at, "started_by": self.started_by,
                "ended_by": self.ended_by,
            },
        )  # fmt: skip


def of_row(row: Any) -> Talk:
    """A stored conversation that runs."""
    return Talk(
        id=row.id, contact=row.contact, account=row.account, source=row.source, number=row.number, flow=row.flow,
        version=row.version, state=flow.load(row.state or {"flow": row.flow, "version": row.version}),
        revision=row.revision, wake_at=row.wake_at, asked=row.asked, started_at=row.started_at, moved_at=row.moved_at,
        started_by=row.started_by,
    )  # fmt: skip


def fresh(work: Work, number: str, name: str, version: int, now: datetime, steps: int = 0) -> Talk:
    """One that begins with this event, after so many steps of others; judged again it has the same id."""
    return Talk(
        id=child(work.event, work.account, name, str(steps)), contact=work.lane, account=work.account,
        source=work.source, number=number, flow=name,
        version=version, state=None, started_at=now, moved_at=now, started_by=work.event,
    )  # fmt: skip


@dataclass(slots=True)
class Taken:
    """What one event made of one conversation; `plan` is how its why tells it."""

    plan: Plan
    before: Talk | None = None
    after: Talk | None = None
    move: Move | None = None
    last: State | None = None  # the state before an end
    said: list[str] = field(default_factory=list)
    steps: int = 0  # walked so far, by the flows that led to it too

    @property
    def took(self) -> bool:
        return self.move is not None and self.move.took

    def told(self) -> Json:
        """What the plan keeps of it: {conversation, from, to, end, saved, said}."""
        if self.after is None:
            return {}
        was = self.before.state if self.before is not None else None
        here = self.after.state
        return {
            "conversation": self.after.id, "from": was.step if was else "", "to": here.step if here else "",
            "end": self.after.outcome, "saved": _saved(was, here), "said": self.said,
            "walked": list(self.move.walked) if self.move else [],
        }  # fmt: skip


def _saved(was: State | None, now: State | None) -> Mapping[str, Value]:
    before = dict(was.answers) if was else {}
    return {n: v for n, v in (now.answers if now else {}).items() if before.get(n) != v or n not in before}
