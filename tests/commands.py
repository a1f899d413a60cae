"""Commands as processes of their own: forked from one that has imported them all (zygote.py), or from nothing."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LONGEST = 150  # seconds until a command is taken for hung: the demo beside other tests


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


def whole(words: list[str], env: dict[str, str], cwd: Path) -> Said:
    """A process from nothing."""
    argv = [sys.executable, "-m", "connector.cli", *words]
    found = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, timeout=LONGEST, check=False)
    return Said(found.returncode, found.stdout.decode(), found.stderr.decode())


class Zygote:
    """The process that forks for each call."""

    def __init__(self, folder: Path) -> None:
        argv = [sys.executable, "-m", "tests.zygote"]
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
