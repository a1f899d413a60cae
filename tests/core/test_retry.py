from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.retry import next_try

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def seconds(attempt, **options):
    return (next_try(attempt, NOW, **options) - NOW).total_seconds()


@pytest.mark.parametrize("attempt, wait", [(1, 2), (2, 4), (3, 8), (4, 16), (10, 60), (1000, 60)])
def test_it_doubles_up_to_the_cap(attempt, wait):
    assert seconds(attempt, base=2, cap=60, jitter=1) == wait


def test_jitter_takes_off_at_most_half():
    assert seconds(3, base=2, cap=60, jitter=0) == 4
    assert seconds(3, base=2, cap=60, jitter=0.5) == 6


def test_what_the_other_side_asked_for_is_never_undercut():
    assert seconds(1, after=90, base=2, cap=60, jitter=0) == 90
    assert seconds(1, after=0.5, base=30, cap=60, jitter=1) == 30.5


def test_it_gives_up_after_the_last_try():
    assert next_try(4, NOW, tries=5) is not None
    assert next_try(5, NOW, tries=5) is None


@given(st.integers(-5, 10**9), st.floats(0, 1), st.none() | st.floats(0, 10**6))
def test_the_next_try_is_always_later_and_never_far_beyond_the_cap(attempt, jitter, after):
    later = next_try(attempt, NOW, after=after, base=1, cap=300, jitter=jitter)
    assert timedelta(seconds=after or 0) <= later - NOW <= timedelta(seconds=301 + (after or 0))
    assert later > NOW or (after is not None and after < 1e-6)
