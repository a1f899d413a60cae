"""One line of log for each request of the console and the API: the route, never the address with what it asks for."""

import logging
import time

from flask import Flask, Response, g, request

log = logging.getLogger("connector.request")


def record(app: Flask) -> None:
    """Registers it; before whatever else looks at a request, so that its time is all of it."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        rule = request.url_rule
        who = g.get("person")
        seen = {
            "method": request.method if rule is not None else "-", "path": rule.rule if rule is not None else "-",
            "status": response.status_code, "ms": round((time.perf_counter() - g.began) * 1000, 1),
            "person": who.id if who is not None else "",
        }  # fmt: skip
        log.log(logging.DEBUG if _small(response.status_code) else logging.INFO, "request", extra=seen)
        return response


def _small(status: int) -> bool:
    """Parts of pages that refresh themselves, and static files: many, and of no interest when all is well."""
    part = request.method == "GET" and "HX-Request" in request.headers
    return status < 400 and (part or request.path.startswith("/static/"))
