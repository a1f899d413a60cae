"""Documents from text to live: checked against the live CRM, tested by their own tests, then published."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector import errors
from connector.core import documents as language
from connector.core.documents import Finding, MappingDocument, TestResult
from connector.ports import Field
from connector.store import documents as rows
from connector.store.engine import Store

Fields = Mapping[str, list[Field]]
Look = Callable[[MappingDocument], Fields | None]  # the fields of a document's CRM, None when they are not known


@dataclass(frozen=True, slots=True)
class Verdict:
    """What we think of one text: its document (None when it cannot be read), findings, test results."""

    document: MappingDocument | None
    findings: tuple[Finding, ...]
    tests: tuple[TestResult, ...] = ()

    @property
    def good(self) -> bool:
        return self.document is not None and not self.errors and all(t.passed for t in self.tests)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity == "error")


def judge(text: str, fields: Look) -> Verdict:
    """Reads, lints (against `fields` of the document's CRM where they are known) and tests one text."""
    try:
        document = language.read(text)
    except errors.BadDocument as error:
        return Verdict(None, tuple(error.facts["findings"]))  # type: ignore[arg-type]
    findings = tuple(language.check(text, schema=fields(document)))
    return Verdict(document, findings, tuple(language.run_tests(document, fields(document))))


@dataclass(frozen=True, slots=True)
class Push:
    """What a push did to one document: published, unchanged, draft, refused."""

    name: str
    did: str
    version: int | None = None
    why: str = ""


def push(
    store: Store,
    documents: Sequence[MappingDocument],
    author: str,
    now: datetime,
    *,
    base: Mapping[str, str],
    force: bool,
    draft: bool,
) -> list[Push]:
    """Publishes checked documents in one transaction, all or none.

    None, when a live text is not the one these are based on (`base`: {name: digest}, what was last pulled or pushed).
    """
    with store.write() as conn:
        live = {row.name: row for row in rows.live(conn)}
        if not force and not draft:
            found = [_push_refused(live.get(d.name), d, base.get(d.name)) for d in documents]
            refused = [push for push in found if push is not None]
            if refused:
                return refused
        return [_push(conn, live.get(d.name), d, author, now, "draft" if draft else "live") for d in documents]


def digest(text: str) -> str:
    """What a folder remembers of a text it is based on."""
    return hashlib.sha256(text.encode()).hexdigest()


def _push_refused(live: Any, document: MappingDocument, base: str | None) -> Push | None:
    if live is None or live.text == document.text or digest(live.text) == base:
        return None
    why = f"Version {live.n} by {live.author} is live and was not pulled. Pull it first, or use --force."
    return Push(document.name, "refused", live.n, why)


def _push(conn: Any, live: Any, document: MappingDocument, author: str, now: datetime, state: str) -> Push:
    if live is not None and live.text == document.text:
        return Push(document.name, "unchanged", live.n)
    n = rows.publish(conn, document.kind, document.name, document.text, author, now, state=state)
    if n is None:
        return Push(document.name, "unchanged")
    return Push(document.name, "published" if state == "live" else state, n)


def as_json(path: str, finding: Finding) -> dict[str, Any]:
    """One finding as the fixed surface has it."""
    return {
        "path": path, "line": finding.line, "column": finding.column, "code": finding.code,
        "message": finding.message, "hint": finding.hint,
    }  # fmt: skip
