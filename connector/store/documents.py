"""Documents and their numbered versions; a counter tells workers cheaply that something was published."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.ids import new_id
from connector.store.bulk import insert_many
from connector.store.counters import GENERATION, bump
from connector.store.once import once
from connector.store.tables import counters, document_versions, documents

_V = document_versions.c
_PARTS: tuple[sa.ColumnElement[Any], ...] = (_V.n, _V.text, _V.author, _V.at, _V.state, _V.note)


def publish(
    conn: sa.Connection, kind: str, name: str, text: str, author: str, now: datetime, state: str = "live",
    note: str = "",
) -> int | None:  # fmt: skip
    """A new version in `state` (draft shadow live), its number; None when that text already stands there.

    A version that goes live ends the shadow beside it, and there is one shadow at most."""
    document = claim(conn, kind, name)
    newest = sa.select(_V.text).where(_V.document == document, _V.state == state).order_by(_V.n.desc()).limit(1)
    if conn.execute(newest).scalar() == text:
        return None
    last = conn.execute(sa.select(sa.func.max(_V.n)).where(_V.document == document)).scalar() or 0
    if state == "live":
        _move(conn, document, "live", "retired")
    if state in ("live", "shadow"):
        _move(conn, document, "shadow", "draft")
    row = {"document": document, "n": last + 1, "text": text, "author": author, "at": now, "state": state}
    insert_many(conn, document_versions, [row | {"note": note}])
    bump(conn, GENERATION)
    return int(last) + 1


def retire(conn: sa.Connection, name: str) -> bool:
    """Takes a document out of service; its versions stay. False when none was live."""
    document = conn.execute(sa.select(documents.c.id).where(documents.c.name == name)).scalar()
    if document is None:
        return False
    ended = _move(conn, document, "shadow", "draft")
    gone = _move(conn, document, "live", "off")
    if gone or ended:
        bump(conn, GENERATION)
    return gone


def end_shadow(conn: sa.Connection, name: str) -> bool:
    """The shadow is an ordinary draft again. False when there was none."""
    document = conn.execute(sa.select(documents.c.id).where(documents.c.name == name)).scalar()
    ended = document is not None and _move(conn, document, "shadow", "draft")
    if ended:
        bump(conn, GENERATION)
    return ended


def live(conn: sa.Connection) -> Sequence[sa.Row[Any]]:
    """(document_id, kind, name, n, text, author, at, first_live_at) of every live version, by name."""
    return _every_live(conn).all()


@once
def _every_live(_: sa.Connection) -> sa.Executable:
    return _live().order_by(documents.c.name)


def live_version(conn: sa.Connection, name: str) -> sa.Row[Any] | None:
    """The same row for one document, None when none is live."""
    return conn.execute(_live().where(documents.c.name == name)).first()


def shadows(conn: sa.Connection) -> Sequence[sa.Row[Any]]:
    """(document_id, kind, name, n, text, author, at, first_live_at) of every shadow; it judges from its start on."""
    return _every_shadow(conn).all()


@once
def _every_shadow(_: sa.Connection) -> sa.Executable:
    return _in_state("shadow", _V.at).order_by(documents.c.name)


def shadow_version(conn: sa.Connection, name: str) -> sa.Row[Any] | None:
    """The same row for one document, None when it has no shadow."""
    return conn.execute(_in_state("shadow", _V.at).where(documents.c.name == name)).first()


def versions(conn: sa.Connection, name: str) -> Sequence[sa.Row[Any]]:
    """(n, text, author, at, state, note) of one document, newest first."""
    query = sa.select(*_PARTS).join(documents, documents.c.id == _V.document)
    return conn.execute(query.where(documents.c.name == name).order_by(_V.n.desc())).all()


def get(conn: sa.Connection, name: str, n: int) -> sa.Row[Any] | None:
    """One version: (n, text, author, at, state, note)."""
    query = sa.select(*_PARTS).join(documents, documents.c.id == _V.document)
    return conn.execute(query.where(documents.c.name == name, _V.n == n)).first()


def latest(conn: sa.Connection, name: str) -> sa.Row[Any] | None:
    """The newest version whatever its state."""
    query = sa.select(*_PARTS).join(documents, documents.c.id == _V.document)
    return conn.execute(query.where(documents.c.name == name).order_by(_V.n.desc()).limit(1)).first()


def kind_of(conn: sa.Connection, name: str) -> str | None:
    """mapping or send; None when there is no such document."""
    return conn.execute(sa.select(documents.c.kind).where(documents.c.name == name)).scalar()


def generation(conn: sa.Connection) -> int:
    """Grows with every publish, retire and new catalogue: keep what you compiled while it stays the same."""
    return int(_generation(conn).scalar() or 0)


@once
def _generation(_: sa.Connection) -> sa.Executable:
    return sa.select(counters.c.n).where(counters.c.name == GENERATION)


def every(conn: sa.Connection) -> Sequence[Any]:
    """(kind, name) of every document, whatever its versions' states, by name."""
    return conn.execute(sa.select(documents.c.kind, documents.c.name).order_by(documents.c.name)).all()


def claim(conn: sa.Connection, kind: str, name: str) -> str:
    """The document's id, made when new; its row is locked, so two publishers cannot take one number."""
    insert_many(conn, documents, [{"id": new_id(), "kind": kind, "name": name}], ignore_conflicts=True)
    query = sa.update(documents).where(documents.c.name == name).values(kind=kind).returning(documents.c.id)
    return str(conn.execute(query).scalar_one())


def _move(conn: sa.Connection, document: str, frm: str, to: str) -> bool:
    query = sa.update(document_versions).where(_V.document == document, _V.state == frm).values(state=to)
    return conn.execute(query).rowcount > 0


def _live() -> sa.Select[Any]:
    """A document that was switched off and is live again starts anew: it never floods with what came meanwhile."""
    ever, off = document_versions.alias("ever"), document_versions.alias("off")
    stopped = sa.select(sa.func.coalesce(sa.func.max(off.c.n), 0))
    stopped = stopped.where(off.c.document == _V.document, off.c.state == "off")
    was_live = sa.and_(
        ever.c.document == _V.document, ever.c.state.in_(["live", "retired"]), ever.c.n > stopped.scalar_subquery()
    )
    return _in_state("live", sa.select(sa.func.min(ever.c.at)).where(was_live).scalar_subquery())


def _in_state(state: str, since: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns = (documents.c.id.label("document_id"), documents.c.kind, documents.c.name, _V.n, _V.text, _V.author, _V.at)
    query = sa.select(*columns, since.label("first_live_at"))
    return query.join(documents, documents.c.id == _V.document).where(_V.state == state)
