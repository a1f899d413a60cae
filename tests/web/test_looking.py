"""A look at a database that says nothing: who asks hears in time, and one thread waits for all."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from connector.errors import NotAuthentic, StoreDown
from connector.ports import RawRequest
from connector.web.doors import Doors
from connector.web.looking import Looking


def test_what_is_well_is_told() -> None:
    assert Looking(lambda: "ok")() == "ok"


def test_a_silent_database_is_slow_and_takes_one_thread() -> None:
    looks, goes_on = [], threading.Event()

    def check() -> str:
        looks.append(1)
        goes_on.wait(10)
        return "ok"

    looking = Looking(check, patience=0.05)
    assert [looking() for _ in range(3)] == ["slow"] * 3
    assert len(looks) == 1
    goes_on.set()
    assert until(lambda: looking() == "ok")


def until(true: Callable[[], bool]) -> bool:
    return any(true() for _ in range(100))


class Nobody:
    """A webhook that believes nobody."""

    def verify(self, _: RawRequest) -> None:
        raise NotAuthentic("no")


def test_forgers_do_not_queue_behind_a_silent_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.web.doors.AGAIN", 0.05)
    reading, goes_on = threading.Event(), threading.Event()

    def load() -> list[object]:
        reading.set()
        goes_on.wait(10)
        return []

    doors = Doors(load, {"crm": Nobody()})  # type: ignore[arg-type,dict-item]
    request = RawRequest("POST", "/", "", {}, b"")

    def call() -> None:
        with suppress(NotAuthentic):
            doors.verified("crm", "x", request)

    first = threading.Thread(target=call)
    first.start()
    assert reading.wait(10)
    with pytest.raises(StoreDown):
        doors.verified("crm", "x", request)
    goes_on.set()
    first.join()
