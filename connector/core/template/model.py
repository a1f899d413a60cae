"""A template as Meta approved it, and how to read one from Graph's list."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Component = Mapping[str, Any]
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One language of one template. `components` as Graph lists them; `format`: positional | named."""

    name: str
    language: str
    status: str = "APPROVED"
    category: str = ""  # marketing utility authentication
    format: str = "positional"
    components: tuple[Mapping[str, Any], ...] = ()
    id: str = ""
    quality: str = ""
    previous_category: str = ""
    reason: str = ""
    account: str = field(default="", compare=False)  # ours


def from_graph(item: Mapping[str, Any]) -> Template:
    """An item of `GET /{WABA}/message_templates`: category in lower case, language as en_US, reason "" for NONE."""
    score, reason = item.get("quality_score"), _text(item, "rejected_reason")
    return Template(
        name=_text(item, "name"),
        language=_text(item, "language").replace("-", "_"),
        status=_text(item, "status").upper(),
        category=_text(item, "category").lower(),
        format="named" if _text(item, "parameter_format").lower() == "named" else "positional",
        components=tuple(parts(item.get("components"))),
        id=_text(item, "id"),
        quality=_text(score, "score").upper() if isinstance(score, Mapping) else "",
        previous_category=_text(item, "previous_category").lower(),
        reason="" if reason == "NONE" else reason,
    )


def parts(found: Any) -> list[Component]:
    """The objects of a JSON list that should hold only objects; [] for anything else."""
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def component(components: Iterable[Component], kind: str) -> Component | None:
    """The HEADER, BODY, FOOTER, BUTTONS, LIMITED_TIME_OFFER or CAROUSEL; Graph takes the word in any case."""
    return next((one for one in components if _text(one, "type").upper() == kind), None)


def buttons(components: Iterable[Component]) -> list[Component]:
    """The buttons, in order."""
    return parts((component(components, "BUTTONS") or {}).get("buttons"))


def placeholders(text: Any) -> tuple[str, ...]:
    """What stands in {{ }}, each once: numbers in counting order, names as they are met."""
    found = tuple(dict.fromkeys(PLACEHOLDER.findall(text))) if isinstance(text, str) else ()
    return tuple(sorted(found, key=int)) if all(_is_number(one) for one in found) else found


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced; one without a value stays as it is."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else "" if value is None or isinstance(value, dict | list) else str(value)
