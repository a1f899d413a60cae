"""The texts of `every:` and `date:`, and when they come due."""

import contextlib
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.quiet import local
from connector.core.schedule import DateRule, Every, day_of, parse_date, parse_every

BOGOTA, NEW_YORK = "America/Bogota", "America/New_York"
ZONES = (BOGOTA, NEW_YORK, "Europe/Madrid", "Pacific/Apia", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC")
DAY = timedelta(days=1)
moments = st.integers(1704067200, 1924905600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))  # 2024-2030
clocks = st.builds(time, st.integers(0, 23), st.integers(0, 59))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("monday 09:00", Every(time(9), frozenset({0}))),
        ("Mondays at 9:00", Every(time(9), frozenset({0}))),
        ("weekday 08:30", Every(time(8, 30), frozenset(range(5)))),
        ("weekend 10:00", Every(time(10), frozenset({5, 6}))),
        ("day 00:00", Every(time(0), frozenset(range(7)))),
        ("mon-fri 23:59", Every(time(23, 59), frozenset(range(5)))),
        ("sat-mon 10:00", Every(time(10), frozenset({5, 6, 0}))),
        ("monday, thursday and saturday 10:00", Every(time(10), frozenset({0, 3, 5}))),
        ("1st 10:00", Every(time(10), month_day=1)),
        ("22nd 10:00", Every(time(10), month_day=22)),
        ("last day 10:00", Every(time(10), month_day=31)),
    ],
)
def test_every_reads(text, expected):
    assert parse_every(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "monday", "09:00", "monday 24:00", "monday 9:60", "monday 9", "moonday 09:00", "1th 10:00", "32nd 10:00",
     "0th 10:00", "mon- 10:00", "day-weekday 10:00", ", 10:00", "1 10:00", "monday 09:00 10:00x"],
)  # fmt: skip
def test_every_refuses_and_says_what_it_takes(text):
    with pytest.raises(ValueError, match="Write `day 09:00`"):
        parse_every(text)


@pytest.mark.parametrize(
    ("text", "moment", "zone", "expected"),
    [
        ("monday 09:00", "2026-11-23T13:59", BOGOTA, "2026-11-23T14:00"),
        ("monday 09:00", "2026-11-23T14:00", BOGOTA, "2026-11-30T14:00"),  # strictly after
        ("weekday 08:30", "2026-11-27T20:00", "UTC", "2026-11-30T08:30"),
        ("31st 10:00", "2026-11-23T00:00", "UTC", "2026-11-30T10:00"),  # a shorter month: its last day
        ("31st 10:00", "2027-02-01T00:00", "UTC", "2027-02-28T10:00"),
        ("1st 10:00", "2026-12-01T10:00", "UTC", "2027-01-01T10:00"),
        ("day 02:30", "2026-03-08T00:00", NEW_YORK, "2026-03-08T07:00"),  # skipped: the first instant after
        ("day 01:30", "2026-11-01T05:30", NEW_YORK, "2026-11-02T06:30"),  # doubled: only the first
    ],
)
def test_every_comes_due(text, moment, zone, expected):
    assert parse_every(text).after(at(moment), zone) == at(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contact.renewal_date - 3 days at 09:00", DateRule("contact", "renewal_date", -3, time(9))),
        ("contact.birthday at 9:00", DateRule("contact", "birthday", 0, time(9))),
        ("deal.closedate + 2 weeks at 10:30", DateRule("deal", "closedate", 14, time(10, 30))),
        ("record.End_Date__c -1 day at 08:00", DateRule("record", "End_Date__c", -1, time(8))),
        ("contact.x − 1 week at 08:00", DateRule("contact", "x", -7, time(8))),
    ],
)
def test_date_reads(text, expected):
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "renewal_date at 09:00", "contact.renewal_date", "contact.renewal_date - 3 at 09:00", "contact.a - 3 days",
     "contact.a - 3 months at 09:00", "contact.a at 25:00", "contact.a + 9999 weeks at 09:00", "contact.a.b at 09:00"],
)  # fmt: skip
def test_date_refuses_and_says_what_it_takes(text):
    with pytest.raises(ValueError, match=r"Write `contact\.renewal_date at 09:00`"):
        parse_date(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-12-01", date(2026, 12, 1)),
        (" 2026-12-01 ", date(2026, 12, 1)),
        ("2026-12-01T03:00:00Z", date(2026, 11, 30)),  # a moment: the day it is in Bogota
        ("2026-12-01T03:00:00.000+0000", date(2026, 11, 30)),
        ("2026-12-01T03:00:00", date(2026, 12, 1)),
        ("1796083200000", date(2026, 12, 1)),  # midnight UTC in milliseconds: a date field's own day
        (1796083200000, date(2026, 12, 1)),
        ("1796094000000", date(2026, 11, 30)),  # 03:00 UTC: a moment
        ("", None), (None, None), (True, None), ("soon", None), ("2026-13-01", None),
        ("999999999999999", None), (7, None),
    ],
)  # fmt: skip
def test_the_day_a_value_stands_for(value, expected):
    assert day_of(value, BOGOTA) == expected


def test_due_is_local_and_never_raises():
    rule = parse_date("contact.renewal_date - 3 days at 09:00")
    assert rule.due("2026-12-01", BOGOTA) == at("2026-11-28T14:00")
    assert rule.due("9999-12-31", BOGOTA) == datetime(9999, 12, 28, 14, tzinfo=UTC)
    assert parse_date("a.b + 1 day at 09:00").due("9999-12-31", BOGOTA) is None
    assert parse_date("a.b - 9 days at 09:00").due("0001-01-02", BOGOTA) is None


def test_the_date_of_a_day_that_was_skipped_comes_due_with_the_next():
    rule, skip = parse_date("contact.x at 09:00"), at("2011-12-30T10:00")  # Samoa went from the 29th to the 31st
    assert rule.due("2011-12-30", "Pacific/Apia") == skip
    assert rule.dates(skip, skip + timedelta(hours=1), "Pacific/Apia") == (date(2011, 12, 30), date(2011, 12, 31))


# ---- properties --------------------------------------------------------------------------------------------------
everies = st.one_of(
    st.builds(Every, clocks, st.frozensets(st.integers(0, 6), min_size=1)),
    st.builds(Every, clocks, st.just(frozenset()), st.integers(1, 31)),
)


@given(everies, moments, st.sampled_from(ZONES))
def test_after_is_the_first_due_moment_there_is(every, moment, zone):
    found = every.after(moment, zone)
    assert found > moment
    first = moment.astimezone(ZoneInfo(zone)).date() - 2 * DAY
    for day in (first + n * DAY for n in range((found.date() - first).days + 2)):
        last = (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
        on = day.weekday() in every.weekdays or (every.month_day and day == min(day.replace(day=1) + DAY * (every.month_day - 1), last))  # fmt: skip  # noqa: E501
        due = local(day, every.at, zone)
        assert not (on and moment < due < found)
        assert due != found or on


@given(st.integers(-400, 400), clocks, moments, st.timedeltas(timedelta(0), timedelta(days=40)), st.sampled_from(ZONES))
def test_dates_names_exactly_the_values_that_come_due(days, clock, start, span, zone):
    rule, end = DateRule("contact", "f", days, clock), start + span
    first, after = rule.dates(start, end, zone)
    for day in (first + n * DAY for n in range(-4, (after - first).days + 4)):
        due = rule.due(day.isoformat(), zone)
        assert (first <= day < after) is (start <= due < end)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    for parse in (parse_every, parse_date):
        with contextlib.suppress(ValueError):
            assert isinstance(parse(text), Every | DateRule)


@given(st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.booleans(), st.none()))
def test_any_value_is_a_day_or_none(value):
    assert isinstance(day_of(value, BOGOTA), date | None)
