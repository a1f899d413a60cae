"""What our own tables say: is anything still to be done, and is everything there that was taken."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.store.tables import broadcasts, changes, deliveries, events, plans, send_attempts, sends

SOON = timedelta(hours=1)  # what waits longer waits for its hours, not for us
FOR_PERSON = sa.and_(sends.c.state == "unknown", sends.c.who == "you", sends.c.label != "")  # was sent once more
CAUSES = ("TriggerCalled", "RecordChanged")


def pending(conn: sa.Connection) -> dict[str, int]:
    """What is not at an end, by where it stands."""
    soon = datetime.now(UTC) + SOON
    t = sends.c
    return _counts(
        conn,
        {
            "packed": (deliveries, deliveries.c.state == "new"),
            "events": (events, events.c.state == "new"),
            "plans": (plans, plans.c.state == "new"),
            "changes": (changes, changes.c.state.in_(["new", "in_flight"])),
            "sends": (sends, t.state.in_(["ready", "in_flight"])),
            "waiting": (sends, sa.and_(t.state == "waiting", t.next_at < soon)),
            "unknown": (sends, sa.and_(t.state == "unknown", ~FOR_PERSON)),
            "telling": (sends, t.tell == 1),
            "planning": (broadcasts, broadcasts.c.state.in_(["scheduled", "planning"])),
        },
    )


def faults(conn: sa.Connection, messages: int, calls: Mapping[str, int]) -> list[str]:
    """What is not as it should be in the end; `calls`: how often each document was set off."""
    kind, t = events.c.kind, changes.c
    wanted = {
        "messages": (messages, events, kind == "InboundMessage"),
        "causes": (sum(calls.values()), events, kind.in_(CAUSES)),
        "dead": (0, plans, plans.c.state == "dead"),
        "lost for good": (0, events, events.c.state == "dead"),
        "in review": (0, changes, t.state == "review"),
        "refused": (0, changes, t.state == "refused"),
        **{f"of chaos-{name}": (n, sends, sends.c.document == f"chaos-{name}") for name, n in calls.items()},
    }
    found = _counts(conn, {name: (table, where) for name, (_, table, where) in wanted.items()}) | pending(conn)
    should = {name: n for name, (n, _, _) in wanted.items()}
    return [f"{n} {name}, not {should.get(name, 0)}" for name, n in found.items() if n != should.get(name, 0)]


def handled(conn: sa.Connection, key: str) -> bool:
    """The event that its vendor calls so is stored, and all its plans are made."""
    mine = sa.exists().where(events.c.dedupe_key == key, events.c.id == plans.c.event)
    made = conn.execute(sa.select(sa.func.count(), sa.func.count(plans.c.done_at)).where(mine)).one()
    return bool(made[0]) and made[0] == made[1]


def in_flight(conn: sa.Connection, stage: str, of: str, after: float, before: float) -> int:
    """Rows of this stage that were started between these two moments and have no outcome."""
    table, mine = (changes, changes.c.account == of) if stage == "write" else (sends, sends.c.number == of)
    if stage not in ("write", "send"):
        return 0
    first, last = (datetime.fromtimestamp(at, UTC) for at in (after, before))
    started = table.c.started_at
    query = sa.select(sa.func.count()).where(mine, table.c.state == "in_flight", started > first, started < last)
    return int(conn.execute(query).scalar_one())


def labels(conn: sa.Connection) -> dict[str, str]:
    """{send: its label, or that it was sent once more and only a person can go on}: all the judge may ask us."""
    t = sends.c
    held = sa.case((FOR_PERSON, "for_person"), else_=t.label)
    return {row.id: row.label for row in conn.execute(sa.select(t.id, held.label("label")).where(held != ""))}


def held(conn: sa.Connection) -> list[tuple[str, Mapping[str, Any]]]:
    """(to, message) of those: one that was killed twice before its request left is in nobody else's ledger."""
    return [(row.to, row.body) for row in conn.execute(sa.select(sends.c.to, sends.c.body).where(FOR_PERSON))]


def unknown(conn: sa.Connection) -> dict[str, int]:
    """What became of the sends whose attempt nobody can tell the end of: {state and label: how many}."""
    t, a = sends.c, send_attempts.c
    lost = sa.exists().where(a.send == t.id, sa.func.coalesce(a.outcome, "").in_(["", "unknown"]))
    end = sa.case((FOR_PERSON, "held for a person"), (t.label != "", t.state + ", " + t.label), else_=t.state)
    return {str(name): int(n) for name, n in conn.execute(sa.select(end, sa.func.count()).where(lost).group_by(end))}


def outcomes(conn: sa.Connection) -> dict[str, int]:
    """How the attempts ended: {outcome: how often}; "" = its process was killed."""
    outcome = sa.func.coalesce(send_attempts.c.outcome, "")
    return {str(name): int(n) for name, n in conn.execute(sa.select(outcome, sa.func.count()).group_by(outcome))}


def _counts(conn: sa.Connection, wanted: Mapping[str, tuple[sa.Table, sa.ColumnElement[bool]]]) -> dict[str, int]:
    columns: Sequence[sa.Label[int]] = [
        sa.select(sa.func.count()).select_from(table).where(where).scalar_subquery().label(name)
        for name, (table, where) in wanted.items()
    ]
    return dict(conn.execute(sa.select(*columns)).one()._mapping)
