"""Reports: what is shown, narrowed, refused, taken as CSV; who may look."""

from datetime import timedelta

import pytest

from connector.pipeline.chores import reckoning
from connector.pipeline.documents.library import Shelf
from connector.store import api_tokens
from connector.store.bulk import insert_many
from connector.store.figures import DAY, first_id
from connector.store.tables import contacts, events, sends

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def told(console):
    """Two messages, one answered after 20 minutes, and somebody nobody answered."""
    now = console.house.clock.now()
    at = now - timedelta(hours=5)
    base = {"template": "quote_v1", "document": "quote", "number": "1", "to": "+573001112222", "lane": "c1"}
    base |= {"at": at, "ended_at": at}
    yes, price = {"buttons": {"Yes": "yes"}}, {"pricing": {"type": "regular", "category": "utility"}}
    rows = [
        {"id": "s1", "state": "read", "rank": 5, "answered_by": "e1", "goal": "record:x", **yes, **price},
        {"id": "s2", "state": "failed", "rank": 3, "code": "consent", "template": "=cmd()"},
        {"id": "s3", "state": "sent", "rank": 2, **yes},
    ]
    wrote = [
        ("e1", "c1", at + timedelta(minutes=20), {}),
        (first_id(at - DAY) + "-7", "c2", at - DAY, {"number": "1", "type": "text", "text": HOSTILE}),
        (first_id(at) + "-7", "c3", at, {"number": "1", "type": "reaction"}),
    ]
    with console.house.store.write() as conn:
        insert_many(conn, contacts, [{"id": "c2", "name": HOSTILE, "created_at": at}])
        for row in rows:
            insert_many(conn, sends, [base | {"cause": row["id"]} | row])
        for id_, lane, when, payload in wrote:
            row = {"id": id_, "lane": lane, "received_at": when, "payload": payload, "dedupe_key": id_, "account": ""}
            insert_many(conn, events, [row | {"kind": "InboundMessage", "state": "done"}])
    reckoning.count(console.house.store, [Shelf()], now)
    return console


def test_before_the_first_count(console):
    assert "The first count comes within five minutes" in console("viewer").get("/reports/").text


def test_the_report(told):
    viewer = told("viewer")
    page = viewer.get("/reports/").text
    assert "20 min" in page or "19 min" in page or "21 min" in page
    assert "quote_v1" in page
    assert "The person has not agreed" in page
    one = viewer.get("/reports/?by=document&template=quote_v1").text
    assert ">quote<" in one
    assert "=cmd()" not in one
    csv = viewer.get("/reports/report.csv?days=7")
    assert csv.mimetype == "text/csv"
    assert 'filename="report-2026-11-18-2026-11-24.csv"' in csv.headers["Content-Disposition"]
    assert ",'=cmd()," in csv.text


def test_who_did_not_answer(told):
    viewer = told("viewer")
    ours = viewer.get("/reports/unanswered").text
    assert "/sends/s3" in ours
    assert "/sends/s1" not in ours
    day = (told.house.clock.now() - timedelta(days=1)).strftime("%Y-%m-%d")
    people = viewer.get(f"/reports/unanswered?side=people&day={day}").text
    assert "/contacts/c2" in people
    assert "<script>alert" not in people
    assert "/contacts/c3" not in viewer.get("/reports/unanswered?side=people&day=2026-11-24").text


@pytest.mark.parametrize(
    "query", ["days=0", "days=x", "since=2026-11-31", "since=2026-11-20&until=2026-11-01", "since=0001-01-01", "days=²"]
)
def test_a_period_that_cannot_be_is_told_and_the_last_30_days_are_shown(console, query):
    answer = console("viewer").get(f"/reports/?{query}")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert console("viewer").get(f"/reports/report.csv?{query}").status_code == 422
    assert console("viewer").get("/reports/unanswered?side=people&day=x").status_code == 200


def test_the_api_says_the_same(told):
    with told.house.store.write() as conn:
        token = api_tokens.add(conn, "t", "viewer", "me", told.house.clock.now())[1]

    def call(query):
        answer = told.stranger.get(f"/api/v1/reports?{query}", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.json

    status, found = call("by=document&days=7")
    assert status == 200
    assert (found["total"]["sent"], found["total"]["failed"]) == (2, 1)
    assert (found["total"]["paid"], found["total"]["aimed"]) == (1, 1)
    assert [line["key"] for line in found["lines"]] == ["quote", ""]
    assert call("by=colour")[0] == call("days=0")[0] == 422
