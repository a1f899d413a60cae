"""Each fault, as a caller meets it."""

import contextlib
import json
from pathlib import Path

import httpx
import pytest

TEXT = {"messaging_product": "whatsapp", "to": "+573001112222", "type": "text", "text": {"body": "hello"}}
NUMBER = "106540352242922"


@pytest.fixture
def open_window(sandbox: httpx.Client) -> None:
    sandbox.post("/_customers/573001112222", json={"text": "hi"}).raise_for_status()


def put(sandbox: httpx.Client, **fault: object) -> None:
    sandbox.post("/_faults", json=[{"route": "POST /graph/*", **fault}]).raise_for_status()


def sent(sandbox: httpx.Client) -> int:
    return len(sandbox.get("/_records/graph/messages").json())


def last_line(sandbox: httpx.Client) -> dict:
    return json.loads(sandbox.get("/_ledger", params={"limit": 1}).text)


@pytest.mark.usefixtures("open_window")
@pytest.mark.parametrize(
    ("kind", "error", "done", "status"),
    [
        ("drop_before", httpx.RemoteProtocolError, 0, None),
        ("drop_after", httpx.RemoteProtocolError, 1, 200),
        ("half", httpx.RemoteProtocolError, 1, 200),
        ("down", httpx.ReadError, 0, None),
    ],
)
def test_a_cut_connection(sandbox, graph, kind, error, done, status) -> None:
    put(sandbox, kind=kind)
    with pytest.raises(error):
        graph.post(f"{NUMBER}/messages", json=TEXT)
    line = last_line(sandbox)
    assert (sent(sandbox), line["status"], line["fault"]) == (done, status, kind)


def test_half_an_answer_is_half_of_its_body(sandbox, graph) -> None:
    whole = len(graph.get(NUMBER).content)
    sandbox.post("/_faults", json=[{"route": "GET *", "kind": "half"}])
    got = b""
    with graph.stream("GET", NUMBER) as answer, contextlib.suppress(httpx.RemoteProtocolError):
        for chunk in answer.iter_raw():
            got += chunk
    assert (int(answer.headers["content-length"]), len(got)) == (whole, whole // 2)


@pytest.mark.usefixtures("open_window")
@pytest.mark.parametrize(("kind", "status", "code"), [("429", 400, 130429), ("expired", 401, 190)])
def test_the_services_own_refusal(sandbox, graph, kind, status, code) -> None:
    put(sandbox, kind=kind)
    answer = graph.post(f"{NUMBER}/messages", json=TEXT)
    assert (answer.status_code, answer.json()["error"]["code"], sent(sandbox)) == (status, code, 0)


def test_5xx_is_a_page_of_html(sandbox, graph) -> None:
    put(sandbox, kind="5xx")
    answer = graph.post(f"{NUMBER}/messages", json=TEXT)
    assert (answer.status_code, answer.text[:15]) == (503, "<!DOCTYPE html>")


@pytest.mark.usefixtures("open_window")
def test_delay_does_the_work_and_answers_late(sandbox, graph) -> None:
    put(sandbox, kind="delay", ms=400)
    with pytest.raises(httpx.ReadTimeout):
        graph.post(f"{NUMBER}/messages", json=TEXT, timeout=0.2)
    assert sent(sandbox) == 1


def test_times_and_after_count_matching_requests(sandbox, graph) -> None:
    sandbox.post("/_faults", json=[{"route": "GET /graph/*", "kind": "5xx", "after": 2, "times": 2}])
    graph.post(f"{NUMBER}/messages", json=TEXT)
    assert [graph.get(NUMBER).status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    shown = sandbox.get("/_faults").json()[0]
    assert (shown["seen"], shown["struck"]) == (5, 2)


def test_the_same_seed_strikes_the_same_requests(sandbox, graph) -> None:
    def strikes(seed: int) -> list[int]:
        sandbox.post("/_faults", json=[{"route": "GET *", "kind": "5xx", "rate": 0.5, "seed": seed}])
        return [graph.get(NUMBER).status_code for _ in range(40)]

    first = strikes(3)
    assert first == strikes(3) != strikes(4)
    assert 8 < first.count(503) < 32


@pytest.mark.parametrize(
    "faults",
    [
        {"route": "*", "kind": "5xx"},
        [{"route": "*", "kind": "meteor"}],
        [{"route": "*", "kind": "5xx", "rate": 2}],
        [{"route": "*", "kind": "5xx", "often": 1}],
        [{"route": 5, "kind": "5xx"}],
        [{"route": "*", "kind": "5xx", "times": True}],
    ],
)
def test_a_fault_that_cannot_be_read_changes_nothing(sandbox, faults) -> None:
    put(sandbox, kind="delay", ms=1)
    answer = sandbox.post("/_faults", json=faults)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert [fault["kind"] for fault in sandbox.get("/_faults").json()] == ["delay"]


def test_faults_and_ledger_as_files(start, tmp_path: Path) -> None:
    faults, ledger = tmp_path / "faults.json", tmp_path / "ledger.jsonl"
    faults.write_text('[{"route": "GET /graph/*", "kind": "5xx", "times": 1}]')
    with start("--faults", str(faults), "--ledger", str(ledger)) as (url, _):
        codes = [httpx.get(f"{url}/graph/v26.0/{NUMBER}").status_code for _ in range(2)]
        lines = [json.loads(line) for line in ledger.read_text().splitlines()]
        assert [line["status"] for line in lines] == codes == [503, 401]
