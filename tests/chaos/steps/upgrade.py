"""A new release, while the old one works: the tables first, then new processes beside the old, then the old ones end.

`python -m tests.chaos --old REF`, in four steps: a worker and a clock of the new code come too early, and wait; then
`connector db upgrade` by the new code; a web of the new code beside the old one; the old processes end as a deploy does
and new ones start in their places.
"""

import io
import json
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.store.migrations.run import revisions
from connector.web.server import free_port
from tests.chaos.balancer import Balancer
from tests.chaos.calls import Link
from tests.chaos.line import HOST, Loop
from tests.chaos.processes import ROOT, Slot
from tests.chaos.rig import Rig
from tests.chaos.steps import Scene, step

EARLY = {"workernew": "worker", "clocknew": "clock"}
LATER = {"webnew": "web"}
VERSIONS = "connector/store/migrations/versions"
LONGEST = 120.0  # seconds an upgrade may take


class NoHistory(Exception):
    """This is no checkout, or it does not hold that commit."""


def checkout(ref: str, folder: Path) -> Path:
    """The files of a commit."""
    found = git("archive", "--format=tar", ref, "connector", "tests", "mappings")
    with tarfile.open(fileobj=io.BytesIO(found)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def release(asked: str) -> str:
    """The commit that is meant: `last` = before the newest migration came, `0004` = before that one; else as it is."""
    if asked != "last" and not (len(asked) == 4 and asked.isdigit()):
        return asked
    number = revisions()[-1] if asked == "last" else asked
    came = git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{number}_*.py").split()
    if not came:
        raise NoHistory(f"the history does not tell when migration {number} came")
    return git("rev-parse", f"{came[-1].decode()}^").decode().strip()


def git(*words: str) -> bytes:
    if shutil.which("git") is None:
        raise NoHistory("there is no git here")
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True)
    if done.returncode:
        raise NoHistory(done.stderr.decode().strip())
    return done.stdout


class OldRig(Rig):
    """Its processes run the code of an older release, on the tables of that release."""

    def __init__(self, home: Path, *args: Any, old: str, **more: Any) -> None:
        self.tree = checkout(old, home / "old")
        self.upgraded = False
        super().__init__(home, *args, **more)

    def _found(self) -> list[str]:
        env = self.environment("postgres") | self._old
        argv = [sys.executable, str(Path(__file__).parents[1] / "old_house.py"), self.sandbox.url]
        done = subprocess.run(argv, env=env, cwd=self.tree, capture_output=True, text=True, timeout=LONGEST)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout.splitlines()[-1])
        self.links = {kind: Link(*one) for kind, one in told["links"].items()}
        self._open()
        return list(told["crms"])

    @property
    def _old(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.tree)}

    def _slot(self, name: str, kind: str) -> Slot:
        slot = super()._slot(name, kind)
        slot.root, slot.env = self.tree, {**slot.env, **self._old}
        slot.altered = ",".join(word for word in slot.altered.split(",") if word == "hasty")
        return slot

    def asks(self, question: Any, else_: Any) -> Any:
        """Also `else_` while tables are missing that only the new release has."""
        try:
            return super().asks(question, else_)
        except sa.exc.ProgrammingError:
            if self.upgraded:
                raise
            return else_


def prepare(rig: Rig) -> None:
    """A balancer in front, so that new web processes can join."""
    loop, port = Loop(), free_port(HOST, 0)
    balancer = rig.parts["balancer"] = Balancer(loop, [port])
    rig.closing.callback(loop.close)
    rig.closing.callback(balancer.close)
    rig.port = balancer.port
    for name in rig.names:
        rig.own[name] = {"PORT": str(port), "PUBLIC_URL": f"http://{HOST}:{rig.port}"}


def after(scene: Scene) -> None:
    if scene.counts["upgrade"] < len(STAGES):
        scene.wrong.append("the upgrade was not carried to its end")


@step("upgrade", "steps of an upgrade under load", on=(), prepare=prepare, after=after)
def upgrade(scene: Scene) -> None:
    done = scene.counts["upgrade"]
    if done < len(STAGES):
        STAGES[done](scene)


def early(scene: Scene) -> None:
    """Somebody starts the new code before the tables are there."""
    assert isinstance(scene.rig, OldRig), "give --old"
    _start(scene.rig, EARLY)


def tables(scene: Scene) -> None:
    """`connector db upgrade`, by the new code, while the old code works."""
    rig = scene.rig
    assert isinstance(rig, OldRig), "give --old"
    began = time.monotonic()
    argv = [sys.executable, "-m", "connector.cli", "db", "upgrade"]
    for _ in range(3):  # a Postgres that is just being stopped is no answer
        told = subprocess.run(argv, env=rig.environment("postgres"), cwd=ROOT, capture_output=True, text=True)
        if told.returncode == 0:
            break
        time.sleep(1)
    scene.measure("tables upgraded", time.monotonic() - began)
    rig.upgraded = True
    if told.returncode != 0:
        scene.wrong.append(f"connector db upgrade: {told.stderr[-500:]}")


def join(scene: Scene) -> None:
    """A new web beside the old one."""
    scene.rig.parts["balancer"].ports.append(_start(scene.rig, LATER))


def _start(rig: Rig, names: Mapping[str, str]) -> int:
    """New code; the port, if one of them is a web."""
    port = free_port(HOST, 0)
    rig.names |= names
    rig.roles()
    for name, kind in names.items():
        rig.own[name] = {"PORT": str(port), "PUBLIC_URL": f"http://{HOST}:{rig.port}"}
        slot = Rig._slot(rig, name, kind)
        slot.start()
        rig.keeper.slots.append(slot)
    rig.hands.slots = rig.keeper.slots
    return port


def leave(scene: Scene) -> None:
    """The old ones end as they are asked to, and new ones take their places."""
    rig = scene.rig
    for slot in [slot for slot in rig.keeper.slots if slot.root != ROOT]:
        fresh = Rig._slot(rig, slot.name, slot.kind)
        with slot.lock:
            began = time.monotonic()
            _, code = slot.end()
            scene.measure(f"an old {slot.kind} ended", time.monotonic() - began)
            if code not in (0, -signal.SIGTERM):  # that one had only begun to start
                scene.wrong.append(f"an old {slot.kind} ended with {code}")
            slot.root, slot.env, slot.altered = fresh.root, fresh.env, fresh.altered
            slot.start()


STAGES = (early, tables, join, leave)
