"""A step's template as a send: document, so that it goes through the gates of every send, also when it must wait."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.core import documents as language
from connector.core.documents import SendDocument
from connector.errors import BadDocument

KEPT = "flow_template"  # of a send's context: what its document is made of again
_PREFIX = "step."
Json = dict[str, Any]


def document_of(kept: Mapping[str, Any], crm: str) -> tuple[SendDocument, Json]:
    """The send: document that a step's template stands for, and what it reads as `webhook.*`. Raises BadDocument."""
    called: Json = {f"p{n}": value for n, (_, value) in enumerate(sorted(kept["values"].items()))}
    filled = {key: f"{{{{ webhook.p{n} }}}}" for n, (key, _) in enumerate(sorted(kept["values"].items()))}
    name = f"{_PREFIX}{kept['flow']}"
    parts: Json = {
        "send": name, "crm": crm, "when": {"webhook": name}, "to": {"phone": "contact.phone"},
        "template": kept["template"],
    }  # fmt: skip
    parts |= {"language": kept["language"]} if kept["language"] else {}
    parts |= {"with": filled} if filled else {}
    parts |= {"buttons": list(kept["buttons"])} if kept["buttons"] else {}
    found = language.read(json.dumps(parts, ensure_ascii=False))  # JSON is YAML: no value can change its form
    assert isinstance(found, SendDocument)
    return replace(found, name=str(kept["flow"]), sender=str(kept["sender"])), called


def again(row: Any, crm: str) -> tuple[SendDocument, Json] | None:
    """The document of a send that waits, where a step of a flow made it."""
    kept = (row.context or {}).get(KEPT)
    if not kept:
        return None
    try:
        return document_of(kept, crm)
    except BadDocument:
        return None
