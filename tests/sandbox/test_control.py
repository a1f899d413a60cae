"""The sandbox's own addresses, and the process itself."""

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

NUMBER = "106540352242922"
KEYS = {"at", "service", "method", "path", "record", "body", "status"}


def lines(sandbox: httpx.Client, **query: object) -> list[dict]:
    return [json.loads(line) for line in sandbox.get("/_ledger", params=query).text.splitlines()]


def test_the_front_page_says_what_this_is(sandbox) -> None:
    page = sandbox.get("/").json()
    assert page["services"]["graph"] == "/graph"
    assert any("_customers" in line for line in page)


def test_a_line_of_the_ledger(sandbox, graph) -> None:
    graph.post(f"{NUMBER}/messages?x=1", json={"messaging_product": "whatsapp"})
    [line] = lines(sandbox)
    assert set(line) == KEYS
    assert line["at"].endswith("Z")
    del line["at"]
    assert line == {
        "service": "graph",
        "method": "POST",
        "path": f"/graph/v26.0/{NUMBER}/messages?x=1",
        "record": None,
        "body": {"messaging_product": "whatsapp"},
        "status": 400,
    }


def test_the_ledger_can_be_asked_for_a_part(sandbox, graph) -> None:
    for name in ("a", "b", "c"):
        graph.get(name)
    first = lines(sandbox)[0]
    assert [line["path"][-1] for line in lines(sandbox, since=first["at"])] == ["b", "c"]
    assert [line["path"][-1] for line in lines(sandbox, limit=1)] == ["c"]
    assert lines(sandbox, limit=0) == lines(sandbox, service="hubspot") == []
    assert sandbox.get("/_ledger", params={"since": "yesterday"}).status_code == 400


def test_a_body_that_is_not_json_is_kept_as_text(sandbox, graph) -> None:
    assert graph.post(f"{NUMBER}/messages", content=b"{ not").json()["error"]["code"] == 100
    assert lines(sandbox)[0]["body"] == "{ not"


def test_reset_forgets(sandbox, graph) -> None:
    sandbox.post("/_customers/573001112222", json={"text": "hi"})
    sandbox.post("/_faults", json=[{"route": "*", "kind": "5xx"}])
    graph.get(NUMBER)
    sandbox.post("/_reset")
    assert (lines(sandbox), sandbox.get("/_faults").json()) == ([], [])
    assert sandbox.get("/_records/graph/customers").json() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/_records/graph/planets", 404),
        ("GET", "/_records/zoho/contacts", 404),
        ("GET", "/_records/graph/messages/wamid.x", 404),
        ("POST", "/_customers/rosa", 400),
        ("POST", "/_clock", 400),
    ],
)
def test_what_is_not_there_is_told(sandbox, method, path, status) -> None:
    answer = sandbox.request(method, path, json={})
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


def test_only_this_machine_is_answered(sandbox) -> None:
    assert sandbox.get("/", headers={"Host": "evil.example:8010"}).status_code == 403
    assert sandbox.get("/", headers={"Host": "localhost:8010"}).status_code == 200
    assert sandbox.post("/_webhook", json={"url": "https://example.com/hooks"}).status_code == 400


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n", b"431"),
    ],
)
def test_bytes_that_are_no_request(sandbox, sent, status) -> None:
    with socket.create_connection((sandbox.base_url.host, sandbox.base_url.port), timeout=10) as connection:
        connection.sendall(sent)
        assert connection.recv(1000).split()[1] == status


def test_a_chunked_body_is_read(sandbox) -> None:
    def parts():
        yield b'{"text":'
        yield b'"hi"}'

    assert sandbox.post("/_customers/573001112222", content=parts()).json()["message"]["text"] == {"body": "hi"}


def test_many_connections_at_once_lose_nothing(sandbox) -> None:
    def many(n: int) -> None:
        with httpx.Client(base_url=sandbox.base_url) as client:
            for _ in range(20):
                assert client.get(f"/graph/v26.0/{n}").status_code == 401

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(many, range(64)))
    paths = [line["path"] for line in lines(sandbox)]
    assert sorted(paths) == sorted(f"/graph/v26.0/{n}" for n in range(64) for _ in range(20))


def test_sigterm_ends_it_with_0(start) -> None:
    with start() as (url, process), httpx.Client(base_url=url) as client:
        client.get("/")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_faults_that_cannot_be_read_end_it_with_2(tmp_path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "meteor"}]')
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--faults", str(faults)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "meteor" in done.stderr) == (2, True)


def test_webhook_on_the_command_line_waits_for_the_product(start, receiver) -> None:
    with start("--webhook", receiver.url) as (url, _), httpx.Client(base_url=url) as client:
        while client.get("/_webhooks").json()["graph"]["url"] is None:
            pass
        client.post("/_customers/573001112222", json={"text": "hi"})
        assert receiver.wait(1)
