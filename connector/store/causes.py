"""What set off which send: the UNIQUE cause makes the same event twice one send."""

from collections.abc import Sequence

import sqlalchemy as sa

from connector.store.bulk import in_chunks
from connector.store.tables import sends


def stored(conn: sa.Connection, causes: Sequence[str]) -> dict[str, str]:
    """{cause: the send it has already}."""
    found: dict[str, str] = {}
    for chunk in in_chunks(sorted(set(causes))):
        query = sa.select(sends.c.cause, sends.c.id).where(sends.c.cause.in_(chunk))
        found.update((row.cause, row.id) for row in conn.execute(query))
    return found
