"""HubSpot's object endpoints: single records, batches with or without trace ids, search, merge."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.hubspot.errors import Refused, bad_json, non_unique, not_found
from connector.sandbox.hubspot.portal import Portal, checked, document, find, names
from connector.sandbox.hubspot.schema import KINDS, kind_of
from connector.sandbox.hubspot.search import LONGEST_BODY, Search
from connector.sandbox.hubspot.settings import BATCH, PORTAL
from connector.sandbox.hubspot.store import Item
from connector.sandbox.hubspot.values import iso

LIST, MOST_LISTED = 10, 100
Inputs = Sequence[Mapping[str, Any]]


# ---- one record ----
def read(portal: Portal, request: Request, kind: str, id: str) -> Response:
    """GET /{id}; `idProperty`, `properties` and `associations` in the query."""
    kind, query = kind_of(kind), request.query
    if query.get("archived") == "true":
        item = next((item for item in portal.store.all(kind, archived=True) if item.id == id), None)
        if item is None:
            raise not_found(id)
    else:
        item = find(portal, kind, id, query.get("idProperty"))
    shown = item.shown(names(query["properties"]) if query.get("properties") else KINDS[kind].shown)
    linked = {to: _linked(portal, kind, item.id, kind_of(to)) for to in names(query.get("associations"))}
    return answer(shown | ({"associations": linked} if any(linked.values()) else {}), record=item.id)


def _linked(portal: Portal, kind: str, id: str, to: str) -> Record | None:
    word = f"{KINDS[kind].one}_to_{KINDS[to].one}"
    found = [{"id": other, "type": word} for other, _ in portal.store.associations.of(kind, id, to)]
    return {"results": found} if found else None


def listed(portal: Portal, request: Request, kind: str) -> Response:
    """GET /: pages of records, oldest first."""
    kind, query = kind_of(kind), request.query
    limit, after = int(query.get("limit", LIST)), int(query.get("after", 0))
    if not 0 < limit <= MOST_LISTED:
        raise Refused(f"limit must be between 1 and {MOST_LISTED}")
    shown = names(query["properties"]) if query.get("properties") else KINDS[kind].shown
    items = [item for item in portal.store.all(kind, query.get("archived") == "true") if int(item.id) >= after]
    items.sort(key=lambda item: int(item.id))
    page: Record = {"results": [item.shown(shown) for item in items[:limit]]}
    if len(items) > limit:
        page["paging"] = {
            "next": {"after": items[limit].id, "link": f"{request.base}{request.path}?after={items[limit].id}"}
        }
    return answer(page)


def create(portal: Portal, request: Request, kind: str) -> Response:
    """POST /."""
    kind, body = kind_of(kind), document(request)
    with portal.store.together():
        item = portal.create(kind, body.get("properties"), body.get("associations"))
    return answer(item.shown(body["properties"]), 201, record=item.id)


def update(portal: Portal, request: Request, kind: str, id: str) -> Response:
    """PATCH /{id}."""
    kind, body = kind_of(kind), document(request)
    item = find(portal, kind, id, request.query.get("idProperty"))
    changed = portal.update(kind, item, body.get("properties"))
    return answer(item.shown(changed), record=item.id)


def archive(portal: Portal, request: Request, kind: str, id: str) -> Response:
    """DELETE /{id}: 204, also when it is gone already."""
    kind = kind_of(kind)
    item = portal.store.get(kind, id, checked(portal, kind, request.query.get("idProperty")))
    if item:
        portal.archive(kind, item)
    return Response(204, record=item.id if item else id)


def merge(portal: Portal, request: Request, kind: str) -> Response:
    """POST /merge: a new record; the old ids lead to it."""
    kind, body = kind_of(kind), document(request)
    first, second = (find(portal, kind, str(body.get(name)), None) for name in ("primaryObjectId", "objectIdToMerge"))
    if first is second:
        raise Refused("Cannot merge a record with itself.")
    merged = portal.merge(kind, first, second)
    return answer(merged.shown(KINDS[kind].shown), record=[first.id, second.id, merged.id])


def erase(portal: Portal, request: Request, kind: str) -> Response:
    """POST /gdpr-delete."""
    kind, body = kind_of(kind), document(request)
    item = find(portal, kind, str(body.get("objectId")), body.get("idProperty"))
    portal.archive(kind, item)
    item.values = {name: item.values[name] for name in ("hs_object_id", item.kind.created, item.kind.modified)}
    return Response(204, record=item.id)


def search(portal: Portal, request: Request, kind: str) -> Response:
    """POST /search."""
    if len(request.body.decode("utf-8", "replace")) > LONGEST_BODY:
        raise Refused(f"The request body is longer than {LONGEST_BODY} characters.")
    found = Search(portal.store, portal.world.now(), portal.options.search_lag)
    return answer(found.run(kind_of(kind), document(request)))


# ---- batches ----
def batch(portal: Portal, request: Request, kind: str, verb: str) -> Response:
    """POST /batch/{create,read,update,upsert,archive}."""
    kind, body = kind_of(kind), document(request)
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise bad_json("Invalid input JSON: inputs must be an array of objects")
    if not inputs:
        raise Refused("The inputs list must not be empty.")
    if len(inputs) > BATCH:
        raise Refused(f"The batch holds {len(inputs)} inputs; the maximum is {BATCH}.")
    if verb == "read":
        return _read_all(portal, kind, body, inputs)
    if verb == "archive":
        return _archive_all(portal, kind, inputs)
    _refuse_doubles(verb, inputs)
    return _write_all(portal, inputs, lambda one: WRITERS[verb](portal, kind, one), 201 if verb == "create" else 200)


def _read_all(portal: Portal, kind: str, body: Mapping[str, Any], inputs: Inputs) -> Response:
    id_property = checked(portal, kind, body.get("idProperty"))
    shown = names(body.get("properties")) or KINDS[kind].shown
    found = {str(one.get("id")): portal.store.get(kind, str(one.get("id")), id_property) for one in inputs}
    missing = [id for id, item in found.items() if item is None]
    there = dict.fromkeys(item for item in found.values() if item)
    results = [item.shown(shown) for item in there]
    if not missing:
        return answer(_complete(portal, results))
    what = KINDS[kind].one.upper()
    message = f"Could not get some {what} objects, they may be deleted or not exist. Check that ids are valid."
    error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": missing}}
    return answer(_complete(portal, results, [error]), 207)


def _archive_all(portal: Portal, kind: str, inputs: Inputs) -> Response:
    items = [portal.store.get(kind, str(one.get("id"))) for one in inputs]
    for item in filter(None, items):
        portal.archive(kind, item)
    return Response(204, record=[item.id for item in items if item])


def _refuse_doubles(verb: str, inputs: Inputs) -> None:
    """The same record twice in one batch fails all of it."""
    ids = [(str(one.get("idProperty")), str(one.get("id")).lower()) for one in inputs] if verb != "create" else []
    doubled = sorted({id for (_, id), times in Counter(ids).items() if times > 1})
    if doubled:
        raise Refused(f"Duplicate IDs found in batch input: [{', '.join(doubled)}]. IDs must be unique")


def _write_all(portal: Portal, inputs: Inputs, write: Callable[[Mapping[str, Any]], Record], done: int) -> Response:
    """With a trace id of its own on every input each stands alone (207); without, one refusal refuses all."""
    traces = _traces(inputs)
    if traces is None:
        with portal.store.together():
            results = [write(one) for one in inputs]
        return answer(_complete(portal, results), done, record=[one["id"] for one in results])
    results, errors = [], []
    for trace, one in zip(traces, inputs, strict=True):
        try:
            with portal.store.together():
                results.append({**write(one), "objectWriteTraceId": trace})
        except Refused as refused:
            errors.append(refused.row(trace))
    return answer(_complete(portal, results, errors), 207 if errors else done, record=[one["id"] for one in results])


def _traces(inputs: Inputs) -> list[str] | None:
    """The trace ids; None when one is missing or shared, or e-mails name the records (contacts guide: not partial)."""
    traces = [one.get("objectWriteTraceId") for one in inputs]
    by_email = any(one.get("idProperty") == "email" for one in inputs)
    if by_email or not all(isinstance(t, str) and t for t in traces) or len(set(traces)) < len(traces):
        return None
    return [str(trace) for trace in traces]


def _create_one(portal: Portal, kind: str, one: Mapping[str, Any]) -> Record:
    item = portal.create(kind, one.get("properties"), one.get("associations"))
    return item.shown(one["properties"])


def _update_one(portal: Portal, kind: str, one: Mapping[str, Any]) -> Record:
    item = find(portal, kind, str(one.get("id")), one.get("idProperty"))
    return item.shown(portal.update(kind, item, one.get("properties")))


def _upsert_one(portal: Portal, kind: str, one: Mapping[str, Any]) -> Record:
    key, id, properties = one.get("idProperty"), one.get("id"), one.get("properties")
    if not isinstance(id, str) or not id:
        raise bad_json("Invalid input JSON: an input of an upsert needs an id")
    if not isinstance(key, str) or key == "hs_object_id":
        raise non_unique(str(key or "hs_object_id"))
    checked(portal, kind, key)
    item = portal.store.get(kind, id, key)
    if not isinstance(properties, dict):
        raise bad_json("Invalid input JSON: properties must be an object")
    if item is None:
        values = {key: id, **properties}
        return _upserted(portal.create(kind, values, None), values, new=True)
    return _upserted(item, portal.update(kind, item, properties), new=False)


def _upserted(item: Item, shown: Iterable[str], new: bool) -> Record:
    url = f"https://app.hubspot.com/contacts/{PORTAL}/record/{item.kind.type_id}/{item.id}"
    return {**item.shown(shown), "new": new, "url": url}


WRITERS: Mapping[str, Callable[[Portal, str, Mapping[str, Any]], Record]] = {
    "create": _create_one,
    "update": _update_one,
    "upsert": _upsert_one,
}


def _complete(portal: Portal, results: Sequence[Record], errors: Sequence[Record] = ()) -> Record:
    stamp = iso(portal.world.now())
    more = {"numErrors": len(errors), "errors": list(errors)} if errors else {}
    return {"status": "COMPLETE", "results": list(results), **more, "startedAt": stamp, "completedAt": stamp}
