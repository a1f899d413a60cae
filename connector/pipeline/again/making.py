"""Make a test of this, and add to the map: an event's facts become lines of a document, which a person then saves."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.core import documents as language
from connector.core.changes import SetField
from connector.core.contact import altered
from connector.core.documents import FlowDocument, MappingDocument, SendDocument
from connector.core.documents.comparing import shown
from connector.core.documents.editing import add_test, add_to_map
from connector.core.documents.making import (
    circumstances,
    expect_of,
    given_of_reply,
    line,
    sparse,
)
from connector.core.documents.send_making import given_of_send, sparse_send
from connector.core.documents.tree import Map, Text
from connector.errors import BadDocument, GiveUp
from connector.pipeline.again import remembered, trying_send
from connector.pipeline.again.replay import Replay
from connector.pipeline.again.trying import At, event_of, text_of
from connector.pipeline.documents.library import Library
from connector.ports import CRM, Account, Clock
from connector.store import plans
from connector.store.engine import Store

Json = dict[str, Any]
Facts = tuple[dict[str, str], dict[str, str]]  # given, expect


def make_test(store: Store, library: Library, account: Account, args: Mapping[str, Any]) -> Json:
    """`args`: {event, document [, version | text]}: the text with one more test, made of what our rows remember.

    {text, name, given, expect, differs: [what came of the event then, and does not come of these facts]}. The test
    passes with this very text. Raises GiveUp where the text cannot be added to."""
    row = event_of(store, str(args["event"]))
    document = _document(text_of(store, _versioned(store, row, account, args)))
    if isinstance(document, SendDocument):
        phones = [path[-1] for e in document.phone for path in sorted(e.paths)]
        crm: Any = remembered.of_trigger(store, account.id, row, phones)
    else:
        crm = remembered.of_reply(store, account.id, row)
    return _made(store, account, crm, library, At(row.received_at), document, row)


def do(
    store: Store, account: Account, crm: CRM, library: Library, clock: Clock, args: Mapping[str, Any]
) -> Json:  # fmt: skip
    """The same with the values the CRM has now; for a worker: what a `send:` document reads is hardly remembered."""
    row = event_of(store, str(args["event"]))
    document = _document(text_of(store, _versioned(store, row, account, args)))
    return _made(store, account, crm, library, clock, document, row)


def _document(text: str) -> language.Document:
    try:
        return language.read(text)
    except BadDocument as error:
        raise GiveUp(f"The document has mistakes: {error}", hint="Mend it first.", code="document") from error


def _versioned(store: Store, row: Any, account: Account, args: Mapping[str, Any]) -> Mapping[str, Any]:
    """The version that judged the event, unless another or a text is given."""
    if args.get("text") is not None or args.get("version"):
        return args
    with store.read() as conn:
        bodies = [b for p in plans.of_event(conn, row.id) if p.account == account.id for b in p.body or []]
    judged = next((b["version"] for b in reversed(bodies) if b["document"] == args["document"] and b["version"]), None)
    return {**args, "version": judged} if judged else args


def _made(
    store: Store, account: Account, crm: CRM, library: Library, clock: Clock, document: language.Document, row: Any
) -> Json:  # fmt: skip
    if isinstance(document, FlowDocument):
        raise GiveUp("One event is not a conversation.", hint="Write what was said as a test.", code="event")
    if isinstance(document, SendDocument):
        given, expect = _of_send(store, account, crm, document, row, clock.now())
    else:
        given, expect = _of_reply(store, account, crm, library, clock, document, row)
    name = _name(document, given, row)
    text = add_test(document.text, name, given, expect)
    _sure(text, name)
    return {
        "text": text, "name": name, "given": given, "expect": expect,
        "differs": _differs(store, account, document, row, expect),
    }  # fmt: skip


def _of_reply(
    store: Store, account: Account, crm: CRM, library: Library, clock: Clock, document: MappingDocument, row: Any
) -> Facts:  # fmt: skip
    found = Replay(store, account, crm, library, clock, document).one(row) if row.kind == "InboundMessage" else None
    if found is None:
        raise GiveUp("This event is no reply: a mapping has no test of it.", code="event")
    desk, judged = found
    case = desk.cases[0]
    person = altered(desk.people[judged.work.lane], records=desk.records.get(judged.work.lane, ()))
    given = given_of_reply(document, judged.event, person, case.setting)
    more = circumstances(judged.event, case.setting, shown(row.received_at))
    # A test runs without the CRM too: what the CRM's own order of options changes is told as a difference.
    given, plan = sparse(document, given, more, language.options_of())
    return given, expect_of(document, plan)


def _of_send(
    store: Store, account: Account, crm: CRM, document: SendDocument, row: Any, now: datetime
) -> Facts:  # fmt: skip
    seen = trying_send.cases(store, account, crm, document, row, now)
    if not seen:
        return {"trigger": "no"}, {"outcome": "no_match"}
    case, templates = seen[0]
    category = next((t.category for t in templates if t.name == document.template), "")
    given = given_of_send(document, replace(case, created_at=None), category, now)
    sent = [shown(at) for at in case.sent_at[:1]]
    return sparse_send(document, given, {"now": shown(now)} | ({"sent_at": sent[0]} if sent else {}))


def _name(document: language.Document, given: Mapping[str, str], row: Any) -> str:
    """`interested, 2026-11-24 14:02`, and a number where that stands there already."""
    said = next((given[k] for k in ("answer.id", "answer.text", "answer.title") if k in given), "")
    what = said or str(row.payload.get("text") or row.payload.get("value") or row.payload.get("trigger") or row.kind)
    name = line(f"{line(what)[:40].strip()}, {row.received_at:%Y-%m-%d %H:%M}")
    taken = {test.name for test in document.tests}
    return next(n for n in (name, *(f"{name} ({k})" for k in range(2, len(taken) + 3))) if n not in taken)


def _sure(text: str, name: str) -> None:
    """The text reads, and its new test passes. Raises GiveUp."""
    document = _document(text)
    failed = next((t for t in language.run_tests(document) if t.name == name and not t.passed), None)
    if failed is not None:
        raise GiveUp(f"The facts of this event make no test that passes: {failed.message}", code="test")


def _differs(
    store: Store, account: Account, document: language.Document, row: Any, expect: Mapping[str, str]
) -> list[str]:  # fmt: skip
    """What was written then, and is not what the test expects."""
    if not isinstance(document, MappingDocument):
        return []
    with store.read() as conn:
        bodies = [b for p in plans.of_event(conn, row.id) if p.account == account.id for b in p.body or []]
    body = next((b for b in bodies if b["document"] == document.name and not b.get("undone")), None)
    out = []
    for reason in body["reasons"] if body is not None else ():
        then = (
            ("cleared" if reason.get("value") is None else shown(reason["value"]))
            if reason["outcome"] == "write"
            else "unchanged"
        )
        now = expect.get(reason["field"], expect.get(f"field.{reason['field']}"))
        if now is not None and line(then) != now:
            out.append(f"{reason['field']}: {then} then, {now} in the test")
    return out


# ---- the map -----------------------------------------------------------------------------------------------------
def extend_map(text: str, field: str, answer: str, value: str) -> Json:
    """The text in which `answer` is in the map of `set.<field>`, and a test of it: {text, name, given, expect, note}.

    Raises GiveUp where it has no such map, or the answer is in it already."""
    made = add_to_map(text, field, answer, value)
    document = _document(made)
    source = _source(document, field)
    if not isinstance(document, MappingDocument) or source is None:
        return {"text": made, "name": "", "given": {}, "expect": {}, "note": "No test was added: `from` is no answer."}
    given = {source: answer}
    plan = language.plan_of(document, given, language.options_of())
    expect = {k: v for k, v in expect_of(document, plan).items() if k.removeprefix("field.") == field}
    wrote = any(isinstance(c, SetField) and c.field == field.rpartition(".")[2] for c in plan.changes)
    if not wrote or not expect:
        return {"text": made, "name": "", "given": given, "expect": {}, "note": "No test was added: " + plan.because}
    name = f"{line(answer)[:60]} becomes {line(value)[:60]}"
    tested = add_test(made, name, given, expect)
    _sure(tested, name)
    return {"text": tested, "name": name, "given": given, "expect": expect, "note": ""}


def _source(document: language.Document, field: str) -> str | None:
    """`answer.id`, where the field's value comes from one word of the answer."""
    rules = document.tree.items.get("set") if document.tree is not None else None
    rule = rules.items.get(field) if isinstance(rules, Map) else None
    source = rule.items.get("from") if isinstance(rule, Map) else None
    if not isinstance(source, Text):
        return None
    bare = source.value.strip().removeprefix("{{").removesuffix("}}").strip()
    return bare if bare.startswith("answer.") and "|" not in bare and " " not in bare else None
