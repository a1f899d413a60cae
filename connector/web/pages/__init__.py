"""Flask, for all that is neither a webhook nor a probe. Loaded at the first such request: it is 8 MB a process."""

import threading
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from connector.web import callers
from connector.web.headers import HEADERS
from connector.web.hooks import WSGI, Environ, Start
from connector.web.house import House

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["HEADERS", "SCREENS", "flask_app", "pages"]

LARGEST = 1024 * 1024  # bytes of a body; Flask has no limit of its own
# The screens, in the order an admin needs them: each a module here with a Blueprint called `screen`.
SCREENS = (
    "setup", "activity", "mappings", "review", "templates", "sends", "conversations", "contacts", "reports", "health",
    "settings",
)  # fmt: skip
BESIDE = (  # pages that are in no menu
    "signin", "second", "proving", "home", "people", "tokens", "links", "audit", "alarms", "me", "access", "phone",
    "tasks", "oauth",
)  # fmt: skip


def pages(house: House) -> WSGI:
    """The Flask application, made when it is first needed."""
    made: list[Flask] = []
    lock = threading.Lock()

    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        if not made:
            with lock:
                if not made:
                    made.append(flask_app(house))
        found: Iterable[bytes] = made[0].wsgi_app(dict(environ), start)  # type: ignore[arg-type]
        return found

    return app


def flask_app(house: House) -> "Flask":
    """Every page and the API, behind one gate."""
    from flask import Flask

    from connector.web import api, auth, failures, frame, visits

    app = Flask("connector.web", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST, MAX_FORM_MEMORY_SIZE=LARGEST, MAX_FORM_PARTS=500)
    app.extensions["house"] = house
    visits.record(app)
    auth.guard(app, house, api.token_person(house))
    frame.dress(app, house, SCREENS)
    failures.tell(app)
    for name in (*BESIDE, *SCREENS):
        app.register_blueprint(import_module(f"connector.web.pages.{name}").screen)
    app.register_blueprint(api.blueprint)
    app.wsgi_app = callers.seen(app.wsgi_app, house.proxies)  # type: ignore[method-assign]
    return app
