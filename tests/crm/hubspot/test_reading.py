"""Records for sending, against the HubSpot stand-in: the contract, and what only HubSpot does."""

from typing import Any, ClassVar

from connector.ports import Account, Tokens
from tests.crm.contract_reading import ReadingContract
from tests.crm.hubspot.ground import API, NoTokens, account, headers
from tests.town import Sandbox


class TestHubSpot(ReadingContract):
    deal = "deals"
    person = "contacts"
    text = "dealname"
    number = "amount"
    gone = "999999999"
    everything = "* /hubspot/*"
    service = "hubspot"
    stage: ClassVar = {"dealstage": "qualifiedtobuy"}

    def account(self, url: str, **settings: Any) -> Account:
        return account(url, **settings)

    def tokens(self) -> Tokens:
        return NoTokens()

    def add_deal(self, sandbox: Sandbox, **fields: str) -> str:
        return self._add(sandbox, "deals", self.stage | fields)

    def add_person(self, sandbox: Sandbox, name: str) -> str:
        return self._add(sandbox, "contacts", {"lastname": name})

    def _add(self, sandbox: Sandbox, object: str, fields: dict[str, str]) -> str:
        answer = sandbox.http.post(f"{API}/{object}", json={"properties": fields}, headers=headers())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def link(self, sandbox: Sandbox, deal: str, person: str, *, primary: bool = False) -> None:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]
        types += [{"associationCategory": "USER_DEFINED", "associationTypeId": 71}] if primary else []
        answer = sandbox.http.put(f"{API}/deals/{deal}/associations/contacts/{person}", json=types, headers=headers())
        assert answer.status_code == 201, answer.text

    def edit(self, sandbox: Sandbox, deal: str, **fields: str) -> None:
        answer = sandbox.http.patch(f"{API}/deals/{deal}", json={"properties": fields}, headers=headers())
        assert answer.is_success, answer.text

    def delete(self, sandbox: Sandbox, deal: str) -> None:
        assert sandbox.http.delete(f"{API}/deals/{deal}", headers=headers()).status_code == 204

    def combine(self, sandbox: Sandbox, into: str, gone: str) -> str:
        body = {"primaryObjectId": into, "objectIdToMerge": gone}
        answer = sandbox.http.post(f"{API}/contacts/merge", json=body, headers=headers())
        assert answer.is_success, answer.text
        return str(answer.json()["id"])
