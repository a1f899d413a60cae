"""Everything an org needs from us in one deployable package: fields, access, the hook, messages, sample flows.

The package holds the hook's secret in the URL of its messages: keep it as you keep a password.
"""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connector.crm.salesforce import metadata
from connector.crm.salesforce.client import VERSION, Client
from connector.crm.salesforce.find import select
from connector.crm.salesforce.metadata import CREDENTIAL, SERVICE
from connector.crm.salesforce.problems import CallRejected
from connector.crm.salesforce.schema import OBJECTS, safe_object
from connector.crm.salesforce.setup import FIELDS, PERMISSION_SET
from connector.errors import NotAllowed
from connector.ports import Account, Deployed, Files, Packing, Tokens

WATCHED = (("Opportunity", "StageName"),)
OURS = ("event_id", "record_id", "object_name", "document")  # of the call of the account's hook
LINKS = ("event_id", "record", "object")  # of the call of a trigger link; it knows its document
PAUSE, PATIENCE = 2.0, 600.0  # seconds between two looks at a deployment, and in all
_MAY_DEPLOY = 'The user needs "Modify Metadata Through Metadata API Functions" and "Customize Application" for this.'


def client(account: Account, tokens: Tokens) -> Client:
    """What `username` and `deploy` work with."""
    return Client(account, tokens)


def username(org: Client) -> str:
    """The login name of our own user, as messages must name the user they are sent as."""
    user = str(org.token().get("user") or "")
    rows = org.query(select(["Username"], "User", "Id", [user])) if user else []
    return str(rows[0].get("Username") or "") if rows else ""


def pack(wanted: Packing) -> Files:
    """The package of one account: its hook, and what its live documents wait for."""
    waited = {OBJECTS[word]: fields for word, fields in wanted.watched.items() if word in OBJECTS}
    more = {"document": wanted.sends[0]} if wanted.sends else {}
    return files(
        wanted.url,
        wanted.account.name,
        wanted.hook,
        username=username(client(wanted.account, wanted.tokens)),
        watched=[(object, field) for object, fields in waited.items() for field in fields] or WATCHED,
        **more,
    )


def files(
    url: str,
    account: str,
    hook_path: str,
    *,
    username: str,
    watched: Sequence[tuple[str, str]] = WATCHED,
    document: str = "quote-ready",
    link_openapi: str = "",
) -> dict[str, str]:
    """The package, {path: text}. `url` is our public address; `hook_path` ends in the account's secret.

    `watched` are (object, field) pairs that get a message and its flow. `document` is the send document the sample
    flow calls, or `link_openapi` describes a trigger link to call in its place."""
    address = url.rstrip("/")
    called = link_openapi or metadata.openapi(f"/hooks/crm/{quote(account)}")
    found = {
        f"permissionsets/{PERMISSION_SET}.permissionset": metadata.permission_set(),
        f"externalCredentials/{CREDENTIAL}.externalCredential": metadata.external_credential(),
        f"namedCredentials/{CREDENTIAL}.namedCredential": metadata.named_credential(address),
        f"externalServiceRegistrations/{SERVICE}.externalServiceRegistration": metadata.external_service(called),
    }
    homes = dict.fromkeys(f.home or f.object for f in FIELDS)
    for home in homes:
        ours = [metadata.field(f) for f in FIELDS if (f.home or f.object) == home]
        found[f"objects/{home}.object"] = metadata.xml("CustomObject", ours)
    by_object: dict[str, list[str]] = {}
    for object, field in watched:
        by_object.setdefault(safe_object(object), []).append(safe_object(field))
    for object, fields in by_object.items():
        endpoint = address + hook_path
        found[f"workflows/{object}.workflow"] = metadata.outbound_messages(fields, endpoint, username)
        for field in fields:
            found[f"flows/WhatsApp_{object}_{field}.flow"] = metadata.telling_flow(object, field)
    if watched:
        sample = metadata.sample_flow(*watched[0], document, LINKS if link_openapi else OURS)
        found["flows/WhatsApp_Sample_Call.flow"] = sample
    return {"package.xml": _manifest(found, by_object), **dict(sorted(found.items()))}


def _manifest(found: Mapping[str, str], watched: Mapping[str, Sequence[str]]) -> str:
    """package.xml: every component by its name."""
    names: dict[str, list[str]] = {
        "CustomField": [f"{f.home or f.object}.{f.name}" for f in FIELDS],
        "WorkflowOutboundMessage": [f"{o}.{metadata.message_name(f)}" for o, fields in watched.items() for f in fields],
    }
    for path in found:
        folder, _, file = path.partition("/")
        if folder in _TYPES:
            names.setdefault(_TYPES[folder], []).append(file.rpartition(".")[0])
    types: list[metadata.Part] = [
        ("types", [*(("members", m) for m in sorted(members)), ("name", kind)])
        for kind, members in sorted(names.items())
        if members
    ]
    return metadata.xml("Package", [*types, ("version", VERSION)])


_TYPES = {
    "externalCredentials": "ExternalCredential",
    "externalServiceRegistrations": "ExternalServiceRegistration",
    "flows": "Flow",
    "namedCredentials": "NamedCredential",
    "permissionsets": "PermissionSet",
}


def zipped(found: Mapping[str, str]) -> bytes:
    """The package as the Metadata API takes it; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in found.items():
            archive.writestr(zipfile.ZipInfo(path), text.encode(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


# ---- deploying ---------------------------------------------------------------------------------------------------
def deploy(
    org: Client, archive: bytes, *, check_only: bool = False, wait: Callable[[float], None] = time.sleep
) -> Deployed:
    """All or nothing, and waits for the end. Raises NotAllowed when our user may not deploy, Busy and Unreachable."""
    options = {"singlePackage": True, "rollbackOnError": True, "checkOnly": check_only, "testLevel": "NoTestRun"}
    body, kind = _multipart({"deployOptions": options}, archive)
    try:
        started = org.call("POST", "metadata/deployRequest", content=body, headers={"Content-Type": kind})
    except CallRejected as refused:
        if refused.code.startswith("INSUFFICIENT"):
            raise NotAllowed("Our user may not deploy.", hint=_MAY_DEPLOY, code=refused.code) from None
        return Deployed(False, state="Failed", problems=tuple(p.text for p in refused.problems))
    id = str((started or {}).get("id") or "")
    waited = 0.0
    while waited < PATIENCE:
        answer = org.call("GET", f"metadata/deployRequest/{quote(id)}", params={"includeDetails": "true"}) or {}
        result = answer.get("deployResult") or {}
        if result.get("done") is True:
            return _ended(id, result)
        wait(PAUSE)
        waited += PAUSE
    return Deployed(False, id=id, problems=("It still runs: see Setup, Deployment Status.",))


def _multipart(described: Mapping[str, Any], archive: bytes) -> tuple[bytes, str]:
    """The two parts of a deployRequest, and the content type that names their boundary."""
    boundary = uuid.uuid4().hex
    parts = (
        ('name="json"', "application/json", json.dumps(described).encode()),
        ('name="file"; filename="package.zip"', "application/zip", archive),
    )
    said = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {name}\r\nContent-Type: {kind}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, kind, content in parts
    )
    return said + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _ended(id: str, result: Mapping[str, Any]) -> Deployed:
    failures = (result.get("details") or {}).get("componentFailures") or []
    listed = failures if isinstance(failures, list) else [failures]  # one alone may come without its list
    problems = [
        f"{f.get('componentType') or f.get('fileName')} {f.get('fullName')}: {f.get('problem')}" for f in listed
    ]
    if result.get("errorMessage"):
        problems.append(str(result["errorMessage"]))
    return Deployed(result.get("success") is True, id, str(result.get("status") or ""), tuple(problems))
