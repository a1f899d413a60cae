"""Messages with a goal, and the changes of records that may be it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core.goals import Sent
from connector.store import report_days
from connector.store.among import among
from connector.store.bulk import in_chunks, insert_many
from connector.store.figures import DAY, beginning, first_id
from connector.store.reporting import Key
from connector.store.tables import events, goals_reached, record_values, sends

_E, _S = events.c, sends.c


def moves(
    conn: sa.Connection, account: str, object_: str, fields: Collection[str], after: str, until: datetime, limit: int
) -> Sequence[Any]:
    """Changes of these fields of one CRM account's objects after this event id, in the order of ids."""
    lane = f"record:{account}:{object_}:"
    payload = sa.type_coerce(_E.payload, sa.Text)
    about = sa.or_(*(payload.contains(f'"field":"{name}"', autoescape=True) for name in sorted(fields)))
    query = sa.select(_E.id, _E.lane, _E.payload, _E.received_at).where(
        _E.id > after, _E.id < first_id(until), _E.kind == "RecordChanged", _E.lane.startswith(lane, autoescape=True),
        about,
    )  # fmt: skip
    return conn.execute(query.order_by(_E.id).limit(limit)).all()


def sent(conn: sa.Connection, document: str, lanes: Iterable[str], since: datetime) -> dict[str, list[Sent]]:
    """{lane of a record: the messages of this document that have it as their goal's}, those that left."""
    found: dict[str, list[Sent]] = defaultdict(list)
    for chunk in in_chunks(sorted(set(lanes))):
        mine = sa.and_(_S.goal.is_not(None), among(conn, _S.goal, chunk), _S.document == document, _S.at >= since)
        query = sa.select(_S.id, _S.goal, _S.at, _S.ended_at).where(mine, _S.rank > 0, _S.state != "failed")
        for row in conn.execute(query):
            found[row.goal].append(Sent(row.id, row.ended_at or row.at))
    return dict(found)


def last_values(
    conn: sa.Connection, account: str, object_: str, records: Collection[str], name: str
) -> Mapping[str, str | None]:
    """{record: the field as we last knew it}: for changes that do not say what to."""
    t = record_values.c
    mine = (t.account == account, t.object == object_, t.field == name)
    query = sa.select(t.record, t.value).where(*mine, among(conn, t.record, set(records)))
    return {row.record: row.value for row in conn.execute(query)} if records else {}


def keep(conn: sa.Connection, document: str, found: Mapping[str, datetime]) -> int:
    """Notes what was reached, {message: when}, each once; how many were new."""
    rows = [{"send": send, "document": document, "at": at} for send, at in sorted(found.items())]
    new = insert_many(conn, goals_reached, rows, ignore_conflicts=True, returning=["send"])
    ids = [row.send for row in new]
    sums: Counter[tuple[datetime, Key]] = Counter()
    for chunk in in_chunks(ids):
        query = sa.select(_S.document, _S.template, _S.number, _S.at).where(_S.id.in_(chunk))
        for row in conn.execute(query):
            key = Key(row.document, row.template, row.number, report_days.REACHED, "")
            sums[beginning(row.at, DAY), key] += 1
    report_days.add(conn, sums)
    return len(ids)
