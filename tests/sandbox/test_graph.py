"""Meta's stand-in: what it shows, takes and refuses."""

import json

import httpx

NUMBER, WABA = "106540352242922", "102290129340398"
WHO = "573001112222"
TEXT = {"messaging_product": "whatsapp", "to": f"+{WHO}", "type": "text", "text": {"body": "hello"}}


def template(document: dict, to: str = f"+{WHO}", **more: object) -> dict:
    return {"messaging_product": "whatsapp", "to": to, "type": "template", "template": document, **more}


def filled(document: dict, fill: int | None) -> dict:
    return json.loads(json.dumps(document).replace("FILL", "x" * (fill or 0)))


def write(sandbox: httpx.Client, **answer: object) -> None:
    sandbox.post(f"/_customers/{WHO}", json=answer or {"text": "hi"}).raise_for_status()


def test_a_wrong_token_is_401_with_190(sandbox) -> None:
    for headers in ({}, {"Authorization": "Bearer nope"}, {"Authorization": "Basic sandbox-whatsapp-token"}):
        answer = sandbox.get(f"/graph/v26.0/{NUMBER}", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)


def test_the_number_as_a_connection_test_reads_it(graph) -> None:
    fields = "verified_name,throughput,health_status,quality_rating"
    found = graph.get(NUMBER, params={"fields": fields}).json()
    assert set(found) == {"id", *fields.split(",")}
    assert (found["id"], found["throughput"], found["quality_rating"]) == (NUMBER, {"level": "STANDARD"}, "GREEN")
    ids = {entity["entity_type"]: entity["id"] for entity in found["health_status"]["entities"]}
    assert (ids["PHONE_NUMBER"], ids["WABA"]) == (NUMBER, WABA)


def test_any_version_and_the_lists_of_an_account(sandbox, graph) -> None:
    headers = graph.headers
    assert sandbox.get(f"/graph/v31.0/{WABA}/phone_numbers", headers=headers).json()["data"][0]["id"] == NUMBER
    assert sandbox.get(f"/graph/{WABA}", headers=headers).json()["id"] == WABA
    missing = graph.get("999/phone_numbers")
    assert (missing.status_code, missing.json()["error"]["error_subcode"]) == (400, 33)


def test_templates_come_in_pages_that_follow_each_other(graph) -> None:
    found, url, pages = [], f"{WABA}/message_templates?limit=7&fields=id,name,language", 0
    while url:
        page = graph.get(url).json()
        found += page["data"]
        url, pages = page["paging"].get("next"), pages + 1
    whole = graph.get(f"{WABA}/message_templates", params={"limit": 100}).json()["data"]
    assert [one["id"] for one in found] == [one["id"] for one in whole]
    assert pages == -(-len(whole) // 7)
    assert set(found[0]) == {"id", "name", "language"}
    assert {"webinar_invite_v2", "nps_survey_v1", "delivery_slots", "appointment_request", "quote_ready"} <= {
        one["name"] for one in whole
    }


def test_templates_can_be_filtered(graph) -> None:
    found = graph.get(f"{WABA}/message_templates", params={"name": "webinar_invite_v2", "language": "es"}).json()[
        "data"
    ]
    assert [button["text"] for button in found[0]["components"][-1]["buttons"]] == [
        "Me interesa",
        "Más tarde",
        "No, gracias",
    ]
    assert graph.get(f"{WABA}/message_templates", params={"after": "%%%"}).json()["error"]["code"] == 100


def test_debug_token(sandbox) -> None:
    headers = {"Authorization": "Bearer 670843887433847|sandbox-app-secret"}
    good = sandbox.get("/graph/v26.0/debug_token?input_token=sandbox-whatsapp-token", headers=headers).json()["data"]
    assert (good["is_valid"], good["type"], good["expires_at"]) == (True, "SYSTEM_USER", 0)
    bad = sandbox.get("/graph/v26.0/debug_token?input_token=old", headers=headers).json()["data"]
    assert bad["is_valid"] is False


def test_template_sends(graph, payload) -> None:
    for case in payload("template_sends"):
        answer = graph.post(f"{NUMBER}/messages", json=template(filled(case["template"], case.get("fill"))))
        body = answer.json()
        if case["code"] is None:
            assert body["messages"][0]["message_status"] == "accepted", case["about"]
            continue
        assert (answer.status_code, body["error"]["code"]) == (case["status"], case["code"]), case["about"]
        if "details" in case:
            assert body["error"]["error_data"]["details"] == case["details"]


def test_messages_meta_would_not_take(sandbox, graph, payload) -> None:
    write(sandbox)
    for case in payload("message_refusals"):
        answer = graph.post(f"{NUMBER}/messages", json=filled(case["message"], case.get("fill")))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, case["code"]), case["about"]
    assert sandbox.get("/_records/graph/messages").json() == []


def test_the_answer_names_whom_it_was_sent_to(sandbox, graph) -> None:
    write(sandbox, text="hi", user_id="CO.5550001")
    by_phone = graph.post(f"{NUMBER}/messages", json=TEXT).json()
    assert by_phone["contacts"] == [{"input": f"+{WHO}", "wa_id": WHO}]
    assert by_phone["messages"][0]["id"].startswith("wamid.")
    by_user = {**TEXT, "recipient": "CO.5550001"}
    del by_user["to"]
    answer = graph.post(f"{NUMBER}/messages", json=by_user).json()
    assert answer["contacts"] == [{"input": "CO.5550001", "user_id": "CO.5550001"}]


def test_another_spelling_reaches_the_same_person(sandbox, graph) -> None:
    sandbox.post("/_customers/5215512345678", json={"text": "hola"})
    answer = graph.post(f"{NUMBER}/messages", json={**TEXT, "to": "+52 55 1234 5678"}).json()
    assert answer["contacts"][0]["wa_id"] == "5215512345678"


def test_the_window_is_24_hours(sandbox, graph) -> None:
    closed = graph.post(f"{NUMBER}/messages", json=TEXT)
    assert (closed.status_code, closed.json()["error"]["code"]) == (400, 131047)
    write(sandbox)
    sandbox.post("/_clock", json={"advance": 86_300})
    assert graph.post(f"{NUMBER}/messages", json=TEXT).status_code == 200
    sandbox.post("/_clock", json={"advance": 200})
    assert graph.post(f"{NUMBER}/messages", json=TEXT).json()["error"]["code"] == 131047
    open_ended = template({"name": "welcome_back", "language": {"code": "es"}})
    assert graph.post(f"{NUMBER}/messages", json=open_ended).status_code == 200


def test_statuses_carry_our_data(subscribed, graph) -> None:
    document = template({"name": "welcome_back", "language": {"code": "es"}}, biz_opaque_callback_data="send-1")
    wamid = graph.post(f"{NUMBER}/messages", json=document).json()["messages"][0]["id"]
    statuses = [hook["entry"][0]["changes"][0]["value"]["statuses"][0] for hook in subscribed.wait(3)]
    assert [one["status"] for one in sorted(statuses, key=lambda s: "sdr".index(s["status"][0]))] == [
        "sent",
        "delivered",
        "read",
    ]
    assert {(one["id"], one["recipient_id"], one["biz_opaque_callback_data"]) for one in statuses} == {
        (wamid, WHO, "send-1")
    }
    priced = [one["pricing"]["category"] for one in statuses if "pricing" in one]
    assert priced == ["marketing"]


def test_who_cannot_be_reached_fails_later(sandbox, subscribed, graph) -> None:
    sandbox.patch(f"/_customers/{WHO}", json={"reachable": False}).raise_for_status()
    graph.post(f"{NUMBER}/messages", json=template({"name": "welcome_back", "language": {"code": "es"}}))
    value = subscribed.wait(1)[0]["entry"][0]["changes"][0]["value"]
    assert (value["statuses"][0]["status"], value["statuses"][0]["errors"][0]["code"]) == ("failed", 131026)
    assert "contacts" not in value


def test_a_status_on_request(sandbox, subscribed, graph) -> None:
    write(sandbox)
    sandbox.patch(f"/_customers/{WHO}", json={"reads": False})
    wamid = graph.post(f"{NUMBER}/messages", json=TEXT).json()["messages"][0]["id"]
    sandbox.patch(f"/_records/graph/messages/{wamid}", json={"status": "failed", "code": 131047}).raise_for_status()
    hooks = [hook["entry"][0]["changes"][0]["value"] for hook in subscribed.wait(4)]
    failed = [one for hook in hooks for one in hook.get("statuses", []) if one["status"] == "failed"]
    assert failed[0]["errors"][0]["title"] == "Re-engagement message"
    assert sandbox.patch(f"/_records/graph/messages/{wamid}", json={"status": "lost"}).status_code == 400


def test_a_stop_in_whatsapp_itself(sandbox, subscribed, graph) -> None:
    write(sandbox, marketing="stop")
    change = subscribed.wait(1)[0]["entry"][0]["changes"][0]
    assert (change["field"], change["value"]["user_preferences"][0]["value"]) == ("user_preferences", "stop")
    document = template({"name": "welcome_back", "language": {"code": "es"}})
    assert graph.post(f"{NUMBER}/messages", json=document).json()["error"]["code"] == 131050


def test_one_person_gets_45_at_once(sandbox, graph) -> None:
    write(sandbox)
    codes = [graph.post(f"{NUMBER}/messages", json=TEXT).json().get("error", {}).get("code") for _ in range(47)]
    assert codes[:45] == [None] * 45
    assert codes[-1] == 131056
    sandbox.post("/_clock", json={"advance": 7})
    assert graph.post(f"{NUMBER}/messages", json=TEXT).status_code == 200


def test_a_number_has_a_throughput(start) -> None:
    with start("--graph-limit", "5") as (url, _), httpx.Client(base_url=url) as client:
        client.headers["Authorization"] = "Bearer sandbox-whatsapp-token"
        documents = [
            template({"name": "welcome_back", "language": {"code": "es"}}, f"+5730011100{n}") for n in range(10, 20)
        ]
        answers = [client.post(f"/graph/v26.0/{NUMBER}/messages", json=document).json() for document in documents]
        assert {answer["error"]["code"] for answer in answers if "error" in answer} == {130429}
        assert [("error" in answer) for answer in answers[:5]] == [False] * 5


def test_a_template_that_meta_pauses(sandbox, subscribed, graph) -> None:
    found = graph.get(f"{WABA}/message_templates", params={"name": "welcome_back", "language": "es"}).json()["data"][0]
    sandbox.patch(f"/_records/graph/templates/{found['id']}", json={"status": "PAUSED"}).raise_for_status()
    entry = subscribed.wait(1)[0]["entry"][0]
    assert (entry["id"], isinstance(entry["time"], int)) == (WABA, True)
    assert entry["changes"] == [
        {
            "value": {
                "message_template_id": int(found["id"]),
                "message_template_name": "welcome_back",
                "message_template_language": "es",
                "event": "PAUSED",
                "reason": "NONE",
                "message_template_category": "MARKETING",
            },
            "field": "message_template_status_update",
        }
    ]
    document = template({"name": "welcome_back", "language": {"code": "es"}})
    assert graph.post(f"{NUMBER}/messages", json=document).json()["error"]["code"] == 132015


def test_read_marks(sandbox, graph) -> None:
    wamid = sandbox.post(f"/_customers/{WHO}", json={"text": "hi"}).json()["wamid"]
    mark = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert graph.post(f"{NUMBER}/messages", json=mark).json() == {"success": True}
    typing = mark | {"typing_indicator": {"type": "text"}}
    assert graph.post(f"{NUMBER}/messages", json=typing).json() == {"success": True}
    assert [one["typing"] for one in sandbox.get("/_records/graph/reads").json()] == [True]
    assert graph.post(f"{NUMBER}/messages", json=mark | {"message_id": "wamid.x"}).json()["error"]["code"] == 131009
    assert graph.post(f"{NUMBER}/messages", json=mark | {"typing_indicator": {}}).json()["error"]["code"] == 131009


def test_subscribing_by_the_api_and_unsubscribing(sandbox, receiver, graph) -> None:
    wrong = {"override_callback_uri": receiver.url, "verify_token": "wrong"}
    assert graph.post(f"{WABA}/subscribed_apps", json=wrong).json()["error"]["code"] == 100
    right = {"override_callback_uri": receiver.url, "verify_token": receiver.verify_token}
    assert graph.post(f"{WABA}/subscribed_apps", json=right).json() == {"success": True}
    assert graph.get(f"{WABA}/subscribed_apps").json()["data"][0]["override_callback_uri"] == receiver.url
    assert graph.delete(f"{WABA}/subscribed_apps").json() == {"success": True}
    answer = sandbox.post(f"/_customers/{WHO}", json={"text": "hi"}).json()
    assert (answer["delivering"], graph.get(f"{WABA}/subscribed_apps").json()) == (False, {"data": []})
