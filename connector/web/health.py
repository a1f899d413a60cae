"""/healthz and /readyz, as plain WSGI: probes come every few seconds, and need no framework."""

import json
from collections.abc import Callable, Iterable, Mapping

from connector.web.headers import HEADERS
from connector.web.hooks import STATUS, WSGI, Environ, Start

OK = "ok"
Check = Callable[[], str]  # "ok", or in a word or two what is wrong: anyone may read it


def health(next_app: WSGI, needed: Mapping[str, Check], checks: Mapping[str, Check]) -> WSGI:
    """`needed`: what webhooks need to be taken (/healthz); `needed` and `checks`: what the whole needs (/readyz)."""

    def healthz() -> dict[str, object]:
        return {"ok": all(check() == OK for check in needed.values())}

    def readyz() -> dict[str, object]:
        found = {name: check() for name, check in {**needed, **checks}.items()}
        return {"ok": all(word == OK for word in found.values()), "checks": found}

    probes = {"/healthz": healthz, "/readyz": readyz}

    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        probe = probes.get(environ["PATH_INFO"])
        if probe is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return next_app(environ, start)
        found = probe()
        body = json.dumps(found, separators=(",", ":")).encode() + b"\n"
        given = {**HEADERS, "Content-Type": "application/json", "Content-Length": str(len(body))}
        start(STATUS[200 if found["ok"] else 503], list(given.items()))
        return [body if environ["REQUEST_METHOD"] == "GET" else b""]

    return app
