"""A look at a database that says nothing: who asks hears in time, and one thread waits for all."""

import threading
from collections.abc import Callable

import pytest

from connector.errors import NotAuthentic, StoreDown
from connector.ports import RawRequest
from connector.web.doors import Door, Doors
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


class Anybody:
    """A webhook that believes who says so."""

    def verify(self, request: RawRequest) -> None:
        if request.body != b"ours":
            raise NotAuthentic("no")


def test_callers_do_not_wait_for_a_silent_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is known is let in by what was read last; who is not hears to come again."""
    monkeypatch.setattr("connector.web.doors.WAIT", 0.05)
    known, silent, goes_on = [Door("1", "shop", "crm", Anybody())], threading.Event(), threading.Event()
    now = [0.0]

    def load() -> list[Door]:
        if silent.is_set():
            goes_on.wait(10)
        return known

    doors = Doors(load, {"crm": Anybody()}, lambda: now[0])
    ours, forged = (RawRequest("POST", "/", "", {}, body) for body in (b"ours", b"forged"))
    assert doors.verified("crm", "shop", ours) == known[0]
    silent.set()
    now[0] = 60.0
    assert doors.verified("crm", "shop", ours) == known[0]
    with pytest.raises(StoreDown):
        doors.verified("crm", "shop", forged)
    goes_on.set()
    silent.clear()
    assert until(lambda: refused(doors, forged))


def refused(doors: Doors, request: RawRequest) -> bool:
    try:
        doors.verified("crm", "shop", request)
    except NotAuthentic:
        return True
    except StoreDown:
        return False
    raise AssertionError("a forger was believed")
