"""Pacing, with a clock of its own."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.pace import PATIENCE, Turns, Window, read_limit
from connector.errors import Busy


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def departures(window: Window, clock: Clock, calls: int) -> list[float]:
    """When each call left; a Busy is waited out as the pipeline does."""
    left: list[float] = []
    while len(left) < calls:
        try:
            window.enter()
        except Busy as busy:
            clock.sleep(max(busy.after or 0.0, PATIENCE))
            continue
        left.append(clock.now)
        clock.sleep(0.01)
    return left


@given(st.integers(1, 40), st.integers(1, 120))
def test_no_ten_seconds_ever_hold_more_than_the_limit(limit: int, calls: int) -> None:
    clock = Clock()
    left = departures(Window(limit, 10.0, clock=clock, sleep=clock.sleep), clock, calls)
    assert all(later - earlier > 10.0 for earlier, later in zip(left, left[limit:], strict=False))


def test_within_the_limit_nobody_waits() -> None:
    clock = Clock()
    left = departures(Window(100, 10.0, clock=clock, sleep=clock.sleep), clock, 100)
    assert left[-1] - left[0] < 1.0


def test_what_others_use_is_left_to_them() -> None:
    clock = Clock()
    window = Window(100, 10.0, clock=clock, sleep=clock.sleep)
    window.enter()
    window.learn(100, 10.0, remaining=20)  # 79 calls by somebody else
    for _ in range(15):
        window.enter()
    with pytest.raises(Busy) as busy:
        window.enter()
    assert busy.value.after is not None
    assert 9.0 < busy.value.after <= 11.0
    clock.sleep(11.0)  # theirs have left the window too
    for _ in range(95):
        window.enter()


def test_searches_leave_one_by_one() -> None:
    clock = Clock()
    turns = Turns(4, clock=clock, sleep=clock.sleep)
    left = []
    for _ in range(9):
        turns.enter()
        left.append(clock.now)
    assert [round(b - a, 6) for a, b in pairwise(left)] == [0.25] * 8


def test_a_queue_too_long_is_parked_and_takes_no_turn() -> None:
    clock = Clock()
    turns = Turns(4, clock=clock, sleep=lambda seconds: None)  # many threads at one moment
    for _ in range(9):
        turns.enter()
    waits = []
    for _ in range(3):
        with pytest.raises(Busy) as busy:
            turns.enter()
        waits.append(busy.value.after)
    assert waits == [2.25] * 3


@pytest.mark.parametrize(
    "values,limit",
    [
        (("190", "10000", "187"), (190, 10.0, 187)),
        (("x", "10000", "1"), None),
        (("0", "10000", "1"), None),
        (("9", "0", "1"), None),
    ],
)
def test_the_headers_tell_the_limit(values: tuple[str, str, str], limit: tuple[int, float, int] | None) -> None:
    names = ("Max", "Interval-Milliseconds", "Remaining")
    headers = {f"X-HubSpot-RateLimit-{name}": value for name, value in zip(names, values, strict=True)}
    assert read_limit(headers) == limit
    assert read_limit({}) is None
