"""Many values as one parameter: the statement stays the same text, however many there are.

An IN list is written anew for every length, by SQLAlchemy and by the driver: measured, half of what a claim cost."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import BindParameter

FEW = 8  # values that SQLite is told one by one: for one value the other form is slower to make (measured)


class Listed(sa.types.TypeDecorator[Any]):
    """Many values as one parameter: an array, or JSON on SQLite."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return ARRAY(self.item) if dialect.name == "postgresql" else sa.Text()

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


def among(
    conn: sa.Connection, column: sa.Column[Any], values: Collection[str] | Collection[int]
) -> sa.ColumnElement[bool]:
    """`column` is one of these, or of the parameter in a statement made once; both databases use the column's index."""
    if isinstance(values, BindParameter):
        listed = sa.bindparam(values.key, type_=Listed(column.type))
    elif len(values) <= FEW and conn.dialect.name != "postgresql":
        return column.in_(list(values))
    else:
        listed = sa.bindparam(None, list(values), type_=Listed(column.type))
    if conn.dialect.name == "postgresql":
        return column == sa.any_(listed)
    each = sa.func.json_each(listed).table_valued("value")
    return column.in_(sa.select(each.c.value))
