"""The live list in HubSpot's workflow editor: what can be sent, searched and paged as HubSpot asks. Imports no SDK."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

from connector.crm.hubspot.payload import load, text
from connector.ports import Choices, Response

PAGE = 50
INPUT = "message"  # the one input of our action that is picked from a live list
KINDS = {"document": ("send", "Document"), "template": ("template", "Template")}  # of choices: value prefix, in words


def page(body: bytes, choices: Choices) -> Response:
    """One page of what matches `fetchOptions.q`; an empty one for a body that cannot be read."""
    asked = _asked(body)
    fetch = asked.get("fetchOptions")
    fetch = fetch if isinstance(fetch, dict) else {}
    words, start = _folded(text(fetch.get("q"))).split(), _start(text(fetch.get("after")))
    offered = _options(choices) if asked.get("inputFieldName", INPUT) == INPUT else iter(())
    found = [one for one in offered if all(word in _folded(" ".join(one.values())) for word in words)]
    answer: dict[str, Any] = {"options": found[start : start + PAGE], "searchable": True}
    if start + PAGE < len(found):
        answer["after"] = str(start + PAGE)
    return Response(200, json.dumps(answer, ensure_ascii=False).encode(), "application/json")


def _options(choices: Choices) -> Iterator[dict[str, str]]:
    for kind, (prefix, word) in KINDS.items():
        for one in choices.get(kind, ()):
            about = f"{word}. {one.description}" if one.description else word
            yield {"value": f"{prefix}:{one.value}", "label": one.label or one.value, "description": about}


def _asked(body: bytes) -> dict[str, Any]:
    try:
        found = load(body)
    except ValueError:
        return {"inputFieldName": ""}
    return found if isinstance(found, dict) else {"inputFieldName": ""}


def _start(after: str) -> int:
    return int(after) if after.isascii() and after.isdigit() and len(after) < 7 else 0


def _folded(words: str) -> str:
    """Without case and accents, as a person searches."""
    return "".join(c for c in unicodedata.normalize("NFKD", words.casefold()) if not unicodedata.combining(c))
