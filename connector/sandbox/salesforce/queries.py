"""Salesforce's reading in bulk: SOQL in pages of 2,000 rows, SOSL searches."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.salesforce import lists, sosl
from connector.sandbox.salesforce.compare import reader
from connector.sandbox.salesforce.errors import refuse, unreadable
from connector.sandbox.salesforce.org import Org, document
from connector.sandbox.salesforce.records import BASE, shown
from connector.sandbox.salesforce.settings import RETRIEVED
from connector.sandbox.salesforce.soql import Query, Reader
from connector.sandbox.salesforce.store import Row


def query(org: Org, request: Request, deleted: bool = False) -> Response:
    """GET query?q=: pages of 2,000 rows."""
    if (told := lists.named(org, request.query.get("q", ""))) is not None:
        return told
    found = Reader(org.store, request.query.get("q", "")).query()
    rows = [row for row in _candidates(org, found, deleted) if found.test is None or found.test(row)]
    rows = rows if deleted else [row for row in rows if not row.deleted]
    if found.counts:
        return answer({"totalSize": len(rows), "done": True, "records": []})
    for name, down in reversed(found.order):
        rows.sort(key=_order(reader(org.store, found.object, name)), reverse=down)
    rows = rows[found.offset :][: found.limit]
    return _page(org, [shown(org, row, found.columns) for row in rows], len(rows))


def _order(read: Callable[[Row], Any]) -> Callable[[Row], tuple[bool, Any]]:
    """What rows sort by: those without the value first, texts without case."""

    def key(row: Row) -> tuple[bool, Any]:
        value = read(row)
        return value is not None, value.lower() if isinstance(value, str) else value or 0

    return key


def query_all(org: Org, request: Request) -> Response:
    """GET queryAll?q=: the recycle bin too."""
    return query(org, request, deleted=True)


def more(org: Org, _request: Request, cursor: str) -> Response:
    """GET query/{cursor}: the next page."""
    rows = org.cursors.pop(cursor, None)
    if rows is None:
        raise refuse("INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(org, rows, len(rows))


def _page(org: Org, rows: list[Record], total: int) -> Response:
    body: Record = {"totalSize": total, "done": len(rows) <= RETRIEVED, "records": rows[:RETRIEVED]}
    if len(rows) > RETRIEVED:
        cursor = f"01g5e{secrets.token_hex(6)}-{RETRIEVED}"
        org.cursors[cursor] = rows[RETRIEVED:]
        body["nextRecordsUrl"] = f"{BASE}/query/{cursor}"
    return answer(body)


def _candidates(org: Org, found: Query, deleted: bool) -> list[Row]:
    """The rows an index names, where the WHERE allows that; the index of values knows no deleted ones."""
    name, values = found.sharp or ("", [])
    if name == "Id":
        rows = [org.store.get(found.object, str(value)) for value in values]
        return list({row.id: row for row in rows if row}.values())
    if name and not deleted:
        return list({row.id: row for value in values for row in org.store.having(found.object, name, value)}.values())
    return list(org.store.all(found.object))


def search(org: Org, request: Request) -> Response:
    """GET search?q=FIND {...} ..."""
    return _searched(org, request.query.get("q", ""))


def parameterized(org: Org, request: Request) -> Response:
    """POST parameterizedSearch {q, in, fields, sobjects: [{name, fields, where, limit}]}."""
    body = document(request)
    common, sobjects = body.get("fields") or ["Id"], body.get("sobjects") or []
    if not isinstance(common, list) or not isinstance(sobjects, list):
        raise unreadable("an array", "a value that is none")
    wanted = ", ".join(
        f"{one['name']}({', '.join(map(str, one.get('fields') or common))}"
        + (f" WHERE {one['where']}" if one.get("where") else "")
        + (f" LIMIT {one['limit']}" if one.get("limit") else "")
        + ")"
        for one in sobjects
        if isinstance(one, Mapping) and "name" in one
    )
    text = f"FIND {{{body.get('q', '')}}} IN {body.get('in', 'ALL')} FIELDS RETURNING {wanted or 'Contact(Id)'}"
    return _searched(org, text)


def _searched(org: Org, text: str) -> Response:
    lag = org.options.search_lag
    found = sosl.run(org.store, text, org.world.now() - lag if lag else None)
    return answer({"searchRecords": [shown(org, row, columns) for row, columns in found]})
