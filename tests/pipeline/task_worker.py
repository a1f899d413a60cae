"""A child process of the tests: a worker that is killed in the middle of a task. argv: database, home, the time."""

import os
import sys
from datetime import datetime
from pathlib import Path

from connector.pipeline.chores.tasks import Progress, Tasks, Work
from connector.store.engine import open_store
from connector.store.tasks import Task

url, home, now = sys.argv[1:]


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return datetime.fromisoformat(now)


def run(task: Task, progress: Progress) -> None:
    """Two rows, noted unless it is silent; then SIGKILL."""
    if not task.args.get("silent"):
        progress(2, 4, 2)
        progress._beat(2)
    print("in the middle", flush=True)
    os.kill(os.getpid(), 9)


Tasks(open_store(url, home=Path(home)), Clock(), {"k": Work(run)}, beat=0).drain(lambda: False)
