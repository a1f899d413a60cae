"""Activity and the why of one event: who sees and does what, and that what people wrote stays text."""

import json
from datetime import timedelta

import pytest

from connector.store import tasks
from connector.store.tables import changes, document_versions
from tests.web.pages.business import AT, WEBINAR, Business

HOSTILE = [
    "<script>alert(1)</script>", "\u202egpj.exe", "a\u200bb", "x" * 100_000, "👩‍👩‍👧", "' onmouseover=alert(1) x='",
]  # fmt: skip


@pytest.fixture
def business(console):
    return Business(console)


@pytest.fixture
def ana(business):
    """A reply of hers that was written."""
    business.publish()
    lane = business.person()
    event = business.event(lane)
    business.written(event, lane)
    return event


def test_a_fresh_house_says_what_to_do_next(business, console):
    page = console("viewer").get("/activity/").text
    assert 'href="/setup/"' in page
    assert "/phone" not in page


def test_one_line_per_event_and_it_opens_the_why(ana, console):
    page = console("viewer").get("/activity/").text
    assert "Ana Ruiz" in page
    assert "Me interesa" in page
    assert "webinar-interest" in page
    assert f'href="/activity/{ana}"' in page


@pytest.mark.parametrize("typed", ["Ana", "ruiz", "+57 300 111 2222", "573001112222", "wamid.1"])
def test_it_is_found_in_any_spelling(ana, console, typed):
    assert f"/activity/{ana}" in console("viewer").get("/activity/", query_string={"q": typed}).text


def test_filters_keep_the_others(ana, business, console):
    lane = business.person("Bea", "573004445555")
    business.refused(other := business.event(lane, "No gracias"), lane)
    view = console("viewer")
    page = view.get("/activity/?state=review").text
    assert other in page
    assert f"/activity/{ana}" not in page
    assert f"/activity/{ana}" in view.get("/activity/?state=done&kind=in&document=webinar-interest").text
    assert f"/activity/{ana}" not in view.get("/activity/?kind=out").text
    assert view.get("/activity/?state=nonsense&kind=nonsense&before=nonsense").status_code == 200


def test_statuses_are_shown_when_they_are_asked_for(business, console):
    business.event(None, kind="DeliveryStatus", payload={"status": "read", "wamid": "w", "number": "1", "id": "s"})
    view = console("viewer")
    assert "/activity/0192-" not in view.get("/activity/").text
    assert "/activity/0192-" in view.get("/activity/?kind=status").text


def test_pages_follow_each_other(business, console):
    ids = [business.event(None, f"n{n}") for n in range(60)]
    view = console("viewer")
    first = view.get("/activity/").text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = view.get(older).text
    shown = [id_ for id_ in ids if id_ in first], [id_ for id_ in ids if id_ in second]
    assert [len(some) for some in shown] == [50, 10]
    assert 'id="new"' not in second


def test_new_lines_are_announced(ana, console, business):
    view = console("viewer")
    after = business.row(changes.metadata.tables["events"]).seq
    assert "show" not in view.get(f"/activity/new?after={after}", part=True).text
    business.event(None)
    part = view.get(f"/activity/new?after={after}", part=True).text
    assert "1 new" in part
    assert "<html" not in part
    assert "1 new" not in view.get(f"/activity/new?after={after}&state=review", part=True).text
    assert view.get("/activity/new?after=%00zz", part=True).status_code == 200


@pytest.mark.parametrize("text", HOSTILE)
def test_what_people_write_is_text(business, console, text):
    lane = business.person(text[:400])
    event = business.event(lane, text)
    business.refused(event, lane, text)
    for path in ("/activity/", f"/activity/{event}", "/review/?tab=refused"):
        page = console("viewer").get(path).text
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "onmouseover=alert(1) x='\"" not in page
        assert len(page) < 200_000
    assert console("viewer").get("/activity/", query_string={"q": text[:200]}).status_code == 200


def test_the_why_says_everything(ana, console):
    page = console("viewer").get(f"/activity/{ana}").text
    for words in ("lifecyclestage", "customer", "lead", "the map says so", "wamid.1", "573001112222", "done after"):
        assert words in page
    assert "/try" not in page
    assert 'id="raw"' not in page


def test_the_vendors_id_leads_to_the_why(ana, console):
    answer = console("viewer").get("/activity/wamid.1")
    assert (answer.status_code, answer.location) == (302, f"/activity/{ana}")
    assert console("viewer").get("/activity/573001112222").status_code == 404
    assert console("viewer").get("/activity/nobody").status_code == 404


def test_the_message_it_answers_stands_before_it(business, console):
    lane = business.person()
    event = business.event(lane)
    body = {"type": "text", "text": {"body": "Shall we call you?"}}
    more = {"template": "", "step": "flow.ask", "body": body, "answered_by": event}
    business.send("", lane, "read", at=AT - timedelta(hours=1), **more)
    assert "Shall we call you?" in console("viewer").get(f"/activity/{event}").text


def test_what_came_in_is_for_editors(business, console):
    raw = json.dumps({"entry": ["<b>\u202e", "y" * 90_000]}).encode()
    event = business.event(None, delivery=business.delivery(raw))
    assert console("viewer").get(f"/activity/{event}/raw", part=True).status_code == 403
    part = console("editor").get(f"/activity/{event}/raw", part=True).text
    assert "&lt;b&gt;" in part
    assert len(part) < 150_000
    assert console("editor").get("/activity/nobody/raw", part=True).status_code == 404


@pytest.mark.parametrize(("act", "role", "below"), [("retry", "publisher", "editor"), ("undo", "publisher", "editor")])
def test_acts_need_their_role_and_are_noted(ana, console, business, act, role, below):
    assert console(below).post(f"/activity/{ana}/{act}").status_code == 403
    assert business.acts() == []
    assert console(role).post(f"/activity/{ana}/{act}").status_code == 303
    assert business.acts() == [f"event.{act}"]


def test_retry_puts_back_what_was_refused(business, console):
    lane = business.person()
    business.refused(event := business.event(lane), lane)
    answer = console("publisher").post(f"/activity/{event}/retry", part=True)
    assert answer.status_code == 200
    assert "toast" in answer.headers["HX-Trigger"]
    assert business.row(changes).state == "new"
    assert console.rung == [f"write:{business.hubspot}"]


def test_undo_is_a_workers_and_its_progress_is_shown(ana, console, business):
    console("publisher").post(f"/activity/{ana}/undo")
    assert console.rung == ["task"]
    with business.store.read() as conn:
        (task,) = tasks.list_(conn)
    assert (task.kind, task.args, task.author) == ("event.undo", {"event": ana}, "publisher@example.com")
    part = console("viewer").get(f"/activity/{ana}/task/{task.id}", part=True).text
    assert 'hx-trigger="every 1s"' in part
    done = {"undone": [{"field": "f", "record": "contacts 1", "from": "<b>", "to": None}], "stays": ["It stays."],
            "kept": [{"field": "g", "record": "", "why": "changed since", "now": "x"}]}  # fmt: skip
    with business.store.write() as conn:
        mine = tasks.claim(conn, task, AT)
        tasks.end(conn, mine, "done", AT, result=done)
    page = console("viewer").get(f"/activity/{ana}").text
    assert "changed since" in page
    assert "&lt;b&gt;" in page
    assert "every 1s" not in page
    assert console("viewer").get(f"/activity/other/task/{task.id}", part=True).status_code == 404


def test_another_version_is_tried_beside_what_was_written(ana, console, business):
    business.publish(WEBINAR.replace("{interested: salesqualifiedlead, later: lead}", "{maybe: opportunity}"))
    assert console("viewer").get(f"/activity/{ana}/try").status_code == 403
    page = console("editor").get(f"/activity/{ana}/try?document=webinar-interest&version=2").text
    assert "opportunity" in page
    assert "differs" in page
    assert console("editor").get(f"/activity/{ana}/try?document=<x>&version=<y>").status_code == 200


def test_a_test_is_shown_and_then_saved_as_a_draft(ana, console, business):
    page = console("editor").get(f"/activity/{ana}/test").text
    assert "answer.id: maybe" in page
    assert console("viewer").post(f"/activity/{ana}/test", {"document": "webinar-interest"}).status_code == 403
    answer = console("editor").post(f"/activity/{ana}/test", {"document": "webinar-interest", "base": "1"})
    assert (answer.status_code, answer.location) == (303, "/mappings/webinar-interest")
    draft = business.row(document_versions, document_versions.c.n == 2)
    assert draft.state == "draft"
    assert "answer.id: maybe" in draft.text
    assert business.acts() == ["document.draft"]
    again = console("editor").post(f"/activity/{ana}/test", {"document": "webinar-interest", "base": "1"})
    assert again.status_code == 200
    assert "saved meanwhile" in again.text
