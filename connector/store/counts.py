"""The four words that every event is counted by, without counting history."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store import snapshots, tallies
from connector.store.sending import ENDED
from connector.store.sends import RANKS
from connector.store.tables import changes, events, in_state, plans, sends

REFUSED = "refused"  # snapshot: how many events were refused
Query = sa.Select[Any]


def counts(conn: sa.Connection) -> dict[str, int]:
    """deliveries, events, and events = done + waiting + review + refused, first that applies: review, waiting, refused.

    Only the pending sets, and what came behind the tallies, are looked at; done is what is left. One statement, so
    that all is of one moment. A change that is `kept` is final."""
    while True:
        parts = tallies.parts(conn)
        row = conn.execute(_counting(parts)).one()._mapping
        if all((row[f"{part.name}_place"] or 0) == part.upto for part in parts):
            break
    sums = {part.name: (row[f"{part.name}_kept"] or 0) + row[f"{part.name}_behind"] for part in parts}
    words = {name: row[name] for name in ("waiting", "review", "refused")}
    return {**sums, "done": sums["events"] - sum(words.values()), **words}


def last_counts(conn: sa.Connection) -> tuple[dict[str, int], datetime | None]:
    """`counts` for a page: refused, which is asked of all that ever ended, as it was when the chore last asked, and
    done accordingly; the rest is exact. None = everything is of this moment."""
    kept = snapshots.get(conn, REFUSED)
    if kept is None:
        return counts(conn), None
    parts = tallies.parts(conn)
    row = conn.execute(_counting(parts, without=("refused",))).one()._mapping
    sums = {part.name: (row[f"{part.name}_kept"] or 0) + row[f"{part.name}_behind"] for part in parts}
    words = {"waiting": row["waiting"], "review": row["review"], "refused": int(kept[0])}
    return {**sums, "done": sums["events"] - sum(words.values()), **words}, kept[1]


def _counting(parts: Sequence[tallies.Part], without: Collection[str] = ()) -> Query:
    review, waiting, refused = _sets()
    sets = {"review": review, "waiting": waiting, "refused": refused}
    sets = {name: cte for name, cte in sets.items() if name not in without}
    columns = [sa.select(sa.func.count()).select_from(s).scalar_subquery().label(n) for n, s in sets.items()]
    for part in parts:
        columns += [part.kept.label(f"{part.name}_kept"), part.place.label(f"{part.name}_place")]
        columns.append(part.behind.label(f"{part.name}_behind"))
    return sa.select(*columns)


# An expression: SQLite takes `event IS NOT NULL` for a range of the index of all events that sent something.
_HAS_EVENT = (sends.c.event + "").is_not(None)


def _sets() -> tuple[sa.CTE, sa.CTE, sa.CTE]:
    """Ids of the events in review, waiting and refused; no event is in two of them."""

    def of(table: sa.Table, *states: str) -> sa.Select[Any]:
        column = table.c.id if table is events else table.c.event
        return sa.select(column.label("id")).where(in_state(table, *states))

    def caused(*states: str) -> list[sa.Select[Any]]:
        """By one partial index each; a message another tool sent has no event."""
        return [of(sends, state).where(_HAS_EVENT) for state in states]

    review = of(events, "dead").union(of(plans, "dead"), of(changes, "review"), *caused("unknown")).cte("in_review")
    pending = (of(plans, "new"), of(changes, "new", "in_flight"), *caused("waiting", "ready", "in_flight"))
    open_ = of(events, "new").union(*pending).cte("open")
    known = sa.select(review.c.id)
    waiting = sa.select(open_.c.id).where(open_.c.id.not_in(known)).cte("waiting")
    said_no = of(changes, "refused").union(of(sends, *ENDED).where(_HAS_EVENT)).subquery()
    other = changes.alias("other")
    done = sa.or_(
        sa.exists().where(other.c.event == said_no.c.id, other.c.state == "done"),
        sa.exists().where(sends.c.event == said_no.c.id, sends.c.state.in_(RANKS), sends.c.state != "failed"),
    )
    final = sa.and_(said_no.c.id.not_in(known), said_no.c.id.not_in(sa.select(open_.c.id)))
    refused = sa.select(said_no.c.id).where(~done, final).cte("refused")
    return review, waiting, refused
