"""Answers in gzip: files once per process, pages as they are made. docs/decisions/0019-compressed-pages.md says why."""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from flask import Request, Response

STATIC = Path(__file__).parent / "static"
SMALLEST = 1024  # bytes; below that the headers weigh more than what is saved
LEVEL = 5  # of a page: 6 and more cost twice the time for a hundredth of the size
TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")


def pack(request: Request, response: Response) -> Response:
    """The answer in gzip, where the browser takes it and it is one of our own pages that asks."""
    if response.direct_passthrough or response.is_streamed or not (response.mimetype or "").startswith(TEXTS):
        return response
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) < SMALLEST or "Content-Encoding" in response.headers or not wanted(request):
        return response
    response.set_data(gzip.compress(body, LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    return response


def wanted(request: Request) -> bool:
    """True when gzip may be used. Not for what another site began: it must not learn lengths that depend on secrets."""
    alien = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    return not alien and request.accept_encodings["gzip"] > 0


def static(name: str) -> Response | None:
    """A file of ours in gzip; None where it is not a text, or too small."""
    found = _packed(name)
    if found is None:
        return None
    body, etag, kind = found
    response = Response(body, mimetype=kind)
    response.headers["Content-Encoding"] = "gzip"
    response.set_etag(etag)
    response.vary.add("Accept-Encoding")
    return response


KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json"}


@cache
def _files() -> frozenset[str]:
    """What there is: an address cannot make the cache grow, or leave the folder."""
    return frozenset(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())


@cache
def _kept(name: str) -> tuple[bytes, str, str] | None:
    body, kind = (STATIC / name).read_bytes(), KINDS.get(Path(name).suffix)
    if kind is None or len(body) < SMALLEST:
        return None
    return gzip.compress(body, 9, mtime=0), f"{hashlib.sha256(body).hexdigest()[:16]}-gzip", kind


def _packed(name: str) -> tuple[bytes, str, str] | None:
    return _kept(name) if name in _files() else None
