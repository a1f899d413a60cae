"""The JSON API: who may call, what it answers, that its description is true and stands in docs/."""

import json
import re
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from connector.store import api_tokens, documents, tasks
from connector.web import api
from connector.web.api.described import description

DOCS = Path(__file__).parents[3] / "docs" / "openapi.json"
DOCUMENT = 'mapping: thanks\ncrm: hubspot\nwhen: {answer_to: anything}\nset: {firstname: "{{ answer.text }}"}\n'


@pytest.fixture
def call(console):
    """call(role, method, path, body) -> (status, JSON)."""
    made = {}

    def do(role, method, path, body=None, **more):
        if role not in made:
            with console.house.store.write() as conn:
                made[role] = api_tokens.add(conn, role, role, "me", console.house.clock.now())[1]
        headers = {"Authorization": f"Bearer {made[role]}"}
        answer = console.stranger.open(f"/api/v1{path}", method=method, json=body, headers=headers, **more)
        return answer.status_code, answer.get_json()

    return do


PLACES = {"<id>": "x", "<name>": "x", "<n>": "1"}


def places(path):
    for name, value in PLACES.items():
        path = path.replace(name, value)
    return path


@pytest.mark.parametrize("one", api.CALLS, ids=lambda c: f"{c.method} {c.path}")
def test_every_call_asks_for_its_role(console, call, one):
    path = places(one.path)
    assert console.stranger.open(f"/api/v1{path}", method=one.method).status_code == 401
    below = {"editor": "viewer", "publisher": "editor", "admin": "publisher"}.get(one.role)
    if below:
        assert call(below, one.method, path)[0] == 403
    assert call(one.role, one.method, path)[0] in (200, 202, 404, 422)


def test_a_session_is_no_token_and_a_token_no_session(console, call):
    assert console("admin").get("/api/v1/events").status_code == 401
    with console.house.store.write() as conn:
        token = api_tokens.add(conn, "t", "admin", "me", console.house.clock.now())[1]
    answer = console.stranger.get("/settings/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic x", "Bearer " + "x" * 5000, "Bearer ñ", "Bearer wcc_x"]
)
def test_what_is_no_token(console, header):
    answer = console.stranger.get("/api/v1/events", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.mimetype) == (401, "application/json")


def test_an_ended_token_opens_nothing(console, clock):
    with console.house.store.write() as conn:
        _, token = api_tokens.add(conn, "t", "viewer", "me", clock.at, clock.at + timedelta(days=1))
    get = lambda: console.stranger.get("/api/v1/tasks", headers={"Authorization": f"Bearer {token}"}).status_code  # noqa: E731
    assert get() == 200
    clock.at += timedelta(days=1)
    assert get() == 401


def test_its_use_is_noted(console, call):
    call("viewer", "GET", "/tasks")
    with console.house.store.read() as conn:
        assert api_tokens.all_tokens(conn)[0].used_at == console.house.clock.now()


def test_lists_are_empty_at_first(call):
    for path in ("/events", "/sends", "/contacts"):
        status, page = call("viewer", "GET", path)
        assert (status, page["rows"], page["older"]) == (200, [], "")
    assert call("viewer", "GET", "/documents") == (200, [])
    assert call("viewer", "GET", "/templates") == (200, [])
    status, found = call("viewer", "GET", "/health")
    assert status == 200
    assert found["counts"]["events"] == 0


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "state=odd", "state=done&odd=1", "q=" + "x" * 501, "direction=up"]
)
def test_what_a_list_does_not_take_is_told_by_its_name(call, query):
    status, answer = call("viewer", "GET", f"/events?{query}")
    assert status == 422
    assert query.rpartition("&")[2].partition("=")[0] in answer["fields"]


@pytest.mark.parametrize(
    "path", ["/events/x", "/sends/x", "/contacts/x", "/documents/x", "/tasks/x", "/documents/x/versions/²"]
)
def test_what_is_not_there(call, path):
    status, answer = call("viewer", "GET", path)
    assert status == 404
    assert answer["error"].startswith("There is no such")


@pytest.mark.parametrize("body", [[], "text", {"keys": "x"}, {"keys": []}, {"keys": ["x"] * 201}, {"odd": 1}])
def test_bodies_that_cannot_be_used(call, body):
    status, answer = call("publisher", "POST", "/events/retry", body)
    assert status == 422
    assert answer["error"]


def test_a_document_is_checked_published_by_a_task_and_switched_off(console, call):
    status, answer = call(
        "viewer", "POST", "/documents/check", {"text": DOCUMENT.replace("firstname:", "firstname: ,")}
    )
    assert (status, answer["good"]) == (200, False)
    assert answer["findings"][0]["line"]
    status, answer = call("publisher", "POST", "/documents", {"texts": [DOCUMENT]})
    assert status == 202
    with console.house.store.read() as conn:
        task = tasks.get(conn, answer["task"])
    assert (task.kind, task.author, task.args["texts"]) == ("mappings.publish", "token: publisher", [DOCUMENT])
    assert console.rung == ["task"]
    with console.house.store.write() as conn:
        documents.publish(conn, "mapping", "thanks", DOCUMENT, "me", console.house.clock.now())
    status, answer = call("viewer", "GET", "/documents/thanks")
    assert (status, answer["live"], answer["text"]) == (200, 1, DOCUMENT)
    assert call("viewer", "GET", "/documents/thanks/versions/1")[1]["text"] == DOCUMENT
    assert call("publisher", "POST", "/documents/thanks/off")[1]["did"] == "off"
    assert call("viewer", "GET", "/documents/thanks")[1]["live"] is None


def test_messages_another_tool_sent(call):
    message = {"wamid": "wamid.A", "to": "573001112222", "template": "invite", "sent_at": "2026-11-24T10:00:00Z"}
    status, answer = call("publisher", "POST", "/sent", {"messages": [message, {"wamid": "wamid.B"}]})
    assert (status, answer["new"], len(answer["refused"])) == (200, 1, 1)
    assert answer["refused"][0]["row"] == 2
    assert call("publisher", "POST", "/sent", {"messages": [message]})[1]["known"] == 1


def test_a_task_is_paused_resumed_and_ended(call):
    id_ = call("editor", "POST", "/doctor")[1]["task"]
    assert call("viewer", "GET", "/tasks?open=true")[1][0]["id"] == id_
    assert call("publisher", "POST", f"/tasks/{id_}/pause")[0] == 200
    assert call("viewer", "GET", f"/tasks/{id_}")[1]["state"] == "paused"
    assert call("publisher", "POST", f"/tasks/{id_}/pause")[0] == 422
    assert call("publisher", "POST", f"/tasks/{id_}/cancel")[0] == 200
    assert call("viewer", "GET", f"/tasks/{id_}")[1]["state"] == "cancelled"


def test_changes_are_in_the_audit_under_the_tokens_name(console, call):
    call("publisher", "POST", "/replay", {"since": "7d"})
    with console.house.store.read() as conn:
        assert conn.exec_driver_sql("SELECT who, action FROM audit").all()[-1] == ("token: publisher", "task.replay")


# ---- the description ---------------------------------------------------------------------------------------------
def test_the_description_is_served_to_anybody_and_stands_in_the_docs(console):
    served = console.stranger.get("/api/v1/openapi.json").get_json()
    assert served.pop("servers") == [{"url": "http://127.0.0.1:8000/api/v1"}]
    assert served == json.loads(DOCS.read_text()), "make docs"


def test_the_description_names_every_call_and_every_reference_leads_somewhere():
    made = description(api.CALLS)
    assert sum(len(methods) for methods in made["paths"].values()) == len(api.CALLS)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(made)))
    assert references <= set(made["components"]["schemas"])


def nullable(schema):
    """OpenAPI 3.0 says `nullable` where JSON Schema has a type null."""
    if isinstance(schema, list):
        return [nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: nullable(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [inner, {"type": "null"}]} if schema.get("nullable") is True else inner


@pytest.mark.parametrize("path", ["/events", "/sends", "/contacts", "/documents", "/health"])
def test_answers_are_as_described(call, path):
    made = description(api.CALLS)
    content = made["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    schema = nullable({**content, "components": made["components"]})
    jsonschema.Draft4Validator(schema).validate(call("viewer", "GET", path)[1])
