"""The real command line: each call is a process of its own, as a person or a script makes it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector import config as settings
from connector.app import App
from tests.crm.conftest import Sandbox, sandbox, sandbox_url  # noqa: F401 - fixtures
from tests.pipeline.conftest import House, ListBell, connect

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "mappings"
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG")
NO_REDIS = "redis://127.0.0.1:1/0"
# Whatever a command says, none of these is in it.
SECRETS = (
    "sandbox-whatsapp-token", "sandbox-app-secret", "sandbox-verify-token", "pat-na1-sandbox-hubspot",
    "sandbox-hubspot-client-secret", "sandbox-salesforce-secret", "a-secret-of-mine",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code and its two outputs."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which holds one JSON value and nothing else."""
        return json.loads(self.out)


@dataclass
class Cli:
    """`cli("accounts", "list", code=0)`: runs it, checks the exit code, and what no command may ever say."""

    home: Path
    cwd: Path

    def __call__(self, *words: str | Path, code: int = 0, **env: str) -> Said:
        argv = [sys.executable, "-m", "connector.cli", *map(str, words)]
        found = subprocess.run(argv, env=self.env(**env), cwd=self.cwd, capture_output=True, timeout=60, check=False)
        said = Said(found.returncode, found.stdout.decode(), found.stderr.decode())
        everything = said.out + said.err
        assert "Traceback" not in everything, everything
        assert not [secret for secret in SECRETS if secret in everything], everything
        assert said.code == code, everything
        return said

    def refused(self, *words: str | Path, **env: str) -> str:
        """Wrong use: exit code 2, nothing on standard output; what standard error says."""
        said = self(*words, code=2, **env)
        assert said.out == ""
        return said.err

    def env(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {"CONNECTOR_HOME": str(self.home), "PORT": "0", "PYTHONPATH": str(ROOT), "REDIS_URL": NO_REDIS}
        return {**kept, **own, **more}


@pytest.fixture
def cli(home: Path, tmp_path: Path, sqlite_template: Path) -> Cli:
    """A home with empty tables, and an empty directory to stand in."""
    shutil.copy(sqlite_template, home / "connector.db")
    here = tmp_path / "here"
    here.mkdir()
    return Cli(home, here)


@pytest.fixture
def house(cli: Cli, sandbox: Sandbox) -> Iterator[House]:  # noqa: F811
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
