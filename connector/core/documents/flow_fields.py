"""The kinds of values that only `flow:` documents take."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from marshmallow import ValidationError

from connector.core.documents import expressions
from connector.core.documents import fields as f
from connector.core.documents.expressions import Expression
from connector.core.documents.fields import as_text, collect, problem
from connector.core.documents.flow_words import FLOW

# The languages WhatsApp knows (Meta, "Supported languages" of templates), without their countries. `no` and `am` are
# none of them, so that {yes: ..., no: ...} and {am: ..., pm: ...} are never taken for a text in two languages.
_CODES = (
    "af sq ar az bn bg ca zh hr cs da nl en et fil fi fr ka de el gu ha he hi hu id ga it ja kn kk rw ko ky lo lv lt "
    "mk ms ml mr nb fa pl pt pa ro ru sr sk sl es sw sv ta te th tr uk ur uz vi zu"
)
LANGUAGES = frozenset(_CODES.split())
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_END = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
Texts = Mapping[str, Expression]  # by language; "" = for every one


class Condition(f.Condition):
    """An expression without `{{ }}`."""

    compile: ClassVar[Callable[[str], Expression]] = staticmethod(partial(expressions.bare, words=FLOW))


class Template(f.Condition):
    """A text that may hold `{{ }}`."""

    compile: ClassVar[Callable[[str], Expression]] = staticmethod(partial(expressions.value, words=FLOW))


def is_language(name: str) -> bool:
    """es, pt_BR, zh-CN."""
    return re.split("[_-]", name)[0] in LANGUAGES and len(name) <= 8


class Spoken(f.Value):
    """A text, or one for each language: `{es: Hola, en: Hello}`."""

    def json_schema(self) -> dict[str, Any]:
        one = super().json_schema()
        return {"anyOf": [one, {"type": "object", "additionalProperties": one}]}

    def read(self, value: Any) -> Texts:
        if not isinstance(value, dict):
            return {"": Template().deserialize(value)}
        for name in value:
            if not is_language(name):
                hint = "Write for example es, en or pt_BR; a text with a colon stands in quotes."
                raise problem(f"'{name[:60]}' is not a language.", "language", hint)
        if not value:
            raise problem("Here stands no text.", "missing")
        return collect((name, lambda item=item: Template().deserialize(item)) for name, item in value.items())


class Variable(f.Value):
    """A name that `flow.<name>` can say."""

    def read(self, value: Any) -> str:
        text = as_text(value).strip()
        if not _VARIABLE.fullmatch(text):
            raise problem(
                f"'{text[:60]}' cannot be a name after `flow.`.", "name", "Letters, digits and _ only, at most 100."
            )
        return text


class EndWord(f.Value):
    """How a conversation ended, in one word of the admin's own."""

    def read(self, value: Any) -> str:
        text = as_text(value).strip()
        if not _END.fullmatch(text):
            raise problem(
                f"'{text[:60]}' is not one word.", "end", "Small letters, digits and _ only, for example qualified"
            )
        return text


class Priority(f.Number):
    """A whole number from 0 to 100."""

    json: ClassVar[Mapping[str, Any]] = {"type": ["integer", "string"], "minimum": 0, "maximum": 100}

    def read(self, value: Any) -> int:
        number = super().read(value)
        if not isinstance(number, int) or not 0 <= number <= 100:
            raise problem("Here a whole number from 0 to 100 is expected.", "number")
        return number


class Choices(f.Pairs):
    """Buttons: `{id: label}`."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(Spoken(), **rest)

    def read(self, value: Any) -> dict[str, Any]:
        found = super().read(value)
        if not found:
            raise problem("Here stands no button.", "missing", "Write for example {yes: Yes, no: No}")
        return found


class Rows(f.Value):
    """A list: `{Section: {id: Title | description}}`; with one section its name may be left out."""

    def json_schema(self) -> dict[str, Any]:
        rows = {"type": "object", "additionalProperties": Spoken().json_schema()}
        return {"type": "object", "additionalProperties": {"anyOf": [Spoken().json_schema(), rows]}}

    def read(self, value: Any) -> dict[str, dict[str, Texts]]:
        """{section: {id: texts}}; rows that stand in no section are in the section ""."""
        if not isinstance(value, dict):
            raise problem("Here a map is expected: lines of `word: value`.", "not_map")
        sections: dict[str, dict[str, Any]] = {}
        wrong: dict[str, Any] = {}
        for name, inside in value.items():
            try:
                if isinstance(inside, dict) and not all(map(is_language, inside)):
                    sections[name] = collect((k, lambda v=v: Spoken().deserialize(v)) for k, v in inside.items())
                elif inside == {}:
                    raise problem("The section has no rows.", "missing")
                else:
                    sections.setdefault("", {})[name] = Spoken().deserialize(inside)
            except ValidationError as error:
                wrong[name] = error.messages
        if wrong:
            raise ValidationError(wrong)
        if not sections:
            raise problem("The list has no rows.", "missing", "Write for example {Times: {am: Morning, pm: Afternoon}}")
        return sections


class Go(f.Value):
    """`go:` a step, `{answer: step}`, or `[{if: ..., to: step}, {else: step}]`."""

    def json_schema(self) -> dict[str, Any]:
        step = {"type": ["string", "number", "boolean"]}
        way = {
            "type": "object",
            "additionalProperties": False,
            "properties": {"if": step, "to": step, "else": step},
        }
        return {"anyOf": [step, {"type": "object", "additionalProperties": step}, {"type": "array", "items": way}]}

    def read(self, value: Any) -> Any:
        """A name, {answer: name}, or a tuple of (condition or None, name)."""
        if isinstance(value, dict):
            return collect((key, lambda item=item: f.Name().deserialize(item)) for key, item in value.items())
        if isinstance(value, list):
            ways = collect((n, lambda item=item: _way(item)) for n, item in enumerate(value))
            if not ways:
                raise problem("The list is empty.", "missing", "Write for example [{if: flow.x > 5, to: a}, {else: b}]")
            return tuple(ways.values())
        return f.Name().deserialize(value)


def _way(item: Any) -> tuple[Expression | None, str]:
    if isinstance(item, dict) and set(item) == {"else"}:
        return None, f.Name().read(item["else"])
    if isinstance(item, dict) and set(item) == {"if", "to"}:
        read = collect(
            [("if", lambda: Condition().deserialize(item["if"])), ("to", lambda: f.Name().deserialize(item["to"]))]
        )
        return read["if"], read["to"]
    raise problem("This is not a way.", "go", "Write {if: flow.x >= 5, to: step} or, as the last, {else: step}")


class Say(f.Value):
    """One thing a test's customer does: words, a tap, `2 hours pass`, or `{media: image}`."""

    json: ClassVar[Mapping[str, Any]] = {"type": ["string", "number", "boolean", "object"]}

    def read(self, value: Any) -> Any:
        if isinstance(value, dict):
            if len(value) != 1:
                raise problem("One thing at a time.", "test_word", "Write for example {media: image} or {tap: yes}")
            kind, what = next(iter(value.items()))
            if kind not in SAID:
                raise problem(f"'{kind[:60]}' is nothing a test can do.", "test_word", f"There is {', '.join(SAID)}.")
            if isinstance(what, list):
                raise problem("Here a text or a map is expected, not a list.", "test_word")
            return {kind: what if what is not None else ""}
        return as_text(value)


SAID = ("text", "tap", "media", "location", "form", "contact", "reaction", "edit", "order", "unsupported")
