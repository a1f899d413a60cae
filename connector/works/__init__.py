"""What each kind of task does: one visible list. A task is asked for in the console, or by a program; a worker does it.

Each is a function (connections, task, progress) -> result as JSON; docs/decisions/0015 says what repeating one means.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from connector.connections import Connections
from connector.pipeline.tasks import Progress, Work
from connector.store.tasks import Task
from connector.works import accounts, replays

Kind = Callable[[Connections, Task, Progress], Any]
KINDS: Mapping[str, Kind] = {
    "account.check": accounts.check_task,
    "replay": replays.replay_task,
}
ONCE: frozenset[str] = frozenset()  # not begun again when its worker died in the middle: done twice, it shows


def of(connections: Connections) -> dict[str, Work]:
    """Every kind, for a worker."""
    return {name: Work(partial(kind, connections), again=name not in ONCE) for name, kind in KINDS.items()}
