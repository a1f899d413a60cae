"""Salesforce's collections: up to 200 records in one call, one result each in the order given (REST guide, v68)."""

from collections.abc import Callable, Mapping

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.salesforce.errors import Refused, Unreadable, refuse, unreadable
from connector.sandbox.salesforce.org import Org, allows_duplicates, document, object_of
from connector.sandbox.salesforce.records import external, seen, shown
from connector.sandbox.salesforce.settings import COLLECTION, RETRIEVED
from connector.sandbox.salesforce.store import Row

ROLLED_BACK = (
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
One = Callable[[Record, Record], tuple[Row, bool]]


def create_many(org: Org, request: Request) -> Response:
    """POST composite/sobjects: 200 even when every record failed, results in the order given."""
    allow = allows_duplicates(request)

    def one(record: Record, fields: Record) -> tuple[Row, bool]:
        return org.create(object_of(org, _type(record)), fields, allow), True

    return _each(org, request, one)


def update_many(org: Org, request: Request) -> Response:
    """PATCH composite/sobjects, each record with its id."""

    def one(record: Record, fields: Record) -> tuple[Row, bool]:
        id = str(next((v for k, v in record.items() if k.lower() == "id"), ""))
        if len(id) not in (15, 18):
            raise refuse("MALFORMED_ID", f"malformed id {id}")
        row = org.store.get(object_of(org, _type(record)), id)
        if row is None:
            raise refuse("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        org.update(row, {k: v for k, v in fields.items() if k.lower() != "id"})
        return row, False

    return _each(org, request, one)


def upsert_many(org: Org, request: Request, object: str, name: str) -> Response:
    """PATCH composite/sobjects/{object}/{field}: one object; an external id given twice is refused the second time."""
    object = object_of(org, object)
    field, allow = external(org, object, name), allows_duplicates(request)
    taken: set[str] = set()

    def one(record: Record, fields: Record) -> tuple[Row, bool]:
        if _type(record).lower() != object.lower():
            raise refuse("INVALID_TYPE", f"The records must be of the type {object}")
        value = next((v for k, v in fields.items() if k.lower() == field.name.lower()), None)
        if value in (None, ""):
            raise refuse("MISSING_ARGUMENT", f"{field.name} not specified")
        if str(value).lower() in taken:
            raise refuse("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [field.name])
        taken.add(str(value).lower())
        found = org.store.having(object, field.name, str(value))
        if len(found) > 1:
            ids = ", ".join(row.id for row in found)
            raise refuse(
                "DUPLICATE_EXTERNAL_ID", f"{field.name}: more than one record found for external id field: [{ids}]"
            )
        if not found:
            return org.create(object, fields, allow), True
        org.update(found[0], fields)
        return found[0], False

    return _each(org, request, one, says_created=True)


def _each(org: Org, request: Request, one: One, says_created: bool = False) -> Response:
    body = document(request)
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise unreadable("an array of records", "a body without records")
    if len(records) > COLLECTION:
        raise refuse("EXCEEDED_MAX_SIZE_REQUEST", f"record limit reached. cannot submit more than {COLLECTION} records")
    results: list[Record] = []
    try:
        with org.store.together():
            results.extend(_result(org, one, record, says_created) for record in records)
            if body.get("allOrNone") is True and not all(r["success"] for r in results):
                raise refuse(*ROLLED_BACK)
    except Unreadable:
        raise
    except Refused as refused:
        results = [refused.row() if r["success"] else r for r in results]
    return answer(results, record=[r["id"] for r in results if r["success"]])


def _result(org: Org, one: One, record: Record, says_created: bool) -> Record:
    try:
        with org.store.together():
            row, created = one(record, {k: v for k, v in record.items() if k != "attributes"})
    except Unreadable:
        raise  # a value that cannot be read refuses the whole call
    except Refused as refused:
        return refused.row()
    return {"id": row.id, "success": True, "errors": [], **({"created": created} if says_created else {})}


def _type(record: Record) -> str:
    attributes = record.get("attributes")
    if not isinstance(attributes, Mapping) or not attributes.get("type"):
        raise refuse("INVALID_TYPE", "The sObject type is missing: attributes.type")
    return str(attributes["type"])


def retrieve(org: Org, request: Request, object: str) -> Response:
    """POST composite/sobjects/{object} {ids, fields}: in the order of the ids, null where there is none."""
    object, body = object_of(org, object), document(request)
    ids, wanted = body.get("ids"), body.get("fields")
    if not isinstance(ids, list) or not isinstance(wanted, list) or not wanted:
        raise unreadable("an array", "a body without ids or fields")
    if len(ids) > RETRIEVED:
        raise refuse("EXCEEDED_MAX_SIZE_REQUEST", f"record limit reached. cannot submit more than {RETRIEVED} records")
    wrong = next((str(id) for id in ids if len(str(id)) not in (15, 18)), None)
    if wrong is not None:
        raise refuse("MALFORMED_ID", f"malformed id {wrong}")
    names = [seen(org, object, str(name)).name for name in wanted]
    rows = [org.store.get(object, str(id)) for id in ids]
    return answer([shown(org, row, names) if row and not row.deleted else None for row in rows])
