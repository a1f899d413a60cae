from datetime import UTC, datetime, timedelta

from connector.core.window import is_open, window_open_until

WROTE = datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC)


def test_the_window_is_open_for_24_hours_after_the_last_message():
    assert window_open_until(WROTE) == datetime(2026, 11, 24, 14, 2, 11, tzinfo=UTC)
    assert is_open(WROTE, WROTE)
    assert is_open(WROTE, WROTE + timedelta(hours=23, minutes=59, seconds=59))


def test_it_closes_at_the_24th_hour():
    assert not is_open(WROTE, WROTE + timedelta(hours=24))


def test_it_is_shut_for_whoever_never_wrote():
    assert not is_open(None, WROTE)
