"""Two hosts on one database, each by a line of its own that can be cut; callers come through a balancer.

`cut`: the host's connections are reset and new ones refused. `stall`: nothing arrives and nobody is told; after a
while the database gives the host up, as keep-alives make it, and its locks are free while it still believes in them.
`hiccup`: nothing arrives for a moment, then everything. The other host goes on meanwhile.
"""

import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

import sqlalchemy as sa

from connector.web.server import free_port
from tests.chaos.line import HOST, Line, Loop
from tests.chaos.load import signed, webhook
from tests.chaos.rig import Rig
from tests.chaos.stand_ins import WEBHOOK
from tests.chaos.steps import Scene, step

NOTICED = (1.0, 3.0)  # seconds until the database gives up a host that is silent; some 25 in earnest
LOOK = 0.1  # seconds between two looks
HEARD = 30.0  # seconds, on a quick machine, until a host is whole again
SILENT = 8.0  # seconds an answer may take: 0.8 for the commit, and some for a slow machine


@dataclass(slots=True)
class Host:
    """One of them: its line to the database, its web's port, its processes."""

    name: str
    line: Line
    port: int
    names: list[str]
    away: bool = False


@dataclass(slots=True)
class Town:
    """Both, and the balancer in front, which leads nobody to a host whose web says it cannot."""

    rig: Rig
    loop: Loop
    hosts: list[Host] = field(default_factory=list)
    balancer: Line = field(init=False)
    _turn: "itertools.count[int]" = field(default_factory=itertools.count)
    _well: list[Host] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def open(self) -> None:
        self._well = list(self.hosts)
        self.balancer = Line(self.loop, self._way)
        self._thread = threading.Thread(target=self._look, name="balancer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for line in (self.balancer, *(host.line for host in self.hosts)):
            line.close()
        self.loop.close()

    def _way(self) -> int | None:
        well = self._well or self.hosts
        return well[next(self._turn) % len(well)].port

    def _look(self) -> None:
        """As balancers do: who is not ready gets nobody, and whoever is there must come again."""
        while not self._ended.wait(LOOK):
            well = [host for host in self.hosts if ready(host.port) == 200]
            if set(map(id, self._well)) - set(map(id, well)):
                self._well = well
                self.balancer.drop()
            self._well = well


def ready(port: int, path: str = "/healthz") -> int:
    """The status; 0 = no answer."""
    return answered(urllib.request.Request(f"http://{HOST}:{port}{path}"), 2.0)


def answered(request: urllib.request.Request, timeout: float) -> int:
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    except OSError:
        return 0


def prepare(rig: Rig) -> None:
    """A second home with its own web, clock and as many workers; each host has a line of its own."""
    assert rig.postgres is not None, "two hosts need Postgres"
    socket_ = str(rig.postgres.folder / ".s.PGSQL.5432")
    loop = Loop()
    town = rig.parts["town"] = Town(rig, loop)
    first = list(rig.names)
    rig.names |= {f"{name}b": kind for name, kind in list(rig.names.items())}
    rig.roles()
    for at, names in enumerate((first, [f"{name}b" for name in first])):
        host = Host("ab"[at], Line(loop, lambda: socket_), free_port(HOST, 0), names)
        town.hosts.append(host)
        home = rig.home / f"host-{host.name}"
        home.mkdir(mode=0o700)
        for name in names:
            rig.own[name] = _environment(rig, name, host, str(home))
    town.open()
    rig.closing.callback(town.close)
    rig.port = town.balancer.port
    for own in rig.own.values():
        own["PUBLIC_URL"] = f"http://{HOST}:{rig.port}"


def _environment(rig: Rig, name: str, host: Host, home: str) -> dict[str, str]:
    address = sa.make_url(rig.url)
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    url = address.set(username=name, host=HOST, port=host.line.port, query=plain)
    keys = ",".join((rig.home / "secret.key").read_text("ascii").split())  # one key for all hosts
    return {
        "DATABASE_URL": url.render_as_string(False), "PORT": str(host.port), "CONNECTOR_HOME": home,
        "CONNECTOR_SECRET_KEY": keys,
    }  # fmt: skip


# ---- the steps ---------------------------------------------------------------------------------------------------
@step("cut", "a host cut off from the database, refused", on=("postgres",), prepare=prepare)
def cut(scene: Scene) -> None:
    _away(scene, "cut")


@step("stall", "a host cut off in silence, its sessions ended", on=("postgres",), prepare=prepare)
def stall(scene: Scene) -> None:
    _away(scene, "stall")


@step("hiccup", "a host's line stood still for a moment", on=("postgres",), prepare=prepare)
def hiccup(scene: Scene) -> None:
    host = _one(scene)
    if host is not None:
        host.line.stall()
        time.sleep(scene.dice.uniform(0.3, 4.0))  # how long nothing arrives
        host.line.mend()


def _one(scene: Scene) -> Host | None:
    """A host that may be cut off: the other one must be there."""
    town: Town = scene.rig.parts["town"]
    if any(host.away for host in town.hosts):
        return None
    return scene.dice.choice(town.hosts)


def _away(scene: Scene, how: str) -> None:
    host = _one(scene)
    if host is None:
        scene.count(f"{how} left out")  # one is away already
        return
    host.away = True
    host.line.cut() if how == "cut" else host.line.stall()
    _hears_503(scene, host, how)
    if how == "stall":
        time.sleep(scene.dice.uniform(*NOTICED))  # the database's own patience
        host.line.forget()
    scene.until(scene.dice.randint(2, 4), lambda: _back(scene, host))


def _hears_503(scene: Scene, host: Host, how: str) -> None:
    """Whoever calls this host hears that it cannot: never 200, and not nothing while its web stands."""
    body = json.dumps(webhook([("573000000001", "1")], scene.dice)).encode()
    for attempt in range(2):
        request = urllib.request.Request(f"http://{HOST}:{host.port}{WEBHOOK}", body, dict(signed(body)), method="POST")
        began = time.monotonic()
        status = answered(request, SILENT * scene.rig.slowness)
        scene.measure(f"{how}: 503 after", time.monotonic() - began)
        if status != 503:
            break
    if status == 200:
        scene.wrong.append(f"host {host.name} said 200 although it was cut off ({how})")
    elif status != 503 and attempt == 0:
        scene.count(f"{how}: no answer" if status == 0 else f"{how}: {status}")


def _back(scene: Scene, host: Host) -> None:
    """All is well again: how long until its web says so."""
    host.line.mend()
    began = time.monotonic()
    until = began + HEARD * scene.rig.slowness
    while ready(host.port) != 200 and time.monotonic() < until:
        time.sleep(LOOK)
    if time.monotonic() >= until:
        scene.wrong.append(f"host {host.name} did not come back within {HEARD} s")
    scene.measure("host ready again", time.monotonic() - began)
    host.away = False
