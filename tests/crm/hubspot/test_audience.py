"""HubSpot's lists as an audience."""

from collections.abc import Sequence

import pytest

from connector.core.audience import Source
from connector.errors import Rejected
from connector.ports import CRM, Account, Tokens
from tests.crm.contract_audience import AudienceContract
from tests.crm.hubspot.ground import API, NoTokens, account, headers
from tests.town import Sandbox

LISTS = "/hubspot/crm/lists/2026-09"


class TestLists(AudienceContract):
    kind, name_field, pages = "list", "firstname", 250

    def account(self, url: str) -> Account:
        return account(url)

    def tokens(self) -> Tokens:
        return NoTokens()

    def add_people(self, sandbox: Sandbox, names: Sequence[str]) -> list[str]:
        ids: list[str] = []
        for start in range(0, len(names), 100):
            inputs = [{"properties": {"firstname": name}} for name in names[start : start + 100]]
            made = sandbox.http.post(f"{API}/contacts/batch/create", json={"inputs": inputs}, headers=headers())
            ids += [one["id"] for one in made.json()["results"]]
        return ids

    def add_list(self, sandbox: Sandbox, name: str, ids: Sequence[str], kind: str = "0-1") -> str:
        made = sandbox.http.post(LISTS, json={"name": name, "objectTypeId": kind}, headers=headers()).json()
        id_ = str(made["list"]["listId"])
        sandbox.http.put(f"{LISTS}/{id_}/memberships/add", json=list(ids), headers=headers())
        return id_

    def test_a_list_of_deals_is_none_of_people(self, crm: CRM, sandbox: Sandbox) -> None:
        id_ = self.add_list(sandbox, "Deals", [], "0-3")
        with pytest.raises(Rejected, match="not one of contacts"):
            crm.audience(Source(kind="list", value=id_), [])

    def test_who_was_deleted_meanwhile_is_left_out(self, crm: CRM, sandbox: Sandbox) -> None:
        ids = self.add_people(sandbox, ["A", "B"])
        list_ = self.add_list(sandbox, "Two", ids)
        sandbox.http.delete(f"{API}/contacts/{ids[0]}", headers=headers())
        assert [r.id for r in self.everybody(crm, list_)] == ids[1:]
