"""A person is erased: by a task of the console, or by a command."""

from collections.abc import Callable
from typing import Any

from connector.connections import Connections
from connector.pipeline.chores.tasks import Progress
from connector.pipeline.intake.unpack import Unpacker
from connector.pipeline.people import privacy
from connector.store.tasks import Task

Told = Callable[[int, int], None]


def erase(connections: Connections, contact: str, who: str, progress: Told) -> dict[str, int]:
    """Takes a person out of every table; what is still to be unpacked is unpacked first and after."""
    unpacker = Unpacker(connections.store, connections.directory, connections.webhook, connections.clock)
    bells = unpacker.drain(lambda: False)
    found = privacy.erase(connections.store, contact, who, connections.clock.now(), progress=progress)
    connections.bell.ring(*bells, *unpacker.drain(lambda: False))
    return found


def erase_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{contact} -> {table: rows}. It keeps how far it came by itself: done again, it goes on or finds nothing."""

    def told(done: int, total: int) -> None:
        progress(done, total, {"done": done})

    return erase(connections, task.args["contact"], task.author, told)
