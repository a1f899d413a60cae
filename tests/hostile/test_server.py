"""The real server against calls that mean two things at once: where a request ends is never in doubt."""

import gzip
import socket
import time
from contextlib import closing

import pytest

from connector.web import gathering, server
from tests.web.front import rows, signed


def said(web, raw, wait=2.0):
    """Everything that comes back for these bytes, until the server closes or is silent."""
    with closing(socket.create_connection(("127.0.0.1", web.port), timeout=wait)) as connection:
        connection.sendall(raw)
        found = b""
        try:
            while part := connection.recv(65536):
                found += part
                if b"\r\n\r\n" in found and b"HTTP/1.1 4" in found:
                    connection.settimeout(0.2)
        except (TimeoutError, ConnectionResetError):
            pass
        return found


def statuses(raw):
    return [int(line[9:12]) for line in raw.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def count(home):
    return rows(home, "SELECT count(*) FROM deliveries")[0][0]


def post(*headers, body=b"", path="/hooks/whatsapp/shop"):
    lines = [f"POST {path} HTTP/1.1", "Host: x", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def proof(body):
    return f"X-Hub-Signature-256: {signed(body)['X-Hub-Signature-256']}"


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 2", "Content-Length: 40"),
        ("Content-Length: 2, 40",),
        ("Content-Length: +2",),
        ("Content-Length: -2",),
        ("Content-Length: 0x2",),
        ("Content-Length: 2 2",),
        ("Content-Length: 99999999999999999999999",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding : chunked",),
        (" Transfer-Encoding: chunked",),
        ("X: a\x00b", "Content-Length: 2"),
        ("X\x01: a", "Content-Length: 2"),
    ],
)
def test_a_request_without_one_clear_end_is_refused_and_the_connection_ends(web, web_home, headers):
    before = count(web_home)
    found = said(web, post(proof(b"{}"), *headers, body=b"{}" + SMUGGLED))
    assert statuses(found) in ([400], [413], []), found[:300]
    assert count(web_home) == before
    assert web.get("/healthz")[0] == 200


def test_of_a_length_and_chunks_the_chunks_count_and_nothing_is_smuggled(web, web_home):
    """RFC 9112, 6.3: refused, or read as chunks; a proxy that counts otherwise finds no second request of its own."""
    before = count(web_home)
    body = b"2\r\n{}\r\n0\r\n\r\n"
    found = said(
        web, post(proof(b"{}"), "Content-Length: 4", "Transfer-Encoding: chunked", "Connection: close", body=body)
    )
    assert statuses(found) in ([200], [400]), found
    assert count(web_home) - before == statuses(found).count(200)


@pytest.mark.parametrize("size", [b"-1", b"+2", b"0x2", b"2 2", b"g", b"", b"FFFFFFFFFFFFFFFFF", b"2;" + b"x" * 70_000])
def test_a_chunk_whose_size_is_none_ends_the_call(web, web_home, size):
    before = count(web_home)
    found = said(web, post(proof(b"{}"), "Transfer-Encoding: chunked", body=size + b"\r\n{}\r\n0\r\n\r\n" + SMUGGLED))
    assert 200 not in statuses(found), found
    assert count(web_home) == before
    assert web.get("/healthz")[0] == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /" + b"a" * 600_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 600_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: a\r\n" % n for n in range(500)) + b"\r\n",
        b"GET /healthz\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
        b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_or_too_long_ends_the_connection_and_not_the_server(web, raw):
    assert 200 not in statuses(said(web, raw, 1.0))
    assert web.get("/healthz")[0] == 200


@pytest.mark.parametrize("path", ["/%ff", "/hooks/%ff/%fe", "/hooks/whatsapp/%c0%af", "/%00",
                                  "/hooks/whatsapp/shop%0d%0aX: 1", "/..%2f..%2fetc/passwd",
                                  "/static/%2e%2e/%2e%2e/etc/passwd", "//evil.example/", "/\xe9", "*",
                                  "http://evil.example/healthz"])  # fmt: skip
def test_no_path_is_a_fault(web, path):
    raw = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1")
    found = statuses(said(web, raw))
    assert all(status < 500 for status in found), (path, found)
    assert web.get("/healthz")[0] == 200


def test_trace_and_connect_are_not_spoken(web):
    for method in ("TRACE", "CONNECT", "TRACK", "DEBUG"):
        found = said(web, f"{method} / HTTP/1.1\r\nHost: x\r\nX-Secret: canary\r\nConnection: close\r\n\r\n".encode())
        assert b"canary" not in found
        assert 200 not in statuses(found)


def test_a_compressed_body_is_taken_as_the_bytes_it_is(web, web_home):
    """Nothing is unpacked at the door: a bomb is a small body, and no JSON."""
    bomb = gzip.compress(b"0" * 50_000_000, 9)
    status = web.call("POST", "/hooks/whatsapp/shop", bomb, {**signed(bomb), "Content-Encoding": "gzip"})[0]
    assert status == 200
    assert bytes(rows(web_home, "SELECT body FROM deliveries ORDER BY seq DESC LIMIT 1")[0][0]) == bomb


def test_slow_callers_hold_up_nobody_else(web):
    """Headers have 10 seconds; a body is gathered before its request takes one of the turns."""
    assert server.HEADERS_WITHIN <= 10_000
    assert gathering.SPARE > 70 > 32
    slow = [socket.create_connection(("127.0.0.1", web.port), timeout=5) for _ in range(140)]
    try:
        for n, one in enumerate(slow):
            one.sendall(
                b"POST /hooks/whatsapp/shop HTTP/1.1\r\nHost: x\r\n"
                + (b"X-" if n % 2 else b"Content-Length: 100\r\n\r\n{")
            )
        begun = time.monotonic()
        for _ in range(5):
            assert web.post(b"{}")[0] == 200
        assert time.monotonic() - begun < 5
    finally:
        for one in slow:
            one.close()


def test_no_answer_tells_versions_of_what_is_behind(web):
    for path in ("/healthz", "/nothing-here", "/hooks/whatsapp/shop", "/signin"):
        _, headers, body = web.get(path)
        told = " ".join(headers.values()).lower() + body.decode("utf-8", "replace").lower()
        for word in ("werkzeug", "python/", "flask", "sqlalchemy", "traceback", "granian/"):
            assert word not in told, (path, word)
