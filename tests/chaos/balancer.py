"""What stands in front of several web processes: it leads nobody to one that says it cannot, as balancers do."""

import itertools
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence

from tests.chaos.line import HOST, Line, Loop

LOOK = 0.1  # seconds between two looks at them


class Balancer:
    """Callers come to `port`, and are led to one of `ports` after the other."""

    def __init__(self, loop: Loop, ports: Sequence[int]) -> None:
        self.ports = list(ports)
        self._well = list(ports)
        self._turn = itertools.count()
        self._line = Line(loop, self._way)
        self.port = self._line.port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="balancer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._line.close()

    def _way(self) -> int:
        well = self._well or self.ports
        return well[next(self._turn) % len(well)]

    def _look(self) -> None:
        """Whenever that changes everybody must come again: nobody stays with one that is not well."""
        while not self._ended.wait(LOOK):
            before, self._well = self._well, [port for port in self.ports if healthz(port) == 200]
            if before != self._well:
                self._line.drop()


def healthz(port: int) -> int:
    """The status; 0 = no answer."""
    return answered(urllib.request.Request(f"http://{HOST}:{port}/healthz"), 3.0)


def answered(request: urllib.request.Request, timeout: float) -> int:
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    except OSError:
        return 0
