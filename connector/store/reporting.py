"""What became of the messages of one day, counted from their rows; a chore asks, pages read `report_days`."""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from connector.core import spread
from connector.store.figures import first_id
from connector.store.send_lists import GROUPS
from connector.store.states import ENDED
from connector.store.tables import events, sends

GROUP = {state: group for group, states in GROUPS.items() for state in states}
LEFT = ("sent", "delivered", "read")  # groups of messages that WhatsApp has
STREAM = 500  # rows of one fetch
LOOKED = 10_000  # messages that one page of those without an answer looks at
PREFIX = 6  # characters of a phone that tell its country: + and five digits (+1 and an area code, +7 and one)
ECHOES = ("smb_message_echoes", "message_echoes")  # a person wrote from the phone app
_S, _E = sends.c, events.c


class Key(NamedTuple):
    """What a sum is about. `number`: phone_number_id."""

    document: str
    template: str
    number: str
    what: str
    key: str


def of_day(
    conn: sa.Connection, start: datetime, end: datetime, asking: Collection[str], country: Callable[[str], str],
    idle: Callable[[Any], bool],
) -> Counter[Key]:  # fmt: skip
    """Every sum of one day. `asking`: templates that a live document waits for an answer to. `country`: of the first
    digits of a phone, or the first letters of a user id. `idle`: a message of a person that asks for nothing."""
    sums: Counter[Key] = Counter()
    for row in conn.execute(_messages(start, end, asking)):
        _add(sums, row, country)
    _answers(conn, start, end, sums)
    _silences(conn, start, end, sums, idle)
    return sums


# ---- messages ----------------------------------------------------------------------------------------------------
def _messages(start: datetime, end: datetime, asking: Collection[str]) -> Any:
    """One pass over the day's rows; what differs in nothing that is told is one line."""
    price = sa.type_coerce(_S.pricing, sa.Text).label("price")
    from_ = sa.case((_S.to != "", sa.func.substr(_S.to, 1, PREFIX)), else_=sa.func.substr(_S.user_id, 1, 2))
    buttons = sa.type_coerce(_S.buttons, sa.Text)
    asks = sa.or_(
        sa.and_(_S.buttons.is_not(None), buttons.not_in(["null", "{}"])), _S.step != "", _S.callback.is_not(None),
        _S.template.in_(sorted(asking)),
    )  # fmt: skip
    columns = (
        _S.document, _S.template, _S.number, _S.state, _S.code, price, from_.label("origin"),
        sa.case((_S.answered_by.is_not(None), 1), else_=0).label("answered"),
        sa.case((asks, 1), else_=0).label("asks"), sa.case((_S.goal.is_not(None), 1), else_=0).label("goal"),
    )  # fmt: skip
    inner = sa.select(*columns).where(_S.at >= start, _S.at < end).subquery()
    return sa.select(inner, sa.func.count().label("n")).group_by(*inner.c)


def _add(sums: Counter[Key], row: Any, country: Callable[[str], str]) -> None:
    """The sums of one line."""
    place, group = (row.document, row.template, row.number), GROUP.get(row.state, row.state)
    sums[Key(*place, "state", group)] += row.n
    if group in ENDED:
        sums[Key(*place, "ended", row.code or group)] += row.n
    if row.answered:
        sums[Key(*place, "answered", "")] += row.n
    if group in LEFT:
        for name, yes in (("asked", row.asks), ("unanswered", row.asks and not row.answered), ("aimed", row.goal)):
            if yes:
                sums[Key(*place, name, "")] += row.n
    price = _price(row.price)
    if price:
        sums[Key(*place, "price", f"{price}/{country(row.origin or '')}")] += row.n


def _price(text: str | None) -> str:
    """`type/category` of what WhatsApp said of the price; "" when it said nothing."""
    import json

    found = json.loads(text) if text and text != "null" else {}
    return f"{found.get('type', '')}/{found.get('category', '')}" if found else ""


def words(conn: sa.Connection, start: datetime, end: datetime) -> dict[str, str]:
    """{code: what it says}, of WhatsApp's own codes; ours have their words in core/reasons.py."""
    mine = sa.and_(_S.at >= start, _S.at < end, _S.state.in_(ENDED), _S.code.startswith("graph_"))
    query = sa.select(_S.code, sa.func.max(_S.reason)).where(mine).group_by(_S.code)
    return {code: text for code, text in conn.execute(query) if text}


# ---- answers -----------------------------------------------------------------------------------------------------
def _answers(conn: sa.Connection, start: datetime, end: datetime, sums: Counter[Key]) -> None:
    """How long people took: from the moment WhatsApp had the message to the moment we had the answer."""
    query = sa.select(_S.document, _S.template, _S.number, _S.at, _S.ended_at, _E.received_at)
    query = query.join(events, _E.id == _S.answered_by).where(_S.at >= start, _S.at < end)
    for row in conn.execute(query.execution_options(yield_per=STREAM)):
        seconds = (row.received_at - (row.ended_at or row.at)).total_seconds()
        sums[Key(row.document, row.template, row.number, "after", str(spread.step_of(seconds)))] += 1


def _silences(
    conn: sa.Connection, start: datetime, end: datetime, sums: Counter[Key], idle: Callable[[Any], bool]
) -> None:
    """People whose last message of the day got nothing from us; one each."""
    for row in conn.execute(silent(start, end).execution_options(yield_per=STREAM)):
        if not idle(row.payload):
            sums[Key("", "", str(row.payload.get("number") or ""), "silent", "")] += 1


def silent(start: datetime, end: datetime) -> Any:
    """(id, lane, received_at, payload) of people's last messages of that time which nothing of ours came after."""
    mine = sa.and_(_E.id >= first_id(start), _E.id < first_id(end), _E.kind == "InboundMessage", _E.lane.is_not(None))
    last = sa.select(sa.func.max(_E.id).label("id")).where(mine).group_by(_E.lane).subquery()
    later = events.alias()
    what = sa.type_coerce(later.c.payload, sa.Text)
    answered = sa.exists().where(_S.lane == _E.lane, _S.at >= _E.received_at, _S.rank > 0)
    by_hand = sa.exists().where(
        later.c.lane == _E.lane, later.c.seq > _E.seq, later.c.kind == "Noted",
        sa.or_(*(what.like(f'%"what":"{name}"%') for name in ECHOES)),
    )  # fmt: skip
    query = sa.select(_E.id, _E.lane, _E.received_at, _E.payload).join(last, last.c.id == _E.id)
    return query.where(~answered, ~by_hand)


# ---- who did not answer ------------------------------------------------------------------------------------------
def unanswered(
    conn: sa.Connection, asking: Collection[str], since: datetime, before: str, limit: int
) -> tuple[list[Any], str]:
    """(the newest messages that wait for an answer and have none, the id that the next page is before, "" = none).

    A page looks at LOOKED messages at most, so one may be short and have another behind it."""
    asked = sa.or_(
        sa.and_(_S.buttons.is_not(None), sa.type_coerce(_S.buttons, sa.Text).not_in(["null", "{}"])), _S.step != "",
        _S.template.in_(sorted(asking)),
    )  # fmt: skip
    query = sa.select(_S.id, _S.lane, _S.document, _S.template, _S.step, _S.to, _S.user_id, _S.at, _S.number)
    walk = sa.and_(_S.id < before, _S.id >= first_id(since))
    last = sa.select(_S.id).where(walk).order_by(_S.id.desc()).offset(LOOKED).limit(1)
    floor = conn.execute(last).scalar() or ""
    mine = sa.and_(walk, _S.id > floor, _S.rank.in_([1, 2, 4, 5, 6]), _S.answered_by.is_(None))
    found = list(conn.execute(query.where(mine, asked).order_by(_S.id.desc()).limit(limit + 1)))
    more = found[limit - 1].id if len(found) > limit else floor and floor + "~"
    return found[:limit], more
