"""The why of one event: what came in, which documents judged it, and for each field what happened and why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core import redact
from connector.pipeline.why import sends as why_sends
from connector.store import accounts, changes, contacts, conversations, events, parks, plans, states
from connector.store.engine import Store

JUDGED = ("InboundMessage", "RecordChanged", "TriggerCalled", "TimerDue")  # events that documents look at
LAST = 10  # events of a person or a record
WORDS = {
    "new": "waiting",
    "in_flight": "waiting",
    "done": "written",
    "review": "review",
    "refused": "refused",
    "kept": "stored",
}
DECIDED = {"keep": "kept", "skip": "skipped", "review": "review", "write": "waiting"}
OTHER = {
    "LogActivity": "timeline entry",
    "CreateTask": "task",
    "Ask": "question",
    "SendMessage": "reply",
    "SendTemplate": "template",
    "StartFlow": "flow",
    "Handoff": "handoff",
    "Notify": "notification",
    "SetConsent": "consent",
    "CompleteAction": "workflow",
    "AttachFile": "file",
}


def explain(store: Store, key: str, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every event of this id (ours, a wamid, a send's), else the last of this person (phone, WhatsApp id), else of
    this CRM record, newest first. `names` are the accounts' names by id."""
    with store.read() as conn:
        rows = (
            events.get(conn, key)
            or events.of_send(conn, key)
            or events.of_contacts(conn, contacts.find(conn, key), LAST)
            or events.of_record(conn, names, key, LAST)
        )
        return [_event(conn, row, names) for row in rows]


def in_review(store: Store, names: Mapping[str, str], limit: int) -> list[dict[str, Any]]:
    """What needs a person, newest first: the why of each, at most `limit`."""
    with store.read() as conn:
        return [_event(conn, row, names) for row in events.in_review(conn, limit)]


def _event(conn: Any, row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    rows = changes.of_event(conn, row.id)
    person = contacts.load(conn, [row.lane]).get(row.lane) if row.lane else None
    links = {a: ref for a, ref in contacts.links_of(conn, row.lane).items() if a in names} if row.lane else {}
    made = plans.of_event(conn, row.id)
    documents = [
        _document(plan.account, names, body, [c for c in rows if c.account == plan.account], row.received_at)
        for plan in made
        for body in plan.body or []
    ]
    planned = {(p.account, n) for p in made for body in p.body or [] for n in body.get("ordinals", [])}
    sent = why_sends.of_event(conn, row.id)
    told = [_untold(c, row.received_at) for c in rows if sent and (c.account, c.ordinal) not in planned]
    return {
        "event": row.id,
        "id": row.dedupe_key,
        "kind": row.kind,
        "received_at": row.received_at.isoformat(),
        "state": states.word(
            row.state, {p.state for p in made}, {c.state for c in rows}, {one["state"] for one in sent}
        ),
        "error": row.error or next((p.error for p in made if p.error), None),
        "contact": {"id": row.lane, "name": person.name if person else "", "wa_id": person.wa_id if person else None}
        | {"records": {names[a]: f"{ref.object} {ref.id}" for a, ref in links.items()}},
        "message": _message(row.payload),
        "documents": documents,
        "sends": sent,
        "conversations": [_conversation(one, row.id) for one in conversations.of_event(conn, row.id)],
        "after": told,
        "waiting_for": [_held(conn, a, names) for a in sorted(_waits_for(made, rows))],
    }


def _conversation(row: Any, event: str) -> dict[str, Any]:
    """One that this event began or ended."""
    told = {"id": row.id, "flow": row.flow, "version": row.version, "step": row.step, "end": row.outcome}
    ended = row.ended_by == event
    return told | {"began": row.started_by == event, "ended": ended, "reason": row.reason if ended else ""}


def _waits_for(made: Sequence[Any], rows: Sequence[Any]) -> set[str]:
    return {p.account for p in made if p.state == "new"} | {c.account for c in rows if c.state in ("new", "in_flight")}


def _held(conn: Any, account: str, names: Mapping[str, str]) -> str:
    """The account, and why it rests."""
    reason = accounts.rest(conn, account) or parks.rest(conn, "account", account)
    return names.get(account, account) + (f" ({reason})" if reason else "")


def _message(payload: Mapping[str, Any]) -> dict[str, Any]:
    told = ("type", "text", "answer", "context_id", "what", "status", "object", "record", "field", "value", "trigger")
    gone = redact.told(payload)
    return {k: payload[k] for k in told if k in payload} | ({"removed": gone} if gone else {})


def _document(
    account: str, names: Mapping[str, str], body: Mapping[str, Any], rows: Sequence[Any], received: datetime
) -> dict[str, Any]:
    by_ordinal = {c.ordinal: c for c in rows}
    ordinals = body.get("ordinals", [])
    fields = [_reason(reason, ordinals, by_ordinal, received) for reason in body["reasons"]]
    told = {ordinals[r["change"]] for r in body["reasons"] if r.get("change") is not None}
    silent = [n for n in ordinals if n is not None and n not in told and n in by_ordinal]
    fields += [_untold(by_ordinal[n], received) for n in silent]
    return {
        "name": body["document"],
        "version": body["version"],
        "account": names.get(account, account),
        "matched": body["matched"],
        "because": body["because"],
        "fields": fields,
    } | ({"flow": body["flow"]} if body.get("flow") else {})


def _reason(
    reason: Mapping[str, Any], ordinals: Sequence[int | None], rows: Mapping[int, Any], received: datetime
) -> dict[str, Any]:
    n = reason.get("change")
    ordinal = ordinals[n] if n is not None else None
    row = rows.get(ordinal) if ordinal is not None else None
    decided = DECIDED.get(reason["outcome"], reason["outcome"])
    entry = {
        "field": reason["field"],
        "from": reason.get("from_"),
        "value": reason.get("value"),
        "before": reason.get("before"),
        "outcome": decided,
        "because": str(reason["because"]).removeprefix(f"{decided}: "),
    }
    return entry | _fate(row, received, str(reason["because"])) if row is not None else entry


def _untold(row: Any, received: datetime) -> dict[str, Any]:
    body = row.body
    told = ("value", "text", "title", "template", "flow", "webhook", "to")
    value = next((body[name] for name in told if body.get(name) not in (None, "")), None)
    name = body.get("field") or OTHER.get(row.kind, row.kind)
    return {"field": name, "from": None, "value": value, "before": None, "outcome": "", "because": ""} | _fate(
        row, received, ""
    )


def _fate(row: Any, received: datetime, because: str) -> dict[str, Any]:
    """What became of the change at the CRM, in words."""
    outcome = row.outcome or {}
    said = str(outcome.get("text", "")) or str(row.body.get("text", "") if row.kind == "Ask" else "")
    took = f"answered in {outcome['ms']} ms" if outcome.get("ms") is not None and row.state == "done" else ""
    after = (
        f"{(row.done_at - received).total_seconds():.1f} s after the message"
        if row.state == "done" and row.done_at
        else ""
    )
    parts = [p for p in (because, said if said != because else "", took, after) if p]
    word = "not said" if outcome.get("unsaid") else WORDS.get(row.state, row.state)
    return {"outcome": word, "because": "; ".join(parts)}


def render(event: Mapping[str, Any]) -> str:
    """The same for a terminal."""
    person, message = event["contact"], event["message"]
    who = (
        " ".join(p for p in (f"+{person['wa_id']}" if person["wa_id"] else "", person["name"]) if p)
        or "somebody unknown"
    )
    gone = f"({message['removed']})" if message.get("removed") else ""
    said = message.get("text") or gone or message.get("status") or message.get("what") or event["kind"]
    head = _record(message) or f"{who}: {said!r} ({message.get('type', event['kind'])})"
    lines = [f"{head}    {event['received_at'][:19]}Z    {event['state']}"]
    lines += [f"  {account}: {record}" for account, record in person["records"].items()]
    for document in event["documents"]:
        head = f"{document['name']}, version {document['version']}, on {document['account']}"
        lines.append(f"{head:<60} {_verdict(document)}")
        lines += _flow(document.get("flow"))
        for f in document["fields"]:
            moved = " -> ".join(dict.fromkeys(str(v) for v in (f["from"], f["value"]) if v is not None))
            lines.append(f"  {f['field']:<24} {moved:<44} {f['outcome']}: {f['because']}".rstrip(": "))
    judged = {d["flow"]["conversation"] for d in event["documents"] if d.get("flow")}
    lines += [
        f"{c['flow']}, version {c['version']}: ended ({c['end']}): {c['reason']}"
        for c in event["conversations"]
        if c["ended"] and c["id"] not in judged
    ]
    if not event["documents"] and not event["sends"] and event["state"] == "done" and event["kind"] in JUDGED:
        lines.append("no live document was about it")
    lines += why_sends.render(event["sends"])
    lines += [f"  {f['field']:<24} {f['value'] or '':<44} {f['outcome']}: {f['because']}" for f in event["after"]]
    if event["waiting_for"]:
        lines.append(f"waiting for {', '.join(event['waiting_for'])}")
    if event["error"]:
        lines.append(f"error: {event['error']}")
    return "\n".join(lines)


def _flow(told: Mapping[str, Any] | None) -> list[str]:
    """What a conversation made of it: step -> next step, what it kept, what it said."""
    if not told:
        return []
    to = told["to"] or f"ended ({told['end']})"
    lines = [f"  {'conversation':<24} {told['from'] or 'begins'} -> {to}"]
    lines += [f"  {'flow.' + name:<24} {value}" for name, value in told["saved"].items()]
    return lines + [f"  {'said':<24} {text}" for text in told["said"]]


def _record(message: Mapping[str, Any]) -> str:
    """deals 9001: dealstage = presentationscheduled."""
    if not message.get("record"):
        return str(message.get("trigger", ""))
    field = (
        f": {message['field']} = {message.get('value', '')}" if message.get("field") else f" {message.get('what', '')}"
    )
    return f"{message.get('object', '')} {message['record']}{field}".strip()


def _verdict(document: Mapping[str, Any]) -> str:
    """matched: answers webinar_invite_v2 · did not match: it is a text message, not button."""
    because = str(document["because"])
    if document["matched"]:
        return f"matched: {because}" if because else "matched"
    return because if because.startswith("did not match") else f"did not match: {because}"
