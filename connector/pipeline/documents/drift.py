"""Drift: what was right when it was published, looked at again against the CRM and WhatsApp of today."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector import errors
from connector.core import documents as language
from connector.core.documents import Document
from connector.pipeline.documents.publish import Look, Templates
from connector.pipeline.documents.templates import DRIFT
from connector.pipeline.drain import log
from connector.store import documents as document_rows
from connector.store import findings, holding, parks
from connector.store.engine import Store
from connector.store.findings import Finding

CHORE = DRIFT  # its name among the chores: once a day, and soon after Meta spoke of a template
EVERY = timedelta(hours=24)
CODE, PARKED = "drift", "document_parked"
HINT = "Mend the document and push it, or put back what is gone; connector mappings check shows the lines."


@dataclass(frozen=True, slots=True)
class Judged:
    """One live document as it stands today; `wrong` None = its CRM could not be asked."""

    name: str
    kind: str
    wrong: tuple[str, ...] | None


def check_all(store: Store, look: Look, templates: Templates, now: datetime) -> list[Finding]:
    """Judges every live document anew and keeps what differs; a send: that no longer fits is parked until it does."""
    with store.read() as conn:
        live = document_rows.live(conn)
    judged = [_judge(row, look, templates) for row in live]
    with store.write() as conn:
        unknown = {j.name for j in judged if j.wrong is None}
        found = [*_told(judged), *_kept(findings.all_(conn), unknown)]
        findings.renew(conn, [CODE], found, now)
        stopped = {j.name: j.wrong[0] for j in judged if j.kind == "send" and j.wrong}
        _park(conn, stopped, {j.name for j in judged if j.wrong is not None}, {j.name for j in judged}, now)
    return found


def _judge(row: Any, look: Look, templates: Templates) -> Judged:
    try:
        document: Document = language.read(row.text)
        found = language.check(row.text, schema=look(document), templates=templates(document))
    except errors.BadDocument as error:
        return Judged(row.name, row.kind, (error.message,))
    except errors.ConnectorError as error:
        log.warning("%s is not compared with its CRM: %s", row.name, error)
        return Judged(row.name, row.kind, None)
    return Judged(row.name, row.kind, tuple(f.message for f in found if f.severity == "error"))


def _told(judged: Iterable[Judged]) -> list[Finding]:
    """One finding for each thing that differs, with the documents it touches."""
    touched: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        for text in dict.fromkeys(one.wrong or ()):
            touched[text].append(one)
    return [_finding(text, ones) for text, ones in sorted(touched.items())]


def _finding(text: str, touched: Sequence[Judged]) -> Finding:
    names = sorted(one.name for one in touched)
    kinds = {one.kind for one in touched}
    word = f"{kinds.pop()}s" if len(kinds) == 1 and len(names) > 1 else "documents"
    who = f"{len(names)} {word} affected: {', '.join(names)}." if len(names) > 1 else f"{names[0]} is affected."
    return Finding(CODE, text[:400], f"{text} {who}", HINT, ",".join(names))


def _kept(known: Iterable[Any], unknown: set[str]) -> list[Finding]:
    """What was found before of documents that could not be looked at now."""
    return [
        Finding(row.code, row.key, row.message, row.hint, row.document)
        for row in known
        if row.code == CODE and unknown.intersection(row.document.split(","))
    ]


def _park(conn: Any, stopped: dict[str, str], looked_at: Collection[str], live: Collection[str], now: datetime) -> None:
    """Parks and lifts; only what drift itself has parked is lifted, a person's word stays."""
    ours = {row.key for row in findings.all_(conn) if row.code == PARKED}
    theirs = set(parks.parked(conn, "document", list(stopped), now)) - ours
    mended = {name for name in ours - stopped.keys() if name in looked_at or name not in live}
    for name in sorted(mended):
        holding.resume(conn, "document", name, now)
    findings.clear(conn, PARKED, sorted(mended))
    told = []
    for name, why in stopped.items():
        if name not in theirs:
            holding.pause(conn, "document", name, why, now)
            told.append(Finding(PARKED, name, f"{name} sends nothing until it is mended: {why}", HINT, name))
    findings.raise_(conn, told, now)
