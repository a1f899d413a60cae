"""Deploying to the stand-in: whatever the zip holds it answers, and only what is whole is applied."""

import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.sandbox.http import Request
from connector.sandbox.salesforce.service import Salesforce
from connector.sandbox.world import World
from tests.depth import examples

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
PATH = "/services/data/v68.0/metadata/deployRequest"
FIELD = "<fields><fullName>Tier__c</fullName><label>Tier</label><type>Text</type><length>20</length></fields>"
SET = "<label>Desk</label><fieldPermissions><field>Contact.Tier__c</field><editable>true</editable></fieldPermissions>"


@pytest.fixture
def salesforce() -> Salesforce:
    return Salesforce(World())


def headers(salesforce: Salesforce) -> dict[str, str]:
    form = b"grant_type=client_credentials&client_id=sandbox-salesforce-client&client_secret=sandbox-salesforce-secret"
    given_ = json.loads(salesforce.handle(Request("POST", "/services/oauth2/token", body=form)).body)
    boundary = {"content-type": "multipart/form-data; boundary=b0"}
    return {"authorization": f"Bearer {given_['access_token']}", **boundary}


def form(files: dict[str, str], options: str = '{"deployOptions": {}}') -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    head = 'content-disposition: form-data; name="{}"\r\n\r\n'
    parts = (("json", options.encode()), ("file", out.getvalue()))
    listed = b"".join(b"--b0\r\n" + head.format(name).encode() + content + b"\r\n" for name, content in parts)
    return listed + b"--b0--\r\n"


def manifest(**members: str) -> str:
    types = "".join(f"<types><members>{m}</members><name>{k}</name></types>" for k, m in members.items())
    return f"<Package {NS}>{types}</Package>"


def deployed(salesforce: Salesforce, files: dict[str, str]) -> dict:
    asked = headers(salesforce)
    begun = salesforce.handle(Request("POST", PATH, {}, asked, form(files)))
    assert begun.status == 201, begun.body
    path = f"{PATH}/{json.loads(begun.body)['id']}"
    first, last = (json.loads(salesforce.handle(Request("GET", path, {}, asked)).body) for _ in range(2))
    assert first["deployResult"]["done"] is False
    return last["deployResult"]


def test_fields_and_access_are_made_and_seen_once_the_set_is_given(salesforce) -> None:
    result = deployed(
        salesforce,
        {
            "package.xml": manifest(CustomField="Contact.Tier__c", PermissionSet="Desk"),
            "objects/Contact.object": f"<CustomObject {NS}>{FIELD}</CustomObject>",
            "permissionsets/Desk.permissionset": f"<PermissionSet {NS}>{SET}</PermissionSet>",
        },
    )
    assert (result["status"], result["numberComponentsDeployed"]) == ("Succeeded", 2)
    assert salesforce.org.store.schema.get("Contact", "Tier__c") is None  # hidden
    [desk] = salesforce.records("PermissionSet")
    user = next(u["Id"] for u in salesforce.records("User") if u["LastName"] == "Connector")
    salesforce.org.create("PermissionSetAssignment", {"AssigneeId": user, "PermissionSetId": desk["Id"]}, True)
    field = salesforce.org.store.schema.get("Contact", "Tier__c")
    assert (field.type, field.length) == ("string", 20)


@pytest.mark.parametrize(
    "member, file, text",
    [
        (
            {"CustomField": "Planet__c.Tier__c"},
            "objects/Planet__c.object",
            f"<CustomObject {NS}>{FIELD}</CustomObject>",
        ),
        (
            {"CustomField": "Contact.Tier__c"},
            "objects/Contact.object",
            f"<CustomObject {NS}>{FIELD.replace('Text', 'Thing')}</CustomObject>",
        ),
        (
            {"PermissionSet": "Desk"},
            "permissionsets/Desk.permissionset",
            f"<PermissionSet {NS}>{SET.replace('Contact', 'Planet')}</PermissionSet>",
        ),
        ({"ApexClass": "Thing"}, "classes/Thing.cls", "<a/>"),
        ({"Flow": "F"}, "flows/F.flow", f'<!DOCTYPE x [<!ENTITY a "b">]><Flow {NS}>&a;</Flow>'),
    ],
)
def test_what_cannot_be_is_refused_with_its_component(salesforce, member, file, text) -> None:
    result = deployed(salesforce, {"package.xml": manifest(**member), file: text})
    assert (result["status"], result["success"]) == ("Failed", False)
    assert result["details"]["componentFailures"][0]["problem"]
    assert salesforce.records("PermissionSet") == []


PIECES = st.sampled_from((
    "<types>", "</types>", "<members>", "</members>", "<name>", "</name>", "CustomField", "Flow", "Contact.A__c", "*",
    "A", ".", "..", "<fields/>", FIELD, SET, "<actionCalls><actionType>outboundMessage</actionType></actionCalls>",
    "<schema>{}</schema>", "<schema>[1]</schema>", "ExternalServiceRegistration", "NamedCredential", "&", "",
))  # fmt: skip
PATHS = st.sampled_from(
    (
        "package.xml", "objects/Contact.object", "flows/A.flow", "permissionsets/A.permissionset", "../A", "A/",
        "externalServiceRegistrations/A.externalServiceRegistration", "namedCredentials/A.namedCredential",
    )
)  # fmt: skip


@given(
    pieces=st.lists(PIECES, max_size=10),
    files=st.dictionaries(PATHS, st.lists(PIECES, max_size=4).map("".join), max_size=4),
)
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_zip_is_answered(salesforce, pieces, files) -> None:
    named = {"package.xml": f"<Package {NS}>{''.join(pieces)}</Package>"}
    body = form({path: f"<A {NS}>{text}</A>" for path, text in files.items() if path != "package.xml"} | named)
    response = salesforce.handle(Request("POST", PATH, {}, headers(salesforce), body))
    assert response.status in (201, 400)
    salesforce.reset()


@given(body=st.binary(max_size=200))
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_form_is_answered(salesforce, body) -> None:
    whole = form({"package.xml": manifest()})
    for sent in (body, whole[: len(body)] + body, whole.replace(b"PK", body[:2] or b"x")):
        response = salesforce.handle(Request("POST", PATH, {}, headers(salesforce), sent))
        assert response.status in (201, 400)
