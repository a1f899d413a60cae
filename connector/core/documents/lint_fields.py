"""One CRM field against what a document does with it: told at save time, never at message time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import gt, lt
from typing import Any, Protocol

from connector.core.documents.coerce import TYPES
from connector.core.documents.comparing import shown
from connector.core.documents.findings import Problem, did_you_mean, listed
from connector.core.documents.numbers import plain_number, read_date
from connector.core.documents.tree import Items, Map, Node, Text


class Field(Protocol):
    """What lint must know of one CRM field (ports.Field has it)."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def writable(self) -> bool: ...
    @property
    def options(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def open_options(self) -> bool: ...
    @property
    def max_length(self) -> int | None: ...
    @property
    def minimum(self) -> float | None: ...
    @property
    def maximum(self) -> float | None: ...


Schema = Mapping[str, Sequence[Field]]
Path = tuple[str | int, ...]
Wrong = tuple[Path, Problem, str]

# CRM type -> the `as:` types that can fill it; a plain text goes anywhere and is checked when it is a literal
_FITS: dict[str, tuple[str, ...]] = {
    "number": ("number", "integer"),
    "integer": ("integer",),
    "boolean": ("yes_no",),
    "date": ("date",),
    "datetime": ("date",),
    "email": ("email",),
    "phone": ("phone",),
    "url": (),
}


def missing(what: str, name: str, known: Iterable[str], object_: str = "") -> Problem:
    where = f" on {object_}" if object_ else ""
    hint = did_you_mean(name, known) or f"Create it in the CRM, or choose another {what}."
    meant = hint[14:-2] if hint.startswith("Did you mean") else ""
    return Problem(
        f"There is no {what} '{name}'{where}.", code=f"unknown_{what}", hint=hint, old=name if meant else "", new=meant
    )


def in_key(said: Problem, word: str, key: str) -> Problem:
    """The same where the field stands with its record before it: `deal.amont`."""
    if not said.old or "." not in key:
        return said
    return Problem(said, code=said.code, hint=said.hint, old=f"{word}.{said.old}", new=f"{word}.{said.new}")


def writable(path: Path, field: Field) -> Iterator[Wrong]:
    """A field that is set or cleared can be."""
    if not field.writable:
        hint = "Choose a field that can be written; calculated and system fields cannot."
        yield path, Problem(f"'{field.name}' ({field.label}) is read-only.", code="read_only", hint=hint), "error"


def target(path: Path, field: Field, node: Node) -> Iterator[Wrong]:
    if not field.writable:
        yield from writable(path, field)
    elif isinstance(node, Text):
        yield from literal(path, field, node.value)
    elif isinstance(node, Map):
        yield from _rule(path, field, node)


def _rule(path: Path, field: Field, rule: Map) -> Iterator[Wrong]:
    texts: list[tuple[Path, Node | None]] = [(("value",), rule.items.get("value")), (("else",), rule.items.get("else"))]
    table = rule.items.get("map")
    texts += [(("map", key), node) for key, node in table.items.items()] if isinstance(table, Map) else []
    for tail, node in texts:
        if isinstance(node, Text) and not (tail == ("else",) and node.value in ("skip", "review")):
            yield from literal((*path, *tail), field, node.value)
    kind = rule.items.get("as")
    if isinstance(kind, Text) and table is None and kind.value in TYPES:
        yield from kind_fits((*path, "as"), field, kind.value)
    yield from _listed_options(path, field, rule)
    yield from _limits(path, field, rule)


def _listed_options(path: Path, field: Field, rule: Map) -> Iterator[Wrong]:
    """`order:` and `options:` name values of the CRM."""
    for word in ("order", "options"):
        node = rule.items.get(word)
        for index, item in enumerate(node.items if isinstance(node, Items) and field.options else ()):
            if isinstance(item, Text) and item.value not in dict(field.options) and not field.open_options:
                yield (*path, word, index), option(field, item.value), "error"


def _limits(path: Path, field: Field, rule: Map) -> Iterator[Wrong]:
    for word, limit, beyond in (("min", field.minimum, lt), ("max", field.maximum, gt)):
        node = rule.items.get(word)
        given = plain_number(node.value) if isinstance(node, Text) else None
        if given is not None and limit is not None and beyond(given, limit):
            message = f"The CRM takes {'at least' if word == 'min' else 'at most'} {shown(limit)} in '{field.name}'."
            yield (*path, word), Problem(message, code="limit", hint=f"Write {word}: {shown(limit)}"), "error"


def kind_fits(path: Path, field: Field, kind: str) -> Iterator[Wrong]:
    fits = _FITS.get(field.type)
    if kind == "choice" and not field.options:
        yield (
            path,
            Problem(f"'{field.name}' has no options to choose from.", code="type", hint="Add options: [...]"),
            "warning",
        )
    elif fits is not None and kind not in fits:
        hint = f"Write as: {listed(fits)}" if fits else "Delete `as:`."
        yield (
            path,
            Problem(f"'{field.name}' is a {field.type} field; `as: {kind}` does not fit it.", code="type", hint=hint),
            "error",
        )


def literal(path: Path, field: Field, text: str) -> Iterator[Wrong]:
    """A value that stands in the document, as far as it is known: all of it, or the fixed part of a template."""
    if "{{" in text:
        return
    said = _wrong_literal(field, text)
    if said:
        yield path, said, "error"


def _wrong_literal(field: Field, text: str) -> Problem | None:
    if field.options and not field.open_options:
        values = dict(field.options)
        parts = text.split(";") if field.type == "choices" else [text]
        odd = next((part for part in parts if part not in values), None)
        return option(field, odd) if odd is not None and text.strip() else None
    if field.max_length is not None and len(text) > field.max_length:
        message = f"The text has {len(text)} characters; '{field.name}' takes {field.max_length}."
        return Problem(message, code="too_long", hint="Shorten it.")
    reader = _LITERALS.get(field.type)
    if reader and text.strip() and not reader[0](text.strip()):
        return Problem(
            f"'{field.name}' is a {field.type} field; \"{text[:60]}\" does not fit it.", code="type", hint=reader[1]
        )
    number = plain_number(text)
    if field.type in ("number", "integer") and number is not None and not _between(number, field):
        limits = [shown(v) for v in (field.minimum, field.maximum) if v is not None]
        return Problem(
            f"'{field.name}' does not take {text}.", code="limit", hint=f"Its limits: {' to '.join(limits)}."
        )
    return None


def _between(number: float, field: Field) -> bool:
    return (field.minimum is None or number >= field.minimum) and (field.maximum is None or number <= field.maximum)


def option(field: Field, text: str) -> Problem:
    values = dict(field.options)
    by_label = {label.casefold(): option for option, label in field.options}
    meant = by_label.get(text.strip().casefold()) or did_you_mean(text, values)[14:-2]
    hint = f"Did you mean '{meant}'?" if meant else f"Its options: {', '.join(list(values)[:20])}."
    return Problem(
        f"'{text[:60]}' is not an option of '{field.name}'.",
        code="option",
        hint=hint,
        old=text if meant else "",
        new=meant,
    )


def _is_date(text: str) -> bool:
    return text[4:5] == "-" and read_date(text, None) is not None


_LITERALS: dict[str, tuple[Any, str]] = {
    "number": (lambda t: plain_number(t) is not None, "Write a number, for example 10 or 2.5"),
    "integer": (lambda t: isinstance(plain_number(t), int), "Write a whole number, for example 10"),
    "boolean": (lambda t: t.lower() in ("true", "false"), "Write true or false"),
    "date": (_is_date, "Write the date as 2026-11-23"),
    "datetime": (_is_date, "Write the time as 2026-11-23T10:00:00Z"),
    "email": (lambda t: "@" in t and " " not in t, "Write one e-mail address"),
    "url": (lambda t: t.startswith(("https://", "http://")), "Write the address with https://"),
    "phone": (lambda t: any(c.isdigit() for c in t), "Write the number with its country, for example +57..."),
}
