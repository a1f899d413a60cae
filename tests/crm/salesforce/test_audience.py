"""Salesforce's list views, reports and queries as an audience; and what of a query is taken."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.audience import Source
from connector.crm import connect
from connector.crm.salesforce import audience, soql
from connector.errors import GiveUp, NotFound, Rejected
from connector.ports import CRM, Account, Member, Tokens
from tests.crm.contract_audience import AudienceContract
from tests.crm.salesforce.conftest import Tokens as NoTokens
from tests.crm.salesforce.conftest import account
from tests.crm.salesforce.test_contract import API, headers
from tests.town import Sandbox


class Ground(AudienceContract):
    name_field, pages = "LastName", 0

    def account(self, url: str) -> Account:
        return account(f"{url}/salesforce")

    def tokens(self) -> Tokens:
        return NoTokens()

    def add_people(self, sandbox: Sandbox, names: Sequence[str]) -> list[str]:
        ids: list[str] = []
        for start in range(0, len(names), 200):
            rows = [
                {"attributes": {"type": "Contact"}, "LastName": name, "MailingCity": "audience"}
                for name in names[start : start + 200]
            ]
            body = {"allOrNone": True, "records": rows}
            made = sandbox.http.post(f"{API}/composite/sobjects", json=body, headers=headers(sandbox))
            ids += [one["id"] for one in made.json()]
        return ids

    def make(self, sandbox: Sandbox, **what: object) -> str:
        return str(sandbox.http.post(f"{API}/_lists", json=what, headers=headers(sandbox)).json()["id"])


class TestViews(Ground):
    kind = "view"

    def add_list(self, sandbox: Sandbox, name: str, ids: Sequence[str]) -> str:
        where = " OR ".join(f"Id = '{i}'" for i in ids) or "LastName = 'nobody at all'"
        return self.make(sandbox, view={"label": name, "object": "Contact", "where": where})


class TestReports(Ground):
    kind = "report"

    def add_list(self, sandbox: Sandbox, name: str, ids: Sequence[str]) -> str:
        return self.make(sandbox, report={"name": name, "ids": [*ids, *ids[:1]]})

    def test_a_report_that_was_cut_is_refused(self, crm: CRM, sandbox: Sandbox) -> None:
        id_ = self.make(sandbox, report={"name": "Long", "ids": ["0035e00000000000AA"] * 2001})
        with pytest.raises(Rejected, match="over 2,000 rows"):
            crm.audience(Source(kind="report", value=id_), [])

    def test_a_report_without_people_says_which_column_is_missing(self, crm: CRM, sandbox: Sandbox) -> None:
        id_ = self.make(sandbox, report={"name": "Sums", "ids": ["12"]})
        with pytest.raises(Rejected, match="No column"):
            crm.audience(Source(kind="report", value=id_), [])

    def test_two_of_a_name_are_told_apart_by_their_id(self, crm: CRM, sandbox: Sandbox) -> None:
        for _ in range(2):
            self.make(sandbox, report={"name": "Twins", "ids": []})
        with pytest.raises(NotFound, match="several reports"):
            crm.audience(Source(kind="report", value="Twins"), [])


class TestQueries(Ground):
    """A query has no name: those tests are another's."""

    kind = "query"
    test_a_list_that_is_not_there_is_said = None  # type: ignore[assignment]
    test_its_name_is_found_by_its_beginning = None  # type: ignore[assignment]
    test_a_crm_that_is_down_is_unreachable = None  # type: ignore[assignment]
    test_people_come_with_their_fields_by_name_and_by_id = None  # type: ignore[assignment]

    def add_list(self, sandbox: Sandbox, name: str, ids: Sequence[str]) -> str:
        return f"SELECT Id FROM Contact WHERE MailingCity = '{'audience' if ids else 'none'}'"

    def test_pages_go_on_behind_the_last_one(self, crm: CRM, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audience, "PAGE", 7)
        ids = self.add_people(sandbox, [f"P{n}" for n in range(20)])
        found = self.everybody(crm, self.add_list(sandbox, "", ids))
        assert [r.id for r in found] == sorted(ids)

    def test_a_limit_takes_the_first_in_the_order_that_is_asked(self, crm: CRM, sandbox: Sandbox) -> None:
        self.add_people(sandbox, ["B", "C", "A"])
        query = "SELECT Id, Phone FROM Contact WHERE MailingCity = 'audience' ORDER BY LastName LIMIT 2"
        assert [r.fields["LastName"] for r in self.everybody(crm, query, ["LastName"])] == ["A", "B"]


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ("select id from contact", soql.People("Contact")),
        ("SELECT Id, (SELECT Id FROM Cases) FROM Lead WHERE Company = 'A;B' ;", soql.People("Lead", "Company = 'A;B'")),
        (
            "SELECT Id FROM Contact WHERE Id IN (SELECT ContactId FROM CampaignMember WHERE Status = 'a LIMIT b')",
            soql.People("Contact", "Id IN (SELECT ContactId FROM CampaignMember WHERE Status = 'a LIMIT b')"),
        ),
        (
            r"SELECT Id FROM Contact WHERE Name = 'O\'Neil FROM' ORDER BY Name DESC LIMIT 10",
            soql.People("Contact", r"Name = 'O\'Neil FROM'", order="BY Name DESC", limit=10),
        ),
        ("SELECT Id FROM Contact USING SCOPE mine", soql.People("Contact", scope="SCOPE mine")),
        ("SELECT Id FROM Contact ORDER BY Name", soql.People("Contact")),
    ],
)
def test_what_a_query_asks_for(query: str, people: soql.People) -> None:
    assert soql.parse(query) == people


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM Contact", "begins with SELECT"),
        ("SELECT Id FROM Account", "Contact or Lead"),
        ("SELECT Id", "no FROM"),
        ("SELECT Id FROM Contact c, c.Account a", "Contact or Lead"),
        ("SELECT COUNT(Id) FROM Contact GROUP BY Name", "GROUP"),
        ("SELECT Id FROM Contact FOR UPDATE", "FOR"),
        ("SELECT Id FROM Contact ALL ROWS", "ALL"),
        ("SELECT Id FROM Contact LIMIT 5000", "LIMIT"),
        ("SELECT Id FROM Contact; SELECT Id FROM Lead", "';'"),
        ("SELECT Id FROM Contact WHERE Name = 'x", "never closed"),
        ("SELECT Id FROM Contact WHERE (Name = 'x'", "without its"),
        ("SELECT Id FROM Contact WHERE Name = 'x')", "without its"),
        ("SELECT Id FROM Contact WHERE a = 1 WHERE b = 2", "twice"),
    ],
)
def test_what_of_a_query_is_refused(query: str, said: str) -> None:
    with pytest.raises(Rejected) as told:
        soql.parse(query)
    assert said in told.value.message


WORDS = [
    "SELECT ", "Id", " FROM ", "Contact", " WHERE ", "'", "\\", "(", ")", ";", " LIMIT ", "1", " ORDER BY ", "a = 'b'",
    " USING SCOPE mine", "é", "\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_any_text_is_read_or_refused(parts: list[str]) -> None:
    try:
        found = soql.parse("SELECT Id " + "".join(parts))
    except GiveUp:
        return
    assert found.object in soql.PEOPLE
    assert found.where.count("(") >= 0


# ---- campaigns -------------------------------------------------------------------------------------------------------
def test_members_of_a_campaign_move_forward_and_each_is_one(sandbox: Sandbox) -> None:
    crm, ground = connect(account(f"{sandbox.url}/salesforce"), NoTokens()), TestReports()
    ids = ground.add_people(sandbox, ["A", "B"])
    made = sandbox.http.post(f"{API}/sobjects/Campaign", json={"Name": "Spring"}, headers=headers(sandbox)).json()["id"]
    sent = [Member("Contact", i, "sent") for i in ids]
    assert [o.state for o in crm.enrol(made, sent)] == ["done", "done"]
    assert [o.state for o in crm.enrol(made, [Member("Contact", ids[0], "answered")])] == ["done"]
    assert [o.state for o in crm.enrol(made, [*sent, Member("Contact", "0035e0000000000AAA", "sent")])] == [
        "done", "done", "refused",
    ]  # fmt: skip
    found = {r["ContactId"]: r["Status"] for r in sandbox.records("salesforce", "CampaignMember")}
    assert found == {ids[0]: "Responded", ids[1]: "Sent"}
    with pytest.raises(Rejected, match="no campaign"):
        crm.enrol("Spring", sent)
