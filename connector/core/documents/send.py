"""`send:` from schema data to a compiled document."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.core.documents import conditions
from connector.core.documents.document import SendDocument, Step
from connector.core.documents.expressions import Expression, bare
from connector.core.documents.mapping import expressions_of, tests_of
from connector.core.documents.send_problems import Start, problems, start_of
from connector.core.documents.send_schema import SendSchema
from connector.core.documents.send_words import SEND
from connector.core.documents.tree import Map
from connector.core.documents.words import PERSON, RECORD
from connector.core.quiet import QuietHours

SCHEMA = SendSchema
_ANY_PHONE = (bare("contact.phone", SEND),)
__all__ = ["SCHEMA", "compile_document", "problems"]


def compile_document(data: Mapping[str, Any], tree: Map, text: str) -> SendDocument:
    """The document of data that the schema and `problems` found right."""
    when, guard, start = data["when"], data.get("guard", {}), start_of(data)
    phone = start.phone or _ANY_PHONE
    every = [e for _, e in expressions_of(data)] + list(phone)
    reads, record_reads = _reads(every, start, when)
    after = {what: _step(spec) for what, spec in data.get("after", {}).items()}
    return SendDocument(
        name=data["send"],
        crm=data["crm"],
        text=text,
        about=data.get("about", ""),
        sender=data.get("number", ""),
        words=tuple(
            dict.fromkeys([w for w in (start.word,) if w] + (["contact"] if start.recipient != "call" else []))
        ),
        word=start.word,
        watches=when["watches"],
        webhook=when.get("webhook"),
        date=when.get("date"),
        every=when.get("every"),
        segment=when.get("segment", ""),
        at=when.get("at"),
        own_changes=bool(when.get("own_changes") or data.get("own_changes")),
        reads=reads,
        record_reads=record_reads,
        recipient=start.recipient,
        template=data["template"],
        consent=guard.get("consent", ""),
        at_most=guard.get("at_most"),
        give_up_after=guard.get("give_up_after"),
        quiet=_quiet(guard.get("quiet_hours")),
        buttons=data.get("buttons", ()),
        goal=data.get("goal"),
        sets=tuple(dict.fromkeys(_written(data.get("after", {})))),
        tests=tuple(tests_of(data, tree)),
        phone=phone,
        language=data.get("language"),
        values=data.get("with_", {}),
        only_if=tuple(conditions.only_if(e) for e in when.get("only_if", ())),
        cancel_if=guard.get("cancel_if"),
        after=after,
        keeps=frozenset(path for _, e in expressions_of(data.get("after", {})) for path in e.paths),
        tree=tree,
    )


def _reads(every: list[Expression], start: Start, when: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Fields of the recipient's record, and of the record that starts it; both, where these are one."""
    paths = {path for e in every for path in e.paths}
    reads = {p[1] for p in paths if p[0] == "contact" and (p[1] not in PERSON or p[1] == "phone")}
    own = {p[1] for p in paths if p[0] in RECORD} | {w.field for w in when["watches"] if w.field}
    own |= {when["date"].field} if "date" in when else set()
    if start.recipient == "record":
        reads = own = reads | own
    return frozenset(reads), frozenset(own)


def _quiet(spec: Mapping[str, Any] | None) -> QuietHours | None:
    if spec is None:
        return None
    begin, end = spec["allow"]
    days = spec.get("days", frozenset(range(7)))
    return QuietHours(begin, end, days, spec.get("time_zone", "contact"), spec.get("otherwise", "wait"))


def _step(spec: Mapping[str, Any]) -> Step:
    task = spec.get("task")
    if isinstance(task, Expression):
        task = {"title": task}
    return Step(
        sets=tuple((*_split(name), e.run) for name, e in spec.get("set", {}).items()),
        clear=tuple(_split(name) for name in spec.get("clear", ())),
        task=(_run(task, "title"), task.get("for_", "owner"), _run(task, "text")) if task is not None else None,
        log=spec.get("log", "none"),
    )


def _run(task: Mapping[str, Expression], word: str) -> Any:
    return task[word].run if word in task else None


def _split(name: str) -> tuple[str, str]:
    word, _, field = name.rpartition(".")
    return word, field


def _written(after: Mapping[str, Any]) -> Iterator[str]:
    for spec in after.values():
        yield from spec.get("set", {})
        yield from spec.get("clear", ())
