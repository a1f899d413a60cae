"""Quiet hours: when a message may arrive, in the recipient's own time.

A window belongs to the day it begins on, so 22:00-06:00 on Friday lasts until Saturday morning. Where the zone is not
known, every zone of the phone's country must allow the moment. All instants are UTC; a local time that does not exist
(clocks go forward) is the first instant after it, one that exists twice (clocks go back) is the first.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from connector.core import phone as phones

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
CONTACT, ACCOUNT = "contact", "account"
OTHERWISE = ("wait", "refuse")
SEARCH = 22  # days: two weeks find every weekly window, the third a week whose window a clock change swallows

Span = tuple[datetime, datetime]  # [from, to)


class NeverAllowed(ValueError):
    """There is no moment that every zone allows."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Messages are allowed from `start` to `end` on `days` (0 = Monday); `end` at or before `start` is the next day."""

    start: time
    end: time
    days: frozenset[int] = frozenset(range(7))
    zone: str = CONTACT  # contact | account | an IANA name
    otherwise: str = "wait"  # wait | refuse

    def __post_init__(self) -> None:
        if not self.days or not self.days <= set(range(7)):
            raise ValueError("Quiet hours need at least one day of the week on which messages are allowed.")
        if self.otherwise not in OTHERWISE:
            raise ValueError(f"Outside the allowed hours a message can `wait` or `refuse`, not '{self.otherwise}'.")
        if self.zone not in (CONTACT, ACCOUNT) and zone_name(self.zone) is None:
            raise ValueError(f"There is no time zone '{self.zone}': write contact, account or, e.g., America/Bogota.")


# ---- local time --------------------------------------------------------------------------------------------------
@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return {name.casefold(): name for name in names}


def zone_name(text: str | None) -> str | None:
    """The IANA name that is meant, None if none is; some CRMs write america_slash_bogota."""
    return _names().get((text or "").strip().casefold().replace("_slash_", "/"))


def local(day: date, at: time, zone: str) -> datetime:
    """The instant (UTC) at which clocks in `zone` show `at` on `day`: the first one, or the first after a gap."""
    there = ZoneInfo(zone)
    wall = datetime.combine(day, at.replace(tzinfo=None, fold=0))
    instant = wall.replace(tzinfo=there).astimezone(UTC)
    if instant.astimezone(there).replace(tzinfo=None) == wall:
        return instant
    return _end_of_gap(wall.replace(tzinfo=there, fold=1).astimezone(UTC), instant, there)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant the clocks jumped, searched by halves to the second; the offset differs on its two sides."""
    low, high = before.replace(microsecond=0), after.replace(microsecond=0) + SECOND
    old = low.astimezone(zone).utcoffset()
    while high - low > SECOND:
        middle = low + timedelta(seconds=(high - low) // SECOND // 2)
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == old else (low, middle)
    return high


def zones_for(wanted: str, contact_zone: str | None, phone: str | None, account_zone: str) -> tuple[str, ...]:
    """The zones that must all allow: the contact's own, else all of the phone's country, else the account's."""
    account = zone_name(account_zone) or "UTC"
    if wanted == ACCOUNT:
        return (account,)
    if wanted != CONTACT:
        return (zone_name(wanted) or account,)
    own = zone_name(contact_zone)
    return (own,) if own else (phones.zones(phone) if phone else ()) or (account,)


# ---- allowed -----------------------------------------------------------------------------------------------------
def _windows(q: QuietHours, zone: str, first: date, days: int) -> Iterator[Span]:
    later = DAY if q.end <= q.start else timedelta(0)
    for day in (first + n * DAY for n in range(days)):
        if day.weekday() in q.days:
            begin, end = local(day, q.start, zone), local(day + later, q.end, zone)
            if begin < end:
                yield begin, end


def _joined(spans: Iterator[Span]) -> list[Span]:
    out: list[Span] = []
    for begin, end in spans:
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def _common(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Where both allow; both are sorted and do not overlap themselves."""
    out, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        begin, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if begin < end:
            out.append((begin, end))
        i, j = (i + 1, j) if one[i][1] <= other[j][1] else (i, j + 1)
    return out


@lru_cache(maxsize=256)
def _open(q: QuietHours, zones: tuple[str, ...], today: date) -> tuple[Span, ...]:
    """The spans every zone allows, from two days before `today` (UTC); the same for everyone in these zones."""
    first = today - 3 * DAY  # a window may have begun the day before, and a zone may be a day behind
    per_zone = {tuple(_joined(_windows(q, zone, first, SEARCH + 3))) for zone in zones}
    common, *rest = [list(spans) for spans in per_zone]
    for spans in rest:
        common = _common(common, spans)
    return tuple(common)


def _at(q: QuietHours, now: datetime, zones: Sequence[str]) -> tuple[tuple[Span, ...], int]:
    spans = _open(q, tuple(dict.fromkeys(zones)) or ("UTC",), now.astimezone(UTC).date())
    return spans, bisect_right(spans, now, key=lambda span: span[0])


def allowed(q: QuietHours, now: datetime, zones: Sequence[str]) -> bool:
    """May a message arrive at `now` in every one of these zones?"""
    spans, following = _at(q, now, zones)
    return following > 0 and now < spans[following - 1][1]


def closes(q: QuietHours, now: datetime, zones: Sequence[str]) -> datetime:
    """The end (UTC) of the time in which every zone allows `now`; `now` itself when one does not."""
    spans, following = _at(q, now, zones)
    return max(spans[following - 1][1], now) if following else now


def next_allowed(q: QuietHours, now: datetime, zones: Sequence[str]) -> datetime:
    """The first instant from `now` on (UTC) that every zone allows; NeverAllowed when their hours never meet."""
    if allowed(q, now, zones):
        return now.astimezone(UTC)
    spans, following = _at(q, now, zones)
    if following == len(spans):
        raise NeverAllowed(
            f"{q.start:%H:%M}-{q.end:%H:%M} never comes at the same moment in all {len(set(zones))} time zones of the "
            "phone's country. Widen the hours, or give the contact a time zone."
        )
    return spans[following][0]
