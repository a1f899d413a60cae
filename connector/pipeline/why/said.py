"""What a message of ours said, as its reader saw it: free text, or a template with its values."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.core import message
from connector.core.template import preview, slots
from connector.core.template.model import parts
from connector.store import templates


def text_of(conn: Any, send: Any) -> str:
    """The words of one row of `sends`; "" where nobody knows them (another tool's, or a template that is gone)."""
    body = send.body or {}
    if said := message.said(body):
        return said
    body = message.neutral(body) or body
    known = [t for t in templates.known(conn, send.account, [send.template]) if send.template]
    found = next((t for t in known if t.language == send.language), next(iter(known), None))
    if found is None:
        return ""
    return preview(found, dict(_values(slots(found), body.get("template") or {})))


def _values(found: Any, sent: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values of a frozen message, by the names `preview` reads."""
    for part in parts(sent.get("components")):
        places = {"body": (found.body_params, ""), "header": (found.header_params, "header.")}
        names, prefix = places.get(str(part.get("type", "")), ((), ""))
        given = parts(part.get("parameters"))
        yield from ((prefix + name, str(one.get("text", ""))) for name, one in zip(names, given, strict=False))
