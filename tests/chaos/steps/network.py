"""The way out: a proxy stands between our processes and every system they call (tests.chaos.proxy).

A drizzle of every kind goes on all the time; each step is a storm on one system that stays for a step or two.
"""

import sys
from urllib.parse import urlsplit

from connector.app import kinds
from connector.works.stand_ins import ACCOUNTS
from tests.chaos.proxy import KINDS, PASSED_ON, Proxy
from tests.chaos.rig import Rig
from tests.chaos.stand_ins import CRMS
from tests.chaos.steps import Scene, step

READ = 3.0  # seconds our processes wait for an answer in such a run; 20 in earnest
SERVICES = {"graph": "whatsapp", **{crm: crm for crm in CRMS}}  # stand-ins, and their accounts
DRIZZLE = [*((kind, 0.008) for kind in KINDS if kind != "trickle"), ("trickle", 0.03)]
STORM = 0.4  # how often a storm's kind strikes
HOLDS = frozenset({"slow", "late", "silent"})  # each of these takes a caller some seconds
REFUSE = "refuse"


def impatient() -> None:
    """In the workers: what waits 20 seconds for an answer waits 3."""
    if "worker" not in sys.argv:
        return  # nobody else calls out, and these cost memory
    from connector.crm.hubspot import client as hubspot
    from connector.crm.salesforce import client as salesforce
    from connector.whatsapp import wire

    wire._EXTENSIONS["timeout"] = {**wire._EXTENSIONS["timeout"], "read": READ}
    hubspot.TIMEOUT = (3, READ)  # type: ignore[assignment]
    salesforce.TIMEOUT = (3.0, READ)


def prepare(rig: Rig) -> None:
    """The accounts are told the proxy's addresses; whatever they call goes through it, token endpoints too."""
    port = urlsplit(rig.sandbox.url).port
    assert port is not None
    proxy = rig.parts["proxy"] = Proxy(dict.fromkeys(SERVICES, port), rig.seed, READ)
    rig.closing.callback(proxy.close)
    for service, name in SERVICES.items():
        plain, _ = ACCOUNTS[name]
        rig.app.add_account(kinds()[name], name, {"base_url": proxy.url(service) + plain["base_url"]}, {})
    proxy.weather(DRIZZLE)


def after(scene: Scene) -> None:
    """What the proxy did stands on the page."""
    for kind, n in scene.rig.parts["proxy"].struck.items():
        scene.count(f"proxy: {kind}", n)


@step("proxy", "storms on the way out", altered=(f"{__name__}:impatient",), prepare=prepare, after=after)
def storm(scene: Scene) -> None:
    """One system, or all, and one fault; for a step or two."""
    proxy: Proxy = scene.rig.parts["proxy"]
    service = scene.dice.choice([*SERVICES, *SERVICES, "all"])
    names = list(SERVICES) if service == "all" else [service]
    kind = scene.dice.choice([*PASSED_ON, *KINDS, REFUSE, REFUSE])
    if kind == REFUSE:
        for name in names:
            proxy.refuse(name)
    else:
        proxy.weather([(kind, STORM / 2 if kind in HOLDS else STORM), *DRIZZLE], *names)

    def clear() -> None:
        proxy.weather(DRIZZLE, *names)
        for name in names:
            proxy.open(name)

    scene.until(scene.dice.randint(1, 2), clear)
