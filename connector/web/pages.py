"""Flask, for all that is neither a webhook nor a probe. Loaded at the first such request: it is 8 MB a process."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from connector.web.hooks import WSGI, Environ, Start

if TYPE_CHECKING:
    from flask import Flask, Response
    from werkzeug.exceptions import HTTPException

LARGEST = 1024 * 1024  # bytes of a body; Flask has no limit of its own
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def pages() -> WSGI:
    """The Flask application, made when it is first needed."""
    made: list[Flask] = []

    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        if not made:
            made.append(flask_app())
        found: Iterable[bytes] = made[0].wsgi_app(dict(environ), start)  # type: ignore[arg-type]
        return found

    return app


def flask_app() -> "Flask":
    """No pages yet: every path is unknown, and says so as JSON with our headers."""
    from flask import Flask, jsonify
    from werkzeug.exceptions import HTTPException

    app = Flask("connector", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST, SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")

    @app.errorhandler(HTTPException)
    def refused(error: "HTTPException") -> "tuple[Response, int]":
        return jsonify(error=error.name), error.code or 500

    @app.after_request
    def secured(response: "Response") -> "Response":
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app
