"""The world all stand-ins share: a clock, a ledger, faults, webhooks that go out, and the services themselves."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from connector.sandbox.faults import Faults
from connector.sandbox.http import Service
from connector.sandbox.ledger import Ledger
from connector.sandbox.poster import Poster, Webhook

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # the sandbox talks to nobody else


class World:
    """`World()` is empty; `add` the services. `urls` holds where each service's webhooks go, by the service's name."""

    def __init__(self, ledger: Ledger | None = None, poster: Poster | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.faults = Faults()
        self.poster = poster or Poster()
        self.services: dict[str, Service] = {}
        self.urls: dict[str, str] = {}
        self.handshakes: dict[str, Callable[[str], None]] = {}  # what a service does before it trusts a URL
        self._ahead = 0.0

    def add(self, service: Service) -> None:
        """Put a stand-in under its prefix."""
        self.services[service.name] = service

    def now(self) -> float:
        """Unix seconds by this world's clock."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move this world's clock forward (a window closes, a token ages) without waiting."""
        self._ahead += seconds

    def post(self, webhook: Webhook, after: float = 0.0) -> None:
        """Deliver a webhook in the background, in `after` seconds, again and again until it is accepted."""
        self.poster.post(webhook, after)

    def subscribe(self, name: str, url: str, handshake: Callable[[str], None] | None = None) -> None:
        """Send a service's webhooks to this URL, once it has passed the service's handshake; ValueError when not.

        `name` is a service's, or `service.something` for a service with several kinds of webhook.
        """
        if name.split(".")[0] not in self.services:
            raise ValueError(f"there is no service {name!r}; there are {', '.join(self.services)}")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname not in LOOPBACK:
            raise ValueError(f"{url!r} is not an address of this machine (http://127.0.0.1:8000/...)")
        check = handshake or self.handshakes.get(name)
        if check:
            check(url)
        self.urls[name] = url

    def service_of(self, path: str) -> Service | None:
        """The service whose prefix this path is under."""
        return next((s for s in self.services.values() if path == s.prefix or path.startswith(s.prefix + "/")), None)

    def reset(self) -> None:
        """Everything back to the start, except where webhooks go; those still under way are forgotten."""
        self.poster.forget()
        self.faults.replace([])
        self.ledger.clear()
        self._ahead = 0.0
        for service in self.services.values():
            service.reset()
