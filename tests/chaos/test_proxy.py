"""The proxy alone, between our three clients and the stand-ins: what came through, and what each made of it."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from connector import crm, whatsapp
from connector.crm.hubspot import client as hubspot_client
from connector.crm.salesforce import client as salesforce_client
from connector.errors import TryAgain, Unreachable
from connector.ports import Account, OutboundMessage
from connector.whatsapp import wire
from connector.works.stand_ins import ACCOUNTS
from tests.chaos.proxy import KEPT_BACK, KINDS, PASSED_ON, Proxy
from tests.crm.salesforce.conftest import Tokens
from tests.town import Sandbox

READ = 0.4  # seconds our clients wait here
BODY = {"type": "template", "template": {"name": "welcome_back", "language": {"code": "es"}}}
ANA, BEN = (OutboundMessage(to=to, user_id=None, body=BODY) for to in ("573001112222", "573001113333"))


@pytest.fixture
def proxy(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setitem(wire._EXTENSIONS, "timeout", {**wire._EXTENSIONS["timeout"], "read": READ})
    monkeypatch.setattr(hubspot_client, "TIMEOUT", (3, READ))
    monkeypatch.setattr(salesforce_client, "TIMEOUT", (3.0, READ))
    port = urlsplit(sandbox.url).port
    assert port is not None
    found = Proxy(dict.fromkeys(("graph", "hubspot", "salesforce"), port), patience=READ)
    yield found
    found.close()


def account(proxy: Proxy, name: str) -> Account:
    plain, secret = ACCOUNTS[name]
    service = "graph" if name == "whatsapp" else name
    settings = {**plain, "base_url": proxy.url(service) + plain["base_url"]}
    return Account(id=name, kind=name, name=name, settings=settings, secrets=secret)


def came(sandbox: Sandbox, service: str, path_end: str) -> int:
    """How often a stand-in did the work."""
    return sum(line["path"].endswith(path_end) and line["status"] == 200 for line in sandbox.ledger(service))


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


@pytest.mark.parametrize("kind", [*KINDS, "refuse", "fair"])
def test_a_message_is_not_sent_or_may_have_been(kind: str, proxy: Proxy, sandbox: Sandbox) -> None:
    """Only a connection that was refused says that nothing left; all else may have been sent (architecture, 6)."""
    messenger = whatsapp.connect(account(proxy, "whatsapp"))
    proxy.refuse("graph") if kind == "refuse" else proxy.weather([(kind, 1.0)] if kind in KINDS else [])
    wanted = {"refuse": "not_sent", "trickle": "accepted", "fair": "accepted"}.get(kind, "unknown")
    assert messenger.send(ANA, "a-send").outcome == wanted
    arrived = kind in PASSED_ON or kind == "fair"
    assert until(lambda: came(sandbox, "graph", "/messages") == arrived)
    proxy.weather([])
    proxy.open("graph")
    assert messenger.send(BEN, "another").outcome == "accepted"
    messenger.close()


@pytest.mark.parametrize("kind", [*KEPT_BACK, *(kind for kind in PASSED_ON if kind != "trickle"), "refuse"])
@pytest.mark.parametrize("name", ["hubspot", "salesforce"])
def test_a_crm_is_tried_again_whatever_the_network_does(name: str, kind: str, proxy: Proxy) -> None:
    """No account is paused for it; also where it befalls the token."""
    connected = crm.connect(account(proxy, name), Tokens())
    weather: list[Any] = [(kind, 1.0)]
    for told in (False, True):  # Salesforce has no token yet, then it has one
        proxy.refuse(name) if kind == "refuse" else proxy.weather(weather)
        with pytest.raises(TryAgain) as failed:
            connected.fields("Contact" if name == "salesforce" else "contacts")
        if isinstance(failed.value, Unreachable):
            assert failed.value.sent is (kind != "refuse")
        proxy.weather([])
        proxy.open(name)
        if not told:
            assert connected.fields("Contact" if name == "salesforce" else "contacts")
