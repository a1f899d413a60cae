"""Meta's rules for a template's texts: their length, their placeholders, and an example for each of these."""

import re
from collections.abc import Iterator, Mapping

from connector.core.template import limits
from connector.core.template.limits import length
from connector.core.template.misfit import Misfit
from connector.core.template.model import PLACEHOLDER, Component, parts, placeholders

_NAME = re.compile(r"[a-z_]+", re.ASCII)
_BRACES = re.compile(r"\{\{|\}\}")
_ADJACENT = re.compile(PLACEHOLDER.pattern + r"\s*" + PLACEHOLDER.pattern)


def text_rules(key: str, text: str, named: bool, limit: int, most: int | None = None) -> Iterator[Misfit]:
    """Of a header or a body; `most` is how many placeholders it may hold."""
    what = key.rpartition(".")[2]
    if not text.strip():
        yield Misfit("empty", key, f"The {what} has no text.")
        return
    if length(text) > limit:
        yield Misfit("too_long", key, f"The {what} is longer than {limit} characters.", f"It has {length(text)}.")
    if what == "header" and "\n" in text:
        yield Misfit("newline", key, "A header is one line.")
    yield from _names(key, text, named)
    found = PLACEHOLDER.findall(text)
    if most is not None and len(set(found)) > most:
        yield Misfit("too_many", key, f"The {what} may hold {most} placeholder, not {len(set(found))}.")
    if what == "body":
        yield from _places(key, text, len(found))


def _names(key: str, text: str, named: bool) -> Iterator[Misfit]:
    if _BRACES.search(PLACEHOLDER.sub("", text)):
        yield Misfit("placeholder", key, "A placeholder is not written as {{1}} or {{first_name}}.")
        return
    found = placeholders(text)
    if named:
        for name in found:
            if not _NAME.fullmatch(name):
                text = f"The name `{name}` may have only small letters and _."
                yield Misfit("placeholder", key, text, "e.g. {{first_name}}")
    elif list(found) != [str(n + 1) for n in range(len(found))]:
        text = "Placeholders are numbered from 1 without a gap: {{1}}, {{2}}, ..."
        yield Misfit("placeholder", key, text, "For names such as {{first_name}} set parameter_format to named.")


def _places(key: str, text: str, count: int) -> Iterator[Misfit]:
    bare = text.strip()
    first, last = PLACEHOLDER.match(bare), list(PLACEHOLDER.finditer(bare))[-1:]
    if first:
        yield Misfit(
            "start", key, "The text begins with a placeholder, and Meta refuses that.", "Put a word before it."
        )
    if last and last[0].end() == len(bare):
        yield Misfit("end", key, "The text ends with a placeholder, and Meta refuses that.", "Put a word after it.")
    if _ADJACENT.search(bare):
        yield Misfit("adjacent", key, "Two placeholders stand side by side.", "Put a word between them.")
    words = len(re.findall(r"\w+", PLACEHOLDER.sub(" ", bare)))
    needed = limits.WORDS_PER_PARAMETER * count + 1 if count else 0
    if words < needed:
        text = f"{count} placeholders are too many for a text of {words} words."
        yield Misfit("too_many", key, text, f"Write at least {needed} words around them.")


# ---- examples ----------------------------------------------------------------------------------------------------
def example_rules(key: str, part: Component, kind: str, named: bool) -> Iterator[Misfit]:
    """Every placeholder has an example that is not empty; nothing else has one."""
    found, given = placeholders(part.get("text")), _examples(part, kind, named)
    for name in found:
        if not given.get(name, "").strip():
            hint = f"Give it under example.{kind}{'_named_params' if named else ''}."
            yield Misfit("example", key, f"The placeholder `{name}` has no example.", hint)
    for name in given:
        if name not in found:
            yield Misfit("example", key, f"There is an example for `{name}`, and no such placeholder.")


def _examples(part: Component, kind: str, named: bool) -> dict[str, str]:
    example = part.get("example")
    if not isinstance(example, Mapping):
        return {}
    if named:
        rows = parts(example.get(f"{kind}_named_params"))
        return {str(one.get("param_name")): str(one.get("example") or "") for one in rows}
    row = example.get(kind)
    row = row[0] if isinstance(row, list) and row and isinstance(row[0], list) else row
    return {str(n): str(value) for n, value in enumerate(row, 1)} if isinstance(row, list) else {}
