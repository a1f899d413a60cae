"""What waits at all, whenever it is due: one statement, which an idle sweep ends with."""

import sqlalchemy as sa

from connector.store.once import once
from connector.store.tables import (
    alarm_calls,
    changes,
    conversations,
    deliveries,
    media,
    media_ids,
    plans,
    sends,
    tasks,
)

# As the partial indexes spell it: one look into each.
WAITS = {
    "deliveries": (deliveries, "state = 'new'"),
    "plans": (plans, "state = 'new'"),
    "changes": (changes, "state IN ('new', 'in_flight')"),
    "waiting": (sends, "state = 'waiting'"),
    "ready": (sends, "state = 'ready'"),
    "in_flight": (sends, "state = 'in_flight'"),
    "unknown": (sends, "state = 'unknown'"),
    "tell": (sends, "tell = 1"),
    "conversations": (conversations, "ended_at IS NULL AND woken = 0 AND wake_at IS NOT NULL"),
    "media_ids": (media_ids, "state = 'new'"),
    "media": (media, "state = 'new'"),
    "alarm_calls": (alarm_calls, "state = 'new'"),
    "tasks": (tasks, "state IN ('new', 'running')"),
}


def kinds(conn: sa.Connection) -> set[str]:
    """The names of WAITS with a row."""
    return {row.kind for row in _kinds(conn)}


@once
def _kinds(_: sa.Connection) -> sa.Executable:
    def there(name: str) -> sa.Select[tuple[str]]:
        table, condition = WAITS[name]
        found = sa.select(sa.literal_column("1")).select_from(table).where(sa.text(condition)).exists()
        return sa.select(sa.literal_column(f"'{name}'").label("kind")).where(found)

    return sa.union_all(*map(there, WAITS))
