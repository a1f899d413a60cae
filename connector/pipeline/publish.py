"""Documents from text to live: checked against the live CRM, tested by their own tests, then published."""

from collections.abc import Callable, Mapping
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


def judge(text: str, fields: Callable[[MappingDocument], Fields | None]) -> Verdict:
    """Reads, lints (against `fields` of the document's CRM where they are known) and tests one text."""
    try:
        document = language.read(text)
    except errors.BadDocument as error:
        return Verdict(None, tuple(error.facts["findings"]))  # type: ignore[arg-type]
    findings = tuple(language.check(text, schema=fields(document)))
    return Verdict(document, findings, tuple(language.run_tests(document)))


@dataclass(frozen=True, slots=True)
class Push:
    """What a push did to one document: published, unchanged, draft, refused."""

    name: str
    did: str
    version: int | None = None
    why: str = ""


def push(
    store: Store, document: MappingDocument, author: str, now: datetime, *, base: int | None, force: bool, draft: bool
) -> Push:
    """Publishes one checked text. Refused when the live version is neither `base` (the one that was pulled) nor our own."""
    with store.write() as conn:
        live = rows.live_version(conn, document.name)
        if live is not None and live.text == document.text:
            return Push(document.name, "unchanged", live.n)
        if live is not None and not force and not draft and live.author != author and live.n != base:
            why = f"Version {live.n} by {live.author} is live and was not pulled. Pull it first, or use --force."
            return Push(document.name, "refused", live.n, why)
        n = rows.publish(
            conn, document.kind, document.name, document.text, author, now, state="draft" if draft else "live"
        )
    return Push(document.name, "draft" if draft else "published", n)


def as_json(path: str, finding: Finding) -> dict[str, Any]:
    """One finding as the fixed surface has it."""
    return {
        "path": path, "line": finding.line, "column": finding.column, "code": finding.code,
        "message": finding.message, "hint": finding.hint,
    }  # fmt: skip
