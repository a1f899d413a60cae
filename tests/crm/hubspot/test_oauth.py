"""HubSpot by OAuth: what is asked, when a token is renewed, what means that our leave is gone, and what does not."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connector.crm import hubspot
from connector.crm.hubspot import oauth
from connector.crm.hubspot.bearer import Renewing
from connector.crm.hubspot.client import Client
from connector.errors import Busy, NotAllowed, Unreachable
from connector.ports import Account, Consent, Granted
from connector.sandbox.http import Request, Response, answer
from connector.sandbox.server import Reply
from tests.crm.hubspot.scripted import scripted

SECRETS = {"client-secret": "c1ient-secret-canary"}
BODY = {"token_type": "bearer", "expires_in": 1800, "hub_id": 24681357, "refresh_token": "r1"}


class Stored:
    """The Tokens port in memory."""

    def __init__(self, token: Mapping[str, Any] | None = None) -> None:
        self.token, self.lock = token, threading.Lock()

    def current(self) -> Mapping[str, Any] | None:
        return self.token

    def refresh(self, stale: str | None, fetch: Callable[[Any], Mapping[str, Any]]) -> Mapping[str, Any]:
        with self.lock:
            if self.token is None or self.token["access_token"] == stale:
                self.token = fetch(self.token)
            return self.token


def account(url: str, **settings: Any) -> Account:
    given = {"base-url": url, "client-id": "c", "oauth": "yes", **settings}
    return Account(id="a", kind="hubspot", name="hub", settings=given, secrets=SECRETS)


def token(access: str = "a1", **more: Any) -> dict[str, Any]:
    now = time.time()
    return {"access_token": access, "refresh_token": "r1", "renew_at": now + 900, "expires_at": now + 1800, **more}


def form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode()))


def test_the_link_asks_with_pkce_and_goes_to_hubspot_or_to_loopback() -> None:
    consent = Consent("https://wa.example/oauth/hubspot/callback", "st", "ch")
    link = hubspot.MANIFEST.oauth.link({"client_id": "c&d"}, consent)
    asked = dict(parse_qsl(urlsplit(link).query))
    assert link.startswith("https://app.hubspot.com/oauth/authorize?")
    assert (asked["client_id"], asked["state"], asked["code_challenge_method"]) == ("c&d", "st", "S256")
    assert "crm.objects.contacts.write" in asked["scope"].split()
    assert hubspot.MANIFEST.oauth.link({"base_url": "http://127.0.0.1:1/hubspot"}, consent).startswith("http://127.")
    with pytest.raises(NotAllowed):
        hubspot.MANIFEST.oauth.link({"base_url": "https://evil.example"}, consent)


def test_a_code_becomes_tokens() -> None:
    with scripted(lambda _: answer({**BODY, "access_token": "a1"})) as server:
        made = oauth.exchange(account(server.url), Granted("co de", "ver", "https://x/cb"))
    assert (made["access_token"], made["refresh_token"], made["portal_id"]) == ("a1", "r1", "24681357")
    assert 800 < made["renew_at"] - time.time() <= 900
    sent = form(server.asked[0])
    assert server.asked[0].path == "/oauth/2026-09/token"
    assert (sent["code"], sent["code_verifier"], sent["redirect_uri"]) == ("co de", "ver", "https://x/cb")


def renewing(server: Any, stored: Stored) -> Client:
    return Client(server.url, Renewing(account(server.url), stored))


def plays(refreshed: Response | Reply, refused: tuple[str, ...] = ()) -> Callable[[Request], Response | Reply]:
    """Answers tokens with `refreshed`, calls with 200, or 401 for these access tokens."""

    def play(request: Request) -> Response | Reply:
        if request.path.startswith("/oauth/"):
            return refreshed
        bad = request.headers["authorization"].removeprefix("Bearer ") in refused
        return answer({"category": "EXPIRED_AUTHENTICATION", "message": "expired"}, 401) if bad else answer({})

    return play


def test_it_is_renewed_at_half_its_life_and_not_before() -> None:
    with scripted(plays(answer({**BODY, "access_token": "a2", "refresh_token": "r2"}))) as server:
        stored = Stored(token())
        client = renewing(server, stored)
        client.get("/x")
        assert [r.path for r in server.asked] == ["/x"]
        stored.token = token(renew_at=time.time() - 1)
        client = renewing(server, stored)
        client.get("/x")
        client.get("/x")
    assert [r.path for r in server.asked[1:]] == ["/oauth/2026-09/token", "/x", "/x"]
    assert server.asked[-1].headers["authorization"] == "Bearer a2"
    assert stored.token["refresh_token"] == "r2"


def test_hubspot_away_at_half_its_life_is_no_trouble_but_at_its_end() -> None:
    with scripted(plays(answer({}, 503))) as server:
        client = renewing(server, Stored(token(renew_at=0)))
        assert client.get("/x") == {}
        assert client.get("/y") == {}
        assert [r.path for r in server.asked] == ["/oauth/2026-09/token", "/x", "/y"]
        with pytest.raises(Unreachable):
            renewing(server, Stored(token(renew_at=0, expires_at=0))).get("/x")


def test_a_refused_token_is_renewed_once() -> None:
    fresh = answer({**BODY, "access_token": "a2"})
    with scripted(plays(fresh, refused=("a1",))) as server:
        renewing(server, Stored(token())).get("/x")
        assert [r.path for r in server.asked] == ["/x", "/oauth/2026-09/token", "/x"]
    with scripted(plays(fresh, refused=("a1", "a2"))) as server, pytest.raises(NotAllowed):
        renewing(server, Stored(token())).get("/x")
    assert len(server.asked) == 3


def test_a_token_another_process_stored_long_ago_is_no_reason_to_ask_a_person() -> None:
    """It aged while we were idle, as ours did: both are refused, and then we ask for one."""
    with scripted(plays(answer({**BODY, "access_token": "a3"}), refused=("a1", "a2"))) as server:
        stored = Stored(token())
        ours = renewing(server, stored)
        stored_by_us = ours._bearer.current()
        stored.token = token("a2")
        assert ours.get("/x") == {}
    assert stored_by_us == "a1"
    assert [r.path for r in server.asked] == ["/x", "/x", "/oauth/2026-09/token", "/x"]


GONE = {"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN", "message": "refresh token r1 is invalid"}


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        (answer(GONE, 400), NotAllowed, "reconnect"),
        (answer({"error": "invalid_client", "status": "BAD_CLIENT_ID"}, 400), NotAllowed, "client"),
        (answer({"status": "BANNED", "error": "invalid_grant"}, 400), Unreachable, "token_refused"),
        (answer({"message": "forbidden"}, 403), Unreachable, "token_refused"),
        (answer({"message": "slow down"}, 429), Busy, "token_limit"),
        (answer({"message": "oops"}, 500), Unreachable, "token_endpoint"),
        (Response(200, b"<html>r1 c1ient-secret-canary"), Unreachable, "no_token"),
        (answer({**BODY, "access_token": "a\nb"}), Unreachable, "no_token"),
        (answer({**BODY, "access_token": "a2", "hub_id": 1}), NotAllowed, "wrong_portal"),
        (Reply(None, "reset"), Unreachable, "no_answer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_refusal_means(said, kind, code) -> None:
    with scripted(lambda _: said) as server, pytest.raises(kind) as told:
        oauth.refresh(account(server.url, **{"portal-id": "24681357"}), token())
    error = told.value
    assert error.code == code
    shown = "".join(map(repr, (error, str(error), error.hint, error.facts)))
    assert "canary" not in shown
    assert "r1" not in shown


def test_nobody_connected_it_yet() -> None:
    with pytest.raises(NotAllowed) as told:
        Renewing(account("http://127.0.0.1:1"), Stored()).current()
    assert told.value.code == "reconnect"


@pytest.mark.parametrize("pasted", ["pat-na1\nX: y", "pat-na1-\u2019"])
def test_a_pasted_token_that_is_none_is_said_so_without_quoting_it(pasted) -> None:
    made = Account(id="a", kind="hubspot", name="hub", settings={}, secrets={"token": pasted})
    with pytest.raises(NotAllowed) as told:
        hubspot.connect(made, Stored())
    assert (told.value.code, "pat-na1" in str(told.value)) == ("bad_token", False)
