"""Flask, for everything that is not a webhook: health now, the API and the console later."""

import logging
from collections.abc import Callable, Mapping

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

log = logging.getLogger("connector.web")
OK = "ok"
Check = Callable[[], str]  # "ok", or in a word or two what is wrong: anyone may read it
LARGEST = 1024 * 1024  # bytes of a body; Flask has no limit of its own
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def flask_app(needed: Mapping[str, Check], checks: Mapping[str, Check]) -> Flask:
    """`needed`: what webhooks need to be taken (/healthz); `needed` and `checks`: what the whole needs (/readyz)."""
    app = Flask("connector", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST, SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        ok = all(check() == OK for check in needed.values())
        return jsonify(ok=ok), 200 if ok else 503

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        found = {name: check() for name, check in {**needed, **checks}.items()}
        ok = all(word == OK for word in found.values())
        return jsonify(ok=ok, checks=found), 200 if ok else 503

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.name), error.code or 500

    @app.after_request
    def secured(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app
