"""Meta's stand-in on a bad day: answers that are lost, refusals, statuses that come late, twice, wrong or never."""

import json
import time

import httpx
import pytest

NUMBER = "106540352242922"
SENDS = f"POST /graph/v26.0/{NUMBER}/messages"
BACK = {"name": "welcome_back", "language": {"code": "es"}}


def message(n: int = 0, template: dict = BACK) -> dict:
    return {
        "messaging_product": "whatsapp",
        "to": f"+5730011122{n:02}",
        "type": "template",
        "template": template,
        "biz_opaque_callback_data": f"send-{n}",
    }


def quote(link: str) -> dict:
    header = {"type": "document", "document": {"link": link}}
    texts = [{"type": "text", "parameter_name": name, "text": "x"} for name in ("first_name", "amount")]
    parts = [{"type": "header", "parameters": [header]}, {"type": "body", "parameters": texts}]
    return {"name": "quote_ready", "language": {"code": "en"}, "components": parts}


def faults(sandbox, *some: dict) -> None:
    sandbox.post("/_faults", json=list(some)).raise_for_status()


def ledger(sandbox) -> list[dict]:
    lines = [json.loads(line) for line in sandbox.get("/_ledger").text.splitlines()]
    return [line for line in lines if line["path"].endswith("/messages")]


def statuses(hooks: list[dict]) -> list[dict]:
    return [
        status
        for hook in hooks
        for entry in hook["entry"]
        for change in entry["changes"]
        for status in change["value"].get("statuses", [])
    ]


@pytest.mark.parametrize(("kind", "handled"), [("down", False), ("drop_before", False), ("reset_after", True)])
def test_a_lost_answer_is_told_apart_from_a_lost_request(sandbox, graph, kind, handled) -> None:
    faults(sandbox, {"route": SENDS, "kind": kind, "times": 1})
    with pytest.raises(httpx.TransportError):
        graph.post(f"{NUMBER}/messages", json=message(7))
    (line,) = ledger(sandbox)
    assert (line["fault"], line["status"]) == (kind, 200 if handled else None)
    assert line["body"]["biz_opaque_callback_data"] == "send-7"
    sent = sandbox.get("/_records/graph/messages").json()
    assert [(one["biz_opaque_callback_data"], one["id"], one["to"], one["template"]) for one in sent] == (
        [("send-7", line["record"], "+573001112207", "welcome_back")] if handled else []
    )


@pytest.mark.parametrize(("code", "status"), [(80007, 400), (131056, 400), (131000, 500), (131031, 403), (999, 400)])
def test_a_refusal_with_any_code(sandbox, graph, code, status) -> None:
    faults(sandbox, {"route": SENDS, "kind": "error", "code": code, "times": 1})
    answer = graph.post(f"{NUMBER}/messages", json=message())
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert graph.post(f"{NUMBER}/messages", json=message()).status_code == 200


def test_a_refusal_by_number_of_a_system_that_has_none_is_a_503(sandbox) -> None:
    faults(sandbox, {"route": "* /hubspot/*", "kind": "error"})
    assert sandbox.get("/hubspot/crm/objects/2026-09/contacts").status_code == 503


def test_statuses_never_come(sandbox, subscribed, graph) -> None:
    faults(sandbox, {"route": "STATUS *", "kind": "lost"})
    wamid = graph.post(f"{NUMBER}/messages", json=message()).json()["messages"][0]["id"]
    assert sandbox.get(f"/_records/graph/messages/{wamid}").json()["statuses"] == []
    assert sandbox.get("/_webhooks").json()["graph"]["waiting"] == 0


def test_one_status_comes_twice_and_another_after_its_successor(sandbox, subscribed, graph) -> None:
    late = {"route": "STATUS */sent", "kind": "delay", "ms": 400}
    faults(sandbox, late, {"route": "STATUS /graph/573001112203/read", "kind": "twice"})
    graph.post(f"{NUMBER}/messages", json=message(3))
    found = [one["status"] for one in statuses(subscribed.wait(4))]
    assert sorted(found) == ["delivered", "read", "read", "sent"]
    assert found[-1] == "sent"


def test_an_accepted_message_fails(sandbox, subscribed, graph) -> None:
    faults(sandbox, {"route": "STATUS */delivered", "kind": "failed", "code": 131049, "times": 1})
    graph.post(f"{NUMBER}/messages", json=message(4)).raise_for_status()
    failed = {one["status"]: one for one in statuses(subscribed.wait(2))}
    assert set(failed) == {"sent", "failed"}
    assert failed["failed"]["errors"][0]["code"] == 131049
    assert failed["failed"]["biz_opaque_callback_data"] == "send-4"


def test_which_statuses_are_struck_is_the_same_for_the_same_seed(sandbox, graph) -> None:
    def lost() -> list[bool]:
        sandbox.post("/_reset")
        faults(sandbox, {"route": "STATUS */sent", "kind": "lost", "rate": 0.5, "seed": 11, "times": 5})
        ids = [graph.post(f"{NUMBER}/messages", json=message(n)).json()["messages"][0]["id"] for n in range(12)]
        found = {one["id"]: one["statuses"] for one in sandbox.get("/_records/graph/messages").json()}
        return [all(status["status"] != "sent" for status in found[id]) for id in ids]

    first = lost()
    assert sum(first) == 5
    assert lost() == first


def test_a_fault_of_requests_leaves_statuses_alone_and_the_other_way_round(sandbox, subscribed, graph) -> None:
    faults(sandbox, {"route": "*", "kind": "delay", "ms": 1}, {"route": "STATUS */played", "kind": "lost"})
    graph.post(f"{NUMBER}/messages", json=message(5)).raise_for_status()
    assert len(statuses(subscribed.wait(3))) == 3
    assert [one["seen"] for one in sandbox.get("/_faults").json()] == [1, 0]


@pytest.mark.parametrize("fault", [{"route": "STATUS *", "kind": "down"}, {"route": "*", "kind": "lost"}])
def test_a_kind_belongs_to_requests_or_to_statuses(sandbox, fault) -> None:
    assert sandbox.post("/_faults", json=[fault]).status_code == 400


@pytest.mark.parametrize(
    "link",
    [
        "https://files.sandbox-store.example/missing/3001.pdf",
        "https://files.sandbox-store.example/private/3001.pdf",
        "http://127.0.0.1/3001.pdf",
        "http://192.168.1.4/3001.pdf",
        "http://intranet/3001.pdf",
        "ftp://files.sandbox-store.example/3001.pdf",
        "https://files.corp.internal/3001.pdf",
    ],
)
def test_a_file_that_meta_cannot_fetch_fails_after_it_was_accepted(subscribed, graph, link) -> None:
    assert graph.post(f"{NUMBER}/messages", json=message(6, quote(link))).status_code == 200
    (status,) = statuses(subscribed.wait(1))
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131053)


def test_a_file_that_meta_fetches(subscribed, graph) -> None:
    link = "https://files.sandbox-store.example/quotes/3001.pdf"
    graph.post(f"{NUMBER}/messages", json=message(6, quote(link))).raise_for_status()
    assert "failed" not in {one["status"] for one in statuses(subscribed.wait(3))}


def test_statuses_are_gathered_into_few_webhooks(sandbox, subscribed, graph) -> None:
    sandbox.post("/_options", json={"status_batch": 0.3}).raise_for_status()
    for n in range(20):
        graph.post(f"{NUMBER}/messages", json=message(n)).raise_for_status()
    assert sandbox.get("/_webhooks", params={"wait": 10}).json()["settled"] is True
    hooks = [json.loads(body) for _, body in subscribed.heard]
    assert len(statuses(hooks)) == 60
    assert len(hooks) < 30
    moments = {}
    for status in statuses(hooks):
        moments.setdefault(status["id"], []).append(status["status"])
    assert set(map(tuple, moments.values())) == {("sent", "delivered", "read")}


def test_an_answer_takes_its_time_but_the_work_is_done_at_once(sandbox, graph) -> None:
    sandbox.post("/_options", json={"answer_seconds": 0.2}).raise_for_status()
    begun = time.monotonic()
    graph.post(f"{NUMBER}/messages", json=message()).raise_for_status()
    assert time.monotonic() - begun >= 0.2


def test_options_are_checked_shown_and_forgotten_by_a_reset(sandbox) -> None:
    start = sandbox.get("/_options").json()
    assert sandbox.post("/_options", json={"limit": 3}).json() == start | {"limit": 3}
    for wrong in ({"limit": "3"}, {"limit": 1.5}, {"token": "x"}, {"speed": 1}, {"shuffle": 1}, {"limit": True}, [1]):
        assert sandbox.post("/_options", json=wrong).status_code == 400
    assert sandbox.get("/_options").json()["limit"] == 3
    sandbox.post("/_reset")
    assert sandbox.get("/_options").json() == start


@pytest.mark.parametrize("text", ["one\ntwo", "one\ttwo", "one     two"])
def test_a_value_that_breaks_the_line_is_132018(graph, text) -> None:
    parameter = {"type": "text", "parameter_name": "first_name", "text": text}
    parts = [{"type": "body", "parameters": [parameter]}]
    template = {"name": "spring_offer", "language": {"code": "es"}, "components": parts}
    answer = graph.post(f"{NUMBER}/messages", json=message(8, template)).json()
    assert answer["error"]["code"] == 132018
