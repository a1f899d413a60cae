"""The contract, against the HubSpot stand-in."""

from typing import Any, ClassVar

from connector.ports import Account, Tokens
from tests.crm.contract import CRMContract
from tests.crm.hubspot.ground import ACCOUNT_SECRETS, API, TOKEN, NoTokens, account, headers
from tests.town import Sandbox

ASSOCIATED = {
    "message": ("communications", "hs_communication_body"),
    "note": ("notes", "hs_note_body"),
    "task": ("tasks", "hs_task_body"),
}


class TestHubSpot(CRMContract):
    object = "contacts"
    text = "jobtitle"
    too_long = 65_537
    choice = ("hs_lead_status", "OPEN")
    read_only = "createdate"
    phone = "phone"
    first_name = "firstname"
    last_name = "lastname"
    types: ClassVar = {"jobtitle": "text", "hs_lead_status": "choice", "email": "email", "phone": "phone"}
    gone = "999999999"
    secrets = (TOKEN, ACCOUNT_SECRETS["client-secret"])
    everything = "* /hubspot/*"
    creating = "POST /hubspot/*/communications/batch/create"
    calls_for_a_batch = 1

    def account(self, url: str, **settings: Any) -> Account:
        return account(url, **settings)

    def tokens(self) -> Tokens:
        return NoTokens()

    def add(self, sandbox: Sandbox, **fields: str) -> str:
        answer = sandbox.http.post(f"{API}/contacts", json={"properties": fields}, headers=headers())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def merge(self, sandbox: Sandbox, into: str, gone: str) -> str:
        body = {"primaryObjectId": into, "objectIdToMerge": gone}
        answer = sandbox.http.post(f"{API}/contacts/merge", json=body, headers=headers())
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def value(self, sandbox: Sandbox, id: str, field: str) -> Any:
        return sandbox.record("hubspot", "contacts", id)["properties"].get(field) or None

    def entries(self, sandbox: Sandbox, kind: str) -> list[dict[str, Any]]:
        name, body = ASSOCIATED[kind]
        found = []
        for item in sandbox.records("hubspot", name):
            path = f"/hubspot/crm/associations/2026-09/{name}/contacts/batch/read"
            answer = sandbox.http.post(path, json={"inputs": [{"id": item["id"]}]}, headers=headers()).json()
            to = [str(end["toObjectId"]) for result in answer["results"] for end in result["to"]]
            held = item["properties"]
            found.append(
                {
                    "text": held[body],
                    "owner": held.get("hubspot_owner_id"),
                    "title": held.get("hs_task_subject"),
                    "files": held.get("hs_attachment_ids"),
                    "record": to[0] if to else None,
                }
            )
        return found

    def files(self, sandbox: Sandbox) -> list[str]:
        kept = {one["id"] for one in sandbox.records("hubspot", "files")}
        carrying = [n for n in self.entries(sandbox, "note") if n["files"]]
        assert all(one["files"] in kept for one in carrying)
        return [one["record"] for one in carrying]

    def without_our_fields(self, sandbox: Sandbox) -> None:
        for name in ("whatsapp_id", "whatsapp_user_id"):
            path = f"/hubspot/crm/properties/2026-09/contacts/{name}"
            assert sandbox.http.delete(path, headers=headers()).status_code == 204

    def own(self, sandbox: Sandbox, id: str) -> str:
        owners = sandbox.http.get("/hubspot/crm/owners/2026-09", headers=headers()).json()["results"]
        owner = str(owners[0]["id"])
        body = {"properties": {"hubspot_owner_id": owner}}
        assert sandbox.http.patch(f"{API}/contacts/{id}", json=body, headers=headers()).is_success
        return owner
