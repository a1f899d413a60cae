"""After an erasure: what SQLite still holds of rows that are gone. Postgres does this by itself (autovacuum)."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connector.store.engine import Store, translated

PART = 8 * 1024 * 1024  # bytes read at once
TRIES, PAUSE = 20, 0.25  # a reader that is under way keeps the log from being cut


def out(store: Store, ids: Sequence[str]) -> bool:
    """Cuts the log off; a copy that is left in a page's unused part makes the file be written anew. True when clean."""
    if store.dialect != "sqlite" or not store.engine.url.database:
        return True
    path = Path(store.engine.url.database)
    with translated(), store.engine.connect() as conn:
        raw: Any = conn.connection.dbapi_connection
        raw.execute("PRAGMA query_only=OFF").close()
        conn.info["reads"] = False  # as `engine` notes it
        _cut(raw)
        if _holds(path, ids):
            raw.execute("VACUUM").close()
            _cut(raw)
    return not _holds(path, ids)


def _cut(raw: Any) -> None:
    for _ in range(TRIES):
        busy, _pages, _done = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return
        time.sleep(PAUSE)


def _holds(path: Path, ids: Sequence[str]) -> bool:
    """Whether the file or its log has any of these; read as bytes, nobody waits for it."""
    wanted = [one.encode() for one in ids]
    longest = max(map(len, wanted), default=0)
    for file in (path, path.with_name(path.name + "-wal")):
        if not file.exists():
            continue
        with file.open("rb") as stream:
            tail = b""
            while part := stream.read(PART):
                part = tail + part
                if any(one in part for one in wanted):
                    return True
                tail = part[-longest:] if longest else b""
    return False
