"""How many conversations run at which step and on which version, and how those of a day have ended."""

from collections import Counter
from datetime import datetime

import sqlalchemy as sa

from connector.store.conversations import RUNS
from connector.store.figures import first_id
from connector.store.reporting import Key
from connector.store.tables import conversations

TALKS = "talks"  # report_days.what: conversations that began that day; key = the word of their end, "" = they run
_T = conversations.c


def at_steps(conn: sa.Connection, flow: str) -> dict[str, int]:
    """{step: how many wait there}, by the partial index of what runs."""
    query = sa.select(_T.step, sa.func.count()).where(RUNS, _T.flow == flow).group_by(_T.step)
    return {step: int(n) for step, n in conn.execute(query)}


def on_versions(conn: sa.Connection, flow: str) -> dict[int, int]:
    """{version: how many run on it}, the newest first."""
    query = sa.select(_T.version, sa.func.count()).where(RUNS, _T.flow == flow).group_by(_T.version)
    return {version: int(n) for version, n in conn.execute(query.order_by(_T.version.desc()))}


def of_day(conn: sa.Connection, start: datetime, end: datetime) -> Counter[Key]:
    """Those that began that day, by the word they ended with; their ids are made in the order of time."""
    mine = sa.and_(_T.id >= first_id(start), _T.id < first_id(end))
    query = sa.select(_T.flow, _T.number, _T.outcome, sa.func.count()).where(mine)
    rows = conn.execute(query.group_by(_T.flow, _T.number, _T.outcome))
    return Counter({Key(flow, "", number, TALKS, outcome): int(n) for flow, number, outcome, n in rows})
