"""HubSpot's lists: search, by id, by name, members in pages, and static ones made by hand (lists API guide, 2026)."""

from typing import Any
from urllib.parse import unquote

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.hubspot.errors import Refused, not_found
from connector.sandbox.hubspot.portal import Portal, document

MOST, SHOWN = 250, 100  # members of a page, and when `limit` is not given


def create(portal: Portal, request: Request) -> Response:
    """POST {name, objectTypeId, processingType}: a list without members."""
    body = document(request)
    id_ = str(len(portal.lists) + 1)
    if any(one["name"] == body.get("name") for one in portal.lists.values()):
        raise Refused("A list with this name exists already.")
    portal.lists[id_] = {"name": str(body.get("name")), "type": str(body.get("objectTypeId") or "0-1"), "members": []}
    return answer({"list": _shown(id_, portal.lists[id_])}, record=id_)


def search(portal: Portal, request: Request) -> Response:
    """POST search {query, count, offset}: names that have this in them."""
    body = document(request)
    text, start = str(body.get("query") or "").lower(), int(body.get("offset") or 0)
    found = [_shown(i, one) for i, one in portal.lists.items() if text in one["name"].lower()]
    page = found[start : start + int(body.get("count") or 20)]
    end = start + len(page)
    return answer({"lists": page, "total": len(found), "offset": end, "hasMore": end < len(found)})


def read(portal: Portal, _request: Request, id: str) -> Response:
    """GET /{listId}."""
    return answer({"list": _shown(id, _one(portal, id))}, record=id)


def by_name(portal: Portal, _request: Request, type_id: str, name: str) -> Response:
    """GET object-type-id/{type}/name/{name}."""
    wanted = unquote(name)
    for id_, one in portal.lists.items():
        if one["name"] == wanted and one["type"] == type_id:
            return answer({"list": _shown(id_, one)}, record=id_)
    raise not_found("list")


def members(portal: Portal, request: Request, id: str) -> Response:
    """GET memberships?limit=&after=: record ids, in the order of ids."""
    limit = int(request.query.get("limit") or SHOWN)
    if not 0 < limit <= MOST:
        raise Refused(f"limit must be between 1 and {MOST}")
    ids = sorted(_one(portal, id)["members"], key=int)
    start = int(request.query.get("after") or 0)
    body: Record = {"results": [{"recordId": one, "membershipTimestamp": "2026-03-02T14:00:00Z"} for one in
                                ids[start : start + limit]]}  # fmt: skip
    if start + limit < len(ids):
        body["paging"] = {"next": {"after": str(start + limit)}}
    return answer(body, record=id)


def add(portal: Portal, request: Request, id: str) -> Response:
    """PUT memberships/add: a JSON array of record ids."""
    found, given = _one(portal, id), request.json()
    fresh = [str(one) for one in given if str(one) not in found["members"]] if isinstance(given, list) else []
    found["members"] += fresh
    return answer({"recordIdsAdded": fresh, "recordIdsMissing": [], "recordIdsRemoved": []}, record=id)


def _one(portal: Portal, id: str) -> dict[str, Any]:
    if id not in portal.lists:
        raise not_found("list")
    return portal.lists[id]


def _shown(id_: str, one: dict[str, Any]) -> Record:
    return {
        "listId": id_, "name": one["name"], "objectTypeId": one["type"], "processingType": "MANUAL",
        "processingStatus": "COMPLETE", "size": len(one["members"]),
        "additionalProperties": {"hs_list_size": str(len(one["members"]))},
    }  # fmt: skip
