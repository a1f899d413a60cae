"""What stands around the why of one event: the message it answers, its times in their order, its raw bytes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.pipeline.why.said import text_of
from connector.store import changes, conversation, deliveries, plans
from connector.store.engine import Store
from connector.store.sends import RANKS

LONGEST = 64 * 1024  # characters of raw data on a page


@dataclass(frozen=True, slots=True)
class Before:
    """The message of ours that an event answers."""

    send: str
    event: str  # what sent it, "" = another tool
    at: datetime
    name: str  # template, or step, or document
    language: str
    text: str  # "" = not known
    state: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the time line. `what`: said happened received judged written attempt, or a status."""

    at: datetime
    what: str
    about: str = ""  # an account, or a message
    n: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """All of it. `seconds` from the first moment to the last, None while the event waits."""

    before: Before | None
    times: list[Moment]
    seconds: float | None


def around(store: Store, event: Mapping[str, Any], names: Mapping[str, str]) -> Around | None:
    """Of one event as `why.explain` tells it."""
    with store.read() as conn:
        row = conversation.one(conn, event["event"])
        if row is None:
            return None
        sent = conversation.answered(conn, row)
        before = None if sent is None else Before(
            sent.id, sent.event or "", sent.at, sent.template or sent.step or sent.document, sent.language,
            text_of(conn, sent), sent.state,
        )  # fmt: skip
        made, changed = plans.of_event(conn, row.id), changes.of_event(conn, row.id)
    times = sorted([*_own(row, made, changed, names), *_of_sends(event)], key=_place)
    ended = event["state"] != "waiting" and len(times) > 1
    return Around(before, times, max(0.0, (times[-1].at - times[0].at).total_seconds()) if ended else None)


_ORDER = ("said", "happened", "received", "judged", "attempt", *RANKS, "written")


def _place(moment: Moment) -> tuple[datetime, int]:
    """Vendors' times are whole seconds: within one, the way things go."""
    order = _ORDER.index(moment.what) if moment.what in _ORDER else len(_ORDER)
    return moment.at.replace(microsecond=0), order


def _own(row: Any, made: Any, changed: Any, names: Mapping[str, str]) -> Iterator[Moment]:
    if (at := row.payload.get("at")) and (moment := datetime.fromisoformat(at)) <= row.received_at:
        yield Moment(moment, "said" if row.kind == "InboundMessage" else "happened")
    yield Moment(row.received_at, "received", names.get(row.account, ""))
    for plan in made:
        if plan.done_at is not None:
            yield Moment(plan.done_at, "judged", names.get(plan.account, plan.account))
    written: dict[tuple[str, datetime], int] = {}
    for change in changed:
        if change.done_at is not None and change.state == "done" and change.kind not in ("SetConsent", "SendMessage"):
            key = change.account, change.done_at
            written[key] = written.get(key, 0) + 1
    for (account, at), n in written.items():
        yield Moment(at, "written", names.get(account, account), n)


def _of_sends(event: Mapping[str, Any]) -> Iterator[Moment]:
    for one in event["sends"]:
        about = one["template"] or one["document"]
        yield from (Moment(datetime.fromisoformat(a["at"]), "attempt", about) for a in one["attempts"] if a["at"])
        yield from (Moment(datetime.fromisoformat(s["at"]), s["status"], about) for s in one["statuses"] if s["at"])


@dataclass(frozen=True, slots=True)
class Raw:
    """What came in, pretty-printed: the event as we read it, and the delivery it came with; each bounded."""

    payload: str
    delivery: str
    size: int  # bytes of the delivery, 0 = it is not kept (any more)
    at: datetime | None


def raw(store: Store, id: str) -> Raw | None:
    """None when there is no such event."""
    with store.read() as conn:
        row = conversation.one(conn, id)
        found = deliveries.get(conn, row.delivery) if row is not None and row.delivery else None
    if row is None:
        return None
    body = b"" if found is None else found.body
    return Raw(_pretty(row.payload), _decoded(body), len(body), None if found is None else found.received_at)


def _decoded(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    try:
        return _pretty(json.loads(text)) if text and len(text) <= LONGEST else text[:LONGEST]
    except (ValueError, RecursionError):
        return text[:LONGEST]


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)[:LONGEST]
