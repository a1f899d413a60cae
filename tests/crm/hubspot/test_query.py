"""What only HubSpot's reading does: pages without numbers, long lists of fields, labels, batches that are refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.crm import connect
from connector.errors import NotAllowed, Rejected
from connector.ports import CRM, ActionDone, ActivityChange, Related, Where
from connector.sandbox.http import Request, Response, answer
from tests.crm.hubspot.ground import API, NoTokens, account, headers
from tests.crm.hubspot.scripted import scripted
from tests.town import Sandbox

MODIFIED = "hs_lastmodifieddate"
PROPERTIES = [
    {"name": MODIFIED, "type": "datetime", "fieldType": "date"},
    {"name": "hs_object_id", "type": "number", "fieldType": "number"},
    {"name": "closedate", "type": "datetime", "fieldType": "date"},
    {"name": "due", "type": "date", "fieldType": "date"},
    {"name": "tags", "type": "enumeration", "fieldType": "checkbox"},
    {"name": "paid", "type": "bool", "fieldType": "booleancheckbox"},
    {"name": "dealname", "type": "string", "fieldType": "text"},
]


@pytest.fixture
def crm(sandbox: Sandbox) -> CRM:
    return connect(account(sandbox.url), NoTokens())


class Index:
    """A search over (id, milliseconds) that keeps HubSpot's rules: 200 a page, one sort, ties in any order."""

    def __init__(self, stamps: list[int]) -> None:
        self.records = list(enumerate(stamps, start=1))
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Response:
        if "/crm/properties" in request.path:
            return answer({"results": PROPERTIES})
        if not request.path.endswith("/search"):
            return answer({"results": []})
        assert len(request.body) <= 3000
        body = request.json()
        self.asked.append(body)
        assert "after" not in body
        found = self.records
        for one in body.get("filterGroups", [{"filters": []}])[0]["filters"]:
            at = {MODIFIED: 1, "hs_object_id": 0}[one["propertyName"]]
            keep = {"GT": int.__gt__, "GTE": int.__ge__, "EQ": int.__eq__}[one["operator"]]
            found = [record for record in found if keep(record[at], int(one["value"]))]
        by = {MODIFIED: 1, "hs_object_id": 0}[body["sorts"][0]["propertyName"]]
        page = sorted(found, key=lambda record: (record[by], -record[0]))[: body["limit"]]
        results = [{"id": str(id), "properties": {MODIFIED: _iso(stamp)}} for id, stamp in page]
        return answer({"total": len(found), "results": results})


def _iso(stamp: int) -> str:
    return datetime.fromtimestamp(stamp / 1000, UTC).isoformat(timespec="milliseconds")


BASE = 1_795_341_600_000  # 2026-11-22T10:00:00Z


def stamps(*counts: int) -> list[int]:
    """So many records of each millisecond."""
    return [n for n, count in enumerate(counts) for _ in range(count)]


@pytest.mark.parametrize("counts", [(), (1,), (200,), (199, 2), (200, 200), (450,), (3, 450, 3), (1,) * 700,
                                    (150, 600, 199, 1)])  # fmt: skip
def test_every_record_comes_once_whatever_shares_a_moment(counts: tuple[int, ...]) -> None:
    index = Index([BASE + n for n in stamps(*counts)])
    with scripted(index) as server:
        crm = connect(account(server.url), NoTokens())
        ids, times, after, totals = [], [], "", []
        for _ in range(20):
            page = crm.query("deals", [Where("", "ge", "2026-11-22T10:00:00Z")], ["dealname"], after=after)
            ids += [record.id for record in page.records]
            times += [record.modified for record in page.records]
            totals.append(page.total)
            after = page.after
            if not after:
                break
    assert after == ""
    assert sorted(ids, key=int) == [str(n + 1) for n in range(sum(counts))]
    assert times == sorted(times, key=str)
    assert totals == [sum(counts)] + [None] * (len(totals) - 1)


def test_conditions_are_written_as_hubspot_reads_them() -> None:
    index = Index([])
    with scripted(lambda request: index(request) if "properties" in request.path else _note(index, request)) as server:
        crm = connect(account(server.url), NoTokens())
        for where in (
            [Where("closedate", "ge", "2026-11-22T05:00:00-05:00"), Where("due", "lt", "2026-11-22T23:59:00-05:00")],
            [Where("tags", "eq", "vip"), Where("paid", "ne", True), Where("dealname", "eq", None)],
            [Where("dealname", "ne", None), Where("tags", "ne", "vip")],
        ):
            crm.query("deals", where, [])
    asked = [
        [(f["propertyName"], f["operator"], f.get("value", f.get("values"))) for f in b["filterGroups"][0]["filters"]]
        for b in index.asked
    ]
    assert asked == [
        [("closedate", "GTE", "1795341600000"), ("due", "LT", "1795305600000")],
        [("tags", "IN", ["vip"]), ("paid", "NEQ", "true"), ("dealname", "NOT_HAS_PROPERTY", None)],
        [("dealname", "HAS_PROPERTY", None), ("tags", "NOT_IN", ["vip"])],
    ]


def _note(index: Index, request: Request) -> Response:
    if request.path.endswith("/search"):
        index.asked.append(request.json())
    return answer({"total": 0, "results": []})


@pytest.mark.parametrize("where", [
    [Where("dealname", "eq", "x")] * 5, [Where("dealname", "ge", None)], [Where("dealname", "like", "x")],
    [Where("closedate", "ge", "soon")], [Where("", "ge", "x" * 5000)],
])  # fmt: skip
def test_what_no_search_can_ask_is_refused_in_words(crm: CRM, where: list[Where]) -> None:
    with pytest.raises(Rejected):
        crm.query("deals", where, [])


def test_more_fields_than_a_search_can_name_are_read_by_id(sandbox: Sandbox, crm: CRM) -> None:
    many = ["dealname", *(f"a_property_with_a_rather_long_name_{n}" for n in range(200))]
    page = crm.query("deals", [Where("dealstage", "eq", "closedwon")], many)
    assert [record.fields["dealname"] for record in page.records] == ["Textiles Andinos - renewal"]
    assert set(many) <= set(page.records[0].fields)


def test_searches_for_pages_keep_to_five_a_second(sandbox: Sandbox, crm: CRM) -> None:
    for _ in range(9):
        crm.query("deals", [Where("dealstage", "eq", "closedwon")], [])
    assert 429 not in [call["status"] for call in sandbox.ledger("hubspot")]


# ---- who belongs to a deal -------------------------------------------------------------------------------------------
def test_hubspots_and_the_admins_primary_one_count(crm: CRM) -> None:
    found = crm.related("deals", ["3001", "3007", "3008"], "contacts")
    assert found["3001"] == [Related("contacts", "1512")]
    assert [one.primary for one in found["3007"]] == [False, False]
    assert found["3008"] == [Related("contacts", "1531", primary=True), Related("contacts", "1530")]
    assert crm.related("contacts", ["1512"], "companies")["1512"][0].primary is True


def test_a_contact_is_its_own_person(sandbox: Sandbox, crm: CRM) -> None:
    before = len(sandbox.ledger("hubspot"))
    assert crm.related("contacts", ["1512"], "contacts") == {"1512": [Related("contacts", "1512", primary=True)]}
    assert len(sandbox.ledger("hubspot")) == before


def test_the_pages_of_one_records_associations_are_put_together() -> None:
    def paged(request: Request) -> Response:
        [asked] = request.json()["inputs"]
        start = int(asked.get("after", 1))
        to = [{"toObjectId": n, "associationTypes": []} for n in range(start, start + 2)]
        more = {"paging": {"next": {"after": str(start + 2)}}} if start < 5 else {}
        return answer({"results": [{"from": {"id": asked["id"]}, "to": to, **more}]})

    with scripted(paged) as server:
        found = connect(account(server.url), NoTokens()).related("deals", ["7"], "contacts")
    assert [one.id for one in found["7"]] == [str(n) for n in range(1, 7)]


# ---- owners ----------------------------------------------------------------------------------------------------------
def test_the_owner_of_a_deal_is_read_with_it(crm: CRM) -> None:
    found = crm.read("deals", ["3001"], ["dealstage"])["3001"]
    assert (found.owner, found.fields["dealstage"]) == ("64492917", "qualifiedtobuy")


@pytest.mark.parametrize("object,fields", [
    ("deals", {"dealname": "Roof", "dealstage": "contractsent"}), ("companies", {"name": "Roofs"}),
    ("tickets", {"subject": "Late", "hs_pipeline_stage": "1"}),
])  # fmt: skip
def test_what_became_of_a_send_stands_on_the_record_that_started_it(
    sandbox: Sandbox, crm: CRM, object: str, fields: dict[str, str]
) -> None:
    owned = {"properties": fields | {"hubspot_owner_id": "64492918"}}
    record = str(sandbox.http.post(f"{API}/{object}", json=owned, headers=headers()).json()["id"])
    at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    for kind in ("message", "note", "task"):
        entry = ActivityChange(id=kind, ref=f"r-{kind}", kind=kind, object=object, record=record, at=at, owner="owner")
        [outcome] = crm.write([entry])
        assert outcome.state == "done"
        name = {"message": "communications", "note": "notes", "task": "tasks"}[kind]
        linked = sandbox.http.get(f"{API}/{name}/{outcome.activity}/associations/{object}", headers=headers()).json()
        assert [str(one["toObjectId"]) for one in linked["results"]] == [record]
    [task] = sandbox.records("hubspot", "tasks")
    assert task["properties"]["hubspot_owner_id"] == "64492918"


# ---- workflows that wait ---------------------------------------------------------------------------------------------
def waiting(sandbox: Sandbox, url: str, count: int) -> list[str]:
    """Steps of a workflow that wait for us."""
    body = {"url": f"{url}/hooks/crm/hubspot/action", "object": "deals", "record": "3001", "inputs": {}}
    ids = [sandbox.http.post("/hubspot/_workflows", json=body).json()["id"] for _ in range(count)]
    assert sandbox.http.get("/_webhooks", params={"wait": 10}).json()["settled"]
    return ids


def states(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in sandbox.http.get("/hubspot/_workflows").json()}


def test_steps_that_wait_go_on_in_one_call_each_with_its_outputs(sandbox: Sandbox, crm: CRM) -> None:
    blocked = answer({"outputFields": {"hs_execution_state": "BLOCK"}})
    with scripted(lambda _request: blocked) as server:
        ids = waiting(sandbox, server.url, 3)
    before = len(sandbox.ledger("hubspot"))
    values = {"state": "replied", "reply": "Sí", "reply_id": "yes"}
    actions = [ActionDone(id=one, callback=one, ok=n > 0, values=values) for n, one in enumerate(ids)]
    assert [outcome.state for outcome in crm.complete(actions)] == ["done"] * 3
    assert len(sandbox.ledger("hubspot")) - before == 1
    found = states(sandbox)
    assert [found[one]["state"] for one in ids] == ["FAIL_CONTINUE", "SUCCESS", "SUCCESS"]
    assert found[ids[1]]["outputFields"] == values | {"hs_execution_state": "SUCCESS"}


def test_one_that_is_over_does_not_hold_the_others(sandbox: Sandbox, crm: CRM) -> None:
    with scripted(lambda _request: answer({"outputFields": {"hs_execution_state": "BLOCK"}})) as server:
        first, second = waiting(sandbox, server.url, 2)
    actions = [ActionDone(id=one, callback=one, ok=True) for one in (first, "ap-1-2-3-4", second)]
    outcomes = crm.complete(actions)
    assert [(outcome.state, outcome.code) for outcome in outcomes] == [
        ("done", ""), ("refused", "not_waiting"), ("done", ""),
    ]  # fmt: skip
    assert "no longer waits" in outcomes[1].text
    assert {states(sandbox)[one]["state"] for one in (first, second)} == {"SUCCESS"}


def test_a_missing_scope_for_workflows_needs_a_person() -> None:
    refused = {
        "category": "MISSING_SCOPES", "message": "no",
        "errors": [{"context": {"requiredGranularScopes": ["automation"]}}],
    }  # fmt: skip
    with scripted(lambda _request: answer(refused, 403)) as server, pytest.raises(NotAllowed, match="automation"):
        connect(account(server.url), NoTokens()).complete([ActionDone(id="1", callback="c", ok=True)])


# ---- the connection check --------------------------------------------------------------------------------------------
def test_the_scopes_of_other_objects_are_asked_for_when_they_are_in_use(sandbox: Sandbox) -> None:
    scopes = ["crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read",
              "crm.schemas.contacts.write", "crm.objects.owners.read", "crm.objects.deals.read"]  # fmt: skip
    assert sandbox.http.patch("/hubspot/_options", json={"scopes": scopes}, headers=headers()).is_success
    assert connect(account(sandbox.url), NoTokens()).check() == []
    issues = connect(account(sandbox.url, objects="deal, contacts"), NoTokens()).check()
    assert {scope for issue in issues for scope in issue.message.rstrip(".").split() if "crm." in scope} == {
        "crm.objects.deals.write", "crm.schemas.deals.read",
    }  # fmt: skip


@pytest.mark.parametrize("given,codes", [("1160452", []), ("", []), ("my app", ["app_id"])])
def test_an_app_id_is_a_number(sandbox: Sandbox, given: str, codes: list[str]) -> None:
    issues = connect(account(sandbox.url, **{"app-id": given}), NoTokens()).check()
    assert [issue.code for issue in issues] == codes
