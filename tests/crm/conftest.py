"""One sandbox for all tests of the CRMs, back at its start for each of them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

pytest.register_assert_rewrite("tests.crm.contract", "tests.crm.contract_reading")


@dataclass
class Sandbox:
    """A running sandbox as the tests see it: HTTP only."""

    url: str
    http: httpx.Client

    def faults(self, *faults: dict[str, Any]) -> None:
        """Put these faults in force, and no others."""
        self._ok(self.http.post("/_faults", json=list(faults)))

    def ledger(self, service: str) -> list[dict[str, Any]]:
        """Every call a service heard since the test began."""
        answer = self._ok(self.http.get("/_ledger", params={"service": service}))
        return [json.loads(line) for line in answer.text.splitlines()]

    def records(self, service: str, object: str) -> list[dict[str, Any]]:
        """All records of one object, in the service's own shape."""
        found: list[dict[str, Any]] = self._ok(self.http.get(f"/_records/{service}/{object}")).json()
        return found

    def record(self, service: str, object: str, id: str) -> dict[str, Any]:
        """One record, in the service's own shape."""
        found: dict[str, Any] = self._ok(self.http.get(f"/_records/{service}/{object}/{id}")).json()
        return found

    def reset(self) -> None:
        """Everything back to the start."""
        self._ok(self.http.post("/_reset"))

    @staticmethod
    def _ok(answer: httpx.Response) -> httpx.Response:
        assert answer.is_success, answer.text
        return answer


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """A sandbox in a process of its own, on a free port, its rate limit out of the way (each test paces from zero)."""
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json", "--hubspot-limit", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["sandbox"]
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def sandbox(sandbox_url: str) -> Iterator[Sandbox]:
    """The sandbox at its start."""
    with httpx.Client(base_url=sandbox_url) as http:
        found = Sandbox(sandbox_url, http)
        found.reset()
        yield found
        found.faults()
