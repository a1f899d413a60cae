"""What a forecast must know of the number that will send."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from connector.store.tables import in_state, numbers, sends

DAY = timedelta(hours=24)
BACK = timedelta(days=4)  # sends made earlier and started in the last day are few: they count as not started
_S = sends.c


@dataclass(frozen=True, slots=True)
class OfNumber:
    """`used`: people who got a template in the last 24 hours, over all numbers: the limit is the business's."""

    throughput: int | None
    tier: str
    used: int
    open: int  # messages of the number that wait before


def of_number(conn: sa.Connection, number: str, now: datetime) -> OfNumber:
    row = conn.execute(sa.select(numbers.c.throughput, numbers.c.tier).where(numbers.c.id == number)).first()
    recent = sa.and_(_S.at > now - BACK, _S.started_at > now - DAY, _S.template != "", _S.document != "")
    used = sa.select(sa.func.count(sa.func.distinct(_S.lane))).where(recent)
    ready = sa.and_(in_state(sends, "ready"), _S.number == number, _S.next_at <= now)
    before = sa.select(sa.func.count()).select_from(sends).where(ready)
    return OfNumber(
        row.throughput if row else None, row.tier if row else "", int(conn.execute(used).scalar_one()),
        int(conn.execute(before).scalar_one()),
    )  # fmt: skip
