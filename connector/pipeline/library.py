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
class Shelf:
    """One CRM account's documents: mappings judge its replies, send: documents its own events."""

    live: tuple[Live, ...] = ()
    sends: tuple[LiveSend, ...] = ()
    awaited: frozenset[str] = frozenset()  # templates and steps that some document waits for
    longest: timedelta = timedelta(hours=24)  # the longest `within`
    shadows: tuple[Live, ...] = ()  # versions that judge beside the live ones and write nothing
    shadow_sends: tuple[LiveSend, ...] = ()

    def at(self, received_at: datetime) -> list[Live]:
        """Documents published before this event came in; a new document never floods with the past."""
        return [item for item in self.live if item.since <= received_at]

    def sends_at(self, received_at: datetime) -> list[LiveSend]:
        """The same of send: documents."""
        return [item for item in self.sends if item.since <= received_at]

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
    for row in rows:
        document = language.read(row.text)
        if isinstance(document, SendDocument):
            sends.setdefault(document.crm, []).append(LiveSend(document, row.n, row.first_live_at))
        elif not isinstance(document, FlowDocument):
            mappings.setdefault(document.crm, []).append(Live(document, row.n, row.first_live_at))
    shelves = {n: shelf_of(mappings.get(n, []), sends.get(n, [])) for n in mappings.keys() | sends.keys()}
    # What a reply answers does not depend on who asks: one list for every account.
    awaited = frozenset[str]().union(*(shelf.awaited for shelf in shelves.values()))
    longest = max((shelf.longest for shelf in shelves.values()), default=Shelf().longest)
    return {name: Shelf(shelf.live, shelf.sends, awaited, longest) for name, shelf in shelves.items()}


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
        elif not isinstance(document, FlowDocument):
            shelves[document.crm] = replace(shelf, shadows=(*shelf.shadows, Live(document, row.n, row.first_live_at)))
    return shelves


def shelf_of(items: list[Live], sends: Sequence[LiveSend] = ()) -> Shelf:
    """The documents of one account in name order, and what they wait for."""
    items.sort(key=lambda item: item.document.name)
    awaited = frozenset(step for item in items for step in item.document.answer_to or ())
    awaited |= frozenset(f"{item.document.name}.{name}" for item in items for name in item.document.asks)
    awaited |= frozenset(item.document.template for item in sends)  # `after: replied`
    longest = max((item.document.within for item in items), default=Shelf().longest)
    by_name = tuple(sorted(sends, key=lambda item: item.document.name))
    return Shelf(tuple(items), by_name, awaited, longest)
