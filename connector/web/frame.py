"""What every page shares: words, times, message texts as text, static files, headers."""

import hashlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, render_template, request, send_from_directory
from markupsafe import Markup

from connector.web import packing, words
from connector.web.auth import anyone
from connector.web.headers import HEADERS, HSTS, page_policy
from connector.web.house import House
from connector.web.packing import STATIC
from connector.web.showing import counted, plain, short_time, shown

log = logging.getLogger("connector.web")
YEAR = 31_536_000  # seconds
REPORT = 4096  # bytes of a CSP report that are logged


def dress(app: Flask, house: House, screens: Sequence[str]) -> None:
    """Puts filters, words, static files and headers on the application; `screens` stand in the rail."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(said=shown, plain=plain, n=counted, ago=_ago, clock=_exact)
    app.jinja_env.globals.update(t=t, asset=asset, icon=icon)
    app.after_request(_secure)

    @app.context_processor
    def known() -> dict[str, Any]:
        """What every template may say."""
        return {"me": g.get("person"), "language": language(), "screens": screens, "nonce": nonce(),
                "public_url": house.public_url,
                "sandbox": house.sandbox, "now": house.clock.now()}  # fmt: skip

    @app.get("/static/<path:name>")
    @anyone
    def static(name: str) -> Response:
        answer = packing.static(name) if packing.wanted(request) else None
        if answer is None:
            answer = send_from_directory(STATIC, name)
            answer.vary.add("Accept-Encoding")
        answer.make_conditional(request)
        answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if "v" in request.args else "no-cache"
        return answer

    @app.post("/csp")
    @anyone
    def report() -> tuple[str, int]:
        """What a browser refused to run: either our bug or somebody's try."""
        told = refused_by_browser(request.get_data(cache=False)[:REPORT])
        log.warning("a browser refused what a page asked for: %s", told)
        return "", 204


def refused_by_browser(body: bytes) -> str:
    """The directive and the kind of place, of a report: addresses of pages may hold what somebody searched for."""
    import json

    try:
        found = json.loads(body)["csp-report"]
        names = ("effective-directive", "violated-directive", "blocked-uri")
        words = [str(found.get(name, ""))[:200] for name in names]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "a report that cannot be read"
    place = words[2].partition("?")[0] if "://" in words[2] else words[2][:40]
    return f"{(words[0] or words[1])[:60]} {'/'.join(place.split('/')[:3])}"


def t(key: str, **values: object) -> str:
    """The words of the catalogue in the reader's language."""
    return words.say(language(), key, **values)


def language() -> str:
    """The reader's: their own choice, else the browser's."""
    if "language" not in g:
        mine = g.person.language if g.get("person") is not None else ""
        g.language = words.choose(mine, request.headers.get("Accept-Language", ""))
    return str(g.language)


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the file, so browsers may keep it for ever."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


@cache
def icon(name: str) -> Markup:
    """One drawing of the sprite; the word beside it says what it means, so a screen reader passes it over."""
    return Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
        asset("vendor/icons.svg"), name
    )


def nonce() -> str:
    """This answer's own."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def page(template: str, status: int = 200, **values: Any) -> tuple[str, int]:
    """A whole page; for htmx, which asks for one part of it, the template decides by `part`."""
    return render_template(template, part="HX-Request" in request.headers, **values), status


def toast(text: str, kind: str = "good") -> dict[str, str]:
    """A header that makes the page say something in passing."""
    import json

    return {"HX-Trigger": json.dumps({"toast": {"text": text, "kind": kind}}, ensure_ascii=True)}


def house_of(app: Flask) -> House:
    """The house of this application."""
    found: House = app.extensions["house"]
    return found


def _secure(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", page_policy(nonce()))
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if house_of(_app()).https:
        response.headers.update(HSTS)
    return packing.pack(request, response)


def _ago(at: datetime | str | None, now: datetime | None = None) -> Markup:
    """<time> with the distance as text and the exact time on hover; app.js keeps the distance true."""
    if not at:
        return Markup("")
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    key, values = short_time(moment, now or house_of(_app()).clock.now())
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        moment.isoformat(), _exact(moment), t(key, **values)
    )


def _exact(at: datetime | str | None) -> str:
    if not at:
        return ""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{moment.isoformat(' ', 'seconds')[:19]} UTC"


def _app() -> Flask:
    from flask import current_app

    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def given(values: Mapping[str, str], name: str, most: int = 500) -> str:
    """A value of a form or an address, without NUL and lone surrogates; 413 when it is longer than `most`."""
    text = values.get(name, "")
    if len(text) > most:
        abort(413)
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def ours(place: str) -> str:
    """Where to go on: only a page of ours, an address of another site is ignored.

    Browsers drop tabs and line breaks before they look: `/<tab>//evil.example` would be another site to them."""
    if not place.isprintable() or " " in place:
        return "/"
    try:
        parts = urlsplit(place)
    except ValueError:
        return "/"
    mine = place.startswith("/") and not place.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return place if mine and len(place) < 2000 and "\\" not in place else "/"
