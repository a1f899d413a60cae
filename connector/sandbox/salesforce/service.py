"""The stand-in for Salesforce's REST API, version 68.0. It knows one org, one app and one integration user."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.salesforce import collections, deploy, files, flows, lists, metadata, oauth, queries, records
from connector.sandbox.salesforce.composite import composite
from connector.sandbox.salesforce.errors import (
    MAINTENANCE,
    Refused,
    limit_exceeded,
    not_found,
    session_ended,
    unreadable,
)
from connector.sandbox.salesforce.org import PERSON, Org, object_of
from connector.sandbox.salesforce.settings import SalesforceOptions
from connector.sandbox.salesforce.store import Row
from connector.sandbox.uploads import is_multipart
from connector.sandbox.world import World

DATA = re.compile(r"/services/data/v(\d+\.\d)(/.*)?")


class Salesforce:
    """`Salesforce(world)`; Outbound Messages go to `world.urls["salesforce"]`."""

    name = "salesforce"
    prefix = "/salesforce"

    def __init__(self, world: World, options: SalesforceOptions | None = None) -> None:
        self.org = Org(world, options or SalesforceOptions())

    def handle(self, request: Request) -> Response:
        """One call of the API."""
        if request.path == "/_options":
            return self._options(request)
        if request.path == "/_flows":
            return _flow(request)
        if self.org.options.maintenance:
            return MAINTENANCE
        with self.org.lock:
            if request.path in oauth.ROUTES:
                return oauth.ROUTES[request.path](self.org, request)
            try:
                if request.path.rstrip("/") != "/services/data":
                    self._admit(request)
            except Refused as refused:
                return refused.response()
            response = self._routed(request)
            used = f"api-usage={self.org.calls}/{self.org.options.daily}"
        return replace(response, headers={**response.headers, "Sforce-Limit-Info": used})

    def reset(self) -> None:
        """Back to the seed; every session ends."""
        self.org.reset()

    def limited(self, _request: Request) -> Response:
        """403 without a Retry-After."""
        return limit_exceeded().response()

    def expired(self, request: Request) -> Response:
        """401; the session that was used has really ended."""
        with self.org.lock:
            self.org.sessions.pop(_token(request), None)
        return session_ended().response()

    def expire(self) -> int:
        """Every session ends."""
        with self.org.lock:
            ended = len(self.org.sessions)
            self.org.sessions.clear()
        return ended

    def records(self, object: str) -> list[Record]:
        """All records of one object with every value they have, deleted ones too; KeyError for an unknown object."""
        with self.org.lock:
            return [_whole(row) for row in self.org.store.all(self._object(object))]

    def record(self, object: str, id: str) -> Record:
        """One record, deleted or not; KeyError when there is none."""
        with self.org.lock:
            return _whole(self._row(self._object(object), id))

    def change(self, object: str, id: str, fields: Mapping[str, Any]) -> Record:
        """Change a record as a person would. The id `new` makes one; `{"IsDeleted": true}` deletes it,
        `{"MasterRecordId": id}` merges it into another, `{"IsConverted": true}` converts a lead."""
        object, org = self._object(object), self.org
        with org.lock:
            try:
                if id == "new":
                    return _whole(org.create(object, fields, True, PERSON))
                row = self._row(object, id)
                act = next((ACTS[name] for name in fields if name in ACTS), None)
                if act:
                    act(self, row, fields)
                else:
                    org.update(row, fields, PERSON)
                return _whole(row)
            except Refused as refused:
                raise ValueError(str(refused)) from refused

    # ---- what a person does in the screens ----
    def _delete(self, row: Row, _fields: Mapping[str, Any]) -> None:
        self.org.store.delete(row)

    def _merge(self, row: Row, fields: Mapping[str, Any]) -> None:
        self.org.store.merge(self._row(row.object, str(fields["MasterRecordId"])), row)

    def _convert(self, row: Row, _fields: Mapping[str, Any]) -> None:
        names = (f.name for f in self.org.store.schema.seen("Contact") if not f.read_only)
        carried = {name: row.values[name] for name in names if row.values.get(name) is not None}
        contact = self.org.create("Contact", carried, True, PERSON)
        self.org.store.put(row, {"IsConverted": True, "ConvertedContactId": contact.id, "Status": "Closed - Converted"})

    # ---- inside ----
    def _object(self, name: str) -> str:
        try:
            return object_of(self.org, name)
        except Refused:
            raise KeyError(name) from None

    def _row(self, object: str, id: str) -> Row:
        row = self.org.store.get(object, id)
        if row is None:
            raise KeyError(f"{object} {id}")
        return row

    def _options(self, request: Request) -> Response:
        """The stand-in's own switches; Salesforce has no such path."""
        if request.method == "GET":
            return answer(self.org.switches())
        try:
            return answer(self.org.switch(request.json()))
        except ValueError as wrong:
            return answer({"error": str(wrong)}, 400)

    def _admit(self, request: Request) -> None:
        """The session, then the day's calls."""
        if not self.org.is_session(_token(request)):
            raise session_ended()
        self.org.count()

    def _routed(self, request: Request) -> Response:
        try:
            if request.path.rstrip("/") == "/services/data":
                return metadata.versions(self.org, request)
            data = DATA.fullmatch(request.path)
            if data is None:
                raise not_found()
            metadata.check_version(data[1])
            path = data[2] or ""
            for method, pattern, action in ROUTES:
                found = pattern.fullmatch(path)
                if found and method == request.method:
                    return action(self.org, request, *found.groups())
            if request.method == "POST" and path.rstrip("/") == "/composite":
                return composite(self.org, request, self._routed)
            raise not_found()
        except Refused as refused:
            return refused.response()
        except RecursionError:
            return unreadable("an object", "a body nested too deep").response()


ACTS: Mapping[str, Callable[[Salesforce, Row, Mapping[str, Any]], None]] = {
    "IsDeleted": Salesforce._delete,
    "MasterRecordId": Salesforce._merge,
    "IsConverted": Salesforce._convert,
}


def _flow(request: Request) -> Response:
    """Let a flow make its callout; Salesforce has no such path."""
    try:
        return answer(flows.call(request.json()))
    except ValueError as wrong:
        return answer({"error": str(wrong)}, 400)


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").partition(" ")[2]


def _whole(row: Row) -> Record:
    return {"attributes": row.attributes(), **{name: value for name, value in row.values.items() if value is not None}}


def _route(
    method: str, path: str, action: Callable[..., Response]
) -> tuple[str, re.Pattern[str], Callable[..., Response]]:
    return method, re.compile(path.replace("{}", "([^/]+)") + "/?"), action


def _create(org: Org, request: Request, object: str) -> Response:
    """A record, or a file that comes as a form."""
    if object == "ContentVersion" and is_multipart(request):
        return files.upload(org, request)
    return records.create(org, request, object)


ROUTES = [
    _route("PATCH", "/composite/sobjects/{}/{}", collections.upsert_many),
    _route("PATCH", "/composite/sobjects", collections.update_many),
    _route("POST", "/composite/sobjects", collections.create_many),
    _route("POST", "/composite/sobjects/{}", collections.retrieve),
    _route("GET", "/query", queries.query),
    _route("GET", "/queryAll", queries.query_all),
    _route("GET", "/query(?:All)?/{}", queries.more),
    _route("GET", "/search", queries.search),
    _route("POST", "/parameterizedSearch", queries.parameterized),
    _route("GET", "/sobjects/{}/describe", metadata.describe),
    _route("POST", "/sobjects/{}", _create),
    _route("GET", "/sobjects/ContentVersion/{}/VersionData", files.read),
    _route("GET", "/sobjects/{}/listviews", lists.views),
    _route("GET", "/sobjects/{}/listviews/{}/describe", lists.describe_view),
    _route("GET", "/analytics/reports/{}", lists.report),
    _route("POST", "/_lists", lists.make),
    _route("GET", "/sobjects/{}/{}", records.read),
    _route("PATCH", "/sobjects/{}/{}", records.update),
    _route("DELETE", "/sobjects/{}/{}", records.delete),
    _route("GET", "/sobjects/{}/{}/{}", records.read_by),
    _route("PATCH", "/sobjects/{}/{}/{}", records.upsert),
    _route("GET", "/sobjects", metadata.objects),
    _route("GET", "/limits", metadata.limits),
    _route("GET", "/ui-api/object-info/{}/picklist-values/{}", metadata.picklists),
    _route("GET", "/tooling/query", queries.query),
    _route("POST", "/tooling/sobjects/CustomField", metadata.add_field),
    _route("POST", "/metadata/deployRequest", deploy.start),
    _route("GET", "/metadata/deployRequest/{}", deploy.status),
    _route("GET", "", metadata.resources),
]
