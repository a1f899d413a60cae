"""The outbound journey through real processes: a CRM's webhook comes in, a message goes out, the truth comes back."""

from contextlib import closing

import pytest

from connector import valkey
from tests.journey.conftest import until
from tests.pipeline.test_outbound_calls import BOOKED
from tests.pipeline.test_outbound_hubspot import ACCEPTED, QUOTE
from tests.pipeline.test_outbound_workflow import SLOTS

pytestmark = pytest.mark.long  # make test-long

ANA = "573001112222"
HOOKS = {"graph": "/hooks/whatsapp/whatsapp", "hubspot": "/hooks/crm/hubspot"}


@pytest.fixture(scope="module", autouse=True)
def wired(house):
    """The sandbox's vendors call this house, and its documents are live."""
    account = house.app.account("salesforce")
    paths = HOOKS | {"salesforce": f"/hooks/crm/salesforce/{account.secrets['hook_secret']}"}
    for service, path in paths.items():
        answer = house.sandbox.http.post("/_webhook", json={"service": service, "url": house.url + path})
        assert answer.is_success, answer.text
    assert house.sandbox.http.post("/_options", json={"status_seconds": 0.05}).is_success
    house.app.sync(lambda: False)
    for document in (QUOTE, ACCEPTED, BOOKED, SLOTS):
        house.publish(document)
    yield
    house.sandbox.http.post("/_reset")


def deal(house, id):
    return house.sandbox.record("hubspot", "deals", id)["properties"]


def move(house, path, **values):
    assert house.sandbox.http.patch(f"/_records/{path}", json=values).is_success


def test_a_deal_goes_all_the_way_round(house):
    move(house, "hubspot/deals/3001", dealstage="presentationscheduled")
    until(lambda: deal(house, "3001").get("whatsapp_quote") == "read", "the deal knows that it was read")
    ((id_, wamid),) = house.rows("SELECT id, wamid FROM sends WHERE document = 'quote-ready'")
    answer = house.sandbox.http.post(f"/_customers/{ANA}", json={"button": "accept", "reply_to": wamid})
    assert answer.is_success
    until(lambda: deal(house, "3001")["dealstage"] == "closedwon", "the deal is won")
    until(lambda: deal(house, "3001")["whatsapp_quote"] == "answered", "the deal knows of the answer")
    house.settled()
    sent = [c["body"]["biz_opaque_callback_data"] for c in house.sandbox.ledger("graph") if "/messages" in c["path"]]
    assert sent == [id_]


def test_many_at_once_from_both_crms_while_redis_forgets_everything(house):
    before = len(house.rows("SELECT 1 FROM sends"))
    visits = [r for r in house.sandbox.records("salesforce", "Opportunity") if r["StageName"] != "Needs Analysis"]
    for n, visit in enumerate(visits):
        move(house, f"salesforce/Opportunity/{visit['Id']}", StageName="Needs Analysis")
        move(house, f"hubspot/deals/{3002 + n}", dealstage="presentationscheduled", amount=str(900 + n))
        with closing(valkey.connect(house.app.config.redis_url)) as client:
            client.flushall()
    until(lambda: len(house.rows("SELECT 1 FROM sends")) > before + len(visits), "both send")
    house.settled()
    left = "SELECT state, code, reason FROM sends WHERE state NOT IN ('read', 'refused')"
    until(lambda: not house.rows(left), "every message is read or refused")
    rows = house.rows("SELECT state, code, reason FROM sends")
    assert {state for state, *_ in rows} <= {"read", "refused"}, rows
    causes = [c["body"]["biz_opaque_callback_data"] for c in house.sandbox.ledger("graph") if "/messages" in c["path"]]
    assert len(causes) == len(set(causes)) == len([1 for state, *_ in rows if state == "read"])


def test_a_workflow_waits_for_the_answer(house):
    body = {"url": f"{house.url}/hooks/crm/hubspot/action", "object": "contacts", "record": "1514",
            "inputs": {"message": "send:visit-slots"}}  # fmt: skip
    callback = house.sandbox.http.post("/hubspot/_workflows", json=body).json()["id"]

    def step():
        return next(run for run in house.sandbox.http.get("/hubspot/_workflows").json() if run["id"] == callback)

    query = "SELECT wamid, \"to\" FROM sends WHERE document = 'visit-slots' AND state = 'read'"
    ((wamid, to),) = until(lambda: house.rows(query), "the customer has read it")
    assert step()["state"] == "BLOCK"
    house.sandbox.http.post(f"/_customers/{to.lstrip('+')}", json={"button": "morning", "reply_to": wamid})
    until(lambda: step()["state"] == "SUCCESS", "the workflow goes on")
    assert step()["outputFields"]["reply_id"] == "morning"
    house.settled()
    assert "sandbox-whatsapp-token" not in house.log.read_text()
