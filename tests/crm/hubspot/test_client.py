"""The client over real sockets: what arrives, what is said when nothing does, and what is never said."""

import gc
import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.crm.hubspot import client as hubspot
from connector.crm.hubspot.bearer import Static
from connector.crm.hubspot.client import Client
from connector.errors import Busy, NotAllowed, Unreachable
from connector.sandbox.http import Request, Response, answer
from connector.sandbox.server import Reply
from tests.crm.hubspot.scripted import scripted

TOKEN = "pat-na1-very-secret"
LIMITS = {"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}


def test_a_call_carries_the_token_and_json() -> None:
    with scripted(lambda request: answer({"ok": True})) as server:
        client = Client(server.url, Static(TOKEN))
        assert client.post("/crm/objects/2026-09/contacts/search", {"a": "é"}) == {"ok": True}
        assert client.get("/x", properties="a,b", after="1&2") == {"ok": True}
    first, second = server.asked
    assert first.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(first.body) == {"a": "é"}
    assert second.query == {"properties": "a,b", "after": "1&2"}


def test_paths_are_dated_and_quoted() -> None:
    assert hubspot.objects("contacts", "batch", "read") == "/crm/objects/2026-09/contacts/batch/read"
    assert hubspot.objects("../x", "1?a#b") == "/crm/objects/2026-09/..%2Fx/1%3Fa%23b"


def test_connections_are_kept_and_shared_by_threads() -> None:
    with scripted(lambda request: answer({})) as server:
        client = Client(server.url, Static(TOKEN))
        client._window.limit = 1000
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: client.get(f"/{n}"), range(80)))
        ports = Counter(request.headers["host"] for request in server.asked)
        assert ports.total() == 80
        assert len(server._server._open) <= 4


@pytest.mark.parametrize(
    "reply",
    [
        Reply(None, "none"),
        Reply(None, "reset"),
        Reply(answer({"results": ["x" * 500]}), "half"),
        Reply(Response(502, b"<html>\xff\xfe bad gateway</html>", {"Content-Type": "text/html"})),
        Reply(Response(200, b"<html>hello</html>", {"Content-Type": "text/html"})),
        Reply(answer(["a", "list"])),
        Reply(Response(200, b"[" * 100_000)),
        Reply(Response(302, b"", {"Location": "http://127.0.0.1:1/"})),
    ],
    ids=["none", "reset", "half", "not utf-8", "html 200", "a list", "deep", "redirect"],
)
def test_a_broken_answer_may_have_been_acted_upon(reply: Reply) -> None:
    with scripted(lambda request: reply) as server:
        with pytest.raises(Unreachable) as broken:
            Client(server.url, Static(TOKEN)).post("/x", {})
        assert broken.value.sent
        assert broken.value.__suppress_context__ or broken.value.__context__ is None
        assert len(server.asked) == 1  # who repeats is the pipeline


def test_a_closed_port_was_never_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable) as broken:
        Client(f"http://127.0.0.1:{port}", Static(TOKEN)).get("/x")
    assert not broken.value.sent


def test_a_host_that_does_not_speak_tls_is_unreachable() -> None:
    with scripted(lambda request: answer({})) as server:
        url = server.url.replace("http://", "https://")
        with pytest.raises(Unreachable):
            Client(url, Static(TOKEN)).get("/x")


def test_the_token_is_in_no_text() -> None:
    body = {"message": f"bad token {TOKEN}", "category": "INVALID_AUTHENTICATION"}
    with scripted(lambda request: answer(body, 401)) as server:
        client = Client(server.url, Static(TOKEN))
        with pytest.raises(NotAllowed) as refused:
            client.get("/x")
    error = refused.value
    assert TOKEN not in "".join(map(repr, (client, error, str(error), error.hint, error.facts)))


def test_the_headers_slow_us_down_before_hubspot_does() -> None:
    used = iter(range(1, 1000))

    def counted(request: Request) -> Response:
        return answer({}, headers=LIMITS | {"X-HubSpot-RateLimit-Remaining": str(max(0, 180 - 60 * next(used)))})

    with scripted(counted) as server:
        client = Client(server.url, Static(TOKEN))
        with pytest.raises(Busy) as busy:
            [client.get("/x") for _ in range(50)]
        assert busy.value.code == "paced"
        assert 2 < (busy.value.after or 0) <= 11
        assert len(server.asked) == 3


def test_the_day_is_learnt_before_it_is_used_up() -> None:
    daily = {"X-HubSpot-RateLimit-Daily": "250000", "X-HubSpot-RateLimit-Daily-Remaining": "900"}

    def nearly(request: Request) -> Response:
        if request.path == hubspot.DETAILS:
            return answer({"portalId": 1, "timeZone": "America/Bogota"}, headers=daily)
        if request.path == "/late":
            return answer({"policyName": "DAILY"}, 429)
        return answer({}, headers=daily)

    with scripted(nearly) as server:
        client = Client(server.url, Static(TOKEN))
        client.get("/a")
        client.get("/b")
        assert [request.path for request in server.asked] == ["/a", hubspot.DETAILS, "/b"]
        with pytest.raises(Busy) as busy:
            client.get("/late")
    assert client._zone == "America/Bogota"
    assert busy.value.code == "daily"
    assert 0 < (busy.value.after or 0) <= 86_400


def test_nothing_is_left_open() -> None:
    with scripted(lambda request: answer({})) as server:
        client = Client(server.url, Static(TOKEN))
        client.get("/x")
        del client
        gc.collect()
