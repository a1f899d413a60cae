"""HubSpot's refusals in our words: status, category and policy tables (facts: HubSpot error handling docs, 2026)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.errors import Busy, ConnectorError, NotAllowed, NotFound, Rejected, Unreachable

LOCKED = 2.0  # seconds; 423 asks for at least that
MIGRATION = 3600.0  # seconds; 477 without Retry-After
DAY_UNKNOWN = 3600.0  # seconds; the daily limit while the account's time zone is unknown: ask again every hour
LONGEST = 86_400.0
POLICIES = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
_VALUES = "Property values were not valid: "
_EXISTING = re.compile(r"Existing ID:\s*(\d{1,20})", re.ASCII)
_NO_PROPERTY = re.compile(r'[Pp]roperty "?\\?"?([A-Za-z0-9_]{1,100})\\?"? does not exist', re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """One property HubSpot refused, and why in its words."""

    name: str
    code: str
    text: str


class Refusal(Rejected):
    """A 4xx about the data: which properties it names, and which record stands in the way."""

    def __init__(
        self, message: str, *, problems: tuple[Problem, ...] = (), existing: str | None = None, **rest: Any
    ) -> None:
        super().__init__(message, **rest)
        self.problems, self.existing = problems, existing


def read_error(body: bytes | str | None) -> dict[str, Any] | None:
    """The error body, every key of which is optional; None when it is not a JSON object (a proxy's page)."""
    try:
        found = json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def refusal(error: Mapping[str, Any], status: int = 0) -> Refusal:
    """One error of a 4xx answer, or one entry of a 2xx answer's `errors`."""
    text = str(error.get("message") or "HubSpot refused this.")
    found = _EXISTING.search(text)
    category = str(error.get("category") or error.get("subCategory") or f"HTTP_{status}")
    problems = tuple(_in_message(text) or _in_errors(error) or _unknown_property(text))
    return Refusal(
        shorten(problems[0].text if problems else text),
        problems=problems,
        existing=found.group(1) if found else None,
        code=category.lower(),
        status=status,
        correlation=error.get("correlationId"),
    )


def _in_message(text: str) -> list[Problem]:
    """The JSON array HubSpot hides in its message."""
    _, found, rest = text.partition(_VALUES)
    if not found:
        return []
    try:
        items, _ = json.JSONDecoder().raw_decode(rest.strip())
    except (ValueError, RecursionError):
        return []
    items = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [
        Problem(str(item["name"]), str(item.get("error", "")), shorten(str(item.get("message") or "")))
        for item in items
        if item.get("name")
    ]


def _in_errors(error: Mapping[str, Any]) -> list[Problem]:
    found: dict[str, Problem] = {}
    errors = error.get("errors")
    for item in errors if isinstance(errors, list) else []:
        context = item.get("context") if isinstance(item, dict) else None
        names = context.get("propertyName") if isinstance(context, dict) else None
        for name in [names] if isinstance(names, str) else names or []:
            found[str(name)] = Problem(str(name), str(item.get("code", "")), shorten(str(item.get("message", ""))))
    return list(found.values())


def _unknown_property(text: str) -> list[Problem]:
    found = _NO_PROPERTY.search(text)
    return [Problem(found.group(1), "PROPERTY_DOESNT_EXIST", shorten(text))] if found else []


def shorten(text: str, limit: int = 300) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def translate(
    status: int, headers: Mapping[str, str], body: bytes | str | None, zone: str | None, now: datetime
) -> ConnectorError:
    """The typed error of an answer that is not 2xx; `zone` is the account's time zone, where known."""
    error = read_error(body)
    if status == 429 or status in (423, 477):
        return _busy(status, headers, error or {}, zone, now)
    if status >= 500 or status < 400 or error is None:
        return Unreachable(f"HubSpot answered {status} without a usable body.", code=f"http_{status}")
    if status in (401, 403):
        return _not_allowed(status, error)
    if status == 404:
        correlation = error.get("correlationId")
        return NotFound("HubSpot does not know this record or address.", code="not_found", correlation=correlation)
    return refusal(error, status)


def _busy(status: int, headers: Mapping[str, str], error: Mapping[str, Any], zone: str | None, now: datetime) -> Busy:
    told = _seconds(headers.get("Retry-After"))
    if status == 423:
        return Busy("HubSpot has locked the record for a moment.", after=max(LOCKED, told or 0), code="locked")
    if status == 477:
        return Busy("HubSpot is moving this account to another data centre.", after=told or MIGRATION, code="migration")
    policy = policy_of(error)
    if policy == "DAILY":
        return Busy("HubSpot's daily limit is used up.", after=told or until_midnight(zone, now), code="daily")
    return Busy("HubSpot limits how fast we may call.", after=told or POLICIES.get(policy, 10.0), code=policy.lower())


def policy_of(error: Mapping[str, Any]) -> str:
    """Which limit: policyName, or read from the message (search answers carry no policyName)."""
    text = str(error.get("message", "")).lower()
    told = str(error.get("policyName") or "").upper()
    if told:
        return told
    return "DAILY" if "daily" in text else "SECONDLY" if " secondly" in text else "TEN_SECONDLY_ROLLING"


def until_midnight(zone: str | None, now: datetime) -> float:
    """Seconds until the next midnight in `zone`, never more than a day and an hour."""
    if not zone:
        return DAY_UNKNOWN
    try:
        local = now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return DAY_UNKNOWN
    midnight = datetime.combine(local.date() + timedelta(days=1), clock_time(), tzinfo=local.tzinfo)
    return max(1.0, midnight.timestamp() - now.timestamp())


def _seconds(text: str | None) -> float | None:
    """A Retry-After in whole seconds, bounded to a day."""
    if not text or not text.strip().isascii() or not text.strip().isdigit():
        return None
    return min(float(text.strip()), LONGEST) or None


def _not_allowed(status: int, error: Mapping[str, Any]) -> NotAllowed:
    correlation = error.get("correlationId")
    if status == 401:
        return NotAllowed(
            "HubSpot does not accept the token.",
            hint="Make a new service key (or rotate the app's token) in HubSpot; store it with `accounts add`.",
            code="token",
            correlation=correlation,
        )
    scopes = missing_scopes(error)
    if scopes:
        return NotAllowed(
            f"The HubSpot token lacks {', '.join(scopes)}.",
            hint="Add these scopes to the service key or app in HubSpot.",
            code="missing_scopes",
            scopes=scopes,
            correlation=correlation,
        )
    return NotAllowed(
        "HubSpot forbids this call.",
        hint="Ask HubSpot's administrator whether the app or key is still enabled.",
        code="forbidden",
        correlation=correlation,
    )


def missing_scopes(error: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes a 403 MISSING_SCOPES names."""
    found: dict[str, None] = {}
    items = error.get("errors")
    for item in (items if isinstance(items, list) else []) + [error]:
        context = item.get("context") if isinstance(item, dict) else None
        context = context if isinstance(context, dict) else {}
        names = context.get("requiredGranularScopes") or context.get("requiredScopes")
        for name in names if isinstance(names, list) else []:
            found[shorten(str(name), 80)] = None
    return tuple(found)
