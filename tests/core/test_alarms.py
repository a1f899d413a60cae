"""When an alarm rings: an account's own habits, once a day, and the end of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.alarms import AGAIN, Alarm, Ringing, silence, steps

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)  # a Wednesday


def hours(until, days=14, of_day=range(24), weekend=True):
    """Every one of these hours, up to `until`."""
    start = (until - timedelta(days=days)).replace(minute=0)
    every = [start + n * HOUR for n in range(days * 24 + 1)]
    return [at for at in every if at <= until and at.hour in of_day and (weekend or at.weekday() < 5)]


@pytest.mark.parametrize(("silent", "rings"), [(2, False), (6, False), (8, False), (9, True), (30, True)])
def test_an_account_that_is_heard_all_day_is_missed_after_a_quarter_of_one(silent, rings):
    last = NOW - silent * HOUR
    assert (silence(hours(last), last, NOW) is not None) is rings


def test_nights_and_weekends_do_not_count():
    office = range(8, 18)
    friday = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
    heard = hours(friday, of_day=office, weekend=False)
    monday = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert silence(heard, friday, monday) is None  # 4.5 hours of business
    assert silence(heard, friday, monday + 5 * HOUR) == pytest.approx(9.5)


def test_one_that_is_seldom_heard_has_patience():
    twice_a_day = hours(NOW - 30 * HOUR, of_day=(9, 21))
    assert silence(twice_a_day, twice_a_day[-1] + HOUR, NOW) is None


def test_a_new_account_is_not_judged():
    last = NOW - 40 * HOUR
    assert silence(hours(last, days=1), last, NOW) is None
    assert silence([], last, NOW) is None


@given(st.lists(st.integers(0, 14 * 24 * 60)), st.integers(0, 14 * 24 * 60))
def test_any_history_has_an_answer_and_no_alarm_while_it_is_heard(minutes, last):
    found = [NOW - timedelta(minutes=m) for m in minutes]
    answer = silence(found, NOW - timedelta(minutes=last), NOW)
    assert answer is None or 6 < answer <= last / 60 + 0.02


DISK = Alarm("disk_full", "/data", "100 MiB left.")
LAG = Alarm("lag", "write", "late")


def ringing(alarm, told=NOW):
    return Ringing(alarm.code, alarm, told)


def test_once_daily_and_at_the_end():
    assert steps([], [DISK, LAG], NOW).raised == [DISK, LAG]
    known = [ringing(DISK), ringing(LAG)]
    quiet = steps(known, [LAG, DISK], NOW + AGAIN - timedelta(seconds=1))
    assert (quiet.raised, quiet.repeated, quiet.resolved) == ([], [], [])
    newer = Alarm("disk_full", "/data", "90 MiB left.")
    later = steps(known, [newer], NOW + AGAIN)
    assert [(one.id, alarm.message) for one, alarm in later.repeated] == [("disk_full", "90 MiB left.")]
    assert [one.id for one in later.resolved] == ["lag"]


def test_what_nobody_could_look_at_is_not_over():
    assert steps([ringing(DISK)], [], NOW, unsure=["disk_full"]).resolved == []
