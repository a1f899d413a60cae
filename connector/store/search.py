"""Who or what a person looks for: an id, a phone in any spelling, the beginning of a name's words."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from connector.core import phone
from connector.core.text import clean, words
from connector.store.bulk import in_chunks
from connector.store.contacts import heirs
from connector.store.tables import accounts, contact_keys, contact_words, contacts, numbers

MOST = 50  # people of one search
LONGEST = 200  # characters of what is typed that are looked at
LAST = "\U0010ffff"  # behind every word that begins so, in bytes
_K, _W = contact_keys.c, contact_words.c
KINDS = ("wa_id", "bsuid", "phone", "email", "old_wa_id", "old_bsuid")


def countries(conn: sa.Connection) -> set[str]:
    """The countries a national number may be of: the accounts' own, and those of our numbers."""
    given = conn.execute(sa.select(accounts.c.settings)).scalars()
    found = {str(settings["country"]).upper() for settings in given if settings.get("country")}
    shown = conn.execute(sa.select(numbers.c.display)).scalars()
    return found | {code for display in shown if display and (code := phone.country(display))}


def people(conn: sa.Connection, typed: str, limit: int = MOST) -> list[str]:
    """The contacts that are meant, likeliest first: by a whole key, then a phone's beginning, then name words."""
    text = clean(typed.strip(), LONGEST)
    if not text:
        return []
    found = dict.fromkeys(_by_key(conn, [text, text.lower()], limit))
    begins = phone.beginnings(text, countries(conn)) if any(c.isdigit() for c in text) else ()
    if begins:
        found |= dict.fromkeys(_by_key(conn, [*begins, *("+" + b for b in begins)], limit))
        for begin in begins if len(found) < limit else ():
            found |= dict.fromkeys(_by_beginning(conn, begin, limit))
    else:
        found |= dict.fromkeys(_by_name(conn, words(text), limit - len(found)))
    ids = list(found)[:limit]
    moved = heirs(conn, ids)
    return list(dict.fromkeys(moved.get(id_, id_) for id_ in ids))


def lanes(conn: sa.Connection, ids: Sequence[str]) -> list[str]:
    """These contacts and those that were merged into them: history stays in its lane."""
    found = dict.fromkeys(ids)
    fresh = list(found)
    while fresh:
        gone: list[str] = []
        for chunk in in_chunks(fresh):
            merged = sa.and_(contacts.c.merged_into.is_not(None), contacts.c.merged_into.in_(chunk))
            gone += conn.execute(sa.select(contacts.c.id).where(merged)).scalars()
        fresh = [id_ for id_ in gone if id_ not in found]
        found |= dict.fromkeys(fresh)
    return list(found)


def _by_key(conn: sa.Connection, values: Collection[str], limit: int) -> Sequence[str]:
    keys = sa.and_(_K.kind.in_(KINDS), _K.value.in_(list(dict.fromkeys(values))))
    return conn.execute(sa.select(_K.contact).where(keys).limit(limit)).scalars().all()


def _by_beginning(conn: sa.Connection, digits: str, limit: int) -> list[str]:
    """Keys are digits, or + and digits: the range ends where the last digit would be one more."""
    found: list[str] = []
    for kind, lead in (("wa_id", ""), ("phone", "+")):
        begins = sa.and_(_K.kind == kind, _K.value >= lead + digits)
        end = digits.rstrip("9")
        if end:
            begins = sa.and_(begins, _K.value < lead + end[:-1] + str(int(end[-1]) + 1))
        found += conn.execute(sa.select(_K.contact).where(begins).limit(limit)).scalars()
    return found


def _by_name(conn: sa.Connection, typed: Sequence[str], limit: int) -> Sequence[str]:
    """Every word typed begins a word of the name; the longest is looked up, the others are asked of those it finds."""
    if not typed or limit <= 0:
        return ()
    first, *others = sorted(typed, key=len, reverse=True)
    query = sa.select(_W.contact).where(_W.word >= first, _W.word < first + LAST)
    for n, other in enumerate(others):
        also = contact_words.alias(f"also{n}")
        begins = sa.and_(also.c.word >= other, also.c.word < other + LAST)
        query = query.where(sa.exists().where(also.c.contact == _W.contact, begins))
    return conn.execute(query.distinct().limit(limit)).scalars().all()
