"""The stand-in for HubSpot's API on its dated paths. It knows one portal, one token and one app."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.hubspot import files, lists, oauth, objects, setup
from connector.sandbox.hubspot.errors import Refused, limited, missing_scopes, no_such_page, unauthorized
from connector.sandbox.hubspot.portal import Portal
from connector.sandbox.hubspot.schema import KINDS, kind_of
from connector.sandbox.hubspot.settings import VERSION, HubSpotOptions
from connector.sandbox.hubspot.store import Item
from connector.sandbox.hubspot.webhooks import USER
from connector.sandbox.world import World

ANONYMOUS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at "
    "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
# The scope of an object, for `.read` and `.write`; engagements go by their contact's (communications guide).
SCOPES = {
    "contacts": "crm.objects.contacts",
    "companies": "crm.objects.companies",
    "deals": "crm.objects.deals",
} | dict.fromkeys(("communications", "notes", "tasks"), "crm.objects.contacts")
READS = frozenset({"read", "search"})  # POSTs that change nothing


class HubSpot:
    """`HubSpot(world)`; the webhooks go to `world.urls["hubspot"]`."""

    name = "hubspot"
    prefix = "/hubspot"

    def __init__(self, world: World, options: HubSpotOptions | None = None) -> None:
        self.portal = Portal(world, options or HubSpotOptions())

    def handle(self, request: Request) -> Response:
        """One call of the API."""
        if request.path.startswith("/_"):
            return self._own(request)
        if request.path.startswith("/oauth/"):
            with self.portal.lock:
                return self._routed(request)
        refused = self._refused(request)
        if refused:
            return refused
        with self.portal.lock:
            response = self._routed(request)
        if request.path.endswith("/search"):
            return response  # no rate headers on a search
        return replace(response, headers={**response.headers, **self.portal.limits.headers()})

    def reset(self) -> None:
        """Back to the seed."""
        self.portal.reset()

    def limited(self, request: Request) -> Response:
        """429 of the ten seconds, or of the second for a search."""
        if request.path.endswith("/search"):
            return limited("SECONDLY", {})
        return limited("TEN_SECONDLY_ROLLING", {**self.portal.limits.headers(), "X-HubSpot-RateLimit-Remaining": "0"})

    def expired(self, _request: Request) -> Response:
        """401 of an OAuth token that aged."""
        message = "The OAuth token used to make this call expired 4 minute(s) ago."
        return unauthorized(message, "EXPIRED_AUTHENTICATION")

    def expire(self) -> int:
        """Every OAuth token ends; a service key does not."""
        portal, now = self.portal, self.portal.world.now()
        with portal.lock:
            good = [token for token, ends in portal.tokens.items() if ends > now]
            portal.tokens |= dict.fromkeys(good, now - 1.0)
        return len(good)

    def records(self, object: str) -> list[Record]:
        """All records of one object with every value they have, or `callbacks`; KeyError for an unknown object."""
        with self.portal.lock:
            if object == "callbacks":
                return list(self.portal.workflows.completed.values())
            if object == "files":
                return [{n: v for n, v in f.items() if n != "data"} for f in self.portal.files.values()]
            return [_whole(item) for item in self.portal.store.all(_kind(object))]

    def record(self, object: str, id: str) -> Record:
        """One record; KeyError when there is none."""
        with self.portal.lock:
            return (
                self.portal.workflows.completed[id] if object == "callbacks" else _whole(self._item(_kind(object), id))
            )

    def change(self, object: str, id: str, fields: Mapping[str, Any]) -> Record:
        """Change a record as a person would; `new` makes one, `{"archived": true}` deletes, `{"merge": id}` merges."""
        kind, portal = _kind(object), self.portal
        with portal.lock:
            try:
                if id == "new":
                    return _whole(portal.create(kind, fields, None, USER))
                item = self._item(kind, id)
                if fields.get("archived") is True:
                    portal.archive(kind, item, USER)
                elif "merge" in fields:
                    item = portal.merge(kind, item, self._item(kind, str(fields["merge"])), USER)
                else:
                    portal.update(kind, item, fields, USER)
                return _whole(item)
            except Refused as refused:
                raise ValueError(str(refused)) from refused

    def _item(self, kind: str, id: str) -> Item:
        item = self.portal.store.get(kind, id)
        if item is None:
            raise KeyError(f"{kind} {id}")
        return item

    def _own(self, request: Request) -> Response:
        """The stand-in's own switches and workflows; HubSpot has no such paths."""
        action = OWN.get((request.method, request.path))
        if action is None:
            return no_such_page()
        try:
            return answer(action(self.portal, request))
        except ValueError as wrong:
            return answer({"error": str(wrong)}, 400)

    def _refused(self, request: Request) -> Response | None:
        """What stands before every endpoint: the token, then the limits."""
        portal, now = self.portal, self.portal.world.now()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return unauthorized(ANONYMOUS)
        if token != portal.options.token and token not in portal.tokens:
            return unauthorized("Invalid access token, the token may be revoked or belong to another account.")
        if portal.grants.ended(token):
            return unauthorized("The OAuth token used to make this call was revoked.", "REVOKED_AUTHENTICATION")
        if portal.tokens.get(token, now) < now:
            return self.expired(request)
        searches = request.path.endswith("/search")
        policy = portal.limits.count_search(now) if searches else portal.limits.count(now)
        return limited(policy, {} if searches else portal.limits.headers()) if policy else None

    def _routed(self, request: Request) -> Response:
        for method, pattern, action in ROUTES:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                missing = _scopes_of(request) - self.portal.options.scopes
                if missing:
                    return missing_scopes(sorted(missing))
                return self._answered(action, request, found.groups())
        return no_such_page()

    def _answered(self, action: Callable[..., Response], request: Request, names: tuple[str, ...]) -> Response:
        try:
            return action(self.portal, request, *names)
        except Refused as refused:
            return refused.response()
        except ValueError as wrong:  # a number that is none, in the query
            return Refused(f"Invalid request: {wrong}").response()


def _whole(item: Item) -> Record:
    return item.shown(name for name, value in item.values.items() if value)


def _kind(object: str) -> str:
    try:
        return kind_of(object)
    except Refused:
        raise KeyError(object) from None


def _scopes_of(request: Request) -> set[str]:
    """The scope a call needs, by its path."""
    parts = request.path.split("/")
    verb = "read" if request.method == "GET" or parts[-1] in READS else "write"
    if parts[1:3] == ["crm", "owners"]:
        return {"crm.objects.owners.read"}
    if parts[1] == "files":
        return {"files"}
    if parts[1:3] == ["crm", "lists"]:
        return {f"crm.lists.{verb}"}
    if parts[1] != "crm" or len(parts) < 5:
        return set()
    kind = next((k.name for k in KINDS.values() if parts[4] in (k.name, k.one, k.type_id)), "contacts")
    scope = "tickets" if kind == "tickets" else f"{SCOPES[kind]}.{verb}"
    if parts[2] in ("properties", "property-validations"):
        scope = scope.replace("crm.objects", "crm.schemas")
    return {scope}


def _route(
    method: str, path: str, action: Callable[..., Response]
) -> tuple[str, re.Pattern[str], Callable[..., Response]]:
    return method, re.compile(path.replace("{}", "([^/]+)").replace("{v}", VERSION) + "/?"), action


def _given(request: Request) -> Record:
    found = request.json()
    if not isinstance(found, dict):
        raise ValueError("the body is a JSON object")
    return found


OWN: Mapping[tuple[str, str], Callable[[Portal, Request], Any]] = {
    ("GET", "/_options"): lambda portal, _request: portal.switches(),
    ("PATCH", "/_options"): lambda portal, request: portal.switch(request.json()),
    ("GET", "/_workflows"): lambda portal, _request: list(portal.workflows.runs.values()),
    ("POST", "/_workflows"): lambda portal, request: portal.workflows.fire(_given(request)),
    ("POST", "/_workflows/webhook"): lambda portal, request: portal.workflows.send(_given(request)),
    ("POST", "/_workflows/options"): lambda portal, request: portal.workflows.options(_given(request)),
}
OBJECTS = "/crm/objects/{v}/{}"
ROUTES = [
    _route("POST", OBJECTS + "/batch/(create|read|update|upsert|archive)", objects.batch),
    _route("POST", OBJECTS + "/search", objects.search),
    _route("POST", OBJECTS + "/merge", objects.merge),
    _route("POST", OBJECTS + "/gdpr-delete", objects.erase),
    _route("GET", OBJECTS, objects.listed),
    _route("POST", OBJECTS, objects.create),
    _route("GET", OBJECTS + "/{}", objects.read),
    _route("PATCH", OBJECTS + "/{}", objects.update),
    _route("DELETE", OBJECTS + "/{}", objects.archive),
    _route("PUT", OBJECTS + "/{}/associations/default/{}/{}", setup.link_default),
    _route("GET", OBJECTS + "/{}/associations/{}", setup.linked),
    _route("PUT", OBJECTS + "/{}/associations/{}/{}", setup.link),
    _route("DELETE", OBJECTS + "/{}/associations/{}/{}", setup.unlink),
    _route("POST", "/crm/associations/{v}/{}/{}/batch/read", setup.links_of_many),
    _route("POST", "/crm/associations/{v}/{}/{}/batch/associate/default", setup.link_many),
    _route("GET", "/crm/properties/{v}/{}", setup.properties),
    _route("POST", "/crm/properties/{v}/{}", setup.add_property),
    _route("GET", "/crm/properties/{v}/{}/groups", setup.groups),
    _route("POST", "/crm/properties/{v}/{}/groups", setup.add_group),
    _route("GET", "/crm/properties/{v}/{}/{}", setup.a_property),
    _route("DELETE", "/crm/properties/{v}/{}/{}", setup.remove_property),
    _route("GET", "/crm/property-validations/{v}/{}", setup.rules),
    _route("POST", "/crm/lists/{v}", lists.create),
    _route("POST", "/crm/lists/{v}/search", lists.search),
    _route("GET", "/crm/lists/{v}/object-type-id/{}/name/{}", lists.by_name),
    _route("GET", "/crm/lists/{v}/{}", lists.read),
    _route("GET", "/crm/lists/{v}/{}/memberships", lists.members),
    _route("PUT", "/crm/lists/{v}/{}/memberships/add", lists.add),
    _route("GET", "/crm/owners/{v}", setup.owners),
    _route("GET", "/crm/owners/{v}/{}", setup.owner),
    _route("GET", "/account-info/{v}/details", setup.details),
    _route("GET", "/account-info/{v}/api-usage/daily/private-apps", setup.usage),
    _route("POST", "/automation/actions/callbacks/{v}/{}/complete", setup.complete),
    _route("POST", "/automation/actions/callbacks/{v}/complete", setup.complete_many),
    _route("POST", "/files/[^/]+/files", files.upload),
    _route("GET", "/files/[^/]+/files/{}", files.details),
    _route("GET", "/files/[^/]+/files/{}/signed-url", files.signed),
    _route("GET", "/oauth/authorize", oauth.authorize),
    _route("POST", "/oauth/authorize", oauth.authorize),
    _route("POST", "/oauth/{v}/token", oauth.token),
    _route("POST", "/oauth/{v}/token/revoke", oauth.revoke),
    _route("POST", "/oauth/{v}/token/introspect", oauth.introspect),
]
