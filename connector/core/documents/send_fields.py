"""The kinds of values that only `send:` documents take."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time
from functools import partial
from typing import Any, ClassVar

from connector.core import audience
from connector.core.documents import expressions
from connector.core.documents import fields as f
from connector.core.documents.document import AtMost
from connector.core.documents.fields import as_text, problem
from connector.core.documents.send_words import SEND
from connector.core.schedule import DateRule, Every, parse_date, parse_every

_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?[-–] ?([0-9]{1,2}):([0-9]{2})")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}")
_AT_MOST = re.compile(r"([0-9]{1,4}) ?(?:per|a|in|every) ?(.+)")


class Condition(f.Condition):
    """An expression without `{{ }}`."""

    compile: ClassVar[Callable[[str], expressions.Expression]] = staticmethod(partial(expressions.bare, words=SEND))


class Template(f.Condition):
    """A text that may hold `{{ }}`."""

    compile: ClassVar[Callable[[str], expressions.Expression]] = staticmethod(partial(expressions.value, words=SEND))


class Phone(Condition):
    """A number as it is (`+57...`), or the expression that finds it."""

    def read(self, value: Any) -> expressions.Expression:
        text = as_text(value).strip()
        fixed = text.startswith("+") and text[1:].replace(" ", "").isdigit()
        return expressions.value(text) if fixed else super().read(value)


class Day(f.Value):
    """`monday 09:00`, `weekday 08:30`, `1st 10:00`."""

    def read(self, value: Any) -> Every:
        try:
            return parse_every(as_text(value))
        except ValueError as error:
            raise _two(error, "every") from None


class Date(f.Value):
    """`contact.renewal_date - 3 days at 09:00`."""

    def read(self, value: Any) -> DateRule:
        try:
            return parse_date(as_text(value))
        except ValueError as error:
            raise _two(error, "date") from None


class Segment(f.Value):
    """`any`, `csv`, `list VIP customers`, `report ...`, `view ...`, `query SELECT ...`."""

    def read(self, value: Any) -> str:
        text = " ".join(as_text(value).split())
        try:
            audience.parse(text)
        except ValueError as error:
            raise problem(f"'{text[:60]}' is no list of people.", "segment", str(error)) from None
        return text


class Moment(f.Value):
    """`2026-12-01 09:00`: a wall clock, in the account's time zone."""

    def read(self, value: Any) -> datetime:
        text = as_text(value).strip()
        if _MOMENT.fullmatch(text):
            try:
                return datetime.fromisoformat(text.replace(" ", "T"))
            except ValueError:
                pass
        raise problem(f"'{text[:60]}' is not a day and a time.", "at", "Write for example 2026-12-01 09:00")


def _two(error: ValueError, code: str) -> Exception:
    """What is wrong, and as the hint what to write."""
    said, dot, hint = str(error).partition(". ")
    return problem(said + dot.strip(), code, hint)


class Hours(f.Value):
    """`08:00-20:00`; the end may be past midnight."""

    def read(self, value: Any) -> tuple[time, time]:
        found = _HOURS.fullmatch(as_text(value).strip())
        numbers = [int(n) for n in found.groups()] if found else []
        if numbers and numbers[2:] == [24, 0]:
            numbers[2] = 0
        if not numbers or numbers[0] > 23 or numbers[2] > 23 or numbers[1] > 59 or numbers[3] > 59:
            raise problem(f"'{str(value)[:60]}' is not a span of hours.", "hours", "Write for example 08:00-20:00")
        return time(numbers[0], numbers[1]), time(numbers[2], numbers[3])


class Weekdays(f.Value):
    """`mon-sat`, `sat, sun`, or a list of days."""

    json: ClassVar[Mapping[str, Any]] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

    def read(self, value: Any) -> frozenset[int]:
        text = ", ".join(map(as_text, value)) if isinstance(value, list) else as_text(value)
        try:
            found = parse_every(f"{text} 00:00").weekdays
        except ValueError:
            found = frozenset()
        if not found:
            raise problem(f"'{text[:60]}' names no days.", "days", "Write for example mon-sat, or sat, sun")
        return found


class Limit(f.Value):
    """`1 per 7 days`."""

    def read(self, value: Any) -> AtMost:
        found = _AT_MOST.fullmatch(as_text(value).strip().lower())
        if not found or int(found[1]) < 1:
            raise problem(f"'{str(value)[:60]}' is not a limit.", "at_most", "Write for example 1 per 7 days")
        length = found[2] if found[2][:1].isdigit() else f"1 {found[2]}"
        return AtMost(int(found[1]), f.Duration().read(length))


class Yes(f.YesNo):
    """`contact.created`, bare or with yes."""

    json: ClassVar[Mapping[str, Any]] = {"enum": [*f.YesNo.json["enum"], None]}

    def read(self, value: Any) -> bool:
        return True if value is None else super().read(value)
