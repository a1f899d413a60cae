"""A look at something that may say nothing for long: whoever asks hears a word in time, and one thread waits."""

import threading
from collections.abc import Callable

PATIENCE = 2.0  # seconds a caller waits for a look; a database that is away says so sooner
SLOW = "slow"


class _Look:
    """One look under way."""

    __slots__ = ("done", "word")

    def __init__(self) -> None:
        self.done, self.word = threading.Event(), SLOW


class Looking:
    """`check` as a check that answers in time. Callers who come meanwhile share the look that is under way.

    A database whose line is silent holds a connection for as long as that lasts: with a look for each probe, the web
    server would run out of threads for webhooks."""

    def __init__(self, check: Callable[[], str], patience: float = PATIENCE) -> None:
        self._check, self._patience = check, patience
        self._turn = threading.Lock()
        self._under_way: _Look | None = None

    def __call__(self) -> str:
        with self._turn:
            look = self._under_way
            if look is None:
                look = self._under_way = _Look()
                threading.Thread(target=self._look, args=(look,), name="look", daemon=True).start()
        look.done.wait(self._patience)
        return look.word

    def _look(self, look: _Look) -> None:
        try:
            look.word = self._check()
        finally:
            with self._turn:
                self._under_way = None
            look.done.set()
