"""A sandbox for all tests of this room, and a client of it."""

import json
import subprocess
import sys

import httpx
import pytest

from tests.whatsapp.answering import answering, connected


@pytest.fixture(scope="session")
def sandbox_url():
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["sandbox"]
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def fresh(sandbox_url):
    """A client of a fresh sandbox's own address book."""
    with httpx.Client(base_url=sandbox_url, timeout=15) as found:
        found.post("/_reset").raise_for_status()
        yield found


@pytest.fixture
def client(fresh, sandbox_url):
    """Our client of its Graph API."""
    with connected(f"{sandbox_url}/graph") as found:
        yield found


@pytest.fixture
def scripted():
    """A Graph API with fixed answers."""
    with answering() as server:
        yield server
