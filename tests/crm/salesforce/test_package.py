"""What an org gets from us in one piece: the files, the zip, the deployment."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from connector.core.events import TriggerCalled
from connector.crm import connect
from connector.crm.salesforce import SalesforceWebhook, package
from connector.crm.salesforce.package import Deployed
from connector.errors import NotAllowed, NotFound, Unreachable
from connector.ports import Account, RawRequest
from connector.sandbox.http import Request, answer
from tests.crm.salesforce.conftest import Org, Tokens, account
from tests.crm.salesforce.test_contract import API, bare, headers
from tests.town import Sandbox

__all__ = ["bare"]
NS = "{http://soap.sforce.com/2006/04/metadata}"
SECRET = "s3cret-of-the-hook-long-enough"
HOOK = f"/hooks/crm/clinic/{SECRET}"
OPENAPI = (Path(__file__).parent / "payloads" / "link_openapi.json").read_text("utf-8")


def files(**more: Any) -> dict[str, str]:
    given = {"username": "connector@sandbox-store.example", **more}
    return package.files("https://wa.example.com/", "clinic", HOOK, **given)


def parsed(found: dict[str, str]) -> dict[str, ElementTree.Element]:
    return {path: ElementTree.fromstring(text) for path, text in found.items()}


def texts(file: ElementTree.Element, name: str) -> list[str]:
    return [one.text or "" for one in file.iter(f"{NS}{name}")]


# ---- the files ---------------------------------------------------------------------------------------------------
def test_every_component_is_named_and_every_name_has_its_file() -> None:
    found = parsed(files())
    members = {t.findtext(f"{NS}name"): texts(t, "members") for t in found["package.xml"].iterfind(f"{NS}types")}
    assert members == {
        "CustomField": [
            "Activity.WhatsApp_Ref__c", "Contact.WhatsApp_Id__c", "Contact.WhatsApp_User_Id__c",
            "Lead.WhatsApp_Id__c", "Lead.WhatsApp_User_Id__c",
        ],
        "ExternalCredential": ["WhatsApp_Connector"],
        "ExternalServiceRegistration": ["WhatsAppConnector"],
        "Flow": ["WhatsApp_Opportunity_StageName", "WhatsApp_Sample_Call"],
        "NamedCredential": ["WhatsApp_Connector"],
        "PermissionSet": ["WhatsApp_Connector"],
        "WorkflowOutboundMessage": ["Opportunity.WhatsApp_StageName"],
    }  # fmt: skip
    assert found["package.xml"].findtext(f"{NS}version") == "68.0"


def test_our_fields_are_external_ids_and_unique() -> None:
    for field in parsed(files())["objects/Contact.object"].iterfind(f"{NS}fields"):
        assert [field.findtext(f"{NS}{n}") for n in ("type", "externalId", "unique")] == ["Text", "true", "true"]


def test_a_message_sends_one_field_and_where_it_came_from() -> None:
    [message] = parsed(files())["workflows/Opportunity.workflow"].iterfind(f"{NS}outboundMessages")
    assert texts(message, "fields") == [
        "CreatedDate", "Id", "LastModifiedById", "LastModifiedDate", "StageName", "SystemModstamp",
    ]  # fmt: skip
    assert message.findtext(f"{NS}endpointUrl") == f"https://wa.example.com{HOOK}"
    assert message.findtext(f"{NS}integrationUser") == "connector@sandbox-store.example"


def test_the_secret_stands_in_the_messages_and_nowhere_else() -> None:
    assert [path for path, text in files().items() if SECRET in text] == ["workflows/Opportunity.workflow"]


def test_several_fields_get_a_message_and_a_flow_each() -> None:
    watched = (("Opportunity", "StageName"), ("Opportunity", "Amount"), ("Case", "Status"), ("Visit__c", "Status__c"))
    found = files(watched=watched)
    assert [p for p in found if p.startswith(("flows", "workflows"))] == [
        "flows/WhatsApp_Case_Status.flow", "flows/WhatsApp_Opportunity_Amount.flow",
        "flows/WhatsApp_Opportunity_StageName.flow", "flows/WhatsApp_Sample_Call.flow",
        "flows/WhatsApp_Visit__c_Status__c.flow", "workflows/Case.workflow", "workflows/Opportunity.workflow",
        "workflows/Visit__c.workflow",
    ]  # fmt: skip
    assert len(parsed(found)["workflows/Opportunity.workflow"]) == 2
    assert not [p for p in files(watched=()) if p.startswith(("flows", "workflows"))]


@pytest.mark.parametrize("watched", [(("Opportunity/..", "StageName"),), (("Opportunity", "a b"),)])
def test_a_name_that_is_none_makes_no_file(watched: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(NotFound):
        files(watched=watched)


def test_flows_come_as_drafts_and_call_only_after_the_commit() -> None:
    found = parsed(files())
    flows = {p: f for p, f in found.items() if p.startswith("flows")}
    assert {f.findtext(f"{NS}status") for f in flows.values()} == {"Draft"}
    sample = flows["flows/WhatsApp_Sample_Call.flow"]
    assert texts(sample, "pathType") == ["AsyncAfterCommit"]
    assert sample.find(f"{NS}start/{NS}connector") is None
    assert texts(flows["flows/WhatsApp_Opportunity_StageName.flow"], "filterFormula") == [
        "OR(ISNEW(), ISCHANGED({!$Record.StageName}))"
    ]


def test_what_the_sample_sends_is_what_the_hook_reads() -> None:
    """The call as External Services make it of the description: the names of the sample's assignments."""
    found = parsed(files(document="quote-ready"))
    sample = found["flows/WhatsApp_Sample_Call.flow"]
    names = [n.removeprefix("call.") for n in texts(sample, "assignToReference")]
    described = json.loads(
        texts(found["externalServiceRegistrations/WhatsAppConnector.externalServiceRegistration"], "schema")[0]
    )
    assert set(names) <= set(described["components"]["schemas"]["Call"]["properties"])
    [path] = described["paths"]
    values = dict(zip(names, ("guid-1", "0065e0000000001AAA", "Opportunity", "quote-ready"), strict=True))
    ours = Account(id="a", kind="salesforce", name="clinic", secrets={"hook_secret": SECRET})
    hook, body = SalesforceWebhook(ours), json.dumps(values).encode()
    hook.verify(RawRequest("POST", path, "", {"authorization": f"Bearer {SECRET}"}, body))
    assert [routed.event for routed in hook.parse(body, {})] == [
        TriggerCalled(id="guid-1", trigger="quote-ready", object="Opportunity", record="0065e0000000001AAA")
    ]


def test_a_trigger_link_may_be_called_instead() -> None:
    found = parsed(files(link_openapi=OPENAPI))
    assert texts(found["flows/WhatsApp_Sample_Call.flow"], "assignToReference") == [
        "call.event_id", "call.record", "call.object",
    ]  # fmt: skip
    service = found["externalServiceRegistrations/WhatsAppConnector.externalServiceRegistration"]
    assert "/hooks/link/quote" in json.loads(texts(service, "schema")[0])["paths"]


def test_the_same_files_are_the_same_zip() -> None:
    assert package.zipped(files()) == package.zipped(files())
    with zipfile.ZipFile(io.BytesIO(package.zipped(files()))) as opened:
        assert opened.namelist()[0] == "package.xml"
        assert {n: opened.read(n).decode() for n in opened.namelist()} == files()


# ---- deploying ---------------------------------------------------------------------------------------------------
def test_a_bare_org_is_ready_once_deployed_and_checked(bare: Sandbox) -> None:
    settings = account(f"{bare.url}/salesforce")
    org = package.client(settings, Tokens())
    assert package.username(org) == "connector@sandbox-store.example"
    waits: list[float] = []
    archive = package.zipped(files(username=package.username(org), link_openapi=OPENAPI))
    checked = package.deploy(org, archive, check_only=True, wait=waits.append)
    crm = connect(settings, Tokens())
    assert (checked.ok, len(crm.check())) == (True, 5)  # only looked at
    done = package.deploy(org, archive, wait=waits.append)
    assert (done.ok, done.state, done.problems) == (True, "Succeeded", ())
    assert waits == [2.0, 2.0]
    # The fields are there and open; only the permission set has to be given to our user.
    assert crm.check(fix=True) == []
    made = [c["path"] for c in bare.ledger("salesforce") if c["status"] == 201]
    assert not [path for path in made if path.endswith(("CustomField", "FieldPermissions"))]
    assert package.deploy(org, archive, wait=waits.append).ok  # twice is nothing new


@pytest.mark.parametrize(
    "change, problem",
    [
        (lambda f: f.pop("workflows/Opportunity.workflow"), "was not found in zipped directory"),
        (lambda f: f.update({"flows/Other.flow": f["flows/WhatsApp_Sample_Call.flow"]}), "not named in package.xml"),
        (lambda f: f.update({"objects/Lead.object": "<CustomObject>"}), "Error parsing file"),
        (lambda f: f.pop("package.xml"), "No package.xml"),
        (lambda f: _edit(f, "namedCredentials", "<externalCredential>W", "<externalCredential>X"), "no external cred"),
        (lambda f: _edit(f, "externalServiceR", "<name>fireTrigger", "<name>fire"), "There is no operation fire"),
        (lambda f: _edit(f, "externalServiceR", "3.0.3", "3.1.0"), "Only OpenAPI 3.0"),
        (lambda f: _edit(f, "flows/WhatsApp_Opp", "Opportunity.WhatsApp_S", "Opportunity.S"), "can't find an action"),
        (lambda f: _edit(f, "flows/WhatsApp_Sample", "<targetReference>Send", "<targetReference>Go"), "leads to Go"),
        (lambda f: _edit(f, "workflows", "https:", "ftp:"), "the URL is not valid"),
    ],
)  # fmt: skip
def test_a_broken_package_is_refused_whole_in_words(sandbox: Sandbox, change: Any, problem: str) -> None:
    found = files()
    change(found)
    org = package.client(account(f"{sandbox.url}/salesforce"), Tokens())
    before = len(sandbox.records("salesforce", "PermissionSet"))
    done = package.deploy(org, package.zipped(found), wait=lambda _: None)
    assert (done.ok, done.state) == (False, "Failed")
    assert any(problem in said for said in done.problems), done.problems
    assert len(sandbox.records("salesforce", "PermissionSet")) == before


def _edit(found: dict[str, str], start: str, old: str, new: str) -> None:
    path = next(p for p in found if p.startswith(start))
    assert old in found[path]
    found[path] = found[path].replace(old, new)


def test_what_is_no_zip_is_refused(sandbox: Sandbox) -> None:
    org = package.client(account(f"{sandbox.url}/salesforce"), Tokens())
    assert package.deploy(org, b"PK no", wait=lambda _: None).problems == ("zipFile is not a zip",)


def test_a_form_that_is_none_is_refused(sandbox: Sandbox) -> None:
    path, token = f"{API}/metadata/deployRequest", headers(sandbox)
    for kind in ("application/json", "multipart/form-data", "multipart/form-data; boundary=x"):
        refused = sandbox.http.post(path, content=b"--x--", headers={**token, "Content-Type": kind})
        assert refused.json()[0]["errorCode"] == "INVALID_MULTIPART_REQUEST"
    assert httpx.get(f"{sandbox.url}{path}/0Af000000000000AAA", headers=token).status_code == 404


def test_a_user_who_may_not_deploy_is_told_what_is_missing(org: Org) -> None:
    refused = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}]
    org.on("/metadata/deployRequest", lambda _: answer(refused, 403))
    with pytest.raises(NotAllowed, match="Modify Metadata"):
        package.deploy(package.client(account(org.base), Tokens()), b"zip")


def test_a_deployment_that_never_ends_is_left_with_its_id(org: Org) -> None:
    org.on("/metadata/deployRequest", lambda _: answer({"id": "0Af1"}, 201))
    org.on("/0Af1", lambda _: answer({"deployResult": {"done": False, "status": "InProgress"}}))
    waits: list[float] = []
    done = package.deploy(package.client(account(org.base), Tokens()), b"zip", wait=waits.append)
    assert done == Deployed(False, "0Af1", "", ("It still runs: see Setup, Deployment Status.",))
    assert sum(waits) == package.PATIENCE


def test_one_failure_may_come_without_its_list(org: Org) -> None:
    failure = {"componentType": "Flow", "fullName": "A", "problem": "no such action"}
    result = {"done": True, "success": False, "status": "Failed", "details": {"componentFailures": failure}}
    org.on("/metadata/deployRequest", lambda _: answer({"id": "0Af1"}, 201))
    org.on("/0Af1", lambda _: answer({"deployResult": {**result, "errorMessage": "It rolled back."}}))
    done = package.deploy(package.client(account(org.base), Tokens()), b"zip")
    assert done.problems == ("Flow A: no such action", "It rolled back.")


def test_a_zip_is_sent_whole_once_a_token_has_aged(org: Org) -> None:
    said: list[bytes] = []

    def begin(request: Request) -> Any:
        said.append(request.body)
        if len(said) == 1:
            return answer([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
        return answer([{"errorCode": "SERVER_UNAVAILABLE", "message": "later"}], 503)

    org.on("/metadata/deployRequest", begin)
    archive = bytes(range(256)) * 3 + b"\r\n--"
    with pytest.raises(Unreachable):
        package.deploy(package.client(account(org.base), Tokens()), archive)
    assert said[0] == said[1]
    assert archive in said[0]
