"""`connector up --sandbox` as a person starts it, and the sandbox behind it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).parents[2]
INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "PYTHONPATH")
PATIENCE = 120.0  # seconds everything may take to be up, or a message to be settled


class House:
    """A running house of its own; `web`, `sandbox` and the first admin's `link` are what it printed."""

    def __init__(self, home: Path, *command: str, **more: str) -> None:
        self.home = home
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.env = kept | {"CONNECTOR_HOME": str(home), "PORT": "0", "WORKERS": "1"} | more
        self.log = (home / "log.txt").open("w+", encoding="utf-8")
        self.web = self.sandbox = self.link = ""
        argv = [sys.executable, "-m", "connector.cli", *(command or ("up", "--sandbox", "--sandbox-port", "0"))]
        self.process = subprocess.Popen(
            argv, env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        self._up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._up.wait(PATIENCE) or not self.link:
            self.end()
            raise AssertionError(f"nothing is up after {PATIENCE:.0f} s")
        self.env["PORT"] = self.web.rpartition(":")[2]  # for the commands that print addresses

    def _read(self) -> None:
        """The addresses, then the link as the last; whatever follows is read, so that nobody waits for us."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            for name, url in re.findall(r"\b(web|sandbox):? (http://[\w.:]+)", line):
                setattr(self, name, url)
            if found := re.search(r"http://\S+/welcome/\S+", line):
                self.link = found.group()
                self._up.set()
        self._up.set()

    def said(self) -> str:
        """What its processes logged."""
        return Path(self.log.name).read_text(encoding="utf-8", errors="replace")

    def play(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """One call to the sandbox: a customer, a colleague, a bad day."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self.sandbox + path, data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def customer(self, who: str, **what: Any) -> str:
        """A customer writes or taps; the wamid."""
        return str(self.play("POST", f"/_customers/{quote(who)}", what)["wamid"])

    def end(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=60)
        finally:
            self.process.kill()
            self._reader.join(5)
            self.log.close()
            if self.process.stdout is not None:
                self.process.stdout.close()
        return self.process.returncode


def until(look: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `look` finds, once it finds something."""
    end = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < end, f"{what} did not happen in {patience:.0f} s"
        time.sleep(0.2)
    return found
