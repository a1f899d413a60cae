"""Everything stored that our keys open, found by the mark of its column (`tables.SEALED`): counted, and put under a
new key in short transactions. A row that somebody changes meanwhile is left to them, and looked at again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from connector.store.engine import Store
from connector.store.secrets import TOKEN, Keyring
from connector.store.tables import metadata

MOST = 100  # rows of one transaction


@dataclass(frozen=True, slots=True)
class Place:
    """One column; `key` is its table's only primary key."""

    table: sa.Table
    key: sa.Column[Any]
    column: sa.Column[Any]

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column.name}"

    @property
    def text(self) -> sa.ColumnElement[str]:
        """As it is stored, JSON undecoded."""
        return sa.type_coerce(self.column, sa.Text)


@dataclass(slots=True)
class Counts:
    """How many stored secrets each key opens; `lost` = none of them."""

    by_key: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)  # by place


def places() -> list[Place]:
    """Every column that is marked."""
    found = []
    for table in metadata.sorted_tables:
        for column in table.c:
            if column.info.get("sealed"):
                (key,) = table.primary_key.columns
                found.append(Place(table, key, column))
    return found


def _rows(store: Store, place: Place) -> Iterator[list[Any]]:
    """(key, text) of every row that may hold some, by pages."""
    last: Any = None
    while True:
        query = sa.select(place.key, place.text.label("text")).where(place.text.like("%gAAAA%"))
        if last is not None:
            query = query.where(place.key > last)
        with store.read() as conn:
            page = list(conn.execute(query.order_by(place.key).limit(MOST)))
        if page:
            yield page
            last = page[-1][0]
        if len(page) < MOST:
            return


def count(store: Store, keyring: Keyring) -> Counts:
    """Every stored secret, by the key that opens it."""
    names = keyring.fingerprints()
    counts = Counts(dict.fromkeys(names, 0))
    for place in places():
        for page in _rows(store, place):
            for text in (found for row in page for found in TOKEN.findall(row.text)):
                n = keyring.opened_by(text)
                if n is not None:
                    counts.by_key[names[n]] += 1
                elif _whole(place):
                    counts.lost[place.name] = counts.lost.get(place.name, 0) + 1
    return counts


def _whole(place: Place) -> bool:
    """The column holds nothing else: what does not open there is lost. Elsewhere it may be anybody's text."""
    return isinstance(place.column.type, sa.Text)


def renew(store: Store, keyring: Keyring, told: Callable[[int], None] = lambda _: None) -> int:
    """Puts everything that opens under the first key; how many rows. Again and again until nothing is left, so that it
    may be interrupted, and so that what was written meanwhile by a process with old keys is found too."""
    done = 0
    while True:
        moved = sum(_renew(store, keyring, place, page) for place in places() for page in _rows(store, place))
        done += moved
        told(done)
        if not moved:
            return done


def _renew(store: Store, keyring: Keyring, place: Place, page: list[Any]) -> int:
    fresh = [(row[0], row.text, TOKEN.sub(lambda m: keyring.renewed(m[0]), row.text)) for row in page]
    changed = [(key, old, new) for key, old, new in fresh if new != old]
    if not changed:
        return 0
    with store.write() as conn:
        return sum(
            conn.execute(
                sa.update(place.table)
                .where(place.key == key, place.text == old)
                .values({place.column: sa.literal(new, sa.Text())})  # JSON as it stands: not encoded once more
            ).rowcount
            for key, old, new in changed
        )
