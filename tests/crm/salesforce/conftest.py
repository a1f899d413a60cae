"""An org that answers as the test says, over real HTTP, and an account that points to it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from connector.ports import Account
from connector.sandbox.http import Request, Response, answer
from connector.sandbox.server import Reply, Server

ORG = "00D5e000000SBOXEA2"
USER = "005Hp00000AdminIAJ"
Answerer = Callable[[Request], Response | Reply]


class Tokens:
    """The Tokens port for one process: a lock, and what was stored last."""

    def __init__(self) -> None:
        self.stored: Mapping[str, Any] | None = None
        self.fetched = 0
        self._lock = threading.Lock()

    def current(self) -> Mapping[str, Any] | None:
        return self.stored

    def refresh(
        self, stale: str | None, fetch: Callable[[Mapping[str, Any] | None], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        with self._lock:
            if self.stored is None or self.stored["access_token"] == stale:
                self.stored = fetch(self.stored)
                self.fetched += 1
            return self.stored


class Org:
    """`org.on(path_end, answerer)`; the token endpoint is there from the start. `asked` keeps every request."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self._answerers: dict[str, Answerer] = {"/services/oauth2/token": self.token}
        self._tokens = 0
        self._lock = threading.Lock()
        self._server = Server(self._handle)
        self.base = f"http://127.0.0.1:{self._server.port}/salesforce"
        self.org = ORG
        self.instance = self.base

    def close(self) -> None:
        self._server.close()

    def on(self, path_end: str, answerer: Answerer) -> None:
        self._answerers[path_end] = answerer

    def calls(self, path_end: str) -> list[Request]:
        return [r for r in self.asked if r.path.endswith(path_end)]

    def token(self, _: Request) -> Response:
        with self._lock:
            self._tokens += 1
            name = f"{self.org[:15]}!token{self._tokens}"
        ids = f"https://login.salesforce.com/id/{self.org}/{USER}"
        return answer({"access_token": name, "instance_url": self.instance, "id": ids, "token_type": "Bearer"})

    def _handle(self, request: Request) -> Reply:
        with self._lock:
            self.asked.append(request)
        for end, answerer in self._answerers.items():
            if request.path.endswith(end):
                found = answerer(request)
                return found if isinstance(found, Reply) else Reply(found)
        return Reply(answer([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404))


def account(base: str, **settings: str) -> Account:
    return Account(
        id="a1",
        kind="salesforce",
        name="clinic",
        settings={"client_id": "sandbox-salesforce-client", "base_url": base, "country": "MX", **settings},
        secrets={"client_secret": "sandbox-salesforce-secret"},
    )


@pytest.fixture
def org() -> Iterator[Org]:
    made = Org()
    yield made
    made.close()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()
