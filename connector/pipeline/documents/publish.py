"""Documents from text to live: checked against the live CRM, tested by their own tests, then published."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from connector import errors
from connector.core import documents as language
from connector.core.documents import Document, Finding, FlowDocument, MappingDocument, SendDocument, TestResult
from connector.core.documents.findings import did_you_mean, listed
from connector.core.documents.tree import place
from connector.core.template import Template
from connector.ports import CRM, Account, Capabilities, Field, Where
from connector.store import documents as rows
from connector.store import findings, holding
from connector.store import templates as template_rows
from connector.store.engine import Store

STOPPED = ("template_changed", "document_parked")  # findings that came with a park of their document
Key = TypeVar("Key")
Fields = Mapping[str, list[Field]]
Look = Callable[[Document], Fields | None]  # the fields of a document's CRM, None when they are not known
Templates = Callable[[Document], Sequence[Template] | None]  # those of its WhatsApp account, None when not known


@dataclass(frozen=True, slots=True)
class Verdict:
    """What we think of one text: its document (None when it cannot be read), findings, test results."""

    document: Document | None
    findings: tuple[Finding, ...]
    tests: tuple[TestResult, ...] = ()

    @property
    def good(self) -> bool:
        return self.document is not None and not self.errors and all(t.passed for t in self.tests)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity == "error")


def unknown(_: Document) -> None:
    """No templates, no fields: then nothing is said of them."""


def judge(text: str, fields: Look, templates: Templates = unknown) -> Verdict:
    """Reads, lints (against the CRM's fields and the templates, where they are known) and tests one text."""
    try:
        document = language.read(text)
        known = templates(document)
    except errors.BadDocument as error:
        return Verdict(None, tuple(error.facts["findings"]))  # type: ignore[arg-type]
    schema = fields(document)
    findings = tuple(language.check(text, schema=schema, templates=known))
    return Verdict(document, findings, tuple(language.run_tests(document, schema)))


def objects_of(document: Document, can: Capabilities) -> tuple[str, ...]:
    """The CRM objects whose fields a document speaks of, the contact's first where it has one."""
    if isinstance(document, SendDocument):
        words = {"contact": None} if document.recipient in ("contact", "contacts") else {}
        found = [can.objects[word] for word in (words | dict.fromkeys(document.words)) if word in can.objects]
        return tuple(dict.fromkeys(found)) or (can.object,)
    named = (name.rpartition(".")[0] for name in document.sets)
    others = [can.objects[word] for word in named if word in can.objects and word != "contact"]
    return tuple(dict.fromkeys([*(document.objects or (can.object,)), *others]))


def already(crm: CRM, document: SendDocument) -> int:
    """How many records have what this document waits for already: they get nothing, it starts from now."""
    found = 0
    for watch in document.triggers:
        object_ = crm.can.objects.get(watch.word, "")
        for value in watch.value if object_ and watch.how in ("becomes", "is") else ():
            page = crm.query(object_, [Where(watch.field, "eq", value)], [watch.field])
            found += len(page.records) if page.total is None else page.total
    return found


def templates_of(store: Store, accounts: Sequence[Account]) -> Templates:
    """Looks templates up as last read, of the WhatsApp `accounts` a document sends from; none read = not known."""

    def look(document: Document) -> list[Template] | None:
        if isinstance(document, MappingDocument):
            return None
        senders = [a for a in accounts if isinstance(document, FlowDocument) or document.sender in ("", a.name)]
        if accounts and not senders and isinstance(document, SendDocument):
            raise _no_number(document, [a.name for a in accounts])
        with store.read() as conn:
            found = [t for a in senders for t in template_rows.known(conn, a.id)]
        return [t for t in found if t.status != "DELETED"] if found else None

    return look


def _no_number(document: SendDocument, names: Sequence[str]) -> errors.BadDocument:
    assert document.tree is not None
    node = place(document.tree, ("number",))
    text = f"There is no WhatsApp account '{document.sender}' to send from."
    hint = did_you_mean(document.sender, names) or f"There is {listed(names)}."
    finding = Finding("number", node.line, node.column, "number", text, hint)
    return errors.BadDocument(
        text, path="number", line=node.line, column=node.column, hint=hint, code="number", findings=[finding]
    )


@dataclass(frozen=True, slots=True)
class Push:
    """What a push did to one document: published, unchanged, draft, refused."""

    name: str
    did: str
    version: int | None = None
    why: str = ""


def push(
    store: Store,
    documents: Sequence[Document],
    author: str,
    now: datetime,
    *,
    base: Mapping[str, str],
    force: bool,
    state: str = "live",
) -> list[Push]:
    """Publishes checked documents in one transaction, all or none; `state` draft or shadow: stored beside what is live.

    None, when a live text is not the one these are based on (`base`: {name: digest}, what was last pulled or pushed).
    """
    with store.write() as conn:
        live = {row.name: row for row in rows.live(conn)}
        if not force and state == "live":
            found = [_push_refused(live.get(d.name), d, base.get(d.name)) for d in documents]
            refused = [push for push in found if push is not None]
            if refused:
                return refused
        return [_push(conn, live.get(d.name), d, author, now, state) for d in documents]


Judged = Sequence[tuple[Key, Verdict]]  # the key says where a text came from: its path, its place in a list


def twins(judged: Judged[Any]) -> list[str]:
    """Names that two of these documents have."""
    names = [v.document.name for _, v in judged if v.document]
    return sorted({name for name in names if names.count(name) > 1})


def strangers(judged: Judged[Key], known: Sequence[str], otherwise: str) -> list[tuple[Key, Finding]]:
    """Documents for a CRM that is not connected; `otherwise` says what to do."""
    hint = f"Write {' or '.join(known)}, or connect it: connector accounts add" if known else otherwise
    return [
        (key, Finding("crm", 1, 1, "crm", f"There is no account named {v.document.crm!r}.", hint))
        for key, v in judged
        if v.document and v.document.crm not in known
    ]


def starts(documents: Sequence[Document], done: Sequence[Push], there: Callable[[SendDocument], int]) -> dict[str, str]:
    """What a newly published send: document does not send: it starts from now. `there` counts what was before."""
    fresh = {d.name for d in done if d.did == "published" and d.version == 1}
    said = {}
    for document in documents:
        if isinstance(document, SendDocument) and document.name in fresh:
            n = there(document)
            before = f"; {n:,} record{'' if n == 1 else 's'} already there: nothing is sent for what was before"
            said[document.name] = "It starts from now" + (before if n else "")
    return said


def digest(text: str) -> str:
    """What a folder remembers of a text it is based on."""
    return hashlib.sha256(text.encode()).hexdigest()


def _push_refused(live: Any, document: Document, base: str | None) -> Push | None:
    if live is None or live.text == document.text or digest(live.text) == base:
        return None
    why = f"Version {live.n} by {live.author} is live and was not pulled. Pull it first, or use --force."
    return Push(document.name, "refused", live.n, why)


def _push(conn: Any, live: Any, document: Document, author: str, now: datetime, state: str) -> Push:
    if live is not None and live.text == document.text:
        return Push(document.name, "unchanged", live.n)
    n = rows.publish(conn, document.kind, document.name, document.text, author, now, state=state)
    if n is None:
        return Push(document.name, "unchanged")
    if state == "live":
        lift(conn, document.name, now)
    return Push(document.name, "published" if state == "live" else state, n)


def lift(conn: Any, name: str, now: datetime) -> None:
    """What stopped the document was looked at anew and fits now; a pause of a person's stays."""
    mine = [row for row in findings.all_(conn) if row.document == name and row.code in STOPPED]
    if mine:
        holding.resume(conn, "document", name, now)
    for code in STOPPED:
        findings.clear(conn, code, [row.key for row in mine if row.code == code])


def as_json(path: str, finding: Finding) -> dict[str, Any]:
    """One finding as the fixed surface has it."""
    return {
        "path": path, "line": finding.line, "column": finding.column, "code": finding.code,
        "message": finding.message, "hint": finding.hint,
    }  # fmt: skip
