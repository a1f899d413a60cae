"""The webhooks through the front door: a real server, real bytes, and what is in the database afterwards."""

import base64
import hmac
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from connector.web import hooks
from tests.web.front import ROOT, SECRET, VERIFY, add_account, environment, rows, signed, store_account

LARGEST = 3 * 1024 * 1024
HANDSHAKE = f"/hooks/whatsapp/shop?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={VERIFY}"


def bodies(home):
    return [bytes(body) for (body,) in rows(home, "SELECT body FROM deliveries ORDER BY seq")]


def test_a_signed_body_is_stored_byte_for_byte_before_it_is_answered(web, web_home, shop):
    body = b'{"entry": [ {"id":"\xf0\x9f\x98\x80\\u0000"} ]}'
    assert web.post(body)[0] == 200
    account, state, stored = rows(web_home, "SELECT account, state, body FROM deliveries ORDER BY seq DESC LIMIT 1")[0]
    assert (account, state, bytes(stored)) == (shop, "new", body)


def test_the_account_may_be_named_by_its_id(web, web_home, shop):
    assert web.post(b'{"by": "id"}', f"/hooks/whatsapp/{shop}")[0] == 200
    assert bodies(web_home)[-1] == b'{"by": "id"}'


def test_what_is_signed_is_stored_even_when_it_is_not_json(web, web_home):
    assert web.post(b"\xff\x00 no json")[0] == 200
    assert bodies(web_home)[-1] == b"\xff\x00 no json"


def test_the_handshake_gets_its_challenge_and_stores_nothing(web, web_home):
    before = bodies(web_home)
    status, headers, body = web.get(HANDSHAKE)
    assert (status, body) == (200, b"1158201444")
    assert headers["content-type"].startswith("text/plain")
    assert bodies(web_home) == before


@pytest.mark.parametrize(
    "path, headers",
    [
        ("/hooks/whatsapp/shop", {}),
        ("/hooks/whatsapp/shop", {"X-Hub-Signature-256": "sha256=" + "0" * 64}),
        ("/hooks/whatsapp/shop", {"X-Hub-Signature-256": "sha256=é"}),
        ("/hooks/whatsapp/shop", signed(b"another body")),
        ("/hooks/whatsapp/nobody", signed(b"{}")),
        ("/hooks/whatsapp/%00", signed(b"{}")),
        ("/hooks/crm/shop", signed(b"{}")),
        ("/hooks/crm/nobody/action", {"X-HubSpot-Signature-v3": "x", "X-HubSpot-Request-Timestamp": "1"}),
    ],
)
def test_whoever_is_not_authentic_hears_one_text_and_leaves_nothing(web, web_home, path, headers):
    before = bodies(web_home)
    encoded = {name: value.encode("utf-8") for name, value in headers.items()}
    status, _, body = web.call("POST", path, b"{}", encoded)
    assert (status, body) == (401, b"This call is not authentic.")
    assert bodies(web_home) == before


WRONG = "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong"


@pytest.mark.parametrize("query", ["", WRONG, "?hub.challenge=1"])
@pytest.mark.parametrize("account", ["shop", "nobody"])
def test_a_wrong_handshake_is_refused_alike_for_accounts_that_exist_and_not(web, account, query):
    status, _, body = web.get(f"/hooks/whatsapp/{account}{query}")
    assert (status, body) == (401, b"This call is not authentic.")


def test_a_crm_signs_our_public_address_whatever_host_it_calls(own_home, start):
    env = environment(own_home, PUBLIC_URL="https://hooks.example.org/")
    store_account(env, "hubspot", "crm", {"client-secret": "client-secret-of-the-app", "token": "t"})
    web = start(env)
    body, stamp = b'[{"eventId": 1}]', str(int(time.time() * 1000))

    def call(address: str) -> int:
        text = f"POST{address}/hooks/crm/crm/action?x=1".encode() + body + stamp.encode()
        signature = base64.b64encode(hmac.digest(b"client-secret-of-the-app", text, "sha256")).decode()
        headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
        return web.call("POST", "/hooks/crm/crm/action?x=1", body, headers)[0]

    assert call(web.url) == 401
    assert call("https://hooks.example.org") == 200
    assert web.end() == 0
    assert bodies(own_home) == [body]


def test_refused_calls_are_counted(own_home, start):
    env = environment(own_home)
    add_account(env)
    web = start(env)
    for _ in range(3):
        assert web.post(b"{}", secret="wrong")[0] == 401
    assert web.end() == 0
    assert rows(own_home, "SELECT n FROM counters WHERE name = 'refused.whatsapp'") == [(3,)]


def test_the_largest_body_is_taken_and_one_byte_more_is_not(web, web_home):
    whole = b"x" * LARGEST
    assert web.post(whole)[0] == 200
    before = rows(web_home, "SELECT count(*) FROM deliveries")
    assert rows(web_home, "SELECT length(body) FROM deliveries ORDER BY seq DESC LIMIT 1") == [(LARGEST,)]
    assert web.post(whole + b"x")[0] == 413
    assert rows(web_home, "SELECT count(*) FROM deliveries") == before


def test_a_body_in_chunks_has_the_same_limit(web, web_home):
    def call(body):
        pieces = (body[at : at + 65536] for at in range(0, len(body), 65536))
        return web.call("POST", "/hooks/whatsapp/shop", pieces, signed(body), chunked=True)[0]

    assert call(b'{"in": "chunks"}') == 200
    assert bodies(web_home)[-1] == b'{"in": "chunks"}'
    assert call(b"x" * LARGEST) == 200
    assert call(b"x" * (LARGEST + 1)) == 413


def test_a_huge_length_is_refused_before_its_body_is_sent(web):
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as caller:
        caller.sendall(b"POST /hooks/whatsapp/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert caller.recv(1024).startswith(b"HTTP/1.1 413 ")


def test_a_caller_that_leaves_in_the_middle_stores_nothing(web, web_home):
    before = bodies(web_home)
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as caller:
        caller.sendall(b"POST /hooks/whatsapp/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    assert web.post(b'{"after": "it"}')[0] == 200
    assert bodies(web_home) == [*before, b'{"after": "it"}']


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("PUT", "/hooks/whatsapp/shop", 405),
        ("GET", "/hooks/crm/shop", 405),
        ("POST", "/hooks/whatsapp/shop/more", 404),
        ("POST", "/hooks/whatsapp/", 404),
        ("POST", "/hooks/other/shop", 404),
        ("POST", "/hooks/", 404),
        ("GET", "/nothing", 404),
    ],
)
def test_other_methods_and_paths(web, method, path, status):
    assert web.call(method, path, b"{}" if method != "GET" else None)[0] == status


def test_a_new_account_and_a_rotated_secret_need_no_restart(own_home, start):
    env = environment(own_home)
    web = start(env)
    assert web.post(b"{}")[0] == 401
    add_account(env)
    _until(lambda: web.post(b'{"n": 1}')[0] == 200)
    add_account(env, secret="another-secret")
    _until(lambda: web.post(b'{"n": 2}', secret="another-secret")[0] == 200)
    assert web.post(b"{}", secret=SECRET)[0] == 401
    assert web.end() == 0
    assert bodies(own_home) == [b'{"n": 1}', b'{"n": 2}']


def test_a_database_that_does_not_commit_in_time_is_503_and_leaves_nothing(own_home, start):
    env = environment(own_home)
    add_account(env)
    web = start(env)
    with closing(sqlite3.connect(own_home / "connector.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        status, headers, body = web.post(b'{"n": 1}')
        assert (status, headers["retry-after"], body) == (503, "5", b"Not stored; please send it again.")
        other.execute("ROLLBACK")
    _until(lambda: web.post(b'{"n": 2}')[0] == 200)
    assert web.end() == 0
    assert b'{"n": 1}' not in bodies(own_home)


def test_postgres_that_stops_is_503_for_everyone_until_it_is_back(postgres, postgres_url, tmp_path, start):
    env = environment(tmp_path / "home", DATABASE_URL=postgres_url, WEB_PROCESSES="2")
    add_account(env)
    web = start(env)
    assert web.post(b'{"n": 1}')[0] == 200
    postgres.stop()
    try:
        assert web.post(b'{"n": 2}')[0] == 503
        _until(lambda: web.post(b"{}", "/hooks/whatsapp/nobody")[0] == 503)  # what was read is trusted for a second
        assert web.get("/healthz")[0] == 503
        assert json.loads(web.get("/readyz")[2])["checks"]["database"] == "away"
    finally:
        postgres.start()
    _until(lambda: web.post(b'{"n": 3}')[0] == 200)
    _until(lambda: web.post(b"{}", "/hooks/whatsapp/nobody")[0] == 401)
    assert web.get("/healthz")[2] == b'{"ok":true}\n'
    assert web.end() == 0


def test_sigterm_finishes_what_was_begun(own_home, start):
    env = environment(own_home)
    add_account(env)
    web = start(env)
    body = b'{"slow": "body"}'
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    head = f"POST /hooks/whatsapp/shop HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as caller:
        caller.sendall(head.encode() + body[:5])
        time.sleep(0.2)  # the server has the head; there is no event for "it waits for the rest"
        web.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        caller.sendall(body[5:])
        assert caller.recv(1024).startswith(b"HTTP/1.1 200 ")
    assert web.end() == 0
    assert bodies(own_home) == [body]


def test_many_callers_at_once_lose_nothing(web, web_home):
    before = len(bodies(web_home))
    statuses: list[int] = []

    def call(n: int) -> None:
        statuses.extend(web.post(json.dumps({"caller": n, "call": m}).encode())[0] for m in range(10))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 80
    new = bodies(web_home)[before:]
    assert len(new) == len(set(new)) == 80


def test_readyz_names_what_is_missing(web):
    status, headers, body = web.get("/readyz")
    assert status == 503
    assert json.loads(body) == {
        "ok": False,
        "checks": {"database": "ok", "schema": "ok", "redis": "away", "workers": "away"},
    }
    assert headers["x-content-type-options"] == "nosniff"


def test_an_empty_database_is_not_ready(tmp_path, start):
    home = tmp_path / "empty"
    home.mkdir()
    web = start(environment(home))
    assert web.get("/healthz")[0] == 503
    assert json.loads(web.get("/readyz")[2])["checks"]["schema"] == "empty: run connector db upgrade"
    assert web.end() == 0


def test_a_port_in_use_is_told(web, web_home):
    env = environment(web_home, PORT=str(web.port))
    found = subprocess.run(
        [sys.executable, "-m", "connector.cli", "web"], env=env, cwd=ROOT, capture_output=True, timeout=20, check=False
    )
    assert found.returncode == 1
    assert f"Port {web.port} on 127.0.0.1 cannot be used" in found.stderr.decode()


def test_the_web_process_loads_no_sdk_and_no_flask_before_a_page():
    code = (
        "import sys, connector.webapp; from connector import whatsapp, crm; connector.webapp.strangers();"
        "print(sorted({'hubspot', 'simple_salesforce', 'phonenumbers', 'requests', 'httpx', 'flask', 'jinja2'}"
        " & set(sys.modules)))"
    )
    env = environment(ROOT)
    found = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert found.stdout.decode().strip() == "[]"


def _until(happened) -> None:
    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_query_that_is_kept_is_the_address_own():
    asked = {"HTTP_X_HOOK_QUERY": "send=forged", "QUERY_STRING": "send=quote-ready"}
    assert hooks._headers(asked)[hooks.QUERY] == "send=quote-ready"
    assert hooks._headers({"HTTP_X_HOOK_QUERY": "send=forged"})[hooks.QUERY] == ""
