"""The activity as a person reads it: one line per event, both directions, with what it did and why it waits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.core.contact import Contact
from connector.core.text import clean
from connector.pipeline.why.event import OTHER, WORDS
from connector.store import activity as rows
from connector.store import facts
from connector.store.facts import Facts

DIRECTIONS: Mapping[str, tuple[str, ...]] = {  # whose move it was
    "in": ("InboundMessage", "ConsentUpdate", "IdentityChange"),
    "out": ("RecordChanged", "TriggerCalled", "TimerDue"),
    "status": ("DeliveryStatus",),
    "other": ("TemplateUpdate", "AccountAlert", "Resolved", "Noted", "Unrecognised"),
}
_OF = {kind: direction for direction, kinds in DIRECTIONS.items() for kind in kinds}
SHORT = 200  # characters of a text in a line
FIELDS, SENDS = 6, 5  # shown in a line; the counts say how many there are


@dataclass(frozen=True, slots=True)
class Who:
    """The person of a line; `id` is the contact that goes on, "" = nobody we know."""

    id: str = ""
    name: str = ""
    phone: str = ""  # E.164, "" where only a user id is known
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One change: a field's name (or what else it is) and its value, with written waiting review refused stored."""

    name: str
    value: str
    state: str


@dataclass(frozen=True, slots=True)
class SendLine:
    """One message an event sent."""

    id: str
    what: str  # template, or step, or document
    to: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event."""

    seq: int
    id: str
    key: str  # the vendor's id: a wamid, a callback id
    kind: str
    direction: str  # in out status other
    received_at: datetime
    account: str  # the name of the account that received it
    state: str  # done waiting review refused
    who: Who
    record: str  # deals 9001, where a CRM record is what it is about
    what: str  # what was said, or happened, in short
    documents: tuple[str, ...]  # that matched, or sent
    fields: tuple[FieldLine, ...]  # the first FIELDS
    counts: Mapping[str, int]  # written waiting review refused stored kept skipped: only those there are
    sends: tuple[SendLine, ...]  # the first SENDS
    sent: int  # how many there are
    reason: str  # why it waits, was refused, or needs a person; "" when done
    until: datetime | None  # when it is looked at again, where that is known


@dataclass(frozen=True, slots=True)
class Lines:
    """One page. `older` is the cursor of the next, "" = there is none; `looked_back_to` is set on a page that is not
    full although history goes on: nothing that fits is newer than that and missing."""

    rows: list[Line]
    older: str
    looked_back_to: datetime | None


def activity(
    conn: Any,
    names: Mapping[str, str],
    now: datetime,
    *,
    state: str | None = None,
    kinds: Collection[str] = (),
    direction: str | None = None,
    document: str | None = None,
    account: str | None = None,
    query: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Lines:
    """One page, newest first. `names` are the accounts' names by id; `account` is an id, `before` a page's `older`."""
    wanted = rows.Wanted(
        state=given(state), kinds=tuple(kinds) or DIRECTIONS.get(direction or "", ()), document=given(document),
        account=given(account), typed=query or "",
    )  # fmt: skip
    found = rows.page(conn, wanted, list(names), before or "", limit)
    return Lines(shape(conn, found.rows, found.states, names, now), found.older, found.looked_back_to)


def shape(
    conn: Any, found: Sequence[Any], states: Mapping[str, str], names: Mapping[str, str], now: datetime
) -> list[Line]:
    """The lines of these event rows."""
    around = facts.around(conn, found, now)
    return [_line(row, states[row.id], around, names) for row in found]


def _line(row: Any, state: str, around: Facts, names: Mapping[str, str]) -> Line:
    made, changed = around.plans.get(row.id, []), around.changes.get(row.id, [])
    sent = around.sends.get(row.id, [])
    bodies = [body for plan in made for body in plan.body or []]
    documents = [body["document"] for body in bodies if body["matched"] and body["document"]]
    reason, until = _because(state, row, made, changed, sent, around.rests)
    lane = row.lane or next((line["lane"] for line in sent if line["lane"]), "")
    who = around.people.get(lane) or next((p for s in sent if (p := around.people.get(s["lane"] or ""))), None)
    return Line(
        seq=row.seq, id=row.id, key=row.dedupe_key, kind=row.kind, direction=_OF.get(row.kind, "other"),
        received_at=row.received_at, account=names.get(row.account, ""), state=state, who=face(who),
        record=_record(row.payload), what=short(_what(row.kind, row.payload)),
        documents=tuple(dict.fromkeys([*documents, *(line["document"] for line in sent if line["document"])])),
        fields=tuple(_field(change) for change in changed[:FIELDS]), counts=_counts(bodies, changed),
        sends=tuple(_send(line) for line in sent[:SENDS]), sent=len(sent), reason=short(reason, 300), until=until,
    )  # fmt: skip


def given(text: str | None) -> str:
    """A filter as it came with the address, safe for every database; "" = none."""
    return clean(text or "", SHORT)


def face(person: Contact | None) -> Who:
    """The person as a line shows them."""
    if person is None:
        return Who()
    return Who(person.id, short(person.name), person.phone or "", person.user_id or "")


def short(text: Any, most: int = SHORT) -> str:
    """One line of text that can be shown anywhere, ending in an ellipsis when there is more."""
    whole = " ".join(clean(str(text), 4 * most).split())
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def _what(kind: str, payload: Mapping[str, Any]) -> str:
    """The text of a message, the title of an answer, a record's field and value, what a status said."""
    if kind == "InboundMessage":
        return str(payload.get("text") or payload.get("type", ""))
    if kind == "RecordChanged" and payload.get("field"):
        return f"{payload['field']} = {payload.get('value', '')}"
    if kind == "TriggerCalled":
        return str(payload.get("trigger") or payload.get("template", ""))
    if kind == "DeliveryStatus":
        return " ".join(str(payload[name]) for name in ("status", "reason") if payload.get(name))
    if kind == "ConsentUpdate":
        return f"{payload.get('state', '')} {payload.get('category', '')}"
    told = ("document", "choice", "text", "name", "what", "value", "event")
    return ": ".join(str(payload[name]) for name in ("what", *told) if payload.get(name) and name != "what") or str(
        payload.get("what", kind)
    )


def _record(payload: Mapping[str, Any]) -> str:
    return f"{payload.get('object', '')} {payload['record']}".strip() if payload.get("record") else ""


def _field(change: Any) -> FieldLine:
    body = change.body
    told = ("value", "text", "title", "flow", "webhook", "to")
    value = next((body[name] for name in told if body.get(name) not in (None, "")), "")
    name = str(body.get("field") or OTHER.get(change.kind, change.kind))
    return FieldLine(short(name, 80), short(value, 80), WORDS.get(change.state, change.state))


def _send(line: Mapping[str, Any]) -> SendLine:
    what = line["template"] or line["step"] or line["document"]
    return SendLine(line["id"], what, line["to"] or line["user_id"] or "", line["state"])


def _counts(bodies: Sequence[Mapping[str, Any]], changed: Sequence[Any]) -> dict[str, int]:
    out: dict[str, int] = {}
    for change in changed:
        name = WORDS.get(change.state, change.state)
        out[name] = out.get(name, 0) + 1
    decided = {"keep": "kept", "skip": "skipped"}
    for reason in (reason for body in bodies for reason in body["reasons"]):
        if (name := decided.get(reason["outcome"], "")) and reason.get("change") is None:
            out[name] = out.get(name, 0) + 1
    return out


def _because(
    state: str, row: Any, made: Sequence[Any], changed: Sequence[Any], sent: Sequence[Any], rests: Mapping[str, str]
) -> tuple[str, datetime | None]:
    """Why an event has its word, and when it is looked at again."""
    if state == "done":
        return "", None
    if state == "waiting":
        return _waits(row, made, changed, sent, rests)
    mine = [c for c in changed if c.state == state]
    said = [str(row.error or ""), *(str(p.error or "") for p in made if p.state == "dead")]
    said += [str((c.outcome or {}).get("text") or c.body.get("text", "")) for c in mine]
    wrong = ("unknown",) if state == "review" else ("failed", "refused", "expired", "cancelled")
    said += [line["reason"] or line["state"] for line in sent if line["state"] in wrong]
    return next((text for text in said if text), ""), None


def _waits(
    row: Any, made: Sequence[Any], changed: Sequence[Any], sent: Sequence[Any], rests: Mapping[str, str]
) -> tuple[str, datetime | None]:
    plans = [p for p in made if p.state == "new"]
    writes = [c for c in changed if c.state in ("new", "in_flight")]
    messages = [line for line in sent if line["state"] in ("waiting", "ready", "in_flight")]
    said = [str(row.error or ""), *(str(p.error or rests.get(p.account, "")) for p in plans)]
    said += [rests.get(c.account, "") or str((c.outcome or {}).get("text", "")) for c in writes]
    said += [str(line["reason"]) for line in messages]
    times = [p.next_at for p in plans] + [c.next_at for c in writes] + [line["next_at"] for line in messages]
    return next((text for text in said if text), ""), min((at for at in times if at), default=None)
