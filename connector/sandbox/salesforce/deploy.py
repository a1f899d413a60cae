"""The Metadata API over REST: a zip is checked, component by component, and its fields and permission sets are made.

Flows, messages, credentials and services are only looked at: the stand-in has its own.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.salesforce.errors import Refused, not_found, refuse
from connector.sandbox.salesforce.objects import PREFIXES
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.records import BASE
from connector.sandbox.salesforce.schema import KINDS as KINDS_OF_FIELDS
from connector.sandbox.salesforce.values import make_id

NS = "{http://soap.sforce.com/2006/04/metadata}"
LARGEST = 39_000_000  # bytes of a zip, once unpacked far more; the Metadata API's own limit
# What a package.xml may name: the folder, the suffix, the root element.
KINDS = {
    "ExternalCredential": ("externalCredentials", "externalCredential"),
    "ExternalServiceRegistration": ("externalServiceRegistrations", "externalServiceRegistration"),
    "Flow": ("flows", "flow"),
    "NamedCredential": ("namedCredentials", "namedCredential"),
    "PermissionSet": ("permissionsets", "permissionset"),
}
# Components that stand inside a file of their object: the folder, the suffix, the element.
INSIDE = {
    "CustomField": ("objects", "object", "fields"),
    "WorkflowOutboundMessage": ("workflows", "workflow", "outboundMessages"),
}
PART = re.compile(rb'content-disposition: form-data;.*\bname="(\w+)"', re.ASCII | re.I)
Failure = tuple[str, str, str]  # component type, full name, problem


@dataclass
class Package:
    """What a zip holds: files as XML, and the members its package.xml names."""

    files: dict[str, Element] = field(default_factory=dict)
    members: list[tuple[str, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def component(self, kind: str, name: str) -> Element | None:
        """The element of one component."""
        if kind in KINDS:
            folder, suffix = KINDS[kind]
            return self.files.get(f"{folder}/{name}.{suffix}")
        folder, suffix, element = INSIDE[kind]
        object, _, own = name.partition(".")
        file = self.files.get(f"{folder}/{object}.{suffix}")
        found = file.iterfind(f"{NS}{element}") if file is not None else ()
        return next((one for one in found if one.findtext(f"{NS}fullName") == own), None)


def start(org: Org, request: Request) -> Response:
    """POST metadata/deployRequest: 201, and the deployment is looked at later."""
    options, archive = _parts(request)
    package = _read(archive)
    _check(package)
    id = make_id("0Af", len(org.deployments) + 1)
    if not package.failures and options.get("checkOnly") is not True:
        _apply(org, package)
    org.deployments[id] = _result(id, package, options)
    begun = {"done": False, "id": id, "status": "Pending", "success": False}
    body = {"id": id, "deployOptions": options, "deployResult": begun}
    return answer({**body, "url": f"{request.base}{BASE}/metadata/deployRequest/{id}"}, 201, record=id)


def status(org: Org, _request: Request, id: str) -> Response:
    """GET metadata/deployRequest/{id}: at the first look it still runs."""
    result = org.deployments.get(id)
    if result is None:
        raise not_found()
    looks = org.looks[id] = org.looks.get(id, 0) + 1
    running = {"done": False, "id": id, "status": "InProgress", "success": False}
    return answer({"id": id, "deployResult": running if looks == 1 else result}, record=id)


# ---- reading -----------------------------------------------------------------------------------------------------
def _parts(request: Request) -> tuple[Record, bytes]:
    """The two parts of the form: the options as JSON, the zip."""
    kind, _, boundary = request.headers.get("content-type", "").partition("boundary=")
    if not kind.startswith("multipart/form-data") or not boundary:
        raise refuse("INVALID_MULTIPART_REQUEST", "the body is not multipart/form-data")
    found: dict[str, bytes] = {}
    for part in request.body.split(b"--" + boundary.strip('"').encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        if named := PART.search(head):
            found[named[1].decode()] = content.removesuffix(b"\r\n")
    if not {"json", "file"} <= found.keys():
        raise refuse("INVALID_MULTIPART_REQUEST", "the form has the parts json and file")
    try:
        options = Request("POST", "", body=found["json"]).json().get("deployOptions")
    except (ValueError, AttributeError):
        raise refuse("JSON_PARSER_ERROR", "the part json is not an object") from None
    return options if isinstance(options, dict) else {}, found["file"]


def _read(archive: bytes) -> Package:
    package = Package()
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            if sum(one.file_size for one in opened.infolist()) > LARGEST:
                raise refuse("LIMIT_EXCEEDED", "Maximum size of request reached")
            texts = {one: opened.read(one) for one in opened.namelist() if not one.endswith("/")}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        raise refuse("INVALID_INPUT", "zipFile is not a zip") from None
    for path, text in texts.items():
        try:
            package.files[path] = ElementTree.fromstring(text, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError) as wrong:
            package.failures.append(("", path, f"Error parsing file: {wrong}"))
    manifest = package.files.get("package.xml")
    if manifest is None or manifest.tag != f"{NS}Package":
        package.failures.append(("", "package.xml", "No package.xml found"))
        return package
    for types in manifest.iterfind(f"{NS}types"):
        kind = types.findtext(f"{NS}name") or ""
        package.members += [(kind, member.text or "") for member in types.iterfind(f"{NS}members")]
    return package


# ---- checking ----------------------------------------------------------------------------------------------------
def _check(package: Package) -> None:
    for kind, name in package.members:
        if kind not in KINDS and kind not in INSIDE:
            package.failures.append((kind, name, f"Unknown type name '{kind}' specified in package.xml"))
        elif (found := package.component(kind, name)) is None:
            problem = (
                f"An object '{name}' of type {kind} was named in package.xml, but was not found in zipped directory"
            )
            package.failures.append((kind, name, problem))
        else:
            check = CHECKS.get(kind)
            package.failures += [(kind, name, problem) for problem in (check(package, name, found) if check else ())]
    for path in _unnamed(package):
        package.failures.append(("", path, "In the zip, but not named in package.xml"))


def _unnamed(package: Package) -> Iterator[str]:
    """Files no member of the package stands in."""
    named = {"package.xml"}
    for kind, name in package.members:
        folder, suffix = (KINDS.get(kind) or INSIDE.get(kind) or ("", ""))[:2]
        named.add(f"{folder}/{name.partition('.')[0]}.{suffix}")
    return (path for path in package.files if path not in named)


def _field(_package: Package, full: str, found: Element) -> Iterator[str]:
    if full.partition(".")[0] not in {*PREFIXES, "Activity"} or not full.endswith("__c"):
        yield f"There is no object for the field {full}"
    if found.findtext(f"{NS}type") not in KINDS_OF_FIELDS:
        yield "You can't create a field of this type"
    for name in ("fullName", "label"):
        if not found.findtext(f"{NS}{name}"):
            yield f"Required field is missing: {name}"


def _message(_package: Package, _name: str, found: Element) -> Iterator[str]:
    url = found.findtext(f"{NS}endpointUrl") or ""
    if not url.startswith(("https://", "http://")):
        yield "endpointUrl: the URL is not valid"
    for name in ("integrationUser", "name", "apiVersion", "fields"):
        if not found.findtext(f"{NS}{name}"):
            yield f"Required field is missing: {name}"


def _named(package: Package, _name: str, found: Element) -> Iterator[str]:
    for parameter in found.iterfind(f"{NS}namedCredentialParameters"):
        name = parameter.findtext(f"{NS}externalCredential")
        if name and package.component("ExternalCredential", name) is None:
            yield f"There is no external credential {name}"


def _service(package: Package, _name: str, found: Element) -> Iterator[str]:
    credential = found.findtext(f"{NS}namedCredentialReference") or ""
    if package.component("NamedCredential", credential) is None:
        yield f"There is no named credential {credential}"
    try:
        schema = Request("POST", "", body=(found.findtext(f"{NS}schema") or "").encode()).json()
        told = {op["operationId"] for path in schema["paths"].values() for op in path.values()}
        if not str(schema["openapi"]).startswith("3.0."):
            yield "Only OpenAPI 3.0 can be read"
    except (ValueError, KeyError, TypeError, AttributeError):
        yield "The schema is not valid"
        return
    yield from (f"There is no operation {n}" for n in _texts(found, "operations", "name") if n not in told)


def _flow(package: Package, _name: str, found: Element) -> Iterator[str]:
    messages = {name for kind, name in package.members if kind == "WorkflowOutboundMessage"}
    services = {name for kind, name in package.members if kind == "ExternalServiceRegistration"}
    for action in found.iterfind(f"{NS}actionCalls"):
        kind, name = action.findtext(f"{NS}actionType"), action.findtext(f"{NS}actionName") or ""
        known = {"outboundMessage": name in messages, "externalService": name.partition(".")[0] in services}
        if not known.get(str(kind), True):
            yield f"We can't find an action with the name and action type that you specified: {name}"
    steps = {e.text for part in found for e in part.iterfind(f"{NS}name") if part.tag != f"{NS}variables"}
    for target in found.iter(f"{NS}targetReference"):
        if target.text not in steps:
            yield f"The connector leads to {target.text}, which is not there"


def _permissions(_package: Package, _name: str, found: Element) -> Iterator[str]:
    for full in _texts(found, "fieldPermissions", "field"):
        if full.partition(".")[0] not in PREFIXES:
            yield f"In field: field - no CustomField named {full} found"


def _texts(found: Element, part: str, name: str) -> Iterator[str]:
    return (one.findtext(f"{NS}{name}") or "" for one in found.iterfind(f"{NS}{part}"))


CHECKS: Mapping[str, Callable[[Package, str, Element], Iterator[str]]] = {
    "CustomField": _field,
    "ExternalServiceRegistration": _service,
    "Flow": _flow,
    "NamedCredential": _named,
    "PermissionSet": _permissions,
    "WorkflowOutboundMessage": _message,
}


# ---- applying ----------------------------------------------------------------------------------------------------
def _apply(org: Org, package: Package) -> None:
    """Fields first: permission sets open them."""
    for kind, name in package.members:
        found = package.component(kind, name)
        if kind == "CustomField" and found is not None:
            _make_field(org, name, found)
    for kind, name in package.members:
        found = package.component(kind, name)
        if kind == "PermissionSet" and found is not None:
            _make_set(org, name, found)


def _make_field(org: Org, full: str, found: Element) -> None:
    """As the Tooling API makes it; one that is there stays."""
    said = {part.tag.removeprefix(NS): _json(part.text or "") for part in found}
    try:
        org.store.schema.add({"FullName": full, "Metadata": said})
    except Refused as refused:
        if refused.problems[0].code != "DUPLICATE_DEVELOPER_NAME":
            raise


def _make_set(org: Org, name: str, found: Element) -> None:
    held = [row for row in org.store.all("PermissionSet") if row.values.get("Name") == name]
    label = found.findtext(f"{NS}label") or name
    row = held[0] if held else org.create("PermissionSet", {"Name": name, "Label": label}, True)
    for opened in found.iterfind(f"{NS}fieldPermissions"):
        full = opened.findtext(f"{NS}field") or ""
        may = {"PermissionsRead": True, "PermissionsEdit": opened.findtext(f"{NS}editable") == "true"}
        fields = {"ParentId": row.id, "SobjectType": full.partition(".")[0], "Field": full}
        org.create("FieldPermissions", {**fields, **may}, True)


def _json(text: str) -> object:
    return {"true": True, "false": False}.get(text, text)


def _result(id: str, package: Package, options: Record) -> Record:
    ok = not package.failures
    failures = [
        {"componentType": kind, "fullName": name, "problem": problem, "problemType": "Error", "success": False}
        for kind, name, problem in package.failures
    ]
    made = [{"componentType": kind, "fullName": name, "success": True} for kind, name in package.members if ok]
    return {
        "id": id, "done": True, "status": "Succeeded" if ok else "Failed", "success": ok,
        "checkOnly": options.get("checkOnly") is True, "numberComponentErrors": len(failures),
        "numberComponentsDeployed": len(made), "numberComponentsTotal": len(package.members),
        "details": {"componentFailures": failures, "componentSuccesses": made},
    }  # fmt: skip
