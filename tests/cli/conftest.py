"""The real command line: each call is a process of its own, as a person or a script makes it.

Most are forked from one that has imported the commands (zygote.py); what starts processes itself begins from nothing.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector import config as settings
from connector.app import App
from tests.commands import Said, Zygote, whole
from tests.pipeline.conftest import House, ListBell, connect
from tests.town import Sandbox

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "mappings"
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG")
NO_REDIS = "redis://127.0.0.1:1/0"
# Whatever a command says, none of these is in it.
SECRETS = (
    "sandbox-whatsapp-token", "sandbox-app-secret", "sandbox-verify-token", "pat-na1-sandbox-hubspot",
    "sandbox-hubspot-client-secret", "sandbox-salesforce-secret", "a-secret-of-mine",
)  # fmt: skip


@dataclass
class Cli:
    """`cli("accounts", "list", code=0)`: runs it, checks the exit code, and what no command may ever say."""

    home: Path
    cwd: Path
    zygote: Zygote

    def __call__(self, *words: str | Path, code: int = 0, early: bool = False, **env: str) -> Said:
        """`early`: it ends before it starts a process of its own."""
        call = whole if str(words[0] if words else "") in ("demo", "up", "-m") and not early else self.zygote.call
        said = call([str(word) for word in words], self.env(**env), self.cwd)
        everything = said.out + said.err
        assert "Traceback" not in everything, everything
        assert not [secret for secret in SECRETS if secret in everything], everything
        assert said.code == code, everything
        return said

    def refused(self, *words: str | Path, **env: str) -> str:
        """Wrong use: exit code 2, nothing on standard output; what standard error says."""
        said = self(*words, code=2, early=True, **env)
        assert said.out == ""
        return said.err

    def env(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {"CONNECTOR_HOME": str(self.home), "PORT": "0", "PYTHONPATH": str(ROOT), "REDIS_URL": NO_REDIS}
        return {**kept, **own, **more}


@pytest.fixture
def cli(home: Path, tmp_path: Path, sqlite_template: Path, zygote: Zygote) -> Cli:
    """A home with empty tables, and an empty directory to stand in."""
    shutil.copy(sqlite_template, home / "connector.db")
    here = tmp_path / "here"
    here.mkdir()
    return Cli(home, here, zygote)


@pytest.fixture
def house(cli: Cli, sandbox: Sandbox) -> Iterator[House]:
    """The same home with the sandbox's accounts, as the workers see it: what was delivered can be settled."""
    bell = ListBell()
    app = App(settings.load(cli.env()), bell)
    connect(app, sandbox.url)
    yield House(app, sandbox, bell)
    app.close()


@pytest.fixture
def folder(cli: Cli) -> Path:
    """./mappings with the shipped documents."""
    return shutil.copytree(EXAMPLES, cli.cwd / "mappings")
