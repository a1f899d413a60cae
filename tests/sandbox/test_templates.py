"""Meta's stand-in as the place where templates are made, reviewed, changed and deleted."""

import json

import pytest

NUMBER, WABA = "106540352242922", "102290129340398"
LIST = f"{WABA}/message_templates"
NEW = {
    "name": "summer_hours",
    "language": "es",
    "category": "UTILITY",
    "parameter_format": "named",
    "components": [
        {
            "type": "body",
            "text": "Hola {{first_name}}, en verano abrimos a las nueve todos los días.",
            "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Ana"}]},
        },
        {"type": "buttons", "buttons": [{"type": "quick_reply", "text": "Gracias"}]},
    ],
}


@pytest.fixture
def by_hand(sandbox):
    """Nothing is approved until a test says so."""
    sandbox.post("/_options", json={"review_seconds": -1}).raise_for_status()


def listed(graph, **query):
    return graph.get(LIST, params={"limit": 100, **query}).json()["data"]


def refusal(answer):
    assert answer.status_code == 400, answer.text
    return answer.json()["error"].get("error_subcode")


def send(graph, **more):
    body = [{"type": "text", "parameter_name": "first_name", "text": "Ana"}]
    document = {
        "name": "summer_hours",
        "language": {"code": "es"},
        "components": [{"type": "body", "parameters": body}],
    }
    message = {"messaging_product": "whatsapp", "to": "+573001112222", "type": "template", "template": document}
    return graph.post(f"{NUMBER}/messages", json=message | more).json()


def test_a_new_template_is_reviewed_then_approved_and_told(sandbox, subscribed, graph):
    sandbox.post("/_options", json={"review_seconds": 0.2}).raise_for_status()
    made = graph.post(LIST, json=NEW).json()
    assert (made["status"], made["category"]) == ("PENDING", "UTILITY")
    assert send(graph)["error"]["code"] == 132001
    value = subscribed.wait(1)[0]["entry"][0]["changes"][0]["value"]
    assert (value["event"], value["message_template_id"]) == ("APPROVED", int(made["id"]))
    assert listed(graph, name="summer_hours")[0]["status"] == "APPROVED"
    assert send(graph)["messages"][0]["message_status"] == "accepted"


def test_what_was_decided_before_the_review_ended_stays(sandbox, subscribed, graph):
    sandbox.post("/_options", json={"review_seconds": 0.2}).raise_for_status()
    graph.post(LIST, json=NEW).raise_for_status()
    sandbox.post("/_templates/summer_hours/es", json={"status": "REJECTED"}).raise_for_status()
    graph.post(LIST, json=NEW | {"name": "later"}).raise_for_status()
    told = [hook["entry"][0]["changes"][0]["value"] for hook in subscribed.wait(2)]
    assert {(one["message_template_name"], one["event"]) for one in told} == {
        ("summer_hours", "REJECTED"),
        ("later", "APPROVED"),
    }
    assert listed(graph, name="summer_hours")[0]["status"] == "REJECTED"


def test_a_template_is_told_of_as_meta_does(sandbox, subscribed, graph, by_hand):
    graph.post(LIST, json=NEW | {"language": "es_CO"}).raise_for_status()
    news = {"status": "REJECTED", "reason": "PROMOTIONAL"}
    sandbox.post("/_templates/summer_hours/es_CO", json=news).raise_for_status()
    value = subscribed.wait(1)[0]["entry"][0]["changes"][0]["value"]
    assert (value["event"], value["reason"], value["message_template_language"]) == ("REJECTED", "PROMOTIONAL", "es-CO")
    (template,) = listed(graph, name="summer_hours", fields="status,rejected_reason")
    assert (template["status"], template["rejected_reason"]) == ("REJECTED", "PROMOTIONAL")


def test_a_category_that_meta_changes(sandbox, subscribed, graph):
    sandbox.post("/_templates/quote_ready/es", json={"category": "MARKETING"}).raise_for_status()
    change = subscribed.wait(1)[0]["entry"][0]["changes"][0]
    assert change["field"] == "template_category_update"
    assert (change["value"]["previous_category"], change["value"]["new_category"]) == ("UTILITY", "MARKETING")
    (template,) = listed(graph, name="quote_ready", language="es", fields="category,previous_category")
    assert (template["category"], template["previous_category"]) == ("MARKETING", "UTILITY")


@pytest.mark.parametrize("news", [{"status": "ASLEEP"}, {"colour": "red"}, {"reason": "x"}, {"quality": 3}, []])
def test_news_that_are_none(sandbox, news):
    assert sandbox.post("/_templates/quote_ready/es", json=news).status_code == 400


def test_news_of_a_template_that_is_not_there(sandbox):
    assert sandbox.post("/_templates/quote_ready/fr", json={"status": "PAUSED"}).status_code == 404


def test_what_meta_does_not_accept(graph, payload):
    before = listed(graph)
    for case in payload("template_refusals"):
        changes = {key: value for key, value in case.items() if key in NEW}
        body = {**NEW, "parameter_format": "POSITIONAL", **changes}
        if "components" not in case:
            body["components"] = [{"type": "BODY", "text": "Hello."}]
        filled = json.loads(json.dumps(body).replace("FILL", "x" * case.get("fill", 0)))
        assert refusal(graph.post(LIST, json=filled)) == case["subcode"], case["about"]
    assert listed(graph) == before


def test_the_templates_the_sandbox_starts_with_would_be_accepted_as_new(graph):
    for template in listed(graph):
        if template["name"] != "flash_offer":  # the rejected one
            fields = ("language", "category", "parameter_format", "components")
            body = {"name": template["name"] + "_again", **{name: template[name] for name in fields}}
            answer = graph.post(LIST, json=body)
            assert answer.status_code == 200, answer.text


def test_a_name_is_taken_while_it_exists_and_for_30_days_after(sandbox, graph, by_hand):
    assert graph.post(LIST, json=NEW).status_code == 200
    assert refusal(graph.post(LIST, json=NEW)) == 2388024
    assert graph.request("DELETE", LIST, params={"name": "summer_hours"}).json() == {"success": True}
    assert refusal(graph.post(LIST, json=NEW)) == 2388023
    sandbox.post("/_clock", json={"advance": 31 * 86_400})
    assert graph.post(LIST, json=NEW).status_code == 200


def test_one_language_or_all_are_deleted(graph):
    spanish = listed(graph, name="quote_ready", language="es")[0]["id"]
    graph.request("DELETE", LIST, params={"name": "quote_ready", "hsm_id": spanish}).raise_for_status()
    assert {one["language"] for one in listed(graph, name="quote_ready")} == {"en", "pt_BR"}
    graph.request("DELETE", LIST, params={"name": "quote_ready"}).raise_for_status()
    assert listed(graph, name="quote_ready") == []
    assert refusal(graph.request("DELETE", LIST, params={"name": "quote_ready"})) == 2593002


def test_an_edit_replaces_the_components_and_is_reviewed(sandbox, graph, by_hand):
    template = listed(graph, name="welcome_back", language="en")[0]
    parts = [{"type": "BODY", "text": "Good to see you again."}]
    assert graph.post(template["id"], json={"components": parts}).json()["success"] is True
    (found,) = listed(graph, name="welcome_back", language="en")
    assert (found["components"], found["status"]) == (parts, "PENDING")
    assert refusal(graph.post(template["id"], json={"components": parts})) == 2388003
    sandbox.post("/_templates/welcome_back/en", json={"status": "APPROVED"})
    assert refusal(graph.post(template["id"], json={"components": parts})) == 2388003, "once in 24 hours"
    assert refusal(graph.post(template["id"], json={"components": parts, "category": "UTILITY"})) == 2388003


def test_a_code_is_written_by_meta(graph, by_hand):
    parts = [{"type": "BODY"}, {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]
    body = {"name": "code", "language": "en", "category": "AUTHENTICATION", "components": parts}
    assert graph.post(LIST, json=body).status_code == 200
    body, buttons = listed(graph, name="code")[0]["components"]
    assert "{{1}}" in body["text"]
    assert buttons["buttons"][0]["type"] == "URL"


def test_the_profile_is_read_and_changed(graph):
    path = f"{NUMBER}/whatsapp_business_profile"
    change = {"messaging_product": "whatsapp", "about": "Open at nine."}
    assert graph.post(path, json=change).json() == {"success": True}
    shown = graph.get(path, params={"fields": "about,websites"}).json()["data"][0]
    assert shown == {"about": "Open at nine.", "websites": ["https://sandbox-store.example/"]}
    assert graph.post(path, json={**change, "about": "x" * 140}).status_code == 400
    assert graph.post("999/whatsapp_business_profile", json=change).status_code == 400
