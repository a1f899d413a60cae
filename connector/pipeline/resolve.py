"""A person's answer to questions: they are closed, and each event that asked is judged once more, in its lane."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from connector.core import events
from connector.core.events import InboundMessage, Resolved
from connector.ids import new_id
from connector.pipeline.resolved import AGAIN, CREATE
from connector.store import again, plans, resolving
from connector.store import events as event_rows
from connector.store.engine import Store
from connector.store.resolving import WHO

AT_ONCE = 100  # questions of one transaction
IN_CRM = "Answer it in the CRM, then let the record change once more."
NEWER = "A newer answer stands in this field: nothing is written."


@dataclass(slots=True)
class Answered:
    """What an answer came to: questions answered, the new events, why others stay open, and what to ring."""

    answered: int = 0
    events: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    bells: set[str] = field(default_factory=set)


def answer(store: Store, seqs: Sequence[int], choice: str, by: str, now: datetime, object: str = "") -> Answered:
    """`choice`: a record's id, `create`, or `again`: judge these messages once more, as what was missing is there.

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
    """The questions of one event in one account, of one sort: they are one answer."""
    found: dict[tuple[str, str, bool], list[Any]] = {}
    for row in rows:
        found.setdefault((row.event, row.account, row.body.get("why") in WHO), []).append(row)
    return list(found.values())


def _one(
    conn: Any, rows: Sequence[Any], event: Any, lanes: Mapping[str, str], word: Resolved, now: datetime, done: Answered
) -> None:
    who = rows[0].body.get("why") in WHO
    why_not = _why_not(event, word, rows, who=who)
    if why_not:
        done.left.append(why_not)
        return
    told = {"text": _text(word), "resolved": (id_ := new_id())}
    late = [row for row in rows if not who and again.overtaken(conn, _written(row))]
    for row in late:
        done.answered += resolving.close(conn, row, "done", {"text": NEWER}, now)
    mine = [row for row in rows if row not in late and resolving.close(conn, row, "done", told, now)]
    if not mine:
        return
    done.answered += len(mine)
    fresh = Resolved(
        id=f"resolved:{event.id}:{mine[0].seq}", at=now, ask=event.id, choice=word.choice, object=word.object,
        by=word.by, documents=tuple(dict.fromkeys(_document(conn, row) for row in mine)),
        fields=() if who else tuple(dict.fromkeys(str(row.body["field"]) for row in mine)),
    )  # fmt: skip
    account = mine[0].account
    row = {
        "id": id_, "delivery": None, "account": event.account, "dedupe_key": fresh.id, "kind": fresh.kind,
        "lane": lanes[mine[0].lane], "payload": events.dump(fresh), "received_at": now, "state": "new", "attempts": 0,
    }  # fmt: skip
    event_rows.add(conn, [row], [account])
    done.events.append(id_)
    done.bells.add(f"handle:{account}")


def _written(row: Any) -> Any:
    """The question as if it were the change of its field: deal.dealstage is the deal's `dealstage`."""
    name = str(row.body["field"]).rpartition(".")[2]
    return SimpleNamespace(lane=row.lane, record=row.record, account=row.account, seq=row.seq, body={"field": name})


def _why_not(event: Any, word: Resolved, rows: Sequence[Any], *, who: bool) -> str:
    if event.kind != InboundMessage.kind:
        return IN_CRM
    if not who and (word.choice != AGAIN or not all(row.body.get("field") for row in rows)):
        return "This question is not about whose record it is."
    return ""


def _text(word: Resolved) -> str:
    what = {AGAIN: "judged once more", CREATE: "a new record"}.get(word.choice, f"{word.object} {word.choice}".strip())
    return f"{word.by}: {what}"


def _document(conn: Any, row: Any) -> str:
    """Who asked: noted beside the question, else found by its place in the plan."""
    noted = (row.outcome or {}).get("document")
    if noted:
        return str(noted)
    bodies = [b for plan in plans.of_event(conn, row.event) if plan.account == row.account for b in plan.body or []]
    return str(next((b["document"] for b in bodies if row.ordinal in b.get("ordinals", [])), ""))
