"""The front door: faults strike here, services answer behind it, the ledger hears of everything."""

import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from connector.sandbox.faults import Fault
from connector.sandbox.http import Refusing, Request, Response, Service, answer
from connector.sandbox.server import Cut, Reply
from connector.sandbox.world import LOOPBACK, World

UNAVAILABLE = Response(
    503,
    b"<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head>"
    b"<body><h1>Service Unavailable</h1><p>The sandbox was asked to fail here.</p></body></html>",
    {"Content-Type": "text/html; charset=utf-8"},
)
IDLE: dict[str, Cut] = {"drop_before": "none", "down": "reset"}  # nothing is done
AFTERWARDS: dict[str, Cut] = {"drop_after": "none", "reset_after": "reset", "half": "half"}  # the work is done first
REFUSALS: Mapping[str, Callable[[Service, Request, Fault], Response]] = {
    "429": lambda service, request, _: service.limited(request),
    "expired": lambda service, request, _: service.expired(request),
    "5xx": lambda _service, _request, _: UNAVAILABLE,
    "error": lambda service, _, fault: service.refused(fault.code) if isinstance(service, Refusing) else UNAVAILABLE,
}


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine (another name would be a web page reaching in: DNS rebinding)."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


class Front:
    """`Front(world, control)` answers requests: services by their prefix, everything else by `control`."""

    def __init__(self, world: World, control: Callable[[Request], Response]) -> None:
        self._world = world
        self._control = control

    def __call__(self, request: Request) -> Reply:
        """One request in, one reply out."""
        if not is_loopback(request.headers.get("host", "")):
            return Reply(answer({"error": "the sandbox answers to 127.0.0.1 and localhost only"}, 403))
        service = self._world.service_of(request.path)
        if service is None:
            return Reply(_safely(self._control, request))
        return self._served(service, request)

    def _served(self, service: Service, request: Request) -> Reply:
        world, at = self._world, self._world.now()
        fault, delay = world.faults.strike(request.method, request.path)
        kind = fault.kind if fault else ""
        if kind in IDLE:
            response: Response | None = None
        elif fault and kind in REFUSALS:
            response = REFUSALS[kind](service, _below(service, request), fault)
        else:
            response = _safely(service.handle, _below(service, request))
        world.ledger.note(at, service.name, request, response, kind or ("delay" if delay else None))
        delay += response.seconds if response else 0.0
        if delay:
            time.sleep(delay)
        return Reply(response, IDLE.get(kind) or AFTERWARDS.get(kind, "whole"))


def _below(service: Service, request: Request) -> Request:
    base = f"http://{request.headers['host']}{service.prefix}"
    return replace(request, path=request.path.removeprefix(service.prefix) or "/", base=base)


def _safely(handler: Callable[[Request], Response], request: Request) -> Response:
    try:
        return handler(request)
    except Exception:  # noqa: BLE001 - a mistake of the sandbox's own: told on its console and to the caller
        traceback.print_exc(file=sys.stderr)
        return answer({"error": "a mistake inside the sandbox; its console has the traceback"}, 500)
