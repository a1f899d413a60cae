"""Two hosts on one database, each by a line of its own that can be cut; callers come through a balancer.

`cut`: the host's connections are reset and new ones refused. `stall`: nothing arrives and nobody is told; after a
while the database gives the host up, as keep-alives make it, and its locks are free while it still believes in them.
`hiccup`: nothing arrives for a moment, then everything. The other host goes on meanwhile.
"""

import json
import time
import urllib.request
from dataclasses import dataclass

import sqlalchemy as sa

from connector.web.server import free_port
from tests.chaos.balancer import Balancer, answered, healthz
from tests.chaos.line import HOST, Line, Loop
from tests.chaos.load import signed
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
    """Both, and what stands in front of them."""

    loop: Loop
    hosts: list[Host]
    balancer: Balancer

    def close(self) -> None:
        self.balancer.close()
        for host in self.hosts:
            host.line.close()
        self.loop.close()


def prepare(rig: Rig) -> None:
    """A second home with its own web, clock and as many workers; each host has a line of its own."""
    assert rig.postgres is not None, "two hosts need Postgres"
    socket_ = str(rig.postgres.folder / ".s.PGSQL.5432")
    loop, first = Loop(), list(rig.names)
    rig.names |= {f"{name}b": kind for name, kind in list(rig.names.items())}
    rig.roles()
    hosts = [
        Host("ab"[at], Line(loop, lambda: socket_), free_port(HOST, 0), names)
        for at, names in enumerate((first, [f"{name}b" for name in first]))
    ]
    town = rig.parts["town"] = Town(loop, hosts, Balancer(loop, [host.port for host in hosts]))
    rig.closing.callback(town.close)
    rig.port = town.balancer.port
    for host in hosts:
        home = rig.home / f"host-{host.name}"
        home.mkdir(mode=0o700)
        for name in host.names:
            rig.own[name] = _environment(rig, name, host, str(home))


def _environment(rig: Rig, name: str, host: Host, home: str) -> dict[str, str]:
    address = sa.make_url(rig.url)
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    url = address.set(username=name, host=HOST, port=host.line.port, query=plain)
    keys = ",".join((rig.home / "secret.key").read_text("ascii").split())  # one key for all hosts
    return {
        "DATABASE_URL": url.render_as_string(False), "PORT": str(host.port), "CONNECTOR_HOME": home,
        "CONNECTOR_SECRET_KEY": keys, "PUBLIC_URL": f"http://{HOST}:{rig.port}",
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
    body = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()  # says nothing, if it is stored
    for _ in range(2):
        request = urllib.request.Request(f"http://{HOST}:{host.port}{WEBHOOK}", body, dict(signed(body)), method="POST")
        began = time.monotonic()
        status = answered(request, SILENT * scene.rig.slowness)
        scene.measure(f"{how}: its web answers", time.monotonic() - began)
        if status == 200:
            scene.wrong.append(f"host {host.name} said 200 although it was cut off ({how})")
        elif status != 503:
            scene.count(f"{how}: {status or 'no'} answer")


def _back(scene: Scene, host: Host) -> None:
    """All is well again: how long until its web says so."""
    host.line.mend()
    began = time.monotonic()
    until = began + HEARD * scene.rig.slowness
    while healthz(host.port) != 200 and time.monotonic() < until:
        time.sleep(LOOK)
    if time.monotonic() >= until:
        scene.wrong.append(f"host {host.name} did not come back within {HEARD} s")
    scene.measure("host ready again", time.monotonic() - began)
    host.away = False
