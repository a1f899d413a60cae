"""What each document says: the newest version, the live one, a shadow, one that was switched off."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from connector.store.tables import document_versions, documents

_V = document_versions.c


@dataclass(slots=True)
class Overview:
    """One document; each version is a row (n, text, author, at, state) or None."""

    name: str
    kind: str
    newest: Any = None
    live: Any = None
    shadow: Any = None
    off: Any = None  # the version that was live when a person switched the document off

    @property
    def text(self) -> str:
        """What it says: the live text, else the newest."""
        return str((self.live or self.newest).text)

    @property
    def draft(self) -> Any:
        """A newer version that nobody has published, None when there is none."""
        newest = self.newest
        return newest if newest.state == "draft" and (self.live is None or newest.n > self.live.n) else None


def overviews(conn: sa.Connection, name: str = "") -> list[Overview]:
    """Every document by name (or just one), in one query, without its old texts."""
    newer = document_versions.alias("newer")
    last = sa.select(sa.func.max(newer.c.n)).where(newer.c.document == _V.document).scalar_subquery()
    query = sa.select(documents.c.name, documents.c.kind, _V.n, _V.text, _V.author, _V.at, _V.state)
    query = query.join(documents, documents.c.id == _V.document)
    query = query.where(sa.or_(_V.state.in_(["live", "shadow", "off"]), _V.n == last)).order_by(documents.c.name, _V.n)
    found: dict[str, Overview] = {}
    for row in conn.execute(query.where(documents.c.name == name) if name else query):
        one = found.setdefault(row.name, Overview(row.name, row.kind))
        one.newest = row
        if row.state in ("live", "shadow", "off"):
            setattr(one, row.state, row)
    return list(found.values())
