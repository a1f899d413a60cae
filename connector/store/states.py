"""One word for an event: review, waiting, refused or done, the first that applies; one rule for every screen."""

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from connector.store.among import among
from connector.store.tables import changes, plans, sends

WORDS = ("done", "waiting", "review", "refused")
WAITS = ("waiting", "ready", "in_flight")  # sends that have not left, or are leaving
ENDED = ("failed", "refused", "expired", "cancelled")
# How the state of a send counts for its event, in the words of a change; any other is done.
COUNTS = dict.fromkeys(WAITS, "new") | {"unknown": "review"} | dict.fromkeys(ENDED, "refused")


def word(event: str, plan_states: Collection[str], change_states: Iterable[str], send_states: Iterable[str]) -> str:
    """The word of one event, from its own state and those of all that it caused."""
    states = {*change_states, *(COUNTS.get(state, "done") for state in send_states)}
    if event == "dead" or "review" in states or "dead" in plan_states:
        return "review"
    if event == "new" or states & {"new", "in_flight"} or "new" in plan_states:
        return "waiting"
    return "refused" if "refused" in states and "done" not in states else "done"


def words(conn: sa.Connection, own: dict[str, str]) -> dict[str, str]:
    """{event: its word} of {event: its own state}; three queries however many they are."""
    found: list[dict[str, set[str]]] = []
    for table in (plans, changes, sends):
        states: dict[str, set[str]] = {}
        query = sa.select(table.c.event, table.c.state).where(among(conn, table.c.event, own)).distinct()
        for event, state in conn.execute(query) if own else ():
            states.setdefault(event, set()).add(state)
        found.append(states)
    return {id_: word(state, *(states.get(id_, set()) for states in found)) for id_, state in own.items()}
