"""A child process of the tests: a sender that ends the way SIGKILL ends it, at the moment it is told to.

argv: database, home, Graph's address, `before` or `after` the request."""

import os
import sys
from pathlib import Path
from typing import Any

from connector import whatsapp
from connector.app import SystemClock
from connector.pipeline.sending.send import Sender
from connector.ports import Account, OutboundMessage, Receipt
from connector.store.engine import open_store
from tests.pipeline.sends import NUMBER, WABA

url, home, graph, when = sys.argv[1:]
settings = {"phone_number_id": NUMBER, "waba_id": WABA, "base_url": graph}
account = Account(id=WABA, kind="whatsapp", name="w", settings=settings, secrets={"token": "sandbox-whatsapp-token"})
messenger: Any = whatsapp.connect(account)


class Mortal:
    """A messenger whose process ends at once."""

    def send(self, message: OutboundMessage, key: str) -> Receipt:
        if when == "after":
            messenger.send(message, key)
        print("dies", flush=True)
        os.kill(os.getpid(), 9)
        raise AssertionError


mortal: Any = Mortal()
Sender(open_store(url, home=Path(home)), NUMBER, mortal, SystemClock()).drain(lambda: False)
