"""Many values as one parameter: the statement stays the same text, however many there are.

An IN list is written anew for every length, by SQLAlchemy and by the driver: measured, half of what a claim cost."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

FEW = 8  # values that SQLite is told one by one: for one value the other form is slower to make (measured)


def among(
    conn: sa.Connection, column: sa.Column[Any], values: Collection[str] | Collection[int]
) -> sa.ColumnElement[bool]:
    """`column` is one of these; both databases look each up in the column's index."""
    if conn.dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, list(values), type_=ARRAY(column.type)))
    if len(values) <= FEW:
        return column.in_(list(values))
    listed = sa.func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(sa.select(listed.c.value))
