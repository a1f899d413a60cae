"""Sums that are counted and never stored one by one: refused calls, and the generation of documents."""

from collections.abc import Mapping

import sqlalchemy as sa

from connector.store.tables import counters

GENERATION = "generation"  # grows with every publish; not a sum anybody reads


def add(conn: sa.Connection, sums: Mapping[str, int]) -> None:
    """Adds to the counters; names in order, so that two processes cannot wait for each other."""
    for name in sorted(sums):
        bump(conn, name, sums[name])


def read(conn: sa.Connection) -> dict[str, int]:
    """Every counter by name."""
    query = sa.select(counters).where(counters.c.name != GENERATION).order_by(counters.c.name)
    return {row.name: row.n for row in conn.execute(query)}


def bump(conn: sa.Connection, name: str, by: int = 1) -> None:
    """One counter, made at the first time."""
    conn.execute(_ADD, {"name": name, "n": by})


_ADD = sa.text(
    "INSERT INTO counters (name, n) VALUES (:name, :n) ON CONFLICT (name) DO UPDATE SET n = counters.n + excluded.n"
)
