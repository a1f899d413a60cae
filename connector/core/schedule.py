"""Times a send: document waits for: `every: monday 09:00` and `date: contact.renewal_date - 3 days at 09:00`.

Local times follow quiet.local: one that does not exist is the first instant after it, one that exists twice the first.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from connector.core.contact import Value
from connector.core.quiet import DAY, local

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVERY_SAYS = (
    "Write `day 09:00`, `weekday 08:30`, `monday 09:00`, `monday, thursday 09:00`, `mon-fri 09:00`, `1st 10:00` or "
    "`last day 10:00`, with the time from 00:00 to 23:59."
)
DATE_SAYS = (
    "Write `contact.renewal_date at 09:00`, `contact.renewal_date - 3 days at 09:00` or `deal.closedate + 2 weeks at "
    "09:00`, with the time from 00:00 to 23:59."
)
MOST_DAYS = 3660  # ten years either way
_GROUPS = {"day": range(7), "weekday": range(5), "weekend": range(5, 7)}
_EVERY = re.compile(r"(.+?)\s+(?:at\s+)?(\d{1,2}:\d{2})")
_NTH = re.compile(r"(\d{1,2})(st|nd|rd|th)")
_DATE = re.compile(
    r"([a-z]\w*)\.([a-z]\w*)(?:\s*([-+−])\s*(\d{1,4})\s*(day|week)s?)?\s+at\s+(\d{1,2}:\d{2})", re.IGNORECASE
)
_EPOCH = re.compile(r"-?\d{9,14}")  # milliseconds
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


# ---- every -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Every:
    """A repeated local time: on `weekdays` (0 = Monday), or on day `month_day` of each month (its last, if shorter)."""

    at: time
    weekdays: frozenset[int] = frozenset()
    month_day: int = 0  # 1..31; 0 = by weekdays

    def after(self, moment: datetime, zone: str) -> datetime:
        """The next due instant (UTC) strictly after `moment`."""
        day = moment.astimezone(ZoneInfo(zone)).date()
        while True:
            if self._on(day) and (due := local(day, self.at, zone)) > moment:
                return due
            day += DAY

    def _on(self, day: date) -> bool:
        if not self.month_day:
            return day.weekday() in self.weekdays
        return day.day == min(self.month_day, monthrange(day.year, day.month)[1])


def parse_every(text: str) -> Every:
    """`monday 09:00`, `weekday 08:30`, `day 09:00`, `1st 10:00`, ...; ValueError says what is accepted."""
    found = _EVERY.fullmatch(" ".join(str(text).lower().split()))
    at = _time(found[2]) if found else None
    if found is None or at is None:
        raise ValueError(f"'{text}' is not a day and a time. {EVERY_SAYS}")
    if (nth := _month_day(found[1])) is not None:
        return Every(at, month_day=nth)
    if days := _weekdays(found[1]):
        return Every(at, weekdays=days)
    raise ValueError(f"'{found[1]}' is not a day. {EVERY_SAYS}")


def _month_day(words: str) -> int | None:
    if words in ("last", "last day"):
        return 31
    nth = _NTH.fullmatch(words)
    return int(nth[1]) if nth and 1 <= int(nth[1]) <= 31 and nth[2] == _suffix(int(nth[1])) else None


def _suffix(n: int) -> str:
    return "th" if 10 < n % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")


def _weekdays(words: str) -> frozenset[int]:
    """The days of `monday`, `mon-fri`, `monday, thursday and saturday`, `weekday`; empty if a word is none."""
    out: set[int] = set()
    for part in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", words):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        begin, end = _weekday(first), _weekday(last) if dash else None
        if not dash and first in _GROUPS:
            out.update(_GROUPS[first])
        elif begin is None or (dash and end is None):
            return frozenset()
        else:
            out.update((begin + n) % 7 for n in range(((begin if end is None else end) - begin) % 7 + 1))
    return frozenset(out)


def _weekday(word: str) -> int | None:
    return next((n for n, name in enumerate(WEEK) if word in (name, name + "s", name[:3])), None)


def _time(text: str) -> time | None:
    hour, minute = (int(part) for part in text.split(":"))
    return time(hour, minute) if hour < 24 and minute < 60 else None


# ---- date --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class DateRule:
    """`days` after the date in `word`.`field` (before it, when negative), at a local time."""

    word: str
    field: str
    days: int
    at: time

    def due(self, value: Value, zone: str) -> datetime | None:
        """When (UTC) a field's value comes due; None if it holds no date."""
        day = day_of(value, zone)
        try:
            return local(day + self.days * DAY, self.at, zone) if day else None
        except OverflowError:
            return None

    def dates(self, start: datetime, end: datetime, zone: str) -> tuple[date, date]:
        """The field's dates that come due in [start, end): from the first of the pair up to, not with, the second."""
        first = self._first(start, zone)
        return first, max(first, self._first(end, zone))

    def _first(self, moment: datetime, zone: str) -> date:
        """The first date whose due instant is not before `moment`."""
        day = moment.astimezone(ZoneInfo(zone)).date() - DAY  # a day that was skipped is due at the start of the next
        while local(day, self.at, zone) < moment:
            day += DAY
        return day - self.days * DAY


def parse_date(text: str) -> DateRule:
    """`contact.renewal_date - 3 days at 09:00`; ValueError says what is accepted."""
    found = _DATE.fullmatch(" ".join(str(text).split()))
    at = _time(found[6]) if found else None
    if found is None or at is None:
        raise ValueError(f"'{text}' is not a date field with a time. {DATE_SAYS}")
    days = int(found[4] or 0) * (7 if (found[5] or "").lower() == "week" else 1)
    if days > MOST_DAYS:
        raise ValueError(f"{days} days is too far from the date: {MOST_DAYS} at most. {DATE_SAYS}")
    return DateRule(found[1], found[2], -days if found[3] in ("-", "−") else days, at)


def day_of(value: Value, zone: str) -> date | None:
    """The date a CRM's value stands for: an ISO date, an ISO date and time, or milliseconds since 1970.

    A moment is a date where the account is; milliseconds that are midnight UTC are a date field's own day.
    """
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    try:
        if _EPOCH.fullmatch(text):
            moment = datetime.fromtimestamp(int(text) / 1000, UTC)
            return moment.date() if moment.time() == time() else moment.astimezone(ZoneInfo(zone)).date()
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return moment.date() if moment.tzinfo is None else moment.astimezone(ZoneInfo(zone)).date()
    except (ValueError, OverflowError, OSError):
        return None
