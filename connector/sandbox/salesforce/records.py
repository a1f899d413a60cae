"""Salesforce's endpoints for one record: by id, by an external id, and the upsert."""

from collections.abc import Sequence

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.salesforce.compare import reader
from connector.sandbox.salesforce.errors import no_column, not_found, refuse
from connector.sandbox.salesforce.field import Field
from connector.sandbox.salesforce.org import Org, allows_duplicates, document, live, object_of
from connector.sandbox.salesforce.settings import API
from connector.sandbox.salesforce.store import Row

BASE = f"/services/data/v{API}"


def read(org: Org, request: Request, object: str, id: str) -> Response:
    """GET sobjects/{object}/{id}; `fields` in the query."""
    row = live(org, object_of(org, object), id)
    wanted = [name.strip() for name in request.query.get("fields", "").split(",") if name.strip()]
    names = [seen(org, row.object, name).name for name in wanted] or [f.name for f in org.store.schema.seen(row.object)]
    return answer(shown(org, row, names), record=row.id)


def read_by(org: Org, request: Request, object: str, name: str, value: str) -> Response:
    """GET sobjects/{object}/{field}/{value}: 404 when there is none, 300 when there are several."""
    object = object_of(org, object)
    found = org.store.having(object, external(org, object, name).name, value)
    if not found:
        raise not_found()
    return _several(found) if len(found) > 1 else read(org, request, object, found[0].id)


def create(org: Org, request: Request, object: str) -> Response:
    """POST sobjects/{object}: 201."""
    row = org.create(object_of(org, object), document(request), allows_duplicates(request))
    return answer({"id": row.id, "success": True, "errors": []}, 201, record=row.id)


def update(org: Org, request: Request, object: str, id: str) -> Response:
    """PATCH sobjects/{object}/{id}: 204."""
    row = org.store.get(object_of(org, object), id)
    if row is None:
        raise not_found()
    org.update(row, document(request))
    return Response(204, record=row.id)


def delete(org: Org, _request: Request, object: str, id: str) -> Response:
    """DELETE sobjects/{object}/{id}: 204."""
    row = live(org, object_of(org, object), id)
    org.store.delete(row)
    return Response(204, record=row.id)


def upsert(org: Org, request: Request, object: str, name: str, value: str) -> Response:
    """PATCH sobjects/{object}/{field}/{value}: 201, 200, or 300 with the addresses of several."""
    object = object_of(org, object)
    field, given = external(org, object, name), document(request)
    if any(key.lower() == field.name.lower() for key in given):
        message = f"The {field.name} field should not be specified in the sobject data."
        raise refuse("INVALID_FIELD", message, [field.name])
    found = org.store.having(object, field.name, value)
    if len(found) > 1:
        return _several(found)
    if not found and request.query.get("updateOnly", "").lower() == "true":
        raise not_found()
    if found:
        org.update(found[0], given)
        row = found[0]
    else:
        row = org.create(object, {**given, field.name: value}, allows_duplicates(request))
    return answer(
        {"id": row.id, "success": True, "errors": [], "created": not found}, 200 if found else 201, record=row.id
    )


def _several(rows: Sequence[Row]) -> Response:
    return answer([f"{BASE}/sobjects/{row.object}/{row.id}" for row in rows], 300, record=[row.id for row in rows])


def external(org: Org, object: str, name: str) -> Field:
    """A field records can be named by; NOT_FOUND for another."""
    field = org.store.schema.get(object, name)
    if field is None or not (field.external or field.name == "Id"):
        raise refuse("NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}")
    return field


def seen(org: Org, object: str, name: str) -> Field:
    """A field our user may see; INVALID_FIELD for another."""
    field = org.store.schema.get(object, name)
    if field is None:
        raise no_column(object, name)
    return field


def shown(org: Org, row: Row, names: Sequence[str]) -> Record:
    """A row with these columns; those of a related record stand inside it."""
    found: Record = {"attributes": row.attributes()}
    for name in names:
        relation, dot, rest = name.partition(".")
        if dot:
            nested = found.setdefault(relation, {})
            nested[rest] = reader(org.store, row.object, name)(row)
        else:
            found[name] = row.values.get(name)
    return found
