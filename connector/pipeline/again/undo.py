"""Undo: the field writes of one event taken back, where the value at the CRM is still ours; and done again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector import errors
from connector.core import changes as core_changes
from connector.core.canonical import canonical
from connector.core.changes import Plan, Reason, SetField
from connector.core.contact import RecordRef, Value
from connector.pipeline.again.retry import BUSY, hold
from connector.pipeline.again.trying import event_of
from connector.pipeline.documents.library import Library
from connector.pipeline.people.lookup import read_records
from connector.ports import CRM, Account, Clock
from connector.store import changes as change_rows
from connector.store import plans
from connector.store.engine import Store
from connector.store.plans import Work

Json = dict[str, Any]
Place = tuple[str, str]
# What stays, in plain words.
STAYS = {
    "LogActivity": "The timeline entry stays: delete it in the CRM.",
    "CreateTask": "The task stays: close it in the CRM.",
    "AttachFile": "The file stays: delete it in the CRM.",
    "SendMessage": "The message to the customer cannot be taken back.",
    "SetConsent": "Consent is the person's own word and stays.",
    "Notify": "The other system was told already.",
    "CompleteAction": "The workflow in the CRM went on already.",
    "StartFlow": "The conversation was begun already.",
    "Handoff": "A person took over already.",
}
UNNOTED = "It was not noted what stood there before."


@dataclass(frozen=True, slots=True)
class Step:
    """One field that could go back: from `ours` to `before`; `why` is the reason it cannot."""

    document: str
    version: int
    field: str  # as the document writes it: deal.dealstage
    name: str
    place: Place
    ours: Value
    before: Value
    seq: int
    why: str = ""


def do(
    store: Store, account: Account, crm: CRM, library: Library, clock: Clock, args: Mapping[str, Any]
) -> Json:  # fmt: skip
    """`args`: {event, by, again: true = do what was undone again, dry: true = only say what would happen}.

    {event, undone: [{field, record, from, to}], kept: [{field, record, why, now}], stays: [text], bells}. A worker's:
    it reads the CRM. Twice is as good as once."""
    del library
    row = event_of(store, str(args["event"]))
    redo, now, ids = bool(args.get("again")), clock.now(), frozenset(crm.can.identity.values())
    with store.read() as conn:
        steps = _steps(conn, account.id, row.id, ids, redo=redo)
        stays = _stays(conn, account.id, row.id)
    with ExitStack() as stack:
        names = {f"lane:{account.id}:{row.lane}"} | {f"record:{account.id}:{s.place[1]}" for s in steps if s.place[1]}
        if steps and not hold(store, names, stack) >= names:
            raise errors.TryAgain(BUSY, code="held")
        with store.read() as conn:  # under the locks: somebody may have been quicker
            steps = _steps(conn, account.id, row.id, ids, redo=redo)
        looked = list(_looked(store, account, crm, steps))
        go = [(step, place) for step, place, _ in looked if not step.why]
        kept = [_kept(step, live) for step, _, live in looked if step.why]
        if go and not args.get("dry"):
            _store(store, account, row, go, str(args.get("by", "")), now, redo=redo)
    done = [
        {"field": s.field, "record": f"{place[0]} {place[1]}", "from": s.ours, "to": s.before} for s, place in go
    ]  # fmt: skip
    bells = [f"write:{account.id}"] if go and not args.get("dry") else []
    return {"event": row.id, "undone": done, "kept": kept, "stays": stays, "bells": bells}


def _kept(step: Step, live: Any) -> Json:
    return {"field": step.field, "record": " ".join(step.place).strip(), "why": step.why, "now": live}


# ---- what the event wrote ----------------------------------------------------------------------------------------
def _steps(conn: Any, account: str, event: str, ids: frozenset[str], *, redo: bool) -> list[Step]:
    """The last word of this event on each field, with what stood there before it; our own ids stay on the record."""
    rows = {c.ordinal: c for c in change_rows.of_event(conn, event) if c.account == account and c.kind == "SetField"}
    noted = dict(_noted(conn, account, event))
    last = {(c.object, c.record or c.lane, c.body["field"]): n for n, c in sorted(rows.items())}
    ours = {n for n in last.values() if n not in noted and rows[n].body["field"] in ids}
    return [_step(conn, rows[n], noted.get(n), redo=redo) for n in sorted(last.values()) if n not in ours]


def _noted(conn: Any, account: str, event: str) -> Iterator[tuple[int, tuple[Mapping[str, Any], Mapping[str, Any]]]]:
    """(ordinal, (plan, reason)) of every change a plan gives a reason for."""
    for plan in plans.of_event(conn, event):
        for body in (plan.body or []) if plan.account == account else []:
            for reason in body["reasons"]:
                n = reason.get("change")
                ordinal = body.get("ordinals", [])[n] if n is not None else None
                if ordinal is not None:
                    yield ordinal, (body, reason)


def _step(conn: Any, row: Any, noted: tuple[Mapping[str, Any], Mapping[str, Any]] | None, *, redo: bool) -> Step:
    body, reason = noted or ({}, {})
    undone = bool(body.get("undone"))
    why = ""
    if noted is None:
        why = UNNOTED
    elif row.state in ("new", "in_flight"):
        why = "It waits to be written: try again when it is."
    elif row.state != "done":
        why = "It was never written."
    elif undone != redo:
        why = "It was never undone." if redo else "It is undone already."
    elif _pending(conn, row):
        why = "A newer value waits to be written."
    return Step(
        body.get("document", ""), body.get("version", 0), reason.get("field", row.body["field"]), row.body["field"],
        (row.object, row.record), row.body.get("value"), reason.get("before"), row.seq, why,
    )  # fmt: skip


def _pending(conn: Any, row: Any) -> bool:
    found = change_rows.pending_values(conn, row.account, [row.lane], [row.record] if row.record else [])
    return any(p.body["field"] == row.body["field"] and p.record in ("", row.record) for p in found)


def _stays(conn: Any, account: str, event: str) -> list[str]:
    done = [c for c in change_rows.of_event(conn, event) if c.account == account and c.state == "done"]
    return list(dict.fromkeys(STAYS[c.kind] for c in done if c.kind in STAYS))


# ---- what stands there now ---------------------------------------------------------------------------------------
def _looked(
    store: Store, account: Account, crm: CRM, steps: Sequence[Step]
) -> Iterator[tuple[Step, Place, Any]]:  # fmt: skip
    """(the step, its record as it is called now, the live value)."""
    asked: dict[str, tuple[set[str], set[str]]] = {}
    for step in steps:
        if not step.why and step.place[1]:
            ids, fields = asked.setdefault(step.place[0], (set(), set()))
            ids.add(step.place[1])
            fields.add(step.name)
    found = read_records(crm, asked)
    for step in steps:
        record = found.get(step.place)
        if step.why:
            yield step, step.place, None
        elif record is None:
            yield replace(step, why="Its record is not there any more."), step.place, None
        else:
            live = record.fields.get(step.name)
            same = canonical(live) == canonical(step.ours)
            place = (record.object, record.id)
            yield (step if same else replace(step, why=_changed(store, account, step, place, live))), place, live


def _changed(store: Store, account: Account, step: Step, place: Place, live: Value) -> str:
    """Who it was, as far as we know: a later message of ours, or somebody else."""
    with store.read() as conn:
        later = change_rows.last_written(conn, account.id, place[1], step.name, after=step.seq)
    shown = canonical(live) or "empty"
    if later is not None and canonical(later.body.get("value")) == canonical(live):
        return f"changed since by a later event ({later.event}): now {shown}"
    return f"changed since by somebody else: now {shown}"


# ---- written down ------------------------------------------------------------------------------------------------
def _store(
    store: Store, account: Account, row: Any, go: Sequence[tuple[Step, Place]], by: str, now: datetime, *, redo: bool
) -> None:  # fmt: skip
    """New changes behind the event's others; the ordinary writer carries them out, and knows them as its own."""
    work = Work(row.id, account.id, row.seq, row.lane, 0, row.kind, row.payload, row.received_at, row.account)
    what = f"{'done again' if redo else 'undone'} by {by or 'a person'}"
    with store.write() as conn:
        had = change_rows.of_events(conn, account.id, [row.id]).get(row.id, [])
        rows = [
            {
                "event": row.id, "account": account.id, "ordinal": len(had) + n, "lane": row.lane, "object": place[0],
                "record": place[1], "kind": SetField.kind, "attempts": 0, "state": "new", "next_at": now,
                "body": core_changes.dump(
                    SetField(record=RecordRef(account.id, *place), object=place[0], field=step.name, value=step.before)
                ),
            }
            for n, (step, place) in enumerate(go)
        ]  # fmt: skip
        plans.append(conn, work, _body(go, what, len(had), undone=not redo), rows, now)


def _body(go: Sequence[tuple[Step, Place]], what: str, first: int, *, undone: bool) -> list[Json]:
    """One entry for each document whose fields go back."""
    out = []
    for name, version in dict.fromkeys((step.document, step.version) for step, _ in go):
        mine = [(n, step) for n, (step, _) in enumerate(go) if (step.document, step.version) == (name, version)]
        reasons = tuple(
            Reason(
                field=s.field, because=f"{what}: {_word(s.ours)} -> {_word(s.before)}", outcome="write", code="undone",
                value=s.before, before=s.ours, change=k,
            )
            for k, (_, s) in enumerate(mine)
        )  # fmt: skip
        plan = Plan(document=name, version=version, matched=True, because=what, reasons=reasons)
        ordinals = [first + n for n, _ in mine]
        out.append(core_changes.dump_plan(plan) | {"undone": undone, "ordinals": ordinals})
    return out


def _word(value: Value) -> str:
    return "empty" if value in (None, "") else str(value)
