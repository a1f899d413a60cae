"""Customers who answer: the webhooks they cause, signed, batched, doubled, delivered again."""

import hashlib
import hmac
import json

import httpx
import pytest

NUMBER, WABA = "106540352242922", "102290129340398"
WHO = "573001112222"
TEMPLATES = {
    "template": {
        "name": "webinar_invite_v2",
        "language": {"code": "es"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Rosa"}]},
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "0",
                "parameters": [{"type": "payload", "payload": "interested"}],
            },
        ],
    },
    "form": {
        "name": "appointment_request",
        "language": {"code": "es"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Rosa"}]},
            {
                "type": "button",
                "sub_type": "flow",
                "index": "0",
                "parameters": [{"type": "action", "action": {"flow_token": "appointment-7"}}],
            },
        ],
    },
}


def send(graph: httpx.Client, payload, name: str) -> str:
    base = {"messaging_product": "whatsapp", "to": f"+{WHO}", "type": "template"}
    document = {**base, "template": TEMPLATES[name]} if name in TEMPLATES else payload(name)
    answer = graph.post(f"{NUMBER}/messages", json=document)
    assert answer.status_code == 200, answer.text
    return answer.json()["messages"][0]["id"]


def messages(hooks: list[dict]) -> list[dict]:
    return [
        message
        for hook in hooks
        for entry in hook["entry"]
        for change in entry["changes"]
        for message in change["value"].get("messages", [])
    ]


def test_every_kind_of_answer(sandbox, graph, payload) -> None:
    for case in payload("answers"):
        sandbox.post("/_reset")
        sandbox.post(f"/_customers/{WHO}", json={"text": "opens the window"})
        wamid = send(graph, payload, case["after"])
        answer = sandbox.post(f"/_customers/{WHO}", json=case["answer"])
        message = answer.json()["message"]
        context = message.pop("context", {}).get("id", False)
        assert context == (wamid if case["context"] is True else case["context"]), case["about"]
        assert {key: message[key] for key in case["message"]} == case["message"], case["about"]


def test_media(sandbox) -> None:
    given = {"media": {"kind": "document", "filename": "order.pdf", "caption": "here"}}
    message = sandbox.post(f"/_customers/{WHO}", json=given).json()["message"]
    assert message["document"].pop("id")
    assert message["document"].pop("sha256")
    assert message["document"] == {"mime_type": "application/pdf", "filename": "order.pdf", "caption": "here"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"text": "a", "button": "b"},
        {"text": 5},
        {"form": []},
        {"media": "hologram"},
        {"reaction": "+"},
        {"list": 5},
    ],
)
def test_what_nobody_can_do(sandbox, answer) -> None:
    assert sandbox.post(f"/_customers/{WHO}", json=answer).status_code == 400


def test_the_webhook_is_metas(subscribed, sandbox) -> None:
    given = {"text": "hola", "name": "Rosa Lima", "user_id": "CO.777", "username": "rosa"}
    wamid = sandbox.post(f"/_customers/{WHO}", json=given).json()["wamid"]
    [hook] = subscribed.wait(1)
    value = hook["entry"][0]["changes"][0]["value"]
    timestamp = value["messages"][0].pop("timestamp")
    assert timestamp.isdigit()
    assert hook == {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": WABA,
                "changes": [
                    {
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
                            "contacts": [
                                {
                                    "profile": {"name": "Rosa Lima", "username": "rosa"},
                                    "wa_id": WHO,
                                    "user_id": "CO.777",
                                }
                            ],
                            "messages": [
                                {
                                    "from": WHO,
                                    "from_user_id": "CO.777",
                                    "id": wamid,
                                    "type": "text",
                                    "text": {"body": "hola"},
                                }
                            ],
                        },
                        "field": "messages",
                    }
                ],
            }
        ],
    }


def test_a_hidden_phone_is_absent_not_empty(subscribed, sandbox) -> None:
    sandbox.patch(f"/_customers/{WHO}", json={"hides_phone": True})
    sandbox.post(f"/_customers/{WHO}", json={"text": "hola"})
    value = subscribed.wait(1)[0]["entry"][0]["changes"][0]["value"]
    assert "wa_id" not in value["contacts"][0]
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"] == value["contacts"][0]["user_id"]


def test_a_system_message_brings_no_contacts(subscribed, sandbox, graph, payload) -> None:
    moved = {"type": "user_changed_number", "wa_id": "573009998888", "body": "Rosa changed her number"}
    sandbox.post(f"/_customers/{WHO}", json={"message": {"type": "system", "system": moved}})
    value = subscribed.wait(1)[0]["entry"][0]["changes"][0]["value"]
    assert "contacts" not in value
    assert (value["messages"][0]["from"], value["messages"][0]["system"]) == (WHO, moved)
    assert graph.post(f"{NUMBER}/messages", json=payload("plan_buttons")).json()["error"]["code"] == 131047


def test_the_signature_is_over_the_bytes(subscribed, sandbox) -> None:
    sandbox.post(f"/_customers/{WHO}", json={"text": "¿Qué tal? 🙂"})
    subscribed.wait(1)
    headers, body = subscribed.heard[0]
    expected = hmac.new(b"sandbox-app-secret", body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={expected}"
    assert headers["content-type"] == "application/json"


def test_delivered_again_until_200(subscribed, sandbox) -> None:
    subscribed.statuses = [500, 503, 204, 302]
    sandbox.post(f"/_customers/{WHO}", json={"text": "hola"})
    found = subscribed.wait(5)
    assert found == [found[0]] * 5
    report = sandbox.get("/_webhooks", params={"wait": 10}).json()
    assert (report["settled"], report["graph"]["delivered"], report["graph"]["refused"]) == (True, 1, 4)
    assert len(subscribed.heard) == 5


def test_given_up_when_patience_ends(start, receiver) -> None:
    receiver.statuses = [500] * 1000
    with start("--redeliver-for", "0.2") as (url, _), httpx.Client(base_url=url, timeout=15) as client:
        client.post("/_webhook", json={"url": receiver.url}).raise_for_status()
        client.post(f"/_customers/{WHO}", json={"text": "hola"})
        report = client.get("/_webhooks", params={"wait": 10}).json()["graph"]
        assert (report["given_up"], report["delivered"], report["waiting"]) == (1, 0, 0)
        assert report["refused"] == len(receiver.heard) > 2


def test_a_url_that_fails_the_handshake_is_refused(sandbox, receiver) -> None:
    receiver.verify_token = "another"
    refused = sandbox.post("/_webhook", json={"url": receiver.url})
    assert (refused.status_code, "verified" in refused.json()["error"]) == (400, True)
    nobody = sandbox.post("/_webhook", json={"url": "http://127.0.0.1:9/hooks"})
    assert nobody.status_code == 400
    unknown = sandbox.post("/_webhook", json={"url": receiver.url, "service": "zoho"})
    assert unknown.status_code == 400


def test_a_thousand_answers_are_one_webhook(subscribed, sandbox) -> None:
    answers = [{"wa_id": f"57300{n:07}", "text": f"text {n}"} for n in range(999)] + [
        {"wa_id": WHO, "marketing": "stop"}
    ]
    wamids = sandbox.post("/_customers", json=answers).json()["wamids"]
    [hook] = subscribed.wait(1)
    assert [message["id"] for message in messages([hook])] == wamids[:999]
    assert len(hook["entry"]) > 1
    assert any(len(entry["changes"]) > 1 for entry in hook["entry"])
    for entry in hook["entry"]:
        for change in entry["changes"]:
            senders = {message["from_user_id"] for message in change["value"].get("messages", [])}
            assert senders <= {contact["user_id"] for contact in change["value"]["contacts"]}
    assert sandbox.post("/_customers", json=[*answers, answers[0]]).status_code == 400
    wrong = sandbox.post("/_customers", json=[answers[0], {"wa_id": WHO}])
    assert (wrong.status_code, wrong.json()["error"][:9]) == (400, "answer 1:")


def test_other_numbers_go_into_other_changes(subscribed, sandbox) -> None:
    answers = [{"wa_id": WHO, "text": "a"}, {"wa_id": WHO, "text": "b", "number": "200000000000009"}]
    sandbox.post("/_customers", json=answers)
    [hook] = subscribed.wait(1)
    found = [change["value"]["metadata"]["phone_number_id"] for entry in hook["entry"] for change in entry["changes"]]
    assert found == [NUMBER, "200000000000009"]


def test_doubled_and_shuffled_the_same_way_for_one_seed(subscribed, sandbox) -> None:
    answers = [{"wa_id": WHO, "text": str(n), "wamid": f"wamid.{n}"} for n in range(100)]

    def order(seed: int, heard: int) -> list[str]:
        sandbox.post("/_customers", json=answers, params={"duplicate": 0.2, "shuffle": 1, "seed": seed})
        sandbox.get("/_webhooks", params={"wait": 10})
        return [message["id"] for message in messages([json.loads(subscribed.heard[heard][1])])]

    first = order(7, 0)
    assert set(first) == {f"wamid.{n}" for n in range(100)}
    assert len(first) > 100
    assert first[:100] != [f"wamid.{n}" for n in range(100)]
    assert order(7, len(subscribed.heard)) == first


def test_a_doubled_webhook_comes_twice(subscribed, sandbox) -> None:
    sandbox.post(f"/_customers/{WHO}", json={"text": "hola"}, params={"duplicate": 1})
    hooks = subscribed.wait(2)
    assert hooks[0] == hooks[1]
    assert len({message["id"] for message in messages(hooks)}) == 1
