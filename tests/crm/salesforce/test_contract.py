"""The contract, against the Salesforce stand-in."""

from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
import pytest

from connector.crm import connect
from connector.ports import CRM, Account
from connector.ports import Tokens as TokensPort
from connector.sandbox.control import Control
from connector.sandbox.front import Front
from connector.sandbox.graph.service import Graph
from connector.sandbox.salesforce.service import Salesforce
from connector.sandbox.salesforce.settings import SalesforceOptions
from connector.sandbox.server import Server
from connector.sandbox.world import World
from tests.crm.contract import CRMContract
from tests.crm.contract_reading import ReadingContract
from tests.crm.salesforce.conftest import Tokens, account
from tests.town import Sandbox

API = "/salesforce/services/data/v68.0"
CLIENT = {"client_id": "sandbox-salesforce-client", "client_secret": "sandbox-salesforce-secret"}


def headers(sandbox: Sandbox) -> dict[str, str]:
    """A token of the admin's own, beside the adapter's."""
    form = {"grant_type": "client_credentials", **CLIENT}
    answer = sandbox.http.post("/salesforce/services/oauth2/token", data=form)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


class TestSalesforce(CRMContract):
    object = "Contact"
    text = "Title"
    too_long = 129
    choice = ("LeadSource", "Web")
    read_only = "CreatedDate"
    phone = "MobilePhone"
    first_name = "FirstName"
    last_name = "LastName"
    types: ClassVar = {
        "Title": "text", "LeadSource": "choice", "Email": "email", "Phone": "phone", "Birthdate": "date",
        "NPS_Score__c": "number", "AccountId": "reference", "HasOptedOutOfEmail": "boolean",
    }  # fmt: skip
    gone = "0035e0000099999AAA"
    secrets = (CLIENT["client_secret"],)
    everything = "* /salesforce/*"
    creating = "PATCH /salesforce/*/composite/sobjects/Task/*"
    calls_for_a_batch = 1

    def account(self, url: str, **settings: Any) -> Account:
        return account(f"{url}/salesforce" if url else "", **settings)

    def tokens(self) -> TokensPort:
        return Tokens()

    def add(self, sandbox: Sandbox, **fields: str) -> str:
        body = {"LastName": "Nobody", **fields}
        answer = sandbox.http.post(f"{API}/sobjects/Contact", json=body, headers=headers(sandbox) | ALLOW)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def merge(self, sandbox: Sandbox, into: str, gone: str) -> str:
        # Merging is done in Salesforce's screens or by SOAP; the stand-in takes it as a person's act.
        answer = sandbox.http.patch(f"/_records/salesforce/Contact/{gone}", json={"MasterRecordId": into})
        assert answer.is_success, answer.text
        return into

    def value(self, sandbox: Sandbox, id: str, field: str) -> Any:
        return sandbox.record("salesforce", "Contact", id).get(field) or None

    def entries(self, sandbox: Sandbox, kind: str) -> list[dict[str, Any]]:
        status = "Not Started" if kind == "task" else "Completed"
        return [
            {
                "text": f"{task.get('Description') or ''} {task['WhatsApp_Ref__c']}",
                "owner": task["OwnerId"],
                "title": task["Subject"],
                "record": task["WhoId"],
            }
            for task in sandbox.records("salesforce", "Task")
            if task.get("WhatsApp_Ref__c") and task["Status"] == status
        ]

    def files(self, sandbox: Sandbox) -> list[str]:
        links = sandbox.records("salesforce", "ContentDocumentLink")
        return [one["LinkedEntityId"] for one in links if one["LinkedEntityId"].startswith("003")]

    def own(self, sandbox: Sandbox, id: str) -> str:
        users = sandbox.records("salesforce", "User")
        owner = str(next(u["Id"] for u in users if u["IsActive"] and u["Id"] != sandbox_user(sandbox)))
        answer = sandbox.http.patch(f"{API}/sobjects/Contact/{id}", json={"OwnerId": owner}, headers=headers(sandbox))
        assert answer.is_success, answer.text
        return owner

    def test_check_finds_the_missing_fields_and_mends_them_once(self, bare: Sandbox) -> None:
        """As in the contract, with our five fields (Contact, Lead, Task), closed to everybody once made."""
        crm = connect(self.account(bare.url), self.tokens())
        assert len([issue for issue in crm.check() if issue.fix]) == 5
        assert [crm.check(fix=fix) for fix in (True, True, False)] == [[], [], []]
        made = [c["path"] for c in bare.ledger("salesforce") if c["status"] == 201]
        assert len([path for path in made if path.endswith("CustomField")]) == 5
        assert len(made) == 5 + 1 + 1 + 5  # fields, a permission set, its assignment, a permission a field


class TestReading(ReadingContract):
    deal = "Opportunity"
    word = "opportunity"
    person = "Contact"
    text = "Name"
    number = "Amount"
    gone = "0065e0000099999AAA"
    everything = "* /salesforce/*"
    service = "salesforce"

    def account(self, url: str, **settings: Any) -> Account:
        return account(f"{url}/salesforce", **settings)

    def tokens(self) -> TokensPort:
        return Tokens()

    def add_deal(self, sandbox: Sandbox, **fields: str) -> str:
        return self._add(sandbox, "Opportunity", DEAL | fields)

    def add_person(self, sandbox: Sandbox, name: str) -> str:
        return self._add(sandbox, "Contact", {"LastName": name})

    def link(self, sandbox: Sandbox, deal: str, person: str, *, primary: bool = False) -> None:
        fields = {"OpportunityId": deal, "ContactId": person, "IsPrimary": primary}
        self._add(sandbox, "OpportunityContactRole", fields)

    def edit(self, sandbox: Sandbox, deal: str, **fields: str) -> None:
        sandbox.http.post("/_clock", json={"advance": 1})  # Salesforce's times are whole seconds
        answer = sandbox.http.patch(f"{API}/sobjects/Opportunity/{deal}", json=fields, headers=headers(sandbox))
        assert answer.is_success, answer.text

    def delete(self, sandbox: Sandbox, deal: str) -> None:
        assert sandbox.http.delete(f"{API}/sobjects/Opportunity/{deal}", headers=headers(sandbox)).is_success

    def combine(self, sandbox: Sandbox, into: str, gone: str) -> str:
        answer = sandbox.http.patch(f"/_records/salesforce/Contact/{gone}", json={"MasterRecordId": into})
        assert answer.is_success, answer.text
        return into

    def _add(self, sandbox: Sandbox, object: str, fields: dict[str, Any]) -> str:
        answer = sandbox.http.post(f"{API}/sobjects/{object}", json=fields, headers=headers(sandbox))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def test_more_ids_than_a_call_takes_are_read_in_few_calls(self, sandbox: Sandbox, crm: CRM) -> None:
        """As in the contract, with 2,005 deals made 200 at a call."""
        ids: list[str] = []
        for start in range(0, crm.can.read_batch + 5, 200):
            count = min(200, crm.can.read_batch + 5 - start)
            records = [{"attributes": {"type": "Opportunity"}, **DEAL, "Name": f"D{n}"} for n in range(count)]
            answer = sandbox.http.post(
                f"{API}/composite/sobjects", json={"records": records}, headers=headers(sandbox)
            ).json()
            ids += [made["id"] for made in answer]
        crm.read(self.deal, ids[:1], [self.text])
        before = self.calls(sandbox)
        assert set(crm.read(self.deal, ids, [self.text])) == set(ids)
        assert self.calls(sandbox) - before == 2


DEAL = {"StageName": "Prospecting", "CloseDate": "2026-12-18"}


@pytest.fixture
def bare() -> Iterator[Sandbox]:
    """An org in which our fields were never made."""
    world = World()
    world.add(Salesforce(world, SalesforceOptions(fields_ready=False)))
    server = Server(Front(world, Control(world, Graph(world))))
    url = f"http://127.0.0.1:{server.port}"
    with httpx.Client(base_url=url) as http:
        yield Sandbox(url, http)
    server.close()


ALLOW = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}


def sandbox_user(sandbox: Sandbox) -> str:
    """Who the adapter's app runs as."""
    answer = sandbox.http.post("/salesforce/services/oauth2/token", data={"grant_type": "client_credentials", **CLIENT})
    return str(answer.json()["id"].rpartition("/")[2])
