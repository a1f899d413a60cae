"""A person's word on a question, inside the handler: the message is judged once more, in its lane, by who asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.core import events
from connector.core.contact import Record, RecordRef
from connector.core.events import InboundMessage, Resolved, TimerDue
from connector.pipeline.documents.library import Live
from connector.store import resolving
from connector.store.plans import Work

CREATE = "create"
PERSON = "person"  # how the record was found
Judging = tuple[Work, InboundMessage, Resolved | None]


def messages(conn: Any, work: Sequence[Work]) -> list[Judging]:
    """The messages among these; a person's word stands for the message it is about, with that one's time."""
    loaded = [(one, events.load(one.kind, one.payload)) for one in work]
    asked = {e.ask for _, e in loaded if isinstance(e, Resolved)}
    rows = resolving.events_by_id(conn, asked) if asked else {}
    out: list[Judging] = []
    for one, event in loaded:
        if isinstance(event, InboundMessage):
            out.append((one, event, None))
        elif isinstance(event, Resolved) and (row := rows.get(event.ask)) is not None:
            first = events.load(row.kind, row.payload)
            if isinstance(first, InboundMessage):
                out.append((replace(one, received_at=row.received_at, source=row.account), first, event))
    return out


def timers(work: Sequence[Work]) -> dict[str, TimerDue]:
    """{event: what a conversation waited for} of those among these."""
    loaded = {one.event: events.load(one.kind, one.payload) for one in work if one.kind == TimerDue.kind}
    return {key: event for key, event in loaded.items() if isinstance(event, TimerDue)}


def chosen(account: str, inbound: Iterable[Judging]) -> dict[str, RecordRef]:
    """{lane: the record a person chose}; the CRM is asked for just that one."""
    return {
        work.lane: RecordRef(account, word.object, word.choice)
        for work, _, word in inbound if word is not None and word.choice != CREATE
    }  # fmt: skip


def asking(live: Iterable[Live], word: Resolved | None) -> list[Live]:
    """The documents that may judge: all of them, or those whose question a person answered."""
    if word is None:
        return list(live)
    mine = [item for item in live if item.document.name in word.documents]
    if word.choice != CREATE:
        return mine
    return [replace(item, document=replace(item.document, if_missing="create")) for item in mine]


def own(found: tuple[Record, ...], word: Resolved | None, linked: RecordRef | None) -> tuple[Record, ...]:
    """The records of a lane under a person's word: the one that was chosen, or none where a new one is wanted."""
    if word is None:
        return found
    if word.choice == CREATE:
        return () if linked is None else found
    mine = tuple(r for r in found if (r.object, r.id) == (word.object, word.choice) or word.choice in (r.id, r.was))
    return mine or found


def links(
    account: str, words: Mapping[str, Resolved], records: Mapping[str, tuple[Record, ...]]
) -> dict[str, RecordRef]:
    """The chosen records, as far as the CRM still has them."""
    return {
        lane: RecordRef(account, records[lane][0].object, records[lane][0].id)
        for lane, word in words.items()
        if word.choice != CREATE and len(records.get(lane, ())) == 1 and records[lane][0].id
    }
