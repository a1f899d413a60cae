"""`connector up` as an operator sees it, and the supervisor alone: started in order, mended, ended whole."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import psutil
import pytest

from connector import config, supervisor, valkey
from connector.supervisor import NotStarted, Spec, Supervisor
from tests.web.front import ROOT, add_account, environment, rows, signed

PARTS = {"valkey": "valkey-server", "web": "web", "worker": "--single", "clock": "clock"}


def until(happened, seconds=20.0):
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


class Up:
    """A running `connector up`."""

    def __init__(self, home) -> None:
        self.home = home
        self.env = environment(home)
        argv = [sys.executable, "-m", "connector.cli", "up", "--json"]
        self.log = (home / "log").open("wb")
        self.process = subprocess.Popen(argv, env=self.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline()
        assert line, (home / "log").read_text()
        self.port = int(json.loads(line)["web"].rpartition(":")[2])

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, name) -> list[psutil.Process]:
        """The direct children of that part."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            try:
                words = child.cmdline()
            except psutil.NoSuchProcess:
                continue
            if any(word.endswith(PARTS[name]) for word in words[:1] + words[-1:]) or PARTS[name] in " ".join(words[:1]):
                found.append(child)
        return found

    def post(self, body: bytes) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            try:
                connection.request("POST", "/hooks/whatsapp/shop", body, signed(body))
                return connection.getresponse().status
            except OSError:
                return 0

    def ready(self) -> bool:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
            except OSError:
                return False

    def works(self) -> None:
        """A delivery goes all the way to a worker."""
        body = json.dumps({"object": "whatsapp_business_account", "entry": [], "n": time.time_ns()}).encode()
        until(lambda: self.post(body) == 200)
        until(lambda: rows(self.home, "SELECT count(*) FROM deliveries WHERE state = 'new'") == [(0,)])

    def end(self, number=signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=60)
        self.log.close()
        return self.process.returncode


@pytest.fixture
def up(home):
    running = Up(home)
    add_account(running.env)
    yield running
    family = running.family() if running.process.poll() is None else []
    running.end(signal.SIGKILL)
    psutil.wait_procs(family, timeout=20)


@pytest.mark.long  # tests/journey starts and ends one too
def test_up_starts_everything_and_sigterm_leaves_nothing(up):
    up.works()
    until(up.ready)
    family = up.family()
    assert {name: len(up.part(name)) for name in PARTS} == {"valkey": 1, "web": 1, "worker": 2, "clock": 1}
    assert up.end() == 0
    _, alive = psutil.wait_procs(family, timeout=0.1)
    assert alive == []
    assert rows(up.home, "SELECT count(*) FROM deliveries WHERE state = 'unpacked'") == [(1,)]


@pytest.mark.long
def test_a_part_that_is_killed_comes_back(up):
    up.works()
    for name in PARTS:
        victim = up.part(name)[0]
        victim.kill()
        until(lambda: victim.pid not in {child.pid for child in up.part(name)} and up.part(name))  # noqa: B023 - now
        up.works()
        until(up.ready)
    assert up.end() == 0


@pytest.mark.long
def test_nothing_outlives_a_killed_supervisor(up):
    family = up.family()
    assert len(family) >= 6
    up.process.kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    again = Up(up.home)
    again.works()
    assert again.end() == 0


def test_one_up_for_a_home(up):
    argv = [sys.executable, "-m", "connector.cli", "up"]
    second = subprocess.run(argv, env=up.env, cwd=ROOT, capture_output=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "Another `connector up` runs with" in second.stderr.decode()


@pytest.mark.long
def test_what_valkey_holds_is_kept_over_a_restart(up):
    client = supervisor.valkey.connect(config.load(up.env).redis_url)
    client.set("kept", "yes")
    victim = up.part("valkey")[0]
    victim.terminate()
    until(lambda: victim.pid not in {child.pid for child in up.part("valkey")} and up.part("valkey"))
    until(lambda: valkey.answers(config.load(up.env)))
    assert client.get("kept") == b"yes"
    client.close()


@pytest.mark.parametrize("words, code", [(["up", "--nonsense"], 2), (["nonsense"], 2), (["up", "--help"], 0)])
def test_exit_codes(words, code, home):
    argv = [sys.executable, "-m", "connector.cli", *words]
    assert subprocess.run(argv, env=environment(home), cwd=ROOT, capture_output=True, check=False).returncode == code


def test_wrong_settings_are_wrong_use(home):
    argv = [sys.executable, "-m", "connector.cli", "up"]
    env = environment(home, WORKERS="many", LOG_LEVEL="loud")
    found = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, check=False)
    assert found.returncode == 2
    assert all(name in found.stderr.decode() for name in ("WORKERS", "LOG_LEVEL"))
    assert "Traceback" not in found.stderr.decode()


# ---- the supervisor alone ----------------------------------------------------------------------------------------
class StopWhen:
    """Asks to stop as soon as something is true."""

    def __init__(self, happened) -> None:
        self._happened = happened
        self._end = time.monotonic() + 20

    def wait(self, seconds) -> bool:
        assert time.monotonic() < self._end
        time.sleep(seconds)
        return bool(self._happened())


def script(text: str, *arguments) -> list[str]:
    return [sys.executable, "-c", text, *map(str, arguments)]


NOTE = "import os, sys; open(sys.argv[1], 'a').write(sys.argv[2] + ' ' + str(os.getpid()) + '\\n');"
SLEEP = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); time.sleep(60)"


def noted(path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_children_start_in_order_each_after_the_one_before_is_ready(tmp_path, capfd):
    notes = tmp_path / "notes"
    specs = [
        Spec("first", script(f"import time, sys; time.sleep(0.3); {NOTE} {SLEEP}", notes, "first"), ready=notes.exists),
        Spec("once", script(f"{NOTE}", notes, "once"), once=True),
        Spec("last", script(f"{NOTE} {SLEEP}", notes, "last")),
    ]
    assert Supervisor(specs, StopWhen(lambda: len(noted(notes)) == 3)).run() == 0
    assert [name for name, _ in noted(notes)] == ["first", "once", "last"]
    assert not any(psutil.pid_exists(int(pid)) for _, pid in noted(notes))


def test_a_child_that_dies_is_started_again_at_once_then_with_back_off(tmp_path, caplog):
    notes = tmp_path / "notes"
    spec = Spec("dying", script(NOTE, notes, "dying"))
    assert Supervisor([spec], StopWhen(lambda: len(noted(notes)) == 3)).run() == 0
    waits = [record.args[2] for record in caplog.records if record.name == "connector.supervisor"]
    assert waits[:2] == [0.0, 0.5]


def test_a_child_that_fails_once_is_told_and_ends_the_rest(tmp_path):
    notes = tmp_path / "notes"
    first = Spec("first", script(f"{NOTE} {SLEEP}", notes, "first"), ready=notes.exists)
    with pytest.raises(NotStarted, match="migrations failed"):
        Supervisor([first, Spec("migrations", script("raise SystemExit(3)"), once=True)], StopWhen(lambda: False)).run()
    assert not psutil.pid_exists(int(noted(notes)[0][1]))


def test_a_child_that_does_not_end_is_killed_with_all_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE", 0.3)
    notes = tmp_path / "notes"
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    text = f"import subprocess; {NOTE} {deaf} subprocess.run([sys.executable, '-c', sys.argv[3], *sys.argv[1:3]])"
    child = Spec("deaf", script(text, notes, "deaf", f"{NOTE} {deaf} time.sleep(60)"))
    assert Supervisor([child], StopWhen(lambda: len(noted(notes)) == 2)).run() == 0
    until(lambda: not any(_runs(int(pid)) for _, pid in noted(notes)), seconds=5)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_no_binary_is_a_clear_error(monkeypatch):
    def missing():
        raise valkey.ValkeyBinaryNotFoundError("not here")

    monkeypatch.setattr(valkey, "get_binary_path", missing)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(valkey.NoValkey, match="REDIS_URL"):
        valkey.binary()
