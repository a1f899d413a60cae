"""Try: what a text, saved or not, would make of a sample or of a past event. Nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.core import documents as language
from connector.core.changes import Plan, SendMessage
from connector.core.contact import Contact
from connector.core.documents import FlowDocument, MappingDocument, SendDocument
from connector.errors import GiveUp
from connector.pipeline.again import remembered, trying_send
from connector.pipeline.again.replay import Replay
from connector.pipeline.documents import publish, schema
from connector.pipeline.documents.library import Library
from connector.pipeline.documents.publish import Look, Templates, Verdict, unknown
from connector.pipeline.judging.judge import Desk
from connector.pipeline.judging.judged import Judged
from connector.pipeline.why.event import DECIDED, OTHER
from connector.ports import CRM, Account, Clock
from connector.store import documents as rows
from connector.store import events as event_rows
from connector.store.engine import Store

Json = dict[str, Any]
WOULD = DECIDED | {"write": "written"}


@dataclass(frozen=True, slots=True)
class At:
    """A clock that stands still: the event is judged as of its own time."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


_A_FLOW = {"because": "A conversation has many messages: its tests and `connector flows simulate` play it."}


# ---- a sample: pure, at once -------------------------------------------------------------------------------------
def sample(
    text: str, given: Mapping[str, Any], *, fields: Look = unknown, templates: Templates = unknown
) -> Json:  # fmt: skip
    """A made-up message or record, in the words of a test's `given` ({"answer.id": "yes", "contact.city": "Lima"})."""
    verdict = publish.judge(text, fields, templates)
    found = start(verdict, "sample")
    document = verdict.document
    if document is None or isinstance(document, FlowDocument):
        return found | (_A_FLOW if document is not None else {})
    try:
        if isinstance(document, SendDocument):
            return found | trying_send.sample(document, given, templates(document))
        plan = language.plan_of(document, given, language.options_of(fields(document)))
    except ValueError as error:
        return found | {"because": f"The sample cannot be used: {error}"}
    return found | of_plan(plan)


# ---- a past event ------------------------------------------------------------------------------------------------
def from_memory(
    store: Store, library: Library, account: Account, args: Mapping[str, Any], *, fields: Look | None = None,
    templates: Templates = unknown,
) -> Json:  # fmt: skip
    """A past event with the values our rows remember; no CRM is asked. `args`: {event, text | document [+ version]}."""
    verdict = publish.judge(text_of(store, args), fields or schema.look(store), templates)
    found, row = start(verdict, "remembered"), event_of(store, str(args["event"]))
    document = verdict.document
    if document is None or isinstance(document, FlowDocument):
        return found | (_A_FLOW if document is not None else {})
    if isinstance(document, SendDocument):
        phones = [path[-1] for e in document.phone for path in sorted(e.paths)]
        crm = remembered.of_trigger(store, account.id, row, phones)
        done = trying_send.past(store, account, crm, document, row, row.received_at)  # type: ignore[arg-type]
        places = {
            *crm.near,
            *([(row.payload.get("object"), row.payload.get("record"))] if "record" in row.payload else []),
        }
        return found | done | {"unknown": sorted((document.reads | document.record_reads) - crm.known(places))}
    crm = remembered.of_reply(store, account.id, row)
    done = _past(store, account, crm, library, At(row.received_at), document, row)  # type: ignore[arg-type]
    blank = sorted(document.reads - crm.known(crm.people)) if crm.people else []
    return found | done | {"unknown": blank}


def do(
    store: Store, account: Account, crm: CRM, library: Library, clock: Clock, args: Mapping[str, Any]
) -> Json:  # fmt: skip
    """The same with what the CRM says now; for a worker. Nothing is written."""
    objects = crm.can

    def fields(document: language.Document) -> publish.Fields | None:
        return schema.known(store, account, publish.objects_of(document, objects))

    verdict = publish.judge(text_of(store, args), fields, trying_send.templates_of(store))
    found, row = start(verdict, "live"), event_of(store, str(args["event"]))
    document = verdict.document
    if document is None or isinstance(document, FlowDocument):
        return found | (_A_FLOW if document is not None else {})
    if isinstance(document, SendDocument):
        return found | trying_send.past(store, account, crm, document, row, clock.now())
    return found | _past(store, account, crm, library, clock, document, row)


def _past(
    store: Store, account: Account, crm: CRM, library: Library, clock: Clock, document: MappingDocument, row: Any
) -> Json:  # fmt: skip
    if row.kind != "InboundMessage":
        return {"because": "A mapping judges replies; this is an event of the CRM."}
    judged = Replay(store, account, crm, library, clock, document).one(row)
    if judged is None:
        return {"because": "It concerns no contact."}
    desk, one = judged
    return of_plan(one.plans[0]) | {"contact": _contact(desk, one), "message": _message(one)}


def _contact(desk: Desk, judged: Judged) -> Json:
    person: Contact = desk.people[judged.work.lane]
    found = desk.records.get(judged.work.lane, ())
    return {"name": person.name, "wa_id": person.wa_id, "records": [f"{r.object} {r.id}" for r in found if r.id]}


def _message(judged: Judged) -> Json:
    told = judged.event
    return {"type": told.type, "text": told.text, "answer": dict(told.answer)}


# ---- what is tried -----------------------------------------------------------------------------------------------
def text_of(store: Store, args: Mapping[str, Any]) -> str:
    """The text itself, or a stored version's. Raises GiveUp."""
    if args.get("text") is not None:
        return str(args["text"])
    name, n = str(args.get("document", "")), args.get("version")
    with store.read() as conn:
        row = rows.get(conn, name, int(n)) if n else rows.live_version(conn, name) or rows.latest(conn, name)
    if row is None:
        raise GiveUp(f"There is no document {name!r}" + (f" with a version {n}." if n else "."), code="document")
    return str(row.text)


def event_of(store: Store, key: str) -> Any:
    """The event of this id (ours or the vendor's). Raises GiveUp."""
    with store.read() as conn:
        found = event_rows.get(conn, key)
    if not found:
        raise GiveUp(f"Nothing is known of {key}.", code="event")
    return found[0]


# ---- what a person sees ------------------------------------------------------------------------------------------
def start(verdict: Verdict, source: str) -> Json:
    """The shape of every answer, before anything was judged."""
    document = verdict.document
    return {
        "kind": document.kind if document else None, "name": document.name if document else "", "source": source,
        "good": verdict.good, "findings": [finding(f) for f in verdict.findings],
        "tests": [
            {"name": t.name, "passed": t.passed, "message": t.message, "line": t.line} for t in verdict.tests
        ],
        "matched": False, "because": "", "outcome": "", "fields": [], "messages": [], "sends": [], "contact": None,
        "message": None, "unknown": [],
    }  # fmt: skip


def finding(one: language.Finding) -> Json:
    return publish.as_json(one.path, one) | {"severity": one.severity}


def of_plan(plan: Plan) -> Json:
    """A plan as the why shows it, but as it would be."""
    fields = [
        {
            "field": r.field, "from": r.from_, "value": r.value, "before": r.before,
            "outcome": WOULD.get(r.outcome, r.outcome),
            "because": r.because.removeprefix(f"{WOULD.get(r.outcome, r.outcome)}: "),
        }
        for r in plan.reasons
    ]  # fmt: skip
    told = {r.change for r in plan.reasons}
    for n, change in enumerate(plan.changes):
        if n not in told and change.kind in OTHER:
            value = next((v for v in map(lambda name: getattr(change, name, None), _WORDS) if v), None)  # noqa: C417
            fields.append(
                {"field": OTHER[change.kind], "from": None, "value": value, "before": None, "outcome": "written",
                 "because": ""}
            )  # fmt: skip
    said = [dict(c.message) for c in plan.changes if isinstance(c, SendMessage)]
    outcome = "no_match" if not plan.matched else plan.outcome or "done"
    return {
        "matched": plan.matched, "because": plan.because, "outcome": outcome, "fields": fields, "messages": said
    }  # fmt: skip


_WORDS = ("text", "title", "flow", "webhook", "state", "what", "name", "file")
