"""The live documents, compiled once; a publish is noticed at the next drain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connector.core import documents as language
from connector.core.documents import FlowDocument, MappingDocument, SendDocument
from connector.errors import BadDocument
from connector.store import catalogue
from connector.store import documents as document_rows
from connector.store.engine import Store

KEPT = 200  # versions of flows that stay compiled


@dataclass(frozen=True, slots=True)
class Live:
    """One live document, its version, and since when the document is live at all."""

    document: MappingDocument
    version: int
    since: datetime


@dataclass(frozen=True, slots=True)
class LiveSend:
    """One live send: document."""

    document: SendDocument
    version: int
    since: datetime


@dataclass(frozen=True, slots=True)
class LiveFlow:
    """One live flow: document."""

    document: FlowDocument
    version: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Shelf:
    """One CRM account's documents: mappings judge its replies, send: documents its own events."""

    live: tuple[Live, ...] = ()
    sends: tuple[LiveSend, ...] = ()
    awaited: frozenset[str] = frozenset()  # templates and steps that some document waits for
    longest: timedelta = timedelta(hours=24)  # the longest `within`
    shadows: tuple[Live, ...] = ()  # versions that judge beside the live ones and write nothing
    shadow_sends: tuple[LiveSend, ...] = ()
    flows: tuple[LiveFlow, ...] = ()
    named: frozenset[str] = frozenset()  # templates and steps that this account's mappings name

    def at(self, received_at: datetime) -> list[Live]:
        """Documents published before this event came in; a new document never floods with the past."""
        return [item for item in self.live if item.since <= received_at]

    def sends_at(self, received_at: datetime) -> list[LiveSend]:
        """The same of send: documents."""
        return [item for item in self.sends if item.since <= received_at]

    def flows_at(self, received_at: datetime) -> list[LiveFlow]:
        """The same of flow: documents."""
        return [item for item in self.flows if item.since <= received_at]

    def flow(self, name: str) -> LiveFlow | None:
        """The live flow: document of this name."""
        return next((item for item in self.flows if item.document.name == name), None)

    def send(self, name: str) -> LiveSend | None:
        """The live send: document of this name."""
        return next((item for item in self.sends if item.document.name == name), None)


class Library:
    """Shelves by CRM account name, read again when the store's generation moves."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._generation: Any = None
        self._shelves: dict[str, Shelf] = {}
        self._catalogue: dict[tuple[str, str], dict[str, Any]] = {}
        self._fields: dict[tuple[str, str], frozenset[str]] = {}
        self._versions: dict[tuple[str, int], FlowDocument | None] = {}

    def shelf(self, account_name: str) -> Shelf:
        """The live documents of one CRM account."""
        with self._store.read() as conn:
            generation = document_rows.generation(conn)
            rows = document_rows.live(conn) if generation != self._generation else None
            shades = document_rows.shadows(conn) if rows is not None else ()
        if rows is not None:
            self._shelves = beside(build(rows), shades)
            self._generation = generation
            self._catalogue.clear()
            self._fields.clear()
        return self._shelves.get(account_name, Shelf())

    def flow(self, name: str, version: int) -> FlowDocument | None:
        """One version of a flow, whatever its state: what runs stays on it. None when it cannot be read."""
        key = (name, version)
        if key not in self._versions:
            with self._store.read() as conn:
                row = document_rows.get(conn, name, version)
            try:
                found = language.read(row.text) if row is not None else None
            except BadDocument:
                found = None
            if len(self._versions) >= KEPT:
                self._versions.clear()
            self._versions[key] = found if isinstance(found, FlowDocument) else None
        return self._versions[key]

    def options(self, account: str, object_: str) -> dict[str, Any]:
        """{field: {"options": [...]}} of the cached catalogue: the CRM's own order, for if_further."""
        key = (account, object_)
        if key not in self._catalogue:
            with self._store.read() as conn:
                body = catalogue.get(conn, account, object_) or []
            self._catalogue[key] = {
                f["name"]: {"options": [o[0] for o in f["options"]]} for f in body if f.get("options")
            }
        return self._catalogue[key]

    def fields(self, account: str, object_: str) -> frozenset[str]:
        """The names of the CRM's fields, of the cached catalogue."""
        key = (account, object_)
        if key not in self._fields:
            with self._store.read() as conn:
                self._fields[key] = frozenset(f["name"] for f in catalogue.get(conn, account, object_) or [])
        return self._fields[key]


def build(rows: Sequence[Any]) -> dict[str, Shelf]:
    """Shelves from live rows; every text was checked when it was published."""
    mappings: dict[str, list[Live]] = {}
    sends: dict[str, list[LiveSend]] = {}
    flows: dict[str, list[LiveFlow]] = {}
    for row in rows:
        document = language.read(row.text)
        if isinstance(document, SendDocument):
            sends.setdefault(document.crm, []).append(LiveSend(document, row.n, row.first_live_at))
        elif isinstance(document, FlowDocument):
            flows.setdefault(document.crm, []).append(LiveFlow(document, row.n, row.first_live_at))
        else:
            mappings.setdefault(document.crm, []).append(Live(document, row.n, row.first_live_at))
    names = mappings.keys() | sends.keys() | flows.keys()
    shelves = {n: shelf_of(mappings.get(n, []), sends.get(n, []), flows.get(n, ())) for n in names}
    # What a reply answers does not depend on who asks: one list for every account.
    awaited = frozenset[str]().union(*(shelf.awaited for shelf in shelves.values()))
    longest = max((shelf.longest for shelf in shelves.values()), default=Shelf().longest)
    return {name: replace(shelf, awaited=awaited, longest=longest) for name, shelf in shelves.items()}


def beside(shelves: dict[str, Shelf], rows: Sequence[Any]) -> dict[str, Shelf]:
    """The shelves with the shadows; one that cannot be read any more is left out."""
    for row in rows:
        try:
            document = language.read(row.text)
        except BadDocument:
            continue
        shelf = shelves.get(document.crm, Shelf())
        if isinstance(document, SendDocument):
            shade = LiveSend(document, row.n, row.first_live_at)
            shelves[document.crm] = replace(shelf, shadow_sends=(*shelf.shadow_sends, shade))
        elif not isinstance(document, FlowDocument):  # a conversation has one voice: a flow has no shadow
            shelves[document.crm] = replace(shelf, shadows=(*shelf.shadows, Live(document, row.n, row.first_live_at)))
    return shelves


def shelf_of(items: list[Live], sends: Sequence[LiveSend] = (), flows: Sequence[LiveFlow] = ()) -> Shelf:
    """The documents of one account in name order, and what they wait for."""
    items.sort(key=lambda item: item.document.name)
    named = frozenset(step for item in items for step in item.document.answer_to or ())
    asked = frozenset(f"{item.document.name}.{name}" for item in items for name in item.document.asks)
    named |= asked
    awaited = named | frozenset(item.document.template for item in sends)  # `after: replied`
    for one in flows:
        awaited |= one.document.answer_to | frozenset(_full(one.document.name, step) for step in one.document.asks)
    longest = max((item.document.within for item in items), default=Shelf().longest)
    by_name = tuple(sorted(sends, key=lambda item: item.document.name))
    by_flow = tuple(sorted(flows, key=lambda item: item.document.name))
    return Shelf(tuple(items), by_name, awaited, longest, flows=by_flow, named=named)


def _full(flow: str, step: str) -> str:
    return step if "." in step else f"{flow}.{step}"
