"""Records for sending: by id, by association, by query; oldest change first where that is what is asked for.

A query is paged by what was read last (SystemModstamp and Id) and not by Salesforce's cursor: a cursor dies after a
while and with its session, and only ten of a user live at a time (SOQL reference, checked 2026-11).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connector.core.contact import Record, Value
from connector.crm.salesforce.client import Client
from connector.crm.salesforce.find import Finder, is_id, quoted, when
from connector.crm.salesforce.related import Relations
from connector.crm.salesforce.schema import Schema
from connector.crm.salesforce.values import MisfitError, fit
from connector.errors import NotFound, Rejected
from connector.ports import Page, Related, Where

STAMP = "SystemModstamp"  # also moved by what is no edit (a recalculation): nothing is missed by it
SIGNS = {"eq": "=", "ne": "!=", "ge": ">=", "lt": "<"}


class Reader:
    """`read`, `related` and `query` of the port."""

    def __init__(self, client: Client, schema: Schema, finder: Finder) -> None:
        self._client, self._schema, self._finder = client, schema, finder
        self._relations = Relations(client, schema)

    def read(self, object: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        """Asked id -> the record it is now; what is gone, hidden or no id at all is absent."""
        asked = [i for i in dict.fromkeys(ids) if is_id(i)]
        if not asked or not self._schema.known(object):
            return {}
        found = self._finder.read(object, asked, [STAMP, *fields])
        return {i: _stamped(found[i[:15]]) for i in asked if i[:15] in found}

    def related(self, object: str, ids: Sequence[str], to: str) -> dict[str, list[Related]]:
        """Every id with the records of object `to` that belong to it; see related.py."""
        return self._relations.of(object, ids, to)

    def query(self, object: str, where: Sequence[Where], fields: Sequence[str], after: str) -> Page:
        """One page. Raises NotFound for an object or field that is not there, Rejected for a value no field takes."""
        columns = self._schema.needing(object, [w.field or STAMP for w in where])
        timed = STAMP in columns and any(not w.field for w in where)
        tests = [_condition(object, columns, w) for w in where]
        if after:
            tests.append(_past(after, timed=timed))
        wanted = self._finder.columns(object, [STAMP, *fields])
        soql = f"SELECT {', '.join(wanted)} FROM {object}"  # noqa: S608 - names come from the describe
        soql += f" WHERE {' AND '.join(tests)}" * bool(tests)
        soql += f" ORDER BY {f'{STAMP}, ' * timed}Id"
        answer = self._client.call("GET", "query/", params={"q": soql}) or {}
        rows = answer.get("records") or []
        records = tuple(_stamped(self._finder.record(object, row)) for row in rows)
        ended = answer.get("done", True) or not rows
        return Page(
            records,
            after="" if ended else f"{rows[-1].get(STAMP) or ''} {rows[-1]['Id']}",
            # The later pages ask for what is left, and are told only of that.
            total=None if after else answer.get("totalSize"),
        )


def _stamped(record: Record) -> Record:
    """`modified` by the time a query goes by, not by that of the last edit."""
    return replace(record, modified=when(record.fields.get(STAMP)) or record.modified)


# ---- conditions --------------------------------------------------------------------------------------------------
def _condition(object: str, columns: Mapping[str, Mapping[str, Any]], where: Where) -> str:
    name = where.field or STAMP
    column = columns.get(name)
    if column is None:
        raise NotFound(
            f"There is no field {name[:80]!r} on {object}, or our user may not see it.",
            hint="Setup, Object Manager shows the fields; a permission set opens them.",
            code="no_field",
        )
    try:
        said = literal(column, where.value)
    except MisfitError as wrong:
        raise Rejected(f"{object}.{name} cannot be compared with {where.value!r}: {wrong}", code="bad_value") from None
    if column["type"] == "multipicklist" and said != "null" and where.op in ("eq", "ne"):
        return f"{name} {'INCLUDES' if where.op == 'eq' else 'EXCLUDES'} ({said})"
    return f"{name} {SIGNS[where.op]} {said}"


def literal(column: Mapping[str, Any], value: Value | datetime) -> str:
    """The value as SOQL writes it for this field: only texts stand in quotes. Raises MisfitError."""
    plain = value.isoformat() if isinstance(value, datetime) else value
    given = fit(column, plain)
    return "null" if given is None else _LITERALS.get(column["type"], _text)(given)


def _text(value: Value) -> str:
    return quoted(str(value))


def _bare(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _instant(value: Value) -> str:
    at = datetime.fromisoformat(str(value)).astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_LITERALS: dict[str, Callable[[Value], str]] = {
    "datetime": _instant,
    **dict.fromkeys(("int", "long", "double", "currency", "percent", "boolean", "date"), _bare),
}


def _past(after: str, *, timed: bool) -> str:
    """What comes behind the last row of the page before."""
    stamp, _, last = after.partition(" ")
    at = when(stamp)
    if not is_id(last) or (timed and at is None):
        raise Rejected("This is not a page of this query.", code="bad_page")
    if at is None or not timed:
        return f"Id > {quoted(last)}"
    moment = _instant(at.isoformat())
    return f"({STAMP} > {moment} OR ({STAMP} = {moment} AND Id > {quoted(last)}))"
