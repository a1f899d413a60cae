"""The kinds of values a document's words take; one class each, read from text, described as JSON Schema."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import re2
from marshmallow import Schema, ValidationError
from marshmallow import fields as base

from connector.core.documents import expressions
from connector.core.documents.filters import zone_problem
from connector.core.documents.findings import Problem, did_you_mean, listed
from connector.core.documents.numbers import plain_number

MAX_PATTERN = 500  # characters, documents.md
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")
_DURATION = re.compile(r"([0-9]{1,5}) ?(minute|min|hour|h|day|d|week|w)s?")
_UNITS = {"minute": 60, "min": 60, "hour": 3600, "h": 3600, "day": 86400, "d": 86400, "week": 604800, "w": 604800}
_LONGEST = timedelta(days=366)
_RE2 = re2.Options()
_RE2.log_errors = False
_RE2.case_sensitive = False
_RE2.max_mem = 1 << 20


def problem(message: str, code: str, hint: str = "") -> ValidationError:
    """What a field raises."""
    return ValidationError(Problem(message, code=code, hint=hint))


def as_text(value: Any) -> str:
    """A scalar; a list or map in its place was meant as text more often than not."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        raise problem("Here a text is expected, not a list or a map.", "not_text")
    raise problem("Nothing stands after the colon.", "missing", "Write the value, or delete the line.")


class Value(base.Field[Any]):
    """The base: `json_schema` is what editors are told."""

    # editors' YAML makes numbers and booleans of 9 and no, which here stay text
    json: ClassVar[Mapping[str, Any]] = {"type": ["string", "number", "boolean"]}

    def json_schema(self) -> dict[str, Any]:
        return dict(self.json)

    def read(self, value: Any) -> Any:
        return as_text(value)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        del attr, data, kwargs
        return self.read(value)


class Line(Value):
    """A plain text."""


class Name(Value):
    """A name of ours, a CRM's or Meta's."""

    def read(self, value: Any) -> str:
        text = as_text(value).strip()
        if not _NAME.fullmatch(text):
            raise problem(f"'{text[:60]}' is not a name.", "name", "Letters, digits, - _ and . only, at most 100.")
        return text


class Word(Value):
    """One of a few words."""

    def __init__(self, *words: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.words = words

    def json_schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}

    def read(self, value: Any) -> str:
        text = as_text(value).strip()
        if text not in self.words:
            meant = did_you_mean(text, self.words)
            raise problem(
                f"'{text[:60]}' is not one of the words here.", "word", f"{meant} Write {listed(self.words)}.".strip()
            )
        return text


class Many(Value):
    """One, or a list of them; always read as a tuple."""

    def __init__(self, of: Value, **rest: Any) -> None:
        super().__init__(**rest)
        self.of = of

    def json_schema(self) -> dict[str, Any]:
        one = self.of.json_schema()
        return {"anyOf": [one, {"type": "array", "items": one}]}

    def read(self, value: Any) -> tuple[Any, ...]:
        items = value if isinstance(value, list) else [value]
        return tuple(
            collect((index, lambda item=item: self.of.deserialize(item)) for index, item in enumerate(items)).values()
        )


class Pairs(Value):
    """A map whose values are all of one kind."""

    def __init__(self, of: base.Field[Any], **rest: Any) -> None:
        super().__init__(**rest)
        self.of = of

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": json_of(self.of)}

    def read(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise problem("Here a map is expected: lines of `word: value`.", "not_map")
        return collect((key, lambda item=item: self.of.deserialize(item)) for key, item in value.items())


class Number(Value):
    """A number as a program writes it."""

    json: ClassVar[Mapping[str, Any]] = {"type": ["number", "string"]}

    def read(self, value: Any) -> float | int:
        number = plain_number(as_text(value))
        if number is None:
            raise problem(f"'{str(value)[:60]}' is not a number.", "number", "Write for example 10 or 2.5")
        return number


class Times(Number):
    """How often; 1 to 10."""

    json: ClassVar[Mapping[str, Any]] = {"type": ["integer", "string"], "minimum": 1, "maximum": 10}

    def read(self, value: Any) -> int:
        number = super().read(value)
        if not isinstance(number, int) or not 1 <= number <= 10:
            raise problem("Here a whole number from 1 to 10 is expected.", "number")
        return number


class YesNo(Value):
    """yes or no."""

    json: ClassVar[Mapping[str, Any]] = {"enum": ["yes", "no", True, False]}
    words: ClassVar[Mapping[str, bool]] = {
        "yes": True,
        "true": True,
        "on": True,
        "no": False,
        "false": False,
        "off": False,
    }

    def read(self, value: Any) -> bool:
        text = as_text(value).strip().lower()
        if text not in self.words:
            raise problem("Here yes or no is expected.", "word")
        return self.words[text]


class Duration(Value):
    """`7 days`, `24 h`, `30 minutes`."""

    def read(self, value: Any) -> timedelta:
        found = _DURATION.fullmatch(as_text(value).strip().lower())
        length = timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found else timedelta()
        if not timedelta() < length <= _LONGEST:
            raise problem(
                f"'{str(value)[:60]}' is not a length of time.",
                "duration",
                "Write for example 24 h, 7 days or 30 minutes.",
            )
        return length


class Zone(Value):
    """contact, account or an IANA zone."""

    def read(self, value: Any) -> str:
        text = as_text(value).strip()
        if wrong := zone_problem(text):
            raise ValidationError(wrong)
        return text


class Pattern(Value):
    """A regular expression, run on re2: no pattern can make us wait."""

    def read(self, value: Any) -> Any:
        text = as_text(value)
        if len(text) > MAX_PATTERN:
            raise problem(
                f"The pattern has over {MAX_PATTERN} characters.", "pattern", "Use `says:` with a list of words."
            )
        try:
            return re2.compile(text, _RE2)
        except re2.error as error:
            said = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
            raise problem(
                f"This pattern cannot be read: {said}.", "pattern", "RE2 syntax: no look-around, no back references."
            ) from None


class Condition(Value):
    """An expression without `{{ }}`."""

    compile: ClassVar[Callable[[str], expressions.Expression]] = staticmethod(expressions.bare)

    def read(self, value: Any) -> expressions.Expression:
        try:
            return type(self).compile(as_text(value))
        except expressions.BadExpression as error:
            raise ValidationError(error.problem) from None


class Template(Condition):
    """A text that may hold `{{ }}`."""

    compile: ClassVar[Callable[[str], expressions.Expression]] = staticmethod(expressions.value)


class Either(Value):
    """A short form (text) or the long form (a map)."""

    def __init__(self, short: Value, long: Callable[[], Schema], **rest: Any) -> None:
        super().__init__(**rest)
        self.short, self.long = short, long

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [self.short.json_schema(), reference_to(self.long())]}

    def read(self, value: Any) -> Any:
        return self.long().load(value) if isinstance(value, dict) else self.short.deserialize(value)


class Part(base.Nested):
    """A map with words of its own."""

    def json_schema(self) -> dict[str, Any]:
        inner = reference_to(self.schema)
        return {"type": "array", "items": inner} if self.many else inner


def collect(steps: Any) -> dict[Any, Any]:
    """Every (key, read) in turn; all errors together."""
    found: dict[Any, Any] = {}
    wrong: dict[Any, Any] = {}
    for key, read in steps:
        try:
            found[key] = read()
        except ValidationError as error:
            wrong[key] = error.messages
    if wrong:
        raise ValidationError(wrong)
    return found


def json_of(field: base.Field[Any]) -> dict[str, Any]:
    """The JSON Schema of one field with its description."""
    body: dict[str, Any] = field.json_schema() if isinstance(field, Value | Part) else {}
    about = field.metadata.get("about")
    return body | ({"description": about} if about else {})


def reference_to(schema: Schema) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{title_of(schema)}"}


def title_of(schema: Schema) -> str:
    """WhenSchema -> when."""
    return type(schema).__name__.removesuffix("Schema").lower()
