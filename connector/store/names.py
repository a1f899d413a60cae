"""Names of contacts and the words a search finds them by, kept in step in one transaction."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from connector.core.text import words
from connector.store.among import among
from connector.store.bulk import insert_many
from connector.store.tables import contact_words, contacts

_T, _W = contacts.c, contact_words.c


def put(conn: sa.Connection, names: Mapping[str, str]) -> None:
    """The words of contacts that have none yet."""
    rows = [{"word": word, "contact": id_} for id_, name in names.items() for word in words(name)]
    insert_many(conn, contact_words, rows, ignore_conflicts=True)


def renamed(conn: sa.Connection, names: Mapping[str, str]) -> None:
    """Contacts have these names from now on; most messages come with the name we know."""
    if not names:
        return
    known = conn.execute(sa.select(_T.id, _T.name).where(among(conn, _T.id, names)))
    fresh = {row.id: names[row.id] for row in known if row.name != names[row.id]}
    if not fresh:
        return
    step = sa.update(contacts).where(_T.id == sa.bindparam("c")).values(name=sa.bindparam("n"))
    conn.execute(step, [{"c": id_, "n": name} for id_, name in sorted(fresh.items())])
    forget(conn, fresh)
    put(conn, fresh)


def moved(conn: sa.Connection, gone: str, into: str) -> None:
    """A contact was merged: who goes on is found by both names."""
    theirs = conn.execute(sa.select(_W.word).where(_W.contact == gone)).scalars().all()
    forget(conn, [gone])
    insert_many(conn, contact_words, [{"word": w, "contact": into} for w in theirs], ignore_conflicts=True)


def forget(conn: sa.Connection, ids: Collection[str]) -> None:
    """Nobody finds these contacts by a name any more."""
    if ids:
        conn.execute(sa.delete(contact_words).where(among(conn, _W.contact, ids)))
