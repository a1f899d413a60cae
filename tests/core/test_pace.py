"""The pace of a number and of one person: never too fast, and not slower than it must be."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.pace import Rate, backoff, pair_wait

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
rates = st.sampled_from([1, 2, 7, 20, 80, 1000])
waits = st.integers(0, 700) | st.sampled_from([1, 10, 50, 100, 150, 199, 200])  # ms; mostly as a busy drain looks
wishes = st.integers(0, 1500) | st.just(10**6)
steps = st.lists(st.tuples(waits, wishes, st.sampled_from(["take"] * 9 + ["dies"])), min_size=1, max_size=80)


def most_in_a_second(grants: list[tuple[int, int]]) -> int:
    """The most grants in any 1,000 ms (half open); `grants` are (millisecond, how many) in order."""
    most = held = first = 0
    for at, n in grants:
        held += n
        while grants[first][0] <= at - 1000:
            held -= grants[first][1]
            first += 1
        most = max(most, held)
    return most


@given(rates, steps, st.integers(0, 10**6))
def test_no_second_ever_holds_more_than_the_rate_whoever_holds_the_number(rate, steps, begin):
    """A holder may be killed at any moment; the next knows nothing of what it granted."""
    now, pace, grants = begin, Rate(rate, begin / 1000), []
    for wait, wanted, what in steps:
        now += wait
        if what == "dies":
            pace = Rate(rate, now / 1000)
        granted = pace.take(wanted, now / 1000)
        assert 0 <= granted <= wanted
        grants.append((now, granted))
    assert most_in_a_second(grants) <= rate


@pytest.mark.parametrize("rate", [1, 20, 80, 1000])
@pytest.mark.parametrize("life", [250, 700, 1300, 3000, 10**6])  # ms until the holder is killed
@pytest.mark.parametrize("rest", [0, 400, 2000])  # ms without a message before it is
def test_not_even_when_holders_die_right_after_a_burst(rate, life, rest):
    grants, now = [], 0
    while now < 6000:
        pace, born = Rate(rate, now / 1000), now
        while now - born < life and now < 6000:
            grants.append((now, pace.take(10**6, now / 1000)))
            now += 1
        now += rest
        grants.append((now, pace.take(10**6, now / 1000)))  # all that was saved up, and then it dies
    assert most_in_a_second([(at, n) for at, n in grants if n]) <= rate


@pytest.mark.parametrize("rate", [1, 20, 80, 1000])
def test_what_was_saved_up_counts_into_its_second(rate):
    pace = Rate(rate, 0.0)
    grants = [(now, pace.take(10**6, now / 1000)) for now in range(3000, 6000)]
    assert grants[0][1] > 0
    assert most_in_a_second(grants) <= rate


@pytest.mark.parametrize("rate", [1, 20, 80, 1000])
@pytest.mark.parametrize("every", [1, 7, 50])  # ms between two looks
def test_what_is_allowed_is_used(rate, every):
    pace, seconds = Rate(rate, 0.0), 200
    total = sum(pace.take(10**6, n / 1000) for n in range(0, seconds * 1000, every))
    assert 0.99 * rate * seconds <= total <= rate * seconds


@given(rates, steps)
def test_next_says_exactly_when(rate, steps):
    now, pace = 0.0, Rate(rate, 0.0)
    for wait, wanted, _ in steps:
        now += wait / 1000
        pace.take(wanted, now)
        rest = pace.next(now)
        assert 0 <= rest <= 2
        if rest:
            assert pace.take(1, now + rest - 2e-6) == 0
            now += rest
        assert pace.next(now) == 0.0
        assert pace.take(1, now) == 1


def test_a_clock_that_goes_back_grants_nothing_twice():
    pace = Rate(80, 100.0)
    assert pace.take(1000, 101.0) == 16
    assert pace.take(1000, 50.0) == 0
    assert pace.take(1000, 101.0) == 0


def test_a_rate_below_one_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Rate(0, 0.0)


# ---- one person --------------------------------------------------------------------------------------------------
def seconds(*at: float) -> list[datetime]:
    return [NOW + timedelta(seconds=s) for s in at]


@pytest.mark.parametrize(
    ("starts", "wait"),
    [([], 0), ([0] * 44, 0), ([0] * 45, 6), ([0] * 46, 12), ([-6] * 45, 0), ([-300] * 45, 0), ([-3] * 45, 3)],
)
def test_the_burst_and_then_one_in_six_seconds(starts, wait):
    assert pair_wait(seconds(*starts), NOW) == timedelta(seconds=wait)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=150))
def test_a_person_gets_exactly_what_a_bucket_of_45_gives(waits):
    """The bucket counts sixths of a message: one flows back each second."""
    now, starts, level = 0, [], 45 * 6
    for wait in waits:
        now += wait
        level = min(45 * 6, level + wait)
        allowed = pair_wait(seconds(*starts), NOW + timedelta(seconds=now)) == timedelta(0)
        assert allowed is (level >= 6)
        if allowed:
            starts.append(now)
            level -= 6


def test_the_order_of_the_starts_does_not_matter():
    assert pair_wait(seconds(*range(60)), NOW) == pair_wait(seconds(*reversed(range(60))), NOW)


@pytest.mark.parametrize(("tries", "wait"), [(-1, 1), (0, 1), (1, 4), (2, 16), (3, 64), (6, 4096), (10**9, 4096)])
def test_backoff_is_four_to_the_power_of_the_tries(tries, wait):
    assert backoff(tries) == timedelta(seconds=wait)
