"""The web server: granian in front of one WSGI function, so many processes of so many threads."""

import os
import socket
from collections.abc import Callable
from multiprocessing.util import Finalize

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from connector.errors import ConnectorError
from connector.logs import GRANIAN
from connector.process import die_with_parent
from connector.web.gathering import SPARE
from connector.web.hooks import WSGI

BACKLOG = 1024
HEADERS_WITHIN = 10_000  # milliseconds a caller has for its headers
GRACE = 6  # seconds to finish its requests (a hook takes one at most) before it is killed: granian can miss a SIGTERM


Build = Callable[[], tuple[WSGI, Callable[[], None]]]  # the app, and what to call once its last request is answered


class PortTaken(ConnectorError):
    """Somebody else listens there."""


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises PortTaken: granian itself would share a port with another granian."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = f"Port {port} on {host} cannot be used: {error.strerror}."
            raise PortTaken(why, hint="Set PORT to another.") from None
        return int(probe.getsockname()[1])


class Loader:
    """Builds the app inside each web process, after the fork; a class because macOS has to pickle it."""

    def __init__(self, build: Build) -> None:
        self.build = build

    def __call__(self) -> WSGI:
        die_with_parent()
        for name in [name for name in os.environ if name.startswith("HTTP_")]:
            del os.environ[name]  # granian lays the environment under each request: HTTP_PROXY would look like a header
        app, close = self.build()
        Finalize(None, close, exitpriority=1)  # a forked process runs no atexit
        return app


def serve(build: Build, *, host: str, port: int, processes: int, threads: int, log_level: str) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what it began."""
    server = Granian(
        "connector",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=threads + SPARE,
        backlog=BACKLOG,
        websockets=False,
        http=HTTPModes.http1,  # a proxy speaks HTTP/2 to browsers; what we do not speak cannot be misread
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN),
        # Its warnings are advice about our number of threads: they wait for a commit, not for a CPU.
        log_level=LogLevels.debug if log_level == "DEBUG" else LogLevels.error,
        log_dictconfig=GRANIAN,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE,
    )
    server.serve(target_loader=Loader(build), wrap_loader=False)
