"""A running sandbox as the tests see it: HTTP only."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@contextmanager
def sandbox_process() -> Iterator[str]:
    """The address of a sandbox in a process of its own, its rate limit out of the way (each test paces from zero)."""
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json", "--hubspot-limit", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["sandbox"]
        finally:
            process.terminate()
            process.wait(timeout=10)


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
