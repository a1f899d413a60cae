"""What every answer of a real web process carries, whose name it answers to, and what a forwarded header changes."""

import http.client
from contextlib import closing
from datetime import UTC, datetime

import pytest

from connector import config
from connector.store import users
from connector.store.engine import open_store
from connector.webhooks import standard
from tests.web.front import VERIFY, Web, environment, signed, store_account

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
SPOOFED = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "1.1.1.1, 2.2.2.2",
           "Forwarded": "for=1.1.1.1;host=evil.example;proto=https", "X-Original-URL": "/settings/"}  # fmt: skip
HANDSHAKE = f"/hooks/whatsapp/shop?hub.mode=subscribe&hub.verify_token={VERIFY}&hub.challenge=7"
ANSWERS = [
    ("GET", "/signin", 200), ("GET", "/settings/", 302), ("GET", "/nothing/here", 404), ("PUT", "/signin", 405),
    ("GET", "/static/app.css", 200), ("GET", "/static/none.css", 404), ("GET", "/api/v1/events", 401),
    ("GET", "/api/v1/openapi.json", 200), ("GET", "/api/v1/none", 404), ("GET", "/healthz", 200),
    ("GET", "/readyz", 503), ("GET", HANDSHAKE, 200), ("POST", "/hooks/whatsapp/shop", 401), ("GET", "/hooks/x", 404),
    ("POST", "/csp", 204), ("GET", "/welcome/x", 410),
]  # fmt: skip


@pytest.fixture(scope="module")
def tls(web_home, shop):
    """One that people reach over TLS, behind two proxies; `extra.example` is a second name."""
    more = {"PUBLIC_URL": "https://wa.example.com", "TRUSTED_HOSTS": "extra.example:8443", "TRUSTED_PROXIES": "2"}
    running = Web(environment(web_home, REDIS_URL="redis://127.0.0.1:1/0", **more))
    yield running
    assert running.end() == 0


@pytest.fixture(scope="module", autouse=True)
def loaded(web, tls):
    """The first page loads Flask, which takes its time on a busy machine."""
    for one in (web, tls):
        with closing(http.client.HTTPConnection("127.0.0.1", one.port, timeout=120)) as connection:
            connection.request("GET", "/signin")
            assert connection.getresponse().status == 200


def as_named(web, host, path="/signin", method="GET", **more):
    return web.call(method, path, headers={"Host": host, **more})


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS, ids=lambda one: str(one)[:30])
def test_every_answer_carries_the_headers(web, tls, method, path, status):
    for one, strict in ((web, None), (tls, "max-age=31536000; includeSubDomains")):
        found, headers, _ = one.call(method, path)
        assert found == status
        assert ALWAYS.items() <= headers.items()
        assert "camera=()" in headers["permissions-policy"]
        assert headers.get("strict-transport-security") == strict
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == ("no-cache" if path == "/static/app.css" else "no-store")


def test_a_page_runs_only_what_carries_the_nonce_of_its_answer(web):
    pages = [web.get("/signin") for _ in range(2)]
    nonces = {headers["content-security-policy"].partition("'nonce-")[2].partition("'")[0] for _, headers, _ in pages}
    assert len(nonces) == 2
    for (_, headers, body), nonce in zip(pages, [h["content-security-policy"] for _, h, _ in pages], strict=True):
        assert nonce.partition("'nonce-")[2].partition("'")[0].encode() in body
        assert "script-src 'nonce-" in headers["content-security-policy"]


@pytest.mark.parametrize("host", ["wa.example.com", "extra.example:8443", "127.0.0.1:1", "localhost", "[::1]:80"])
def test_names_we_answer_to(tls, host):
    assert as_named(tls, host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "extra.example", "wa.example.com.evil.example", "wa.example.com@x"])
def test_another_name_gets_400_and_no_word(tls, host):
    for path in ("/signin", "/static/app.css", "/api/v1/openapi.json", "/nothing"):
        status, _, body = as_named(tls, host, path)
        assert (status, body) == (400, b"")


def test_probes_and_webhooks_come_by_any_name(tls, web_home):
    assert as_named(tls, "10.1.2.3:8000", "/healthz")[0] == 200
    assert as_named(tls, "upstream", HANDSHAKE)[2] == b"7"
    body = b'{"object": "whatsapp_business_account"}'
    assert tls.call("POST", "/hooks/whatsapp/shop", body, signed(body) | {"Host": "upstream"})[0] == 200


def test_no_forwarded_header_changes_a_name_a_scheme_or_a_page(web, tls):
    for one in (web, tls):
        status, headers, body = one.call("GET", "/settings/", headers=SPOOFED)
        assert (status, headers["location"]) == (302, "/signin?next=/settings/")
        assert b"evil.example" not in body
        assert b"evil.example" not in one.call("GET", "/api/v1/openapi.json", headers=SPOOFED)[2]
        assert as_named(one, "evil.example", **{"X-Forwarded-Host": "wa.example.com"})[0] == 400


def test_the_cookie_of_a_session_keeps_to_tls_by_our_own_setting(web, tls, web_home):
    settings = config.load(environment(web_home))
    store = open_store(settings.database_url, home=settings.home)
    for one, secure in ((web, False), (tls, True)):
        with store.write() as conn:
            conn.exec_driver_sql("DELETE FROM users")
            token = users.invite(conn, None, datetime.now(UTC))
        form = "email=ana%40example.com&password=correct+horse+battery"
        kind = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-Proto": "https"}
        _, headers, _ = one.call("POST", f"/welcome/{token}", form, kind)
        assert ("Secure" in headers["set-cookie"]) is secure
    store.close()


def test_secrets_of_a_link_are_guessed_twenty_times_a_minute_by_network(own_home, start):
    env = environment(own_home, REDIS_URL="redis://127.0.0.1:1/0", TRUSTED_PROXIES="1")
    secret = standard.new_secret()
    for name in ("aa" * 16, "bb" * 16):
        store_account(env, "link", name, {"secret": secret}, {"document": "quote", "crm": "hs"})
    web = start(env)

    def call(given, where, name="aa" * 16, body=b'{"phone": "+573001112222"}'):
        key = {"Authorization": f"Bearer {given}", "Idempotency-Key": "7", "X-Forwarded-For": f"9.9.9.9, {where}"}
        return web.call("POST", f"/hooks/link/{name}", body, key)

    assert call(secret, "203.0.113.7")[0] == 200  # somebody who knows it works from the same address
    found = [call("whsec_guess", "203.0.113.7", f"{n:032x}" if n % 2 else "bb" * 16) for n in range(21)]
    assert [one[0] for one in found] == [401] * 20 + [429]
    assert found[-1][1]["retry-after"] == "60"
    assert call(secret, "203.0.113.7", "bb" * 16)[0] == 429  # even the right one, from where guesses come
    assert call(secret, "203.0.113.7")[0] == 200
    assert call(secret, "198.51.100.1", "bb" * 16)[0] == 200
