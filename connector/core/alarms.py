"""When an operator is told of what is out of the ordinary: when it begins, once a day while it lasts, when it ends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

HOUR = timedelta(hours=1)
AGAIN = timedelta(hours=24)  # between two calls about the same thing
# Silence of an account is judged by its own habits of the last two weeks.
MEMORY = timedelta(days=14)
LEAST_HOURS, LEAST_DAYS = 24, 4  # hours with webhooks, and days they lie in, before anything is said
USUAL = 0.3  # an hour of the day is active when webhooks came in it on so many of its days
FACTOR, LEAST_SILENCE = 8, 6.0  # times the usual longest gap, and active hours


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing out of the ordinary; `code` and `key` name it."""

    code: str
    key: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Ringing:
    """An alarm that was raised and has not ended."""

    id: str
    alarm: Alarm
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Steps:
    """What one look changes."""

    raised: Sequence[Alarm]
    repeated: Sequence[tuple[Ringing, Alarm]]  # with today's words
    resolved: Sequence[Ringing]


def steps(known: Sequence[Ringing], found: Sequence[Alarm], now: datetime, *, unsure: Collection[str] = ()) -> Steps:
    """What is new, still there after a day, and over. `unsure`: codes that nobody could look at this time."""
    now_by = {(alarm.code, alarm.key): alarm for alarm in found}
    rings = {(one.alarm.code, one.alarm.key): one for one in known}
    raised = [alarm for key, alarm in now_by.items() if key not in rings]
    still = [(rings[key], alarm) for key, alarm in now_by.items() if key in rings]
    repeated = [(one, alarm) for one, alarm in still if one.told_at + AGAIN <= now]
    over = [one for key, one in rings.items() if key not in now_by and one.alarm.code not in unsure]
    return Steps(raised, repeated, over)


# ---- silence -----------------------------------------------------------------------------------------------------
def silence(hours: Collection[datetime], last: datetime, now: datetime) -> float | None:
    """Active hours without a webhook, when that is out of the ordinary; else None.

    `hours`: the hours (their beginnings) in which webhooks came. Hours in which this account is usually quiet (nights,
    weekends) do not count; the limit is 6 active hours, or 8 times the gap that 95 of 100 were not longer than."""
    heard = sorted({_hour(at) for at in hours if now - MEMORY <= at <= now})
    if len(heard) < LEAST_HOURS or len({at.date() for at in heard}) < LEAST_DAYS:
        return None  # too little is known of its habits
    active = _active(heard, now)
    quiet = _between(active, last, now)
    return quiet if quiet > max(LEAST_SILENCE, FACTOR * _usual_gap(heard, active)) else None


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _kind(at: datetime) -> tuple[bool, int]:
    """Of an hour: weekend or not, and which of the day."""
    return at.weekday() >= 5, at.hour


def _active(heard: Sequence[datetime], now: datetime) -> frozenset[tuple[bool, int]]:
    """The kinds of hours in which it usually is heard."""
    days: dict[tuple[bool, int], int] = {}
    at = heard[0]
    while at <= now:
        days[_kind(at)] = days.get(_kind(at), 0) + 1
        at += HOUR
    heard_in: dict[tuple[bool, int], int] = {}
    for at in heard:
        heard_in[_kind(at)] = heard_in.get(_kind(at), 0) + 1
    return frozenset(kind for kind, n in heard_in.items() if n >= USUAL * days[kind])


def _between(active: Collection[tuple[bool, int]], start: datetime, end: datetime) -> float:
    """Active hours from one moment to another, of at most the last two weeks."""
    at, total = max(start, end - MEMORY), 0.0
    while at < end:
        then = min(_hour(at) + HOUR, end)
        if _kind(at) in active:
            total += (then - at) / HOUR
        at = then
    return total


def _usual_gap(heard: Sequence[datetime], active: Collection[tuple[bool, int]]) -> float:
    """Active hours between two that were heard, which 95 of 100 gaps do not exceed; at least one hour."""
    gaps = sorted(_between(active, one + HOUR, other) for one, other in pairwise(heard))
    return max(1.0, gaps[ceil(0.95 * len(gaps)) - 1])


# ---- words -------------------------------------------------------------------------------------------------------
def silent(account: str, key: str, hours: float, last: datetime) -> Alarm:
    """No webhook came for longer than usual."""
    text = f"No webhook from {account} for {hours:.0f} of its active hours, since {last:%Y-%m-%d %H:%M} UTC."
    hint = "Is PUBLIC_URL reachable, and is the app subscribed? connector doctor --deep"
    return Alarm("webhook_silence", key, text, hint)


STAGES: Mapping[str, str] = {
    "unpack": "Webhooks wait to be read", "handle": "Replies wait to be judged", "trigger": "CRM events wait",
    "write": "Changes wait to be written to the CRM", "send": "Messages wait to be sent",
    "tell": "What became of messages waits to be told",
}  # fmt: skip


def late(stage: str, since: datetime, now: datetime, account: str) -> Alarm:
    """The oldest work of a stage waits too long."""
    minutes = int((now - since).total_seconds() // 60)
    whose = f" ({account})" if account else ""
    hint = "Do workers run, and does the other side answer? The Health page says why the oldest one waits."
    return Alarm("lag", stage, f"{STAGES.get(stage, stage)} for {minutes} minutes{whose}.", hint)
