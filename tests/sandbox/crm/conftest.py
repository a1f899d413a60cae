"""Clients of the two CRM stand-ins in a running sandbox, and payloads of their own."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

PAYLOADS = Path(__file__).parent / "payloads"
CREDENTIALS = {"client_id": "sandbox-salesforce-client", "client_secret": "sandbox-salesforce-secret"}


def problems(answer: httpx.Response) -> dict[str, str]:
    """Property -> code, from the array inside the message of a HubSpot refusal."""
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR"), answer.text
    listed = answer.json()["message"].removeprefix("Property values were not valid: ")
    return {one["name"]: one["error"] for one in json.loads(listed)}


@pytest.fixture
def hubspot(sandbox: httpx.Client) -> Iterator[httpx.Client]:
    """A client of /hubspot with the right token."""
    headers = {"Authorization": "Bearer pat-na1-sandbox-hubspot"}
    with httpx.Client(base_url=f"{sandbox.base_url}/hubspot", headers=headers, timeout=15) as client:
        yield client


@pytest.fixture
def contacts(hubspot: httpx.Client) -> Iterator[httpx.Client]:
    """The same, below the contacts."""
    base = f"{hubspot.base_url}crm/objects/2026-09/contacts"
    with httpx.Client(base_url=base, headers=hubspot.headers, timeout=15) as client:
        yield client


@pytest.fixture
def switch(sandbox: httpx.Client) -> Callable[..., None]:
    """`switch("hubspot", limit=3)` changes how a stand-in behaves."""

    def change(service: str, **switches: Any) -> None:
        sandbox.patch(f"/{service}/_options", json=switches).raise_for_status()

    return change


@pytest.fixture
def salesforce(sandbox: httpx.Client) -> Iterator[httpx.Client]:
    """A client below /services/data/v68.0 with a fresh session."""
    form = {"grant_type": "client_credentials", **CREDENTIALS}
    given = sandbox.post("/salesforce/services/oauth2/token", data=form).json()
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    with httpx.Client(base_url=f"{given['instance_url']}/services/data/v68.0", headers=headers, timeout=15) as client:
        yield client


@dataclass
class Soap:
    """A product that answers every Outbound Message with `answers`, after the statuses in turn."""

    url: str = ""
    answers: bytes = b""
    statuses: list[int] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)


@pytest.fixture
def soap() -> Iterator[Soap]:
    """One that listens; not subscribed yet."""
    found = Soap()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with found.changed:
                found.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
                found.changed.notify_all()
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.send_header("Content-Length", str(len(found.answers)))
            self.end_headers()
            self.wfile.write(found.answers)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/hooks/crm/org/secret"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def payload() -> Callable[[str], Any]:
    """`payload("hubspot_values")` reads payloads/hubspot_values.json."""
    return lambda name: json.loads((PAYLOADS / f"{name}.json").read_text("utf-8"))
