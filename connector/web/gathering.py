"""A request's body comes in before the request takes one of the few turns there are: a slow caller waits by himself.

The server reads a body while the application asks for it, in one of its threads and without a limit of time: some
dozens of callers who send a byte a minute would keep everybody else out. So there are more threads than turns.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from queue import SimpleQueue
from typing import Any

from connector.web.hooks import LARGEST, PATIENCE, PIECE, PREFIX, WSGI, Environ, Start

SPARE = 96  # threads more than turns: so many bodies may be on their way at once; an idle thread ends after 30 s
PAGE = 1024 * 1024  # bytes of a form; what is larger is read by the page itself, once it knows who sends it


def gathered(next_app: Callable[[Environ, Start], Iterable[bytes]], turns: int) -> WSGI:
    """`next_app`, called at most `turns` times at once, each time with a body that has arrived."""
    free: SimpleQueue[None] = SimpleQueue()  # a semaphore in C: a third of what threading's costs each webhook
    for _ in range(turns):
        free.put(None)

    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        whole = _whole(environ)
        free.get()
        try:
            return next_app(whole, start)
        finally:
            free.put(None)

    return app


def _whole(environ: Environ) -> Environ:
    hook = environ["PATH_INFO"].startswith(PREFIX)
    length = environ.get("CONTENT_LENGTH") or ""
    size = int(length[:20]) if length.isascii() and length.isdigit() else 0
    if not (0 < size <= (PATIENCE if hook else PAGE) or (hook and "HTTP_TRANSFER_ENCODING" in environ)):
        return environ
    return {**environ, "wsgi.input": BytesIO(_read(environ["wsgi.input"]))}


def _read(stream: Any) -> bytes:
    """What comes; of a body that is too large one byte more than is taken, so that it is still seen to be."""
    parts: list[bytes] = []
    size = 0
    while size <= PATIENCE and (part := stream.read(PIECE)):
        if size <= LARGEST:
            parts.append(part)
        size += len(part)
    return b"".join(parts)[: LARGEST + 1]
