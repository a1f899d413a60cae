"""Quiet hours: the recipient's clock decides, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.core.quiet import NeverAllowed, QuietHours, allowed, local, next_allowed, zone_name, zones_for

BOGOTA, NEW_YORK, KOLKATA = "America/Bogota", "America/New_York", "Asia/Kolkata"
ZONES = (BOGOTA, NEW_YORK, KOLKATA, "Europe/Madrid", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago",
         "Africa/Casablanca", "Pacific/Kiritimati", "Asia/Kathmandu", "America/Havana", "UTC")  # fmt: skip
SHOP = QuietHours(time(8), time(20), frozenset(range(6)))
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

moments = st.integers(1704067200, 1924905600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))  # 2024-2030
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
windows = st.builds(QuietHours, times, times, st.frozensets(st.integers(0, 6), min_size=1))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zones", "expected"),
    [
        ("2026-11-23T03:10", [BOGOTA], "2026-11-23T13:00"),  # Sunday evening there: Monday 08:00
        ("2026-11-23T13:00", [BOGOTA], "2026-11-23T13:00"),  # 08:00 is inside
        ("2026-11-24T01:00", [BOGOTA], "2026-11-24T13:00"),  # 20:00 is outside
        ("2026-11-22T02:00", [BOGOTA], "2026-11-23T13:00"),  # Saturday 21:00, over Sunday
        ("2026-11-23T12:00", [NEW_YORK, "America/Los_Angeles"], "2026-11-23T16:00"),  # both: 08:00 in the west
        ("2026-11-24T02:00", [NEW_YORK, "Pacific/Honolulu"], "2026-11-24T18:00"),
    ],
)
def test_the_first_moment_every_zone_allows(now, zones, expected):
    assert next_allowed(SHOP, at(now), zones) == at(expected)


@pytest.mark.parametrize(
    ("now", "inside"),
    [
        ("2026-11-27T22:00", True),  # Friday
        ("2026-11-28T05:59", True),  # Saturday morning still belongs to Friday
        ("2026-11-28T06:00", False),
        ("2026-11-28T23:00", False),  # Saturday's own night is not allowed
        ("2026-11-27T05:00", False),  # Thursday's night neither
    ],
)
def test_over_midnight_counts_the_day_the_window_began(now, inside):
    assert allowed(QuietHours(time(22), time(6), frozenset({4})), at(now), ["UTC"]) is inside


def test_the_same_start_and_end_is_a_whole_day():
    sunday = QuietHours(time(0), time(0), frozenset({6}))
    assert [allowed(sunday, at(f"2026-11-{day}T12:00"), ["UTC"]) for day in (21, 22, 23)] == [False, True, False]


def test_hours_that_never_meet_are_said_not_searched_for_ever():
    morning = QuietHours(time(9), time(10))
    assert not allowed(morning, at("2026-11-23T15:00"), [NEW_YORK, "Pacific/Honolulu"])
    with pytest.raises(NeverAllowed, match="never comes at the same moment in all 2 time zones"):
        next_allowed(morning, at("2026-11-23T15:00"), [NEW_YORK, "Pacific/Honolulu"])


def test_a_window_that_a_clock_change_swallows_comes_two_weeks_later():
    hour = QuietHours(time(2), time(3), frozenset({6}))
    assert next_allowed(hour, at("2026-03-01T08:00"), [NEW_YORK]) == at("2026-03-15T06:00")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: QuietHours(time(8), time(20), frozenset()),
        lambda: QuietHours(time(8), time(20), frozenset({7})),
        lambda: QuietHours(time(8), time(20), zone="Bogota"),
        lambda: QuietHours(time(8), time(20), otherwise="drop"),
    ],
)
def test_what_can_never_be_allowed_or_understood_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()


@pytest.mark.parametrize(
    ("day", "clock", "zone", "expected"),
    [
        (date(2026, 3, 8), time(2, 30), NEW_YORK, "2026-03-08T07:00"),  # skipped: 03:00 is the first after it
        (date(2026, 11, 1), time(1, 30), NEW_YORK, "2026-11-01T05:30"),  # twice: the first
        (date(2026, 10, 4), time(2, 10), "Australia/Lord_Howe", "2026-10-03T15:30"),  # half an hour is skipped
        (date(2011, 12, 30), time(9, 0), "Pacific/Apia", "2011-12-30T10:00"),  # a whole day is skipped
        (date(2026, 6, 1), time(9, 0), KOLKATA, "2026-06-01T03:30"),
    ],
)
def test_a_local_time_that_is_missing_or_doubled(day, clock, zone, expected):
    assert local(day, clock, zone) == at(expected)


@pytest.mark.parametrize(
    ("wanted", "own", "phone", "expected"),
    [
        ("contact", "America/Bogota", "+12125550100", (BOGOTA,)),
        ("contact", "america_slash_bogota", None, (BOGOTA,)),
        ("contact", "somewhere", "+573001112222", (BOGOTA,)),
        ("contact", None, None, ("Europe/Madrid",)),
        ("contact", "", "not a phone", ("Europe/Madrid",)),
        ("account", "America/Bogota", "+573001112222", ("Europe/Madrid",)),
        (KOLKATA, "America/Bogota", "+573001112222", (KOLKATA,)),
    ],
)
def test_whose_zone_counts(wanted, own, phone, expected):
    assert zones_for(wanted, own, phone, "Europe/Madrid") == expected


def test_a_country_with_many_zones_gives_all_of_them():
    assert {NEW_YORK, "Pacific/Honolulu"} <= set(zones_for("contact", None, "+12125550100", "UTC"))


def test_an_unknown_account_zone_is_utc():
    assert zones_for("account", None, None, "nowhere") == ("UTC",)
    assert (zone_name("utc"), zone_name(None), zone_name("../etc/passwd")) == ("UTC", None, None)


# ---- properties --------------------------------------------------------------------------------------------------
@given(st.dates(date(1990, 1, 1), date(2035, 1, 1)), st.times(), st.sampled_from(ZONES))
def test_local_shows_that_time_or_is_the_first_instant_after_the_gap(day, clock, zone):
    found, wanted = local(day, clock, zone), datetime.combine(day, clock)
    shown = found.astimezone(ZoneInfo(zone))
    if shown.replace(tzinfo=None, fold=0) == wanted:
        assert shown.fold == 0
    else:
        before = (found - SECOND / 1000).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert before < wanted < shown.replace(tzinfo=None)


def plain(q: QuietHours, now: datetime, zone: str) -> bool:
    """The same by wall clock alone: right where the clocks do not change."""
    wall = now.astimezone(ZoneInfo(zone))
    today, yesterday, clock = wall.weekday() in q.days, (wall.weekday() - 1) % 7 in q.days, wall.time()
    if q.start < q.end:
        return today and q.start <= clock < q.end
    return (today and clock >= q.start) or (yesterday and clock < q.end)


@given(windows, moments, st.lists(st.sampled_from(ZONES), min_size=1, max_size=4))
def test_allowed_is_what_every_clock_on_the_wall_says(q, now, zones):
    for zone in zones:
        offsets = {(now + n * timedelta(days=1)).astimezone(ZoneInfo(zone)).utcoffset() for n in range(-2, 3)}
        assume(len(offsets) == 1)
    assert allowed(q, now, zones) is all(plain(q, now, zone) for zone in zones)


@given(windows, moments, st.lists(st.sampled_from(ZONES), min_size=1, max_size=3))
def test_next_allowed_is_allowed_and_nothing_before_it_is(q, now, zones):
    try:
        found = next_allowed(q, now, zones)
    except NeverAllowed:
        found = now + timedelta(days=15)
    else:
        assert found >= now
        assert allowed(q, found, zones)
        assert found.tzinfo is UTC
    probes = [now + n * timedelta(minutes=37) for n in range(int((found - now) / timedelta(minutes=37)) + 1)]
    for probe in (*probes, found - SECOND):
        assert not (now <= probe < found and allowed(q, probe, zones))
