"""One Salesforce org: its records, switches, sessions and count of calls, and what every endpoint needs to answer."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from connector.sandbox.http import Record, Request
from connector.sandbox.oauth import Grants
from connector.sandbox.salesforce.errors import limit_exceeded, not_found, refuse, unreadable
from connector.sandbox.salesforce.outbound import Outbound
from connector.sandbox.salesforce.schema import Schema
from connector.sandbox.salesforce.seed import sow
from connector.sandbox.salesforce.settings import REFRESH_TOKEN, USER, SalesforceOptions
from connector.sandbox.salesforce.store import Row, Store
from connector.sandbox.salesforce.values import Value
from connector.sandbox.world import World

SEEDED = 1_772_460_000.0  # 2026-03-02: the first records are not of today
PERSON = "0055e000000SBPERAA"  # a person in Salesforce's screens


class Org:
    """All state of the stand-in, behind `lock`."""

    def __init__(self, world: World, options: SalesforceOptions) -> None:
        self.world, self._start = world, options
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Back to the seed and the switches it was started with."""
        with self.lock:
            self.options = replace(self._start)
            self.calls = 0
            self.sessions: dict[str, float] = {}  # access token -> when it was given
            self.grants = Grants(self.world.now, REFRESH_TOKEN, "5Aep", lambda: True)
            self._begin()

    def _begin(self) -> None:
        """The records anew, in an org that has the WhatsApp fields, or has them not yet."""
        self.cursors: dict[str, list[Record]] = {}
        self.blobs: dict[str, bytes] = {}  # the bytes of each ContentVersion
        self.views: dict[str, dict[str, Any]] = {}
        self.reports: dict[str, dict[str, Any]] = {}
        self.deployments: dict[str, Record] = {}  # what became of each
        self.looks: dict[str, int] = {}  # how often somebody asked
        self.store = Store(lambda: SEEDED, Schema(self.options.fields_ready))
        self.outbound = Outbound(self.world, self.store, self.lock, self.options)
        sow(self.store)
        self.store.clock = self.world.now
        self._apply()

    def switch(self, given: Any) -> Record:
        """Change switches; another `fields_ready` starts the records anew. ValueError names what cannot be."""
        known = {f.name: f for f in fields(SalesforceOptions)}
        if not isinstance(given, Mapping) or not known.keys() >= given.keys():
            raise ValueError(f"switches are {', '.join(known)}")
        with self.lock:
            was_ready = self.options.fields_ready
            for name, value in given.items():
                setattr(self.options, name, _switched(name, value, getattr(self._start, name)))
            self._begin() if self.options.fields_ready is not was_ready else self._apply()
        return self.switches()

    def switches(self) -> Record:
        """The switches as JSON."""
        found = {f.name: getattr(self.options, f.name) for f in fields(SalesforceOptions)}
        return {**found, "locked": sorted(self.options.locked)}

    def _apply(self) -> None:
        self.store.locked = self.options.locked
        self.store.duplicate_rule = self.options.duplicate_rule
        if self.options.gather < 2:
            self.outbound.flush()

    def count(self) -> None:
        """One call of the day; REQUEST_LIMIT_EXCEEDED once they are used up."""
        with self.lock:
            if self.calls >= self.options.daily:
                raise limit_exceeded()
            self.calls += 1

    def is_session(self, token: str) -> bool:
        """Whether a token was given and has not aged."""
        given = self.sessions.get(token)
        if given is None or self.grants.ended(token):
            return False
        return self.world.now() - given < self.options.lifetime

    # ---- writes, with the Outbound Messages they raise ----
    def create(self, object: str, given: Mapping[str, Any], allow: bool, by: str = USER) -> Row:
        """A new record."""
        row = self.store.create(object, given, allow)
        if object in ("FieldPermissions", "PermissionSetAssignment"):
            self._open()
        row.values["LastModifiedById"] = by
        self._tell(row, by, row.values, created=True)
        return row

    def update(self, row: Row, given: Mapping[str, Any], by: str = USER) -> dict[str, Value]:
        """Changed values."""
        before = row.values
        values = self.store.update(row, given)
        row.values["LastModifiedById"] = by
        self._tell(row, by, [name for name, value in values.items() if before.get(name) != value])
        return values

    def _tell(self, row: Row, by: str, names: Iterable[str], created: bool = False) -> None:
        if by != USER or self.options.echo:
            self.outbound.changed(row, names, created)

    def _open(self) -> None:
        """A field made by the API is seen once a permission set of our user opens it."""
        ours = {r.values["PermissionSetId"] for r in self.store.all("PermissionSetAssignment") if _is_ours(r)}
        self.store.schema.grant(
            str(r.values["Field"])
            for r in self.store.all("FieldPermissions")
            if r.values["ParentId"] in ours and r.values["PermissionsEdit"]
        )


def _switched(name: str, value: Any, like: Any) -> Any:
    """A switch's new value; ValueError when it is of another kind."""
    kinds = {frozenset: list, float: int | float}
    wanted = kinds.get(type(like), type(like))
    if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(like, bool)):
        raise ValueError(f"{name} is a {type(like).__name__}")
    return frozenset(map(str, value)) if isinstance(value, list) else value


def _is_ours(row: Row) -> bool:
    return row.values["AssigneeId"] == USER and not row.deleted


def document(request: Request) -> dict[str, Any]:
    """The body, which must be an object."""
    try:
        found = request.json()
    except ValueError:
        raise unreadable("an object", "a body that is not JSON") from None
    if not isinstance(found, dict):
        raise unreadable("an object", "START_ARRAY value")
    return found


def object_of(org: Org, name: str) -> str:
    """An object's right name; NOT_FOUND when there is none."""
    found = next((o for o in org.store.schema.objects if o.lower() == name.lower()), None)
    if found is None:
        raise not_found()
    return found


def live(org: Org, object: str, id: str) -> Row:
    """A record that is not deleted; NOT_FOUND or ENTITY_IS_DELETED."""
    row = org.store.get(object, id)
    if row is None:
        raise not_found()
    if row.deleted:
        raise refuse("ENTITY_IS_DELETED", "entity is deleted")
    return row


def allows_duplicates(request: Request) -> bool:
    """Whether Sforce-Duplicate-Rule-Header says allowSave=true."""
    return "allowsave=true" in request.headers.get("sforce-duplicate-rule-header", "").lower().replace(" ", "")
