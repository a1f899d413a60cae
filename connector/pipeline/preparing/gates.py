"""The last gates before a request: what was true when a send became ready may not be true any more. Pure."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from connector.core import pace, window
from connector.core import template as templates
from connector.store.gate_facts import Facts, marks, scopes
from connector.store.sending import Move

QUIET_FROM = "quiet_from"  # of a send's context: when its quiet hours begin
LOOK_AGAIN = timedelta(minutes=5)  # how soon a send whose template rests is looked at again
# What Meta says of a template -> what becomes of a send that is ready: "" = go; words not here go too, Graph decides.
WAITS = frozenset({"PAUSED", "PENDING", "IN_APPEAL", "LOCKED"})
GONE = frozenset({"REJECTED", "DISABLED", "DELETED", "PENDING_DELETION", "ARCHIVED", "LIMIT_EXCEEDED"})


@dataclass(slots=True)
class Verdict:
    """Rows that may go now, moves of those that may not, and documents that cannot go on as they are."""

    go: list[Any] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    broken: dict[tuple[str, str], str] = field(default_factory=dict)  # (document, template) -> why
    files: dict[str, str] = field(default_factory=dict)  # keys of files that must be uploaded first -> their address


@dataclass(slots=True)
class Desk:
    """Judges rows by the facts of one transaction; `contract` says what a template takes now ("" = nobody knows)."""

    facts: Facts
    now: datetime
    contract: Callable[[str, str], str]
    verdict: Verdict = field(default_factory=Verdict)

    def judge(self, most: int) -> Verdict:
        """Up to `most` rows that may go, in their order; the rows behind them are not looked at."""
        for row in self.facts.rows:
            if len(self.verdict.go) >= most:
                break
            found = next((move for gate in GATES if (move := gate(self, row)) is not None), None)
            if found is None:
                self.verdict.go.append(row)
                self.facts.starts.setdefault(row.lane or "", []).append(self.now)
            else:
                self.verdict.moves.append(found)
        return self.verdict

    # ---- gates: None = go, else the move ------------------------------------------------------------------------
    def cancelled(self, row: Any) -> Move | None:
        """A person cancelled all there was; this row was not written yet."""
        for place in marks(row):
            at, reason = self.facts.parks.get(place, (None, ""))
            if at is not None and row.at <= at:
                return Move(id=row.id, state="cancelled", code="cancelled", reason=reason or "A person cancelled it.")
        return None

    def consent(self, row: Any) -> Move | None:
        """STOP stops everything; the newest word of each category counts. Meta's category of today, not of planning."""
        template = self.facts.templates.get((row.template, row.language))
        category = template.category.lower() if template is not None and template.category else row.category
        said = self.facts.consents.get(row.lane or "", {})
        if said.get("all") == "opted_out":
            return _refused(
                row, "consent", "The person wrote STOP: nothing is sent until they start again.", "customer"
            )
        if said.get(category) == "opted_out":
            return _refused(row, "consent", f"The person does not want {category} messages.", "customer")
        return None

    def template(self, row: Any) -> Move | None:
        """The template as Meta has it now: it may rest, be gone, or take other values than those that were frozen."""
        if not row.template:
            return None
        known = self.facts.templates.get((row.template, row.language))
        frozen = (row.context or {}).get("contract", "")
        if known is None:
            return self._broken(row, "is not in WhatsApp any more") if frozen else None
        if known.status in GONE:
            return self._broken(row, f"is {known.status.lower().replace('_', ' ')}")
        if known.status in WAITS:
            words = f"The template {row.template} is {known.status.lower().replace('_', ' ')} at Meta. {known.reason}"
            return _later(row, "template", words.strip(), self.now + LOOK_AGAIN)
        if frozen and self.contract(row.template, row.language) not in ("", frozen):
            return self._broken(row, "takes other values than when this message was made")
        if row.crm and row.document and known.category and known.category.lower() != row.category:
            words = f"Meta made the template {row.template} {known.category.lower()}: looked at again."
            return Move(id=row.id, state="waiting", code="template", reason=words, next_at=self.now)
        return None

    def _broken(self, row: Any, why: str) -> Move:
        name = f"{row.template} ({row.language})" if row.language else row.template
        if row.document:
            self.verdict.broken[row.document, name] = why
        return _refused(row, "template", f"The template {name} {why}.", "you")

    def give_up(self, row: Any) -> Move | None:
        if row.give_up_at is None or self.now < row.give_up_at:
            return None
        return Move(
            id=row.id, state="expired", code="give_up", reason="It was not sent in the time its document gives."
        )

    def window(self, row: Any) -> Move | None:
        """Free text needs a message of theirs in the last 24 hours."""
        if row.template or window.is_open(self.facts.inbound.get(row.lane or ""), self.now):
            return None
        words = "More than 24 hours since the person last wrote: only a template may be sent."
        return _refused(row, "window", words, "customer")

    def quiet_hours(self, row: Any) -> Move | None:
        """Its turn came too late for the hours it was made ready for: its document says what becomes of it."""
        begin = (row.context or {}).get(QUIET_FROM)
        if not begin or self.now < datetime.fromisoformat(begin):
            return None
        words = "The hours in which it may arrive ended before its turn came: looked at again."
        return Move(id=row.id, state="waiting", code="quiet_hours", reason=words, next_at=self.now)

    def parked(self, row: Any) -> Move | None:
        found = [self.facts.parks[place] for place in scopes(row) if place in self.facts.parks]
        if not found:
            return None
        until, reason = max(found)
        return _later(row, "parked", reason or "It is parked.", until)

    def media(self, row: Any) -> Move | None:
        """The files it carries go to WhatsApp first; one that cannot is the message's end."""
        for key, url in self.facts.carries.get(row.id, {}).items():
            known = self.facts.files.get(key)
            if known is not None and known.state == "done":
                continue
            if known is not None and known.state == "refused":
                return _refused(row, "parameter", f"Its file cannot be sent: {known.reason}", "you")
            self.verdict.files[key] = url
            words = (known.reason if known is not None else "") or "Its file goes to WhatsApp first."
            return _later(row, "media", words, self.now + LOOK_AGAIN)
        return None

    def pair(self, row: Any) -> Move | None:
        """One message to a person every 6 seconds, up to 45 at once."""
        wait = pace.pair_wait(self.facts.starts.get(row.lane or "", ()), self.now) if row.lane else timedelta()
        if wait <= timedelta():
            return None
        return _later(row, "pace", "WhatsApp allows few messages to one person in a short time.", self.now + wait)


GATES: Sequence[Callable[[Desk, Any], Move | None]] = (
    Desk.cancelled, Desk.consent, Desk.give_up, Desk.template, Desk.window, Desk.quiet_hours, Desk.media, Desk.parked,
    Desk.pair,
)  # fmt: skip


def _refused(row: Any, code: str, reason: str, who: str) -> Move:
    return Move(id=row.id, state="refused", code=code, reason=reason, who=who)


def _later(row: Any, code: str, reason: str, until: datetime) -> Move:
    """It stays ready; it is met again in time to be given up."""
    due = until if row.give_up_at is None else min(until, row.give_up_at)
    return Move(id=row.id, state="ready", code=code, reason=reason, next_at=due)


def findings(broken: Mapping[tuple[str, str], str]) -> list[dict[str, str]]:
    """One finding for each document that cannot go on, in plain words."""
    hint = "Look at the document beside the template, publish it again, and resume it."
    return [
        {"code": "template_changed", "key": f"{document}:{name}", "document": document, "hint": hint,
         "message": f"{document} rests: its template {name} {why}."}
        for (document, name), why in broken.items()
    ]  # fmt: skip


def contract(template: templates.Template) -> str:
    """What a template takes, as a short text: its wording may change, its parameters and buttons may not."""
    return _digest(templates.slots(template))


@lru_cache(maxsize=256)
def _digest(found: templates.Slots) -> str:
    return hashlib.sha256(repr(found).encode(errors="surrogatepass")).hexdigest()[:16]
