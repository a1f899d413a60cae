"""Replay as a task: the last days judged anew, a page at a time, with a summary and the first rows of the diff."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connector import errors
from connector.base import crm_kinds
from connector.connections import Connections
from connector.core import documents as language
from connector.core import events
from connector.core.contact import Record
from connector.core.documents import MappingDocument
from connector.pipeline.again.replay import Replay
from connector.pipeline.chores.tasks import Progress
from connector.store import documents as document_rows
from connector.store import events as event_rows
from connector.store.tasks import Task

SHOWN = 500  # rows of the diff
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_since(text: str, now: datetime) -> datetime:
    """An ISO time (UTC when it names no zone), or an age: 30m 12h 7d. Raises Rejected."""
    try:
        if text[-1:] in UNITS and text.isascii() and text[:-1].isdigit():
            return now - timedelta(**{UNITS[text[-1]]: int(text[:-1])})
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        hint = "Write a time (2026-11-22T10:00Z) or an age (30m, 12h, 7d)."
        raise errors.Rejected(f"{text!r} is no time.", hint=hint, code="since") from None


def replays(connections: Connections, document: MappingDocument | None, apply: bool) -> Iterator[Replay]:
    """One for each CRM account with something to judge by. Raises NotFound where the document's is not connected."""
    c = connections
    crms = [a for a in c.accounts() if a.kind in crm_kinds()]
    if document is not None and document.crm not in [a.name for a in crms]:
        raise errors.NotFound(f"There is no account named {document.crm!r}.", code="account")
    for account in crms:
        judges = document.crm == account.name if document else bool(c.library.shelf(account.name).live)
        if judges:
            yield Replay(c.store, account, c.crm(account), c.library, c.clock, document, apply)


def mapping(text: str) -> MappingDocument:
    """A document that judges replies. Raises BadDocument, Rejected."""
    found = language.read(text)
    if not isinstance(found, MappingDocument):
        why = f"This is a {found.kind}: document; replies are judged by mappings."
        raise errors.Rejected(why, hint="A message is never sent again.", code="no_mapping")
    return found


@dataclass(slots=True)
class Report:
    """What a replay came to so far."""

    judged: int = 0  # messages, once for each account
    talked: int = 0  # of them, those a conversation took: conversations are not replayed
    changes: int = 0
    by_field: dict[tuple[str, str, str], int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, entry: dict[str, Any]) -> None:
        self.changes += 1
        key = entry["account"], entry["document"], entry["field"]
        self.by_field[key] = self.by_field.get(key, 0) + 1
        if len(self.rows) < SHOWN:
            self.rows.append(entry)

    def as_json(self) -> dict[str, Any]:
        names = ("account", "document", "field")
        by_field = [dict(zip(names, key, strict=True)) | {"changes": n} for key, n in self.by_field.items()]
        told = {"judged": self.judged, "changes": self.changes, "by_field": by_field, "rows": self.rows}
        return told | ({"conversations": self.talked} if self.talked else {})

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Report":
        by_field = {(f["account"], f["document"], f["field"]): f["changes"] for f in given["by_field"]}
        talked = given.get("conversations", 0)
        return cls(given["judged"], talked, given["changes"], by_field, list(given["rows"]))


@dataclass(slots=True)
class _Run:
    """One task: which account it is at, and what it takes to go on there."""

    connections: Connections
    progress: Progress
    report: Report
    at: str = ""  # the account
    total: int = 0

    def cursor(self, replay: Replay) -> dict[str, Any]:
        carried = {lane: [_dumped(r) for r in replay.carried.get(lane, ())] for lane in replay.changed}
        return {"account": replay.account.id, "seen": replay.seen, "carried": carried, "report": self.report.as_json()}

    def one(self, replay: Replay, start: datetime) -> None:
        """One account's events."""
        before = self.report.judged

        def page(done: int) -> None:
            self.report.judged = before + done
            self.progress(self.report.judged, self.total, lambda: self.cursor(replay))

        for entry in replay.run(start, page):
            self.report.add(entry)
        self.report.talked += replay.talked


def replay_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{since, document?: {text} | {name, version?}, apply} -> {events, judged, changes, by_field, rows, more, applied}.

    Goes on from its cursor. What is repeated of an interrupted page adds nothing (docs/decisions/0015)."""
    start = parse_since(task.args["since"], task.at)
    document, apply = _document(connections, task.args.get("document")), bool(task.args.get("apply"))
    cursor = progress.cursor
    report = Report.of(cursor["report"]) if cursor else Report()
    todo = list(replays(connections, document, apply))
    with connections.store.read() as conn:
        total = event_rows.count_since(conn, start, events.InboundMessage.kind) * len(todo)
    progress(report.judged, total)
    run = _Run(connections, progress, report, total=total)
    for replay in _left(todo, cursor):
        run.one(replay, start)
        if apply:
            connections.bell.ring(f"write:{replay.account.id}")
    events_ = report.judged // max(1, len(todo))
    return report.as_json() | {"events": events_, "more": report.changes - len(report.rows), "applied": apply}


def _left(todo: list[Replay], cursor: Any) -> list[Replay]:
    """The accounts that are still to be done, the first of them from where it was left."""
    if not cursor:
        return todo
    place = next((n for n, replay in enumerate(todo) if replay.account.id == cursor["account"]), 0)
    first = todo[place]
    first.seen = cursor["seen"]
    first.carried = {lane: tuple(_loaded(r) for r in records) for lane, records in cursor["carried"].items()}
    first.changed = set(first.carried)
    return todo[place:]


def _dumped(record: Record) -> dict[str, Any]:
    return asdict(record) | {"modified": record.modified.isoformat() if record.modified else None}


def _loaded(given: Mapping[str, Any]) -> Record:
    modified = given["modified"]
    return Record(**{**given, "modified": datetime.fromisoformat(modified) if modified else None})


def _document(connections: Connections, given: Mapping[str, Any] | None) -> MappingDocument | None:
    """What is live when none is given; a text; or a version of a document, the newest when none is named."""
    if not given:
        return None
    if given.get("text"):
        return mapping(given["text"])
    name, version = given["name"], given.get("version")
    with connections.store.read() as conn:
        row = document_rows.get(conn, name, int(version)) if version else document_rows.latest(conn, name)
    if row is None:
        what = f"{name!r} has no version {version}." if version else f"There is no document named {name!r}."
        raise errors.NotFound(what, code="document")
    return mapping(row.text)
