"""What `connector broadcasts` prints: forecasts, progress and results in plain words."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

Json = Mapping[str, Any]


def line(one: Json) -> str:
    """One broadcast in one line."""
    state = f"{one['state']}, paused" if one["paused"] else one["state"]
    parts = [f"{one['id']}  {one['name']}  {state}"]
    if one["state"] == "planning":
        parts.append(f"{one['read']:,} of {one['total'] or one['read']:,} planned")
    if one["state"] not in ("draft", "scheduled"):
        parts.append(
            f"{one['planned']:,} people, {one['sent']:,} sent, {one['waiting']:,} wait, {one['failed']:,} failed"
        )
    if one["state"] == "scheduled":
        parts.append(f"begins {_time(one['start_at'])}")
    if one["seconds_left"] is not None:
        parts.append(f"{one['rate']:,.0f} a second, {timedelta(seconds=one['seconds_left'])} left")
    return "  ".join([*parts, one["reason"]]).rstrip()


def forecast_lines(told: Json) -> Iterator[str]:
    """A forecast for a person to decide by."""
    yield f"{told['read']:,} people in the list"
    yield f"{told['sendable']:>9,} can be sent now"
    if told["held"]:
        first, last = _time(told["held_until"][0]["until"]), _time(told["held_last"])
        yield f"{told['held']:>9,} wait until they may arrive, the first until {first}, the last until {last}"
    yield f"{told['refused']:>9,} get nothing"
    for reason in told["reasons"]:
        yield f"{reason['count']:>13,} {reason['code']}: {reason['reason']}"
    for row in told["rows"][:10]:
        yield f"    row {row['line']}: {row['phone']} {row['reason']}".rstrip()
    if told["tier_limit"]:
        yield f"{told['tier_left']:,} of {told['tier_limit']:,} people in 24 hours are left of WhatsApp's limit"
    yield f"The last would leave at {_time(told['ends_at'])}, at {told['pace']} a second"
    cost = told["cost"]
    yield f"Cost: {cost['total']} {cost['currency']}, by WhatsApp's list prices of {cost['effective']}"
    for part in cost["lines"][:12]:
        price = f"{part['amount']} {cost['currency']}" if part["amount"] else "no price known"
        yield f"    {part['count']:>9,} {part['category']}, {part['country'] or 'unknown country'}: {price}"


def result_lines(told: Json) -> Iterator[str]:
    """What came of it."""
    yield line(told)
    for name, word in (("sent", "sent"), ("delivered", "delivered"), ("read_by", "read"), ("answered", "answered")):
        yield f"{told[name]:>9,} {word}"
    for one in told["buttons"]:
        yield f"{one['count']:>13,} tapped {one['button']}"
    for one in told["reasons"]:
        yield f"{one['count']:>9,} {one['what'].replace('_', ' ')}, {one['code']}: {one['reason']}"


def _time(text: str | None) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC" if text else "some time"
