"""An answer that was not understood, and now is: the fields that wait for a person get their value, and no others."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from connector import errors
from connector.core import changes as core_changes
from connector.core.changes import Plan, Reason, SetField
from connector.pipeline.again.replay import Replay
from connector.pipeline.again.retry import BUSY, hold
from connector.pipeline.again.trying import event_of
from connector.pipeline.documents.library import Library
from connector.pipeline.judging.judged import Judged
from connector.ports import CRM, Account, Clock
from connector.store import again, plans
from connector.store import changes as change_rows
from connector.store.engine import Store
from connector.store.plans import Work

Json = dict[str, Any]
Found = tuple[Plan, Reason, SetField, str, str]  # plan, reason, change, object, record


def do(
    store: Store, account: Account, crm: CRM, library: Library, clock: Clock, args: Mapping[str, Any]
) -> Json:  # fmt: skip
    """`args`: {event, by}: the live documents judge the event once more, for the fields they did not understand then.

    {event, written: [{field, value, because}], left: [{field, why}], bells}. A worker's: it reads the CRM."""
    row, now = event_of(store, str(args["event"])), clock.now()
    with ExitStack() as stack:
        lock = {f"lane:{account.id}:{row.lane}"}
        if not hold(store, lock, stack) >= lock:
            raise errors.TryAgain(BUSY, code="held")
        with store.read() as conn:
            asked = [c for c in again.ended(conn, row.id) if c.account == account.id and again.not_understood(c)]
        seen = Replay(store, account, crm, library, clock).one(row) if asked else None
        found = _found(seen[1]) if seen is not None else {}
        records = {f"record:{account.id}:{one[4]}" for one in found.values() if one[4]}
        if not hold(store, records, stack) >= records:
            raise errors.TryAgain(BUSY, code="held")
        with store.write() as conn:
            had = change_rows.of_events(conn, account.id, [row.id]).get(row.id, [])
            go, left = _sorted(conn, account.id, row, asked, found)
            rows = [_row(row, account.id, len(had) + n, one, now) for n, (_, one) in enumerate(go)]
            what = f"judged again by {args.get('by') or 'a person'}"
            if rows:
                work = Work(
                    row.id, account.id, row.seq, row.lane, 0, row.kind, row.payload, row.received_at, row.account
                )
                plans.append(conn, work, [_body(one, len(had) + n, what) for n, (_, one) in enumerate(go)], rows, now)
                again.answered(conn, [ask.seq for ask, _ in go], what, now)
    written = [{"field": one[1].field, "value": one[2].value, "because": one[1].because} for _, one in go]
    return {"event": row.id, "written": written, "left": left, "bells": [f"write:{account.id}"] if go else []}


def _found(judged: Judged) -> dict[tuple[str, str], Found]:
    """{(document, field): what it would write} of one event."""
    out: dict[tuple[str, str], Found] = {}
    for plan, ordinals in zip(judged.plans, judged.ordinals, strict=True):
        for reason in plan.reasons:
            ordinal = ordinals[reason.change] if reason.change is not None else None
            change, object_, record = judged.changes[ordinal] if ordinal is not None else (None, "", "")
            if isinstance(change, SetField):
                out[plan.document, reason.field] = (plan, reason, change, object_, record)
    return out


def _sorted(
    conn: Any, account: str, row: Any, asked: Sequence[Any], found: Mapping[tuple[str, str], Found]
) -> tuple[list[tuple[Any, Found]], list[Json]]:  # fmt: skip
    """The questions that have an answer now, and why the others have none."""
    documents = {}
    for plan in plans.of_event(conn, row.id):
        for body in (plan.body or []) if plan.account == account else []:
            for n in filter(lambda n: n is not None, body.get("ordinals", [])):
                documents[n] = body["document"]
    go, left = [], []
    for ask in asked:
        field = str(ask.body["field"])
        one = found.get((documents.get(ask.ordinal, ""), field))
        if one is None:
            left.append({"field": field, "why": "It is not understood by what is live now either."})
        elif again.newer(conn, account, one[3], one[4], row.lane, one[2].field, after=ask.seq):
            left.append({"field": field, "why": f"{field} has got a newer value since."})
        else:
            go.append((ask, one))
    return go, left


def _row(row: Any, account: str, ordinal: int, one: Found, now: Any) -> Json:
    return {
        "event": row.id, "account": account, "ordinal": ordinal, "lane": row.lane, "object": one[3], "record": one[4],
        "kind": SetField.kind, "body": core_changes.dump(one[2]), "state": "new", "attempts": 0, "next_at": now,
    }  # fmt: skip


def _body(one: Found, ordinal: int, what: str) -> Json:
    reason = replace(one[1], because=f"{what}: {one[1].because}", change=0)
    plan = replace(one[0], because=what, changes=(), reasons=(reason,), outcome="")
    return core_changes.dump_plan(plan) | {"ordinals": [ordinal], "replayed": True}
