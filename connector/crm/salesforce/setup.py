"""Is the account ready? Credentials, objects, our own fields and who may write them; and mending what can be mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connector.crm.salesforce.client import Client
from connector.crm.salesforce.find import is_id, select
from connector.crm.salesforce.schema import REF, USER_ID, WA_ID, Schema
from connector.errors import GiveUp, NotAllowed, NotFound
from connector.ports import Issue

PERMISSION_SET = "WhatsApp_Connector"
ALMOST = 0.9  # of the day's API calls
_MAY_CREATE = (
    'The user needs "Customize Application" and "Modify Metadata Through Metadata API Functions" for this once;'
    " or make the field by hand in Setup, Object Manager."
)
_MAY_GRANT = (
    "Give the user read and edit access to the field in a permission set; to let us do it,"
    ' "Manage Profiles and Permission Sets" and "Assign Permission Sets" are needed.'
)


@dataclass(frozen=True, slots=True)
class OurField:
    """A field we bring along."""

    object: str  # where it shows
    name: str
    label: str
    length: int
    unique: bool
    why: str
    home: str = ""  # where it is made: a field of Task belongs to Activity

    def metadata(self) -> dict[str, Any]:
        """The body of a Tooling API CustomField. Activity fields know External ID, but not Unique."""
        described: dict[str, Any] = {
            "label": self.label,
            "type": "Text",
            "length": self.length,
            "externalId": True,
            "description": self.why,
        }
        if self.unique:
            described |= {"unique": True, "caseSensitive": True}
        return {"FullName": f"{self.home or self.object}.{self.name}", "Metadata": described}


_WA = "The WhatsApp id (digits) of this person; written by the WhatsApp connector."
_BS = "The business-scoped WhatsApp user id of this person; written by the WhatsApp connector."
_RF = "The WhatsApp connector's own id of this entry, so that it is written once."
FIELDS = (
    OurField("Contact", WA_ID, "WhatsApp Id", 32, True, _WA),
    OurField("Contact", USER_ID, "WhatsApp User Id", 255, True, _BS),
    OurField("Lead", WA_ID, "WhatsApp Id", 32, True, _WA),
    OurField("Lead", USER_ID, "WhatsApp User Id", 255, True, _BS),
    OurField("Task", REF, "WhatsApp Ref", 100, False, _RF, home="Activity"),
)


class Setup:
    """`check` of the port."""

    def __init__(self, client: Client, schema: Schema) -> None:
        self._client, self._schema = client, schema

    def check(self, *, fix: bool) -> list[Issue]:
        """What is not right (any more); with `fix`, our fields are made and opened to our user first."""
        try:
            self._client.renew()
            return [*self._objects(fix=fix), *self._usage()]
        except NotAllowed as refused:
            return [Issue(refused.code or "not_allowed", refused.message, refused.hint)]

    def _objects(self, *, fix: bool) -> Iterator[Issue]:
        for object in dict.fromkeys(f.object for f in FIELDS):
            try:
                described = self._schema.describe(object, fresh=True)
            except NotFound:
                yield Issue(
                    "no_object",
                    f"Our user cannot see {object}.",
                    f"Give it read, create and edit on {object}; without it nothing can be written there.",
                )
                continue
            if not (described.get("createable", True) and described.get("updateable", True)):
                yield Issue(
                    "read_only", f"Our user cannot create and edit {object}.", f"Give it create and edit on {object}."
                )
            for ours in FIELDS:
                if ours.object == object:
                    yield from self._field(ours, fix=fix)

    def _field(self, ours: OurField, *, fix: bool) -> Iterator[Issue]:
        made = ours.name in self._schema.columns(ours.object)
        if not made and not fix:
            what = f"The field {ours.name} is missing on {ours.object}, or our user may not see it."
            yield Issue("missing_field", what, "Run `connector accounts check --fix`.", fix=True)
            return
        if not made:
            trouble = self._create(ours)
            if trouble:
                yield trouble
                return
        yield from self._usable(ours, fix=fix)

    def _create(self, ours: OurField) -> Issue | None:
        try:
            self._client.call("POST", "tooling/sobjects/CustomField", ours.metadata())
        except GiveUp as refused:
            # There already, only hidden from our user: then it needs access, not making.
            if refused.code not in ("DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"):
                what = f"The field {ours.name} could not be made on {ours.home or ours.object} ({refused.code})."
                return Issue("cannot_create_field", what, _MAY_CREATE)
        self._schema.describe(ours.object, fresh=True)
        return None

    def _usable(self, ours: OurField, *, fix: bool) -> Iterator[Issue]:
        """A field made by the API is hidden from everybody until a permission set opens it."""
        column = self._schema.columns(ours.object).get(ours.name)
        if fix and (column is None or not column.get("updateable")):
            try:
                self._grant(ours)
            except GiveUp as refused:
                yield Issue("no_field_access", f"{ours.object}.{ours.name} is closed ({refused.code}).", _MAY_GRANT)
                return
            self._schema.describe(ours.object, fresh=True)
            column = self._schema.columns(ours.object).get(ours.name)
        if column is None or not column.get("updateable"):
            yield Issue("no_field_access", f"Our user may not edit {ours.object}.{ours.name}.", _MAY_GRANT, fix=not fix)
        elif not column.get("externalId") or (ours.unique and not column.get("unique")):
            kind = "External ID and Unique" if ours.unique else "External ID"
            yield Issue(
                "wrong_field",
                f"{ours.object}.{ours.name} is not marked {kind}.",
                f"Set {kind} in Setup, Object Manager, {ours.home or ours.object}, Fields.",
            )

    def _grant(self, ours: OurField) -> None:
        """Open the field by our own permission set, assigned to our own user."""
        user = str(self._client.token().get("user") or "")
        found = self._client.query(select(["Id"], "PermissionSet", "Name", [PERMISSION_SET]))
        if found:
            owner = str(found[0]["Id"])
        else:
            owner = self._made("PermissionSet", {"Name": PERMISSION_SET, "Label": "WhatsApp connector"})
        assigned = self._client.query(
            select(["Id"], "PermissionSetAssignment", "AssigneeId", [user], f"PermissionSetId = '{owner}' AND ")
        )
        if is_id(user) and not assigned:
            self._made("PermissionSetAssignment", {"AssigneeId": user, "PermissionSetId": owner})
        name = f"{ours.object}.{ours.name}"
        more = f"ParentId = '{owner}' AND PermissionsEdit = true AND "
        if self._client.query(select(["Id"], "FieldPermissions", "Field", [name], more)):
            return  # our package opened it; only the assignment was missing
        permission = {"ParentId": owner, "SobjectType": ours.object, "Field": name}
        self._made("FieldPermissions", {**permission, "PermissionsRead": True, "PermissionsEdit": True})

    def _made(self, object: str, body: dict[str, Any]) -> str:
        answer = self._client.call("POST", f"sobjects/{object}", body) or {}
        return str(answer.get("id") or "")

    def _usage(self) -> Iterator[Issue]:
        if self._client.usage and self._client.usage[1]:
            used, allowed = self._client.usage
            if used >= ALMOST * allowed:
                what = f"{used:,} of the {allowed:,} API calls of the last 24 hours are used."
                yield Issue("almost_limited", what, "Setup, Company Information; writing waits once they are used up.")
