"""Many rows in one statement, fast on both databases."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

CHUNK = 500  # values of one IN (...); both databases take far more, plans and texts stay small
T = TypeVar("T")
Row = Mapping[str, Any]


def in_chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The items in slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def insert_many(
    conn: sa.Connection,
    table: sa.Table,
    rows: Sequence[Row],
    *,
    ignore_conflicts: bool = False,
    returning: Sequence[str] = (),
) -> list[sa.Row[Any]]:
    """Inserts rows of equal keys; with `ignore_conflicts` the ones that are there already stay as they are.

    `returning`: these columns of the rows that went in, in no certain order; without it the answer is empty."""
    if not rows:
        return []
    if conn.dialect.name == "postgresql":
        return _postgres(conn, table, rows, ignore_conflicts, tuple(returning))
    result = conn.execute(_sqlite(table, ignore_conflicts, tuple(returning)), rows)
    return list(result) if returning else []


@lru_cache(maxsize=256)
def _sqlite(table: sa.Table, ignore_conflicts: bool, returning: tuple[str, ...]) -> sa.Executable:
    insert = sqlite.insert(table)
    statement = insert.on_conflict_do_nothing() if ignore_conflicts else insert
    return statement.returning(*(table.c[name] for name in returning)) if returning else statement


def _postgres(
    conn: sa.Connection, table: sa.Table, rows: Sequence[Row], ignore_conflicts: bool, returning: tuple[str, ...]
) -> list[sa.Row[Any]]:
    """One statement with one JSON parameter, whatever the number of rows."""
    names = tuple(rows[0])
    binds = [(name, _bind(table.c[name], conn.dialect)) for name in names]
    packed = json.dumps([{name: bind(row[name]) if bind else row[name] for name, bind in binds} for row in rows])
    result = conn.execute(_statement(table, names, ignore_conflicts, returning), {"rows": packed})
    return list(result) if returning else []


@lru_cache(maxsize=256)
def _statement(
    table: sa.Table, names: tuple[str, ...], ignore_conflicts: bool, returning: tuple[str, ...]
) -> sa.Executable:
    """INSERT ... SELECT ... FROM json_to_recordset(:rows); names come from our own tables."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    given = ", ".join(f"{quote(name)} {table.c[name].type.compile(dialect)}" for name in names)
    source = f"json_to_recordset(CAST(:rows AS json)) AS given({given})"
    text = f"INSERT INTO {quote(table.name)} ({columns}) SELECT {columns} FROM {source}"  # noqa: S608
    if ignore_conflicts:
        text += " ON CONFLICT DO NOTHING"
    if not returning:
        return sa.text(text)
    text += " RETURNING " + ", ".join(map(quote, returning))
    return sa.text(text).columns(*(sa.column(name, table.c[name].type) for name in returning))


def _bind(column: sa.Column[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    """How a value of ours becomes what the column keeps; None = as it is."""
    return column.type.bind_processor(dialect) if isinstance(column.type, sa.types.TypeDecorator) else None
