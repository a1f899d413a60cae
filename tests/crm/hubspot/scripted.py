"""A HubSpot that answers as the test says, over real HTTP, for answers the sandbox never gives."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connector.sandbox.http import Request, Response, answer
from connector.sandbox.server import Reply, Server

Answerer = Callable[[Request], Response | Reply]


class Scripted:
    """`asked` keeps every request; `answerer` says what comes back."""

    def __init__(self, answerer: Answerer) -> None:
        self.asked: list[Request] = []
        self._answerer = answerer
        self._server = Server(self._handle)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def bodies(self) -> list[Any]:
        """What was sent, in order."""
        return [json.loads(request.body) for request in self.asked if request.body]

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def _handle(self, request: Request) -> Reply:
        self.asked.append(request)
        found = self._answerer(request)
        return found if isinstance(found, Reply) else Reply(found)


@contextmanager
def scripted(answerer: Answerer) -> Iterator[Scripted]:
    """A server for the time of a test."""
    server = Scripted(answerer)
    try:
        yield server
    finally:
        server.close()


def batch(*results: dict[str, Any], errors: list[dict[str, Any]] | None = None, status: int = 200) -> Response:
    """The answer of a batch call."""
    body: dict[str, Any] = {"status": "COMPLETE", "results": list(results)}
    return answer(body | ({"numErrors": len(errors), "errors": errors} if errors else {}), status)


def invalid(*names: str, code: str = "INVALID_OPTION") -> dict[str, Any]:
    """The body of a 400 for these properties."""
    items = [{"isValid": False, "message": f"{name} is not valid", "error": code, "name": name} for name in names]
    text = f"Property values were not valid: {json.dumps(items)}"
    return {"status": "error", "message": text, "category": "VALIDATION_ERROR"}
