"""One event before and after it was judged: what may judge it, and the plans, changes and messages that come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core import changes as core_changes
from connector.core.changes import Ask, Change, Plan, SetConsent
from connector.core.contact import Setting
from connector.core.events import InboundMessage, Resolved
from connector.pipeline.documents import shadow
from connector.pipeline.documents.library import Live
from connector.pipeline.judging.asked import about
from connector.pipeline.talks import voice
from connector.pipeline.talks.talk import Taken
from connector.pipeline.talks.talks import Facts
from connector.store.changes import WRITTEN
from connector.store.plans import Work

# A question waits for a person; consent, what is said and whom a person takes over are carried out with the plan; the
# rest is stored and carried out by a later release.
STATES = {"Ask": "review", "Notify": "new"} | dict.fromkeys(WRITTEN, "new")
STATES |= dict.fromkeys(("SetConsent", "SendMessage", "SendTemplate", "StartFlow", "Handoff"), "done")


@dataclass(frozen=True, slots=True)
class Case:
    """One event with the documents that may judge it."""

    work: Work
    event: InboundMessage
    setting: Setting
    matching: tuple[Live, ...]
    refused: tuple[Plan, ...]  # the documents that did not match, with the reason
    word: Resolved | None = None  # a person answered: the event is judged once more, under that word
    facts: Facts | None = None  # what conversations look at; None = they have nothing to do with it


@dataclass(slots=True)
class Judged:
    """What became of one event: the plan bodies, and the changes in their order."""

    work: Work
    event: InboundMessage
    plans: list[Plan]
    changes: list[tuple[Change, str, str]] = field(default_factory=list)  # change, object, record id
    ordinals: list[list[int | None]] = field(default_factory=list)
    answered: str | None = None
    first: str = ""  # the event of the message, also when a person's word made it be judged once more
    said: dict[int, dict[str, Any]] = field(default_factory=dict)  # ordinal -> the row of the message that replies
    shades: list[shadow.Seen] = field(default_factory=list)  # what versions beside the live ones would have done
    unsaid: dict[int, str] = field(default_factory=dict)  # ordinal -> why it is not said
    steps: list[voice.Step] = field(default_factory=list)  # templates that steps of flows send
    talks: dict[int, Taken] = field(default_factory=dict)  # index of a plan -> the conversation it is of

    @property
    def body(self) -> list[dict[str, Any]]:
        """What the plan row keeps: for each document the reasons, and where its changes stand."""
        return [
            core_changes.dump_plan(p)
            | ({"ordinals": o} if o else {})
            | ({"flow": told} if n in self.talks and (told := self.talks[n].told()) else {})
            for n, (p, o) in enumerate(zip(self.plans, self.ordinals, strict=True))
        ]

    @property
    def writes(self) -> bool:
        return any(c.kind in WRITTEN for c, _, _ in self.changes)

    def rows(self, now: datetime) -> list[dict[str, Any]]:
        """The change rows of this event."""
        asked = about(self.plans, self.ordinals) if any(isinstance(c, Ask) for c, _, _ in self.changes) else {}
        return [
            {
                "event": self.work.event, "account": self.work.account, "ordinal": n, "lane": self.work.lane,
                "object": object_,
                "record": record, "kind": change.kind, "body": core_changes.dump(change),
                "state": (state := STATES.get(change.kind, "kept")), "attempts": 0,
                "done_at": now if state == "done" else None,
                "outcome": self._outcome(n, asked),
            }
            for n, (change, object_, record) in enumerate(self.changes)
        ]  # fmt: skip

    def _outcome(self, n: int, asked: Mapping[int, dict[str, Any]]) -> dict[str, Any] | None:
        sent = {step.ordinal: step.id for step in self.steps} | {k: row["id"] for k, row in self.said.items()}
        if n in sent:
            return {"send": sent[n]}
        return {"unsaid": True, "text": self.unsaid[n]} if n in self.unsaid else asked.get(n)

    def consents(self, now: datetime) -> list[dict[str, Any]]:
        """Consent that a document gives or takes, with the message as evidence."""
        return [
            {
                "contact": self.work.lane, "category": c.category, "state": c.state, "how": "mapping",
                "at": self.event.at or now,
                "evidence": c.evidence or self.event.text[:500], "event": self.event.id,
            }
            for c, _, _ in self.changes
            if isinstance(c, SetConsent)
        ]  # fmt: skip
