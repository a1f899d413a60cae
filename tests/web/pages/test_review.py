"""Review: each group is solved by one act, with its role, and the audit knows."""

from datetime import timedelta

import pytest

from connector.store import tasks
from connector.store.tables import changes, document_versions, events, plans, sends
from tests.web.pages.business import Business

TABS = ("answers", "people", "questions", "refused", "sends", "templates", "dead", "accounts")


@pytest.fixture
def business(console):
    return Business(console)


def key_of(console, tab):
    return console("viewer").get(f"/review/?tab={tab}").text.split('id="g-')[1].split('"')[0]


@pytest.mark.parametrize("tab", TABS)
def test_an_empty_review_says_so(console, business, tab):
    page = console("viewer").get(f"/review/?tab={tab}").text
    assert "Nothing needs you" in page
    assert 'class="count"' not in page


def test_the_rail_counts_what_is_open_and_keeps_it_for_some_seconds(console, business, clock):
    view = console("viewer")
    view.get("/review/")
    lane = business.person()
    business.puzzled(business.event(lane), lane)
    assert 'class="count"' not in view.get("/review/").text
    clock.at += timedelta(seconds=6)
    assert 'title="1 need a person">1</span>' in view.get("/review/").text


@pytest.fixture
def puzzled(business):
    business.publish()
    for name, phone in (("Ana", "573001112222"), ("Bea", "573004445555")):
        lane = business.person(name, phone)
        business.puzzled(business.event(lane, f"says {name}"), lane)
    return business


def test_answers_are_grouped_and_counted(puzzled, console):
    page = console("editor").get("/review/").text
    assert "2 times" in page
    assert "says Bea" in page
    assert '<option value="opportunity">Opportunity (opportunity)</option>' in page
    assert 'name="publish"' not in page
    assert 'name="publish"' in console("publisher").get("/review/").text
    assert "<form method" not in console("viewer").get("/review/").text.split("<main")[1].split("</main>")[0]


def test_an_editor_adds_the_answer_as_a_draft_with_a_test(puzzled, console):
    key = key_of(console, "answers")
    assert console("viewer").post(f"/review/{key}/map", {"value": "opportunity"}).status_code == 403
    answer = console("editor").post(f"/review/{key}/map", {"value": "opportunity", "publish": "1"}, part=True)
    assert answer.status_code == 200
    draft = puzzled.row(document_versions, document_versions.c.n == 2)
    assert draft.state == "draft"
    assert "maybe: opportunity" in draft.text
    assert "answer.id: maybe" in draft.text
    assert puzzled.acts() == ["document.draft"]
    assert console.rung == []


def test_a_publisher_publishes_it_and_the_messages_are_judged_again(puzzled, console):
    key = key_of(console, "answers")
    answer = console("publisher").post(f"/review/{key}/map", {"value": "opportunity", "publish": "1"}, part=True)
    assert "version 2 is live" in answer.headers["HX-Trigger"]
    assert puzzled.row(document_versions, document_versions.c.n == 2).state == "live"
    assert puzzled.acts() == ["document.publish", "review.again"]
    with puzzled.store.read() as conn:
        (task,) = tasks.list_(conn)
    assert task.kind == "review.rejudge"
    assert (len(task.args["events"]), task.args["account"]) == (2, "hubspot")
    assert console.rung == ["task"]
    part = console("viewer").get(f"/review/again/{task.id}", part=True).text
    assert "every 1s" in part


def test_what_cannot_be_added_says_why_and_changes_nothing(puzzled, console):
    key = key_of(console, "answers")
    assert console("editor").post(f"/review/{key}/map", {"value": ""}, part=True).status_code == 422
    assert console("editor").post(f"/review/{key}/map", {"value": "x"}).status_code == 303
    assert console("editor").post("/review/nothing/map", {"value": "x"}, part=True).status_code == 404
    again = console("editor").post(f"/review/{key}/map", {"value": "y"}, part=True)
    assert again.status_code == 422


def test_a_group_is_dismissed(puzzled, console):
    key = key_of(console, "answers")
    assert console("viewer").post(f"/review/{key}/dismiss").status_code == 403
    answer = console("editor").post(f"/review/{key}/dismiss", part=True)
    assert "2 dismissed" in answer.headers["HX-Trigger"]
    assert puzzled.row(changes, changes.c.state == "review") is None
    assert puzzled.acts() == ["review.dismiss"]


def test_a_person_says_whose_record_it_is(business, console):
    lane = business.person()
    asked = business.event(lane)
    business.several(asked, lane)
    page = console("editor").get("/review/?tab=people").text
    assert 'value="1512"' in page
    form = {"account": business.hubspot, "lane": lane, "object": "contacts", "choice": "1512"}
    assert console("viewer").post("/review/whose", form).status_code == 403
    assert console("editor").post("/review/whose", form | {"choice": ""}, part=True).status_code == 422
    answer = console("editor").post("/review/whose", form, part=True)
    assert "1 message goes on" in answer.headers["HX-Trigger"]
    told = business.row(events, events.c.kind == "Resolved")
    assert (told.lane, told.payload["ask"], told.payload["choice"]) == (lane, asked, "1512")
    assert told.payload["documents"] == ["webinar-interest"]
    assert business.row(plans, plans.c.event == told.id).state == "new"
    assert console.rung == [f"handle:{business.hubspot}"]
    assert business.acts() == ["review.whose"]
    again = console("editor").post("/review/whose", form, part=True)
    assert "0 messages" in again.headers["HX-Trigger"]


def test_or_that_nothing_is_to_be_done(business, console):
    lane = business.person()
    business.several(business.event(lane), lane)
    form = {"account": business.hubspot, "lane": lane, "object": "contacts", "choice": "skip"}
    assert console("editor").post("/review/whose", form).status_code == 303
    assert business.row(changes).state == "refused"
    assert business.row(events, events.c.kind == "Resolved") is None


def test_refusals_are_retried_together(business, console):
    lane = business.person()
    for _ in range(3):
        business.refused(business.event(lane), lane)
    key = key_of(console, "refused")
    assert "3 times" in console("viewer").get("/review/?tab=refused").text
    assert console("editor").post(f"/review/{key}/retry").status_code == 403
    answer = console("publisher").post(f"/review/{key}/retry", part=True)
    assert answer.status_code == 200
    assert business.row(changes, changes.c.state == "new") is not None
    assert console.rung == [f"write:{business.hubspot}"]
    assert business.acts() == ["review.retry"]


@pytest.mark.parametrize(("act", "role", "below", "state"), [
    ("arrived", "editor", "viewer", "sent"), ("again", "publisher", "editor", "ready"),
    ("close", "editor", "viewer", "cancelled"),
])  # fmt: skip
def test_a_message_that_may_have_been_sent_is_settled(business, console, act, role, below, state):
    lane = business.person()
    send = business.send(business.event(lane), lane)
    assert "quote_ready" in console("viewer").get("/review/?tab=sends").text
    assert console(below).post(f"/review/sends/{send}/{act}").status_code == 403
    assert console(role).post(f"/review/sends/{send}/{act}", part=True).status_code == 200
    assert business.row(sends).state == state
    assert business.acts() == [f"send.{act}"]
    second = console(role).post(f"/review/sends/{send}/{act}", part=True)
    assert "moved on" in second.headers["HX-Trigger"]


def test_dead_events_are_dismissed_or_retried(business, console):
    event = business.event(None, state="dead", error="It broke <b>")
    page = console("editor").get("/review/?tab=dead").text
    assert "It broke &lt;b&gt;" in page
    assert console("editor").post(f"/review/events/{event}/retry").status_code == 403
    assert console("publisher").post(f"/review/events/{event}/retry", part=True).status_code == 200
    assert console("editor").post(f"/review/events/{event}/nonsense").status_code == 404
    assert console("editor").post(f"/review/events/{event}/dismiss", part=True).status_code == 200
    assert business.row(events).state == "done"


def test_forms_need_the_sessions_token(puzzled, console):
    browser = console("publisher")
    browser.csrf = "forged"
    key = key_of(console, "answers")
    for path in (f"/review/{key}/map", f"/review/{key}/dismiss", f"/review/{key}/retry", "/review/whose"):
        assert browser.post(path).status_code == 403
    assert puzzled.acts() == []
