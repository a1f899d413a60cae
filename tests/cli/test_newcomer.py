"""A CRM that came by an entry point has its commands: nothing of ours was told of it."""

import json
import os

import pytest

from tests.commands import Zygote
from tests.newcomer import installed


@pytest.fixture(scope="module")
def zygote(tmp_path_factory):
    """Commands of a process that started after the package was installed."""
    folder = tmp_path_factory.mktemp("newcomer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(installed(folder / "installed")))
        found = Zygote(folder)
    yield found
    found.close()


def test_it_is_added_checked_and_packed(cli):
    assert "--shop-id" in cli("accounts", "add", "tiny", "--help").out
    assert "--key" in cli.refused("accounts", "add", "tiny", "--name", "ours")
    made = cli("accounts", "add", "tiny", "--name", "ours", "--json", CONNECTOR_TINY_KEY="tiny-key").json
    assert made == {"name": "ours", "kind": "tiny", "state": "ok", "hook": "/hooks/crm/ours"}
    assert cli("accounts", "check", "ours", "--json").json == []
    assert "tiny" in cli("--help").out
    assert "--in-short" in cli("tiny", "package", "--help").out
    said = cli("tiny", "package", "--url", "https://wa.example.com", "--out", "page")
    assert "Next: put page where Tiny looks for it" in said.out
    page = json.loads((cli.cwd / "page/page.json").read_text("utf-8"))
    assert page == {"hook": "https://wa.example.com/hooks/crm/ours", "waits_for": []}
    cli("accounts", "add", "tiny", "--name", "ours", "--key", "another")
    assert "Tiny does not know this key" in cli("accounts", "check", "ours", code=1).out
