"""Conversations as pages and commands show them, and what a person does about them: give back, hold, move."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.core import flow
from connector.core.contact import Value
from connector.core.documents import FlowDocument
from connector.errors import GiveUp
from connector.pipeline.talks.talks import MOVE, RESUME
from connector.pipeline.talks.waking import ring
from connector.pipeline.views.activity import Who, face, short
from connector.pipeline.why.said import text_of
from connector.store import audit, contacts, conversations, holds
from connector.store import transcript as transcripts
from connector.store.engine import Store

Json = dict[str, Any]
SHOWN = 500  # lines of one transcript
AT_ONCE = 200  # conversations moved in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One conversation. `end` "" = it runs; `held` = why automation is silent for this person now."""

    id: str
    who: Who
    flow: str
    version: int
    account: str  # the CRM account's name
    number: str
    step: str
    waits: str
    started_at: datetime
    moved_at: datetime
    wake_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    end: str
    reason: str
    held: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `older` is the cursor of the next, "" = there is none."""

    rows: list[Line]
    older: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of a transcript: `ours` or theirs; `state` and `reason` are of a send of ours."""

    at: datetime
    ours: bool
    text: str
    step: str = ""
    state: str = ""
    reason: str = ""
    id: str = ""  # of the event, or of the send


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One conversation with all that was said."""

    line: Line
    path: tuple[str, ...]
    answers: Mapping[str, Value]
    started_by: str
    ended_by: str
    said: list[Said] = field(default_factory=list)


# ---- reading -----------------------------------------------------------------------------------------------------
def listing(
    conn: Any, names: Mapping[str, str], now: datetime, *, flow: str = "", contact: str = "", step: str = "",
    state: str = "", before: str = "", limit: int = 50,
) -> Page:  # fmt: skip
    """Newest first; `state`: "" all, running, ended, or the word of an end; `names` {account id: name}."""
    rows = conversations.page(
        conn, flow=flow, contact=contact, step=step, state=state, before=before, limit=limit + 1
    )  # fmt: skip
    return Page(_lines(conn, rows[:limit], names, now), rows[limit - 1].id if len(rows) > limit else "")


def one(conn: Any, names: Mapping[str, str], now: datetime, id: str) -> Known | None:
    """A conversation and its transcript; None when there is none of this id."""
    row = conversations.one(conn, id)
    if row is None:
        return None
    known = flow.load(row.state) if row.state else None
    return Known(
        line=_lines(conn, [row], names, now)[0], path=known.path if known else (),
        answers=known.answers if known else {}, started_by=row.started_by or "", ended_by=row.ended_by or "",
        said=transcript(conn, row),
    )  # fmt: skip


def transcript(conn: Any, row: Any) -> list[Said]:
    """What the person and the flow said, in order, at most SHOWN lines."""
    theirs, ours = transcripts.of(conn, row, SHOWN)
    lines = [Said(at=e.received_at, ours=False, text=_text(e.payload), id=e.id) for e in theirs] + [
        Said(
            at=s.started_at or s.at, ours=True, text=short(text_of(conn, s) or s.template), step=s.step, state=s.state,
            reason=s.reason, id=s.id,
        )
        for s in ours
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (line.at, line.ours, line.id))[:SHOWN]


def _text(payload: Mapping[str, Any]) -> str:
    return short(str(payload.get("text") or payload.get("type") or ""))


def counts(conn: Any, name: str) -> Json:
    """{running: {step: how many wait there}, ended: {word: how many}}."""
    running, ended = conversations.counts(conn, name)
    return {"running": running, "ended": ended}


def _lines(conn: Any, rows: Sequence[Any], names: Mapping[str, str], now: datetime) -> list[Line]:
    people = contacts.load(conn, sorted({row.contact for row in rows}))
    held = holds.load(conn, people, now)
    return [
        Line(
            id=row.id, who=face(people.get(row.contact)), flow=row.flow, version=row.version,
            account=names.get(row.account, ""), number=row.number, step=row.step, waits=row.waits,
            started_at=row.started_at, moved_at=row.moved_at, wake_at=row.wake_at, expires_at=row.expires_at,
            ended_at=row.ended_at, end=row.outcome, reason=row.reason,
            held=held[row.contact].words if row.contact in held and row.ended_at is None else "",
        )
        for row in rows
    ]  # fmt: skip


# ---- what a person does ------------------------------------------------------------------------------------------
def release(store: Store, contact: str, who: str, now: datetime) -> Json:
    """Gives a contact back to automation: {released, conversation: the one that goes on, "" = none, bells}."""
    with store.write() as conn:
        contact = contacts.heirs(conn, [contact]).get(contact, contact)
        released = holds.release(conn, contact)
        row = conversations.running(conn, [contact]).get(contact)
        bells = []
        if row is not None and row.waits == "person":
            ring(conn, row, RESUME, now)
            bells = [f"handle:{row.account}"]
        elif row is not None and released:
            wake = flow.load(row.state).wake_at if row.state else row.expires_at
            conversations.alarm(conn, contact, wake or now)
        if released or bells:
            audit.append(conn, who, "flow.release", contact, None, now)
    return {"released": released or bool(bells), "conversation": row.id if row is not None else "", "bells": bells}


def hold(store: Store, contact: str, who: str, now: datetime, hours: int = 0) -> None:
    """A person talks with this contact: automation is silent for so many hours, 0 = until they are given back."""
    until = now + timedelta(hours=hours) if hours else None
    with store.write() as conn:
        contact = contacts.heirs(conn, [contact]).get(contact, contact)
        holds.put(conn, [{"contact": contact, "why": "person", "text": who, "at": now, "until": until, "event": None}])
        if until is not None:
            conversations.rest(conn, contact, until)
        audit.append(conn, who, "flow.hold", contact, {"hours": hours}, now)


def move(store: Store, library: Any, name: str, to: int, who: str, now: datetime, *, step: str = "") -> Json:
    """Running conversations of a flow go on with version `to`: {moved, stays: {step it has not: how many}, bells}.

    Each is moved in its contact's turn. One whose step is not in that version stays where it is, unless `step` names
    another one, which is then asked."""
    target = library.flow(name, to)
    if not isinstance(target, FlowDocument):
        raise GiveUp(f"{name} has no version {to} that is a flow and can be read.", code="version")
    if step and step not in target.steps:
        hint = f"It has: {', '.join(target.steps)}."
        raise GiveUp(f"Version {to} of {name} has no step {step}.", hint=hint, code="step")
    stays: Counter[str] = Counter()
    moved, last, bells = 0, "", set[str]()
    while True:
        with store.write() as conn:
            rows = conversations.on_other_version(conn, name, to, last, AT_ONCE)
            for row in rows:
                if row.step not in target.steps and not step:
                    stays[row.step] += 1
                elif ring(conn, row, f"{MOVE}:{to}" + (f":{step}" if step else ""), now):
                    moved += 1
                    bells.add(f"handle:{row.account}")
            if len(rows) < AT_ONCE:
                audit.append(conn, who, "flow.move", name, {"to": to, "moved": moved, "stays": dict(stays)}, now)
                break
        last = rows[-1].id
    return {"moved": moved, "stays": dict(stays), "bells": sorted(bells)}
