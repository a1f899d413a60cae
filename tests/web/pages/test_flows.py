"""Flows in the console: drawn, walked, simulated, made into tests; conversations that run, given back, moved."""

import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from connector.core import flow
from connector.core.flow import State
from connector.store import accounts, documents, holds
from connector.store.bulk import insert_many
from connector.store.tables import contacts, conversations
from connector.store.tables import numbers as number_rows

TEXT = (Path(__file__).parents[3] / "mappings" / "qualify-lead.yaml").read_text("utf-8")
PAGE = "/mappings/qualify-lead"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def shop(console):
    """A live flow, a number, two people in it: one waits, one is with a person."""
    house = console.house
    now = house.clock.now()
    with house.store.write() as conn:
        crm = accounts.add(conn, house.keyring, "hubspot", "hubspot", {}, {"token": "x"}, now)
        wa = accounts.add(conn, house.keyring, "whatsapp", "main", {"phone_number_id": "1"}, {"token": "x"}, now)
        insert_many(conn, number_rows, [{"id": "1", "account": wa.id, "name": "main", "display": "+57 300 111 2222"}])
        documents.publish(conn, "flow", "qualify-lead", TEXT, "ana@example.com", now)
        for n, (step, waits) in enumerate((("budget", "answer"), ("human", "person"))):
            insert_many(conn, contacts, [{"id": f"p{n}", "name": HOSTILE, "created_at": now}])
            state = State(flow="qualify-lead", version=1, step=step, waits=waits, answers={"size": HOSTILE})
            row = {
                "id": f"c{n}", "contact": f"p{n}", "account": crm.id, "source": "main", "number": "1",
                "flow": "qualify-lead", "version": 1, "step": step, "waits": waits, "state": flow.dump(state),
                "revision": 1, "started_at": now - timedelta(hours=1), "moved_at": now,
            }  # fmt: skip
            insert_many(conn, conversations, [row])
        holds.put(conn, [{"contact": "p1", "why": "handoff", "text": "x", "at": now, "until": None, "event": None}])
    return console


def said_in(part: str) -> list:
    return json.loads(html.unescape(re.search(r'name="said" value="([^"]*)"', part)[1]))


def test_a_flow_opens_with_its_text_beside_its_drawing(shop):
    page = shop("viewer").get(PAGE).text
    assert "flow-page.js" in page
    assert "How many people work at your company?" in page
    assert page.count('class="flow-box') == 7
    assert "mappings/qualify-lead/replay" not in page
    listed = shop("viewer").get("/mappings/?kind=flow").text
    assert "qualify-lead" in listed


def test_the_drawing_follows_the_text_and_stays_while_it_cannot_be_read(shop):
    viewer = shop("viewer")
    made = viewer.post("/mappings/form", {"text": TEXT.replace("11 to 100", f'"{HOSTILE}"')}, part=True)
    assert made.status_code == 200
    assert HOSTILE not in made.text
    broken = viewer.post("/mappings/form", {"text": TEXT.replace("steps:", "stpes:")}, part=True)
    assert broken.headers["HX-Retarget"] == "#form-problem"
    found = viewer.post("/mappings/lint", {"text": TEXT}).json
    assert [one["passed"] for one in found["tests"]] == [True] * 9


def test_the_phone_walks_it_and_a_conversation_becomes_a_test(shop):
    editor = shop("editor")
    part = editor.post(f"{PAGE}/try", {"text": TEXT}, part=True).text
    assert said_in(part) == []
    part = editor.post(f"{PAGE}/try", {"text": TEXT, "said": "[]", "do": '{"tap": "demo"}'}, part=True).text
    said = said_in(part)
    part = editor.post(f"{PAGE}/try", {"text": TEXT, "said": json.dumps(said), "do": '{"tap": "medium"}'}, part=True)
    said = said_in(part.text)
    assert said == [{"tap": "demo"}, {"tap": "medium"}]
    assert "numemployees_range: medium" in part.text
    assert len(re.findall(r'class="flow-row [^"]*walked', part.text)) == 2
    typed = {"text": TEXT, "said": json.dumps(said), "say": "900", "send": "yes"}
    said = said_in(editor.post(f"{PAGE}/try", typed, part=True).text)
    assert said[-1] == {"text": "900"}
    back = editor.post(f"{PAGE}/try", {"text": TEXT, "said": json.dumps(said), "back": "yes"}, part=True).text
    assert said_in(back) == said[:-1]
    made = editor.post(f"{PAGE}/try", {"text": TEXT, "said": json.dumps(said), "make": "yes"}, part=True).text
    text = html.unescape(re.search(r'id="made">\n(.*?)</textarea>', made, re.S)[1])
    assert text.startswith(TEXT.rstrip("\n"))  # comments and all
    assert "say: [demo, medium, 900]" in text
    assert all(one["passed"] for one in editor.post("/mappings/lint", {"text": text}).json["tests"])


@pytest.mark.parametrize(
    "form",
    [
        {"said": "[" * 9000}, {"said": "nonsense"}, {"said": '{"a": 1}'}, {"said": '[1, null, {}, {"tap": 3}]'},
        {"said": "[]", "do": '{"evil": "x"}'}, {"said": "[]", "do": '{"tap": "' + "x" * 5000 + '"}'},
        {"said": json.dumps([{"text": "demo"}] * 900)}, {"said": '["99999 days pass"]'},
        {"said": '["demo", {"give_back": ""}]', "v:contact.firstname": HOSTILE},
    ],
)  # fmt: skip
def test_what_no_page_sends_breaks_nothing(shop, form):
    answer = shop("viewer").post(f"{PAGE}/try", {"text": TEXT, **form}, part=True)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert len(said_in(answer.text)) <= 200


def test_every_path_is_walked_and_what_is_missed_is_said(shop):
    part = shop("viewer").post(f"{PAGE}/paths", {"text": TEXT}, part=True).text
    assert "12 paths" in part
    assert "7 of 7 steps reached" in part
    lonely = TEXT.replace("  thanks:", "  lonely: {say: Nobody, end: never}\n  thanks:")
    part = shop("viewer").post(f"{PAGE}/paths", {"text": lonely}, part=True).text
    assert "7 of 8 steps reached" in part
    assert "missed" in part


def test_a_new_flow_begins_with_one_that_passes_its_tests(shop):
    editor = shop("editor")
    made = editor.post("/mappings/+new", {"kind": "flow", "name": "first-flow", "crm": "hubspot", "template": ""})
    assert made.status_code == 303
    with shop.house.store.read() as conn:
        text = documents.latest(conn, "first-flow").text
    found = editor.post("/mappings/lint", {"text": text}).json
    assert found["good"], found
    assert all(one["passed"] for one in found["tests"])


# ---- what runs -----------------------------------------------------------------------------------------------------
def test_how_many_wait_where_and_the_link_that_begins_it(shop):
    page = shop("viewer").get(f"{PAGE}/running").text
    assert page.count("1 waits here") == 2
    assert "https://wa.me/573001112222?text=demo" in page
    code = shop("viewer").get(f"{PAGE}/qr.svg?word=precio")
    assert code.mimetype == "image/svg+xml"
    assert "<svg" in code.text
    assert shop("viewer").get(f"{PAGE}/qr.svg?word=nothing").status_code == 404
    assert "flows.move" not in page


def test_conversations_are_listed_opened_given_back_and_held(shop):
    viewer, editor = shop("viewer"), shop("editor")
    listed = viewer.get("/conversations/").text
    assert "/conversations/c0" in listed
    assert "<script>alert" not in listed
    assert viewer.get("/conversations/?state=ended").status_code == 200
    one = viewer.get("/conversations/c1").text
    assert "automation is silent" in one
    assert "<script>alert" not in one
    assert viewer.post("/conversations/c1/release").status_code == 403
    assert editor.post("/conversations/c1/release", part=True).status_code == 200
    assert shop.rung and shop.rung[-1].startswith("handle:")  # noqa: PT018 - one thing
    assert editor.post("/conversations/c0/hold", {"hours": "4"}).status_code == 303
    with shop.house.store.read() as conn:
        assert set(holds.load(conn, ["p0", "p1"], shop.house.clock.now())) == {"p0"}
    assert viewer.get("/conversations/nobody").status_code == 404


def test_what_runs_is_moved_to_another_version(shop):
    now = shop.house.clock.now()
    with shop.house.store.write() as conn:
        without = TEXT.replace("  budget:\n", "  money:\n").replace("medium: budget", "medium: money")
        documents.publish(conn, "flow", "qualify-lead", without, "ana@example.com", now)
    publisher = shop("publisher")
    page = publisher.get(f"{PAGE}/running").text
    assert "Move all to version 2" in page
    assert "budget" in page  # a step that the live version does not have
    moved = publisher.post(f"{PAGE}/move", {"to": "2"}, part=True)
    assert moved.status_code == 200
    told = json.loads(moved.headers["HX-Trigger"])["toast"]["text"]
    assert told == "1 conversation goes on with it. They stay, for their step is not there: budget 1."
    assert publisher.post(f"{PAGE}/move", {"to": "9"}, part=True).status_code == 422
    assert publisher.post(f"{PAGE}/move", {"to": "2", "step": "no-such"}, part=True).status_code == 422
    assert shop("editor").post(f"{PAGE}/move", {"to": "2"}).status_code == 403
