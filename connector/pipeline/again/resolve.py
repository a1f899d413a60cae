"""A person's answer to questions: they are closed, and each event that asked is judged once more, in its lane."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connector.core import events
from connector.core.events import InboundMessage, Resolved
from connector.core.text import clean
from connector.ids import new_id
from connector.pipeline.judging.resolved import CREATE
from connector.store import events as event_rows
from connector.store import plans, resolving
from connector.store.engine import Store
from connector.store.resolving import WHO

AT_ONCE = 100  # questions of one transaction
OTHER = "This question is not about whose record it is."


@dataclass(slots=True)
class Answered:
    """What an answer came to: questions answered, the new events, why others stay open, and what to ring."""

    answered: int = 0
    events: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    bells: set[str] = field(default_factory=set)


def answer(store: Store, seqs: Sequence[int], choice: str, by: str, now: datetime, object: str = "") -> Answered:
    """Whose record it is: `choice` is a record's id, or `create`. `seqs` are rows of changes.

    A question that has been answered meanwhile is passed over; twice is as good as once."""
    done, word = Answered(), Resolved(id="", ask="", choice=choice, object=object, by=by)
    for first in range(0, len(seqs), AT_ONCE):
        with store.write() as conn:
            rows = resolving.open_asks(conn, seqs[first : first + AT_ONCE])
            asked = resolving.events_by_id(conn, {row.event for row in rows})
            lanes = resolving.lanes(conn, {row.lane for row in rows})
            for group in _by_event(rows):
                _one(conn, group, asked[group[0].event], lanes, word, now, done)
    return done


def _by_event(rows: Sequence[Any]) -> list[list[Any]]:
    """The questions of one event in one account: they are one answer."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.event, row.account), []).append(row)
    return list(found.values())


def _one(
    conn: Any, rows: Sequence[Any], event: Any, lanes: Mapping[str, str], word: Resolved, now: datetime, done: Answered
) -> None:
    if event.kind != InboundMessage.kind or any(row.body.get("why") not in WHO for row in rows):
        done.left.append(OTHER)
        return
    told = {"text": _text(word), "resolved": (id_ := new_id())}
    mine = [row for row in rows if resolving.close(conn, row, "done", told, now)]
    if not mine:
        return
    done.answered += len(mine)
    documents = tuple(dict.fromkeys(_document(conn, row) for row in mine))
    key = f"resolved:{event.id}:{mine[0].seq}"
    fresh = replace(word, id=key, at=now, ask=event.id, documents=documents, text=_said(event))
    row = {
        "id": id_, "delivery": None, "account": event.account, "dedupe_key": fresh.id, "kind": fresh.kind,
        "lane": lanes[mine[0].lane], "payload": events.dump(fresh), "received_at": now, "state": "new", "attempts": 0,
    }  # fmt: skip
    event_rows.add(conn, [row], [mine[0].account])
    done.events.append(id_)
    done.bells.add(f"handle:{mine[0].account}")


def _said(event: Any) -> str:
    return clean(str(event.payload.get("text") or ""), 200)


def _text(word: Resolved) -> str:
    what = "a new record" if word.choice == CREATE else f"{word.object} {word.choice}".strip()
    return f"{word.by}: {what}"


def _document(conn: Any, row: Any) -> str:
    """Who asked: noted beside the question, else found by its place in the plan."""
    noted = (row.outcome or {}).get("document")
    if noted:
        return str(noted)
    bodies = [b for plan in plans.of_event(conn, row.event) if plan.account == row.account for b in plan.body or []]
    return str(next((b["document"] for b in bodies if row.ordinal in b.get("ordinals", [])), ""))
