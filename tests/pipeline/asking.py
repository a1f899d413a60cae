"""What the tests of task kinds share: asking for a task as the console does, and a worker's turn."""

from typing import Any

import sqlalchemy as sa

from connector.store import tasks as rows
from connector.store.tables import tasks
from connector.store.tasks import Task
from tests.pipeline.conftest import House


def ask(house: House, kind: str, secrets: dict[str, str] | None = None, /, **args: Any) -> str:
    app = house.app
    with app.store.write() as conn:
        return rows.add(conn, kind, args, "ana@example.com", app.clock.now(), keyring=app.keyring, secrets=secrets)


def see(house: House, id_: str) -> Task:
    with house.app.store.read() as conn:
        found = rows.get(conn, id_)
    assert found is not None
    return found


def do(house: House, kind: str, secrets: dict[str, str] | None = None, /, **args: Any) -> Any:
    """The result of a task that is done."""
    id_ = ask(house, kind, secrets, **args)
    house.app.drain("task", stop=lambda: False)
    task = see(house, id_)
    assert task.state == "done", task.error
    return task.result


def fails(house: House, kind: str, /, **args: Any) -> str:
    """What a task that fails says."""
    id_ = ask(house, kind, **args)
    house.app.drain("task", stop=lambda: False)
    task = see(house, id_)
    assert (task.state, task.ended_at is not None) == ("failed", True)
    return task.error


def raw(house: House) -> str:
    """Every task as the database keeps it."""
    with house.app.store.read() as conn:
        return str([tuple(row) for row in conn.execute(sa.select(*(sa.type_coerce(c, sa.Text) for c in tasks.c)))])


class Turns:
    """A stop that is asked for after so many questions."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0
