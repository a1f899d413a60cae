"""The real command line: each call is a process of its own, as a person or a script makes it.

Most are forked from one that has imported the commands (zygote.py); what starts processes itself begins from nothing.
"""

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
    zygote: "Zygote"

    def __call__(self, *words: str | Path, code: int = 0, **env: str) -> Said:
        call = whole if str(words[0] if words else "") in ("demo", "up", "-m") else self.zygote.call
        said = call([str(word) for word in words], self.env(**env), self.cwd)
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


def whole(words: list[str], env: dict[str, str], cwd: Path) -> Said:
    """A process from nothing."""
    argv = [sys.executable, "-m", "connector.cli", *words]
    found = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, timeout=60, check=False)
    return Said(found.returncode, found.stdout.decode(), found.stderr.decode())


class Zygote:
    """The process that forks for each call."""

    def __init__(self, folder: Path) -> None:
        argv = [sys.executable, "-m", "tests.cli.zygote"]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
        self._out, self._err = folder / "out", folder / "err"

    def call(self, words: list[str], env: dict[str, str], cwd: Path) -> Said:
        """What a forked call left."""
        for path in (self._out, self._err):
            path.unlink(missing_ok=True)
        asked = {"argv": words, "env": env, "cwd": str(cwd), "out": str(self._out), "err": str(self._err)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = json.loads(self._process.stdout.readline())["code"]
        return Said(code, self._out.read_bytes().decode(), self._err.read_bytes().decode())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    found = Zygote(tmp_path_factory.mktemp("zygote"))
    yield found
    found.close()


@pytest.fixture
def cli(home: Path, tmp_path: Path, sqlite_template: Path, zygote: Zygote) -> Cli:
    """A home with empty tables, and an empty directory to stand in."""
    shutil.copy(sqlite_template, home / "connector.db")
    here = tmp_path / "here"
    here.mkdir()
    return Cli(home, here, zygote)


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
