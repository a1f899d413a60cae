"""HubSpot's endpoints beside the records: properties, rules, associations, owners, account, workflow callbacks."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.hubspot.associations import default_type, shown, spec
from connector.sandbox.hubspot.errors import Refused, bad_json, not_found
from connector.sandbox.hubspot.portal import Portal, document, find
from connector.sandbox.hubspot.schema import KINDS, kind_of
from connector.sandbox.hubspot.settings import BATCH, PORTAL
from connector.sandbox.hubspot.values import iso
from connector.sandbox.people import OWNERS, Owner

ZONE = "America/Bogota"  # the portal's time zone: its day ends there


# ---- properties ----
def properties(portal: Portal, _request: Request, kind: str) -> Response:
    """GET: all of them."""
    return answer({"results": [p.shown() for p in portal.store.schema.properties[kind_of(kind)].values()]})


def a_property(portal: Portal, _request: Request, kind: str, name: str) -> Response:
    """GET /{name}."""
    found = portal.store.schema.properties[kind_of(kind)].get(name)
    if found is None:
        raise Refused(f"Property {name} does not exist", "OBJECT_NOT_FOUND")
    return answer(found.shown())


def add_property(portal: Portal, request: Request, kind: str) -> Response:
    """POST: 201, or 409 when the name is taken."""
    made = portal.store.schema.add(kind_of(kind), document(request))
    return answer(made.shown(), 201, record=made.name)


def remove_property(portal: Portal, _request: Request, kind: str, name: str) -> Response:
    """DELETE /{name}: 204."""
    portal.store.schema.remove(kind_of(kind), name)
    return Response(204, record=name)


def groups(portal: Portal, _request: Request, kind: str) -> Response:
    """GET /groups."""
    return answer({"results": list(portal.store.schema.groups[kind_of(kind)].values())})


def add_group(portal: Portal, request: Request, kind: str) -> Response:
    """POST /groups."""
    made = portal.store.schema.add_group(kind_of(kind), document(request))
    return answer(made, 201, record=made["name"])


def rules(portal: Portal, _request: Request, kind: str) -> Response:
    """GET the admin's validation rules, by object type id."""
    found = [
        {
            "propertyName": prop.name,
            "propertyValidationRules": [{"ruleType": rule, "ruleArguments": list(args)} for rule, args in prop.rules],
        }
        for prop in portal.store.schema.properties[kind_of(kind)].values()
        if prop.rules
    ]
    return answer({"results": found})


# ---- associations ----
def linked(portal: Portal, _request: Request, kind: str, id: str, to: str) -> Response:
    """GET everything of one object linked to a record."""
    kind, to = kind_of(kind), kind_of(to)
    item = find(portal, kind, id, None)
    return answer({"results": _links(portal, kind, item.id, to)})


def link(portal: Portal, request: Request, kind: str, id: str, to: str, other: str) -> Response:
    """PUT a link with the types of the body."""
    kind, to = kind_of(kind), kind_of(to)
    first, second = find(portal, kind, id, None), find(portal, to, other, None)
    try:
        given = request.json()
    except ValueError:
        raise bad_json() from None
    types = portal.store.associations.types(kind, given)
    portal.store.associations.put(kind, first.id, to, second.id, types)
    body = {"fromObjectTypeId": KINDS[kind].type_id, "fromObjectId": int(first.id), "toObjectTypeId": KINDS[to].type_id}
    return answer({**body, "toObjectId": int(second.id), "labels": []}, 201, record=[first.id, second.id])


def link_default(portal: Portal, _request: Request, kind: str, id: str, to: str, other: str) -> Response:
    """PUT the unlabelled link."""
    made = _join(portal, kind_of(kind), kind_of(to), id, other)
    stamp = iso(portal.world.now())
    body = {"status": "COMPLETE", "results": made, "startedAt": stamp, "completedAt": stamp}
    return answer(body, record=[id, other])


def unlink(portal: Portal, _request: Request, kind: str, id: str, to: str, other: str) -> Response:
    """DELETE a link: 204, also when there is none."""
    portal.store.associations.cut(kind_of(kind), id, kind_of(to), other)
    return Response(204, record=[id, other])


def links_of_many(portal: Portal, request: Request, kind: str, to: str) -> Response:
    """POST batch/read: records without a link are in `errors` (207)."""
    kind, to = kind_of(kind), kind_of(to)
    ids = [str(one.get("id")) for one in _inputs(request)]
    found = {id: _links(portal, kind, portal.store.survivor(id), to) for id in ids}
    results = [{"from": {"id": id}, "to": links} for id, links in found.items() if links]
    errors = [_unlinked(kind, id, to) for id, links in found.items() if not links]
    stamp = iso(portal.world.now())
    body: Record = {"status": "COMPLETE", "results": results, "startedAt": stamp, "completedAt": stamp}
    return answer(body | ({"numErrors": len(errors), "errors": errors} if errors else {}), 207 if errors else 200)


def link_many(portal: Portal, request: Request, kind: str, to: str) -> Response:
    """POST batch/associate/default."""
    kind, to = kind_of(kind), kind_of(to)
    pairs = [(_end(one, "from"), _end(one, "to")) for one in _inputs(request)]
    made = [join for id, other in pairs for join in _join(portal, kind, to, id, other)]
    stamp = iso(portal.world.now())
    body = {"status": "COMPLETE", "results": made, "startedAt": stamp, "completedAt": stamp}
    return answer(body, 201, record=[id for pair in pairs for id in pair])


def _inputs(request: Request) -> list[dict[str, Any]]:
    inputs = document(request).get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(one, dict) for one in inputs):
        raise bad_json("Invalid input JSON: inputs must be an array of objects")
    if len(inputs) > BATCH * 10:
        raise Refused(f"The maximum is {BATCH * 10} inputs.")  # association batches take 1,000 (associations guide)
    return inputs


def _end(one: dict[str, Any], name: str) -> str:
    end = one.get(name)
    if not isinstance(end, dict) or "id" not in end:
        raise bad_json(f"Invalid input JSON: an input needs {name}.id")
    return str(end["id"])


def _links(portal: Portal, kind: str, id: str, to: str) -> list[Record]:
    return [
        {
            "toObjectId": int(other),
            "associationTypes": [shown(t) for t in types],
        }
        for other, types in portal.store.associations.of(kind, id, to)
    ]


def _unlinked(kind: str, id: str, to: str) -> Record:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {KINDS[to].one} is associated with {KINDS[kind].one} {id}.",
        "context": {"fromObjectId": [id]},
    }


def _join(portal: Portal, kind: str, to: str, id: str, other: str) -> list[Record]:
    first, second = find(portal, kind, id, None), find(portal, to, other, None)
    there, back = default_type(kind, to), default_type(to, kind)
    portal.store.associations.put(kind, first.id, to, second.id, [there])
    one, two = {"id": first.id}, {"id": second.id}
    return [
        {"from": one, "to": two, "associationSpec": spec(there)},
        {"from": two, "to": one, "associationSpec": spec(back)},
    ]


# ---- owners, account, workflows ----
def owners(_portal: Portal, request: Request) -> Response:
    """GET: the sales people."""
    email = request.query.get("email")
    return answer({"results": [_owner(one) for one in OWNERS if email in (None, one.email)]})


def owner(_portal: Portal, _request: Request, id: str) -> Response:
    """GET /{id}."""
    found = next((one for one in OWNERS if str(one.number) == id), None)
    if found is None:
        raise not_found(id)
    return answer(_owner(found))


def _owner(one: Owner) -> Record:
    made = "2024-02-05T14:00:00.000Z"
    return {
        "id": str(one.number), "email": one.email, "type": "PERSON", "firstName": one.first, "lastName": one.last,
        "userId": one.number % 1_000_000, "createdAt": made, "updatedAt": made, "archived": False,
    }  # fmt: skip


def details(_portal: Portal, _request: Request) -> Response:
    """GET the account."""
    offset = datetime.now(ZoneInfo(ZONE)).utcoffset() or timedelta()
    hours = int(offset.total_seconds() // 3600)
    return answer(
        {
            "portalId": PORTAL,
            "accountType": "DEVELOPER_TEST",
            "timeZone": ZONE,
            "companyCurrency": "USD",
            "additionalCurrencies": ["COP", "MXN", "BRL"],
            "utcOffset": f"{hours:+03d}:00",
            "utcOffsetMilliseconds": hours * 3_600_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )


def usage(portal: Portal, _request: Request) -> Response:
    """GET the calls of today."""
    now = datetime.fromtimestamp(portal.world.now(), ZoneInfo(ZONE))
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": portal.options.daily,
        "currentUsage": portal.limits.today,
        "collectedAt": iso(portal.world.now()),
        "fetchStatus": "SUCCESS",
        "resetsAt": midnight.isoformat().replace("+00:00", "Z"),
    }
    return answer({"results": [row]})


def complete(portal: Portal, request: Request, callback: str) -> Response:
    """POST a blocked workflow action's result: 204; 404 when nothing waits under this id."""
    portal.workflows.complete(callback, document(request))
    return Response(204, record=callback)


def complete_many(portal: Portal, request: Request) -> Response:
    """POST several, all or none."""
    inputs = _inputs(request)
    ids = [str(one.get("callbackId")) for one in inputs]
    for callback in ids:
        portal.workflows.waiting(callback)
    for callback, one in zip(ids, inputs, strict=True):
        portal.workflows.complete(callback, one)
    return Response(204, record=ids)
