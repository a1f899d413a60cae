"""Meta's webhook bodies, built for the journey tests; the exact shapes of every kind are in tests/whatsapp/payloads."""

import itertools
import time
from typing import Any

NUMBER, WABA, DISPLAY = "106540352242922", "102290129340398", "15550783881"
_count = itertools.count(1)


def message(
    wa_id: str | None,
    kind: str = "text",
    *,
    user_id: str | None = None,
    id: str = "",
    at: float | None = None,
    **body: Any,
) -> dict[str, Any]:
    """One item of `messages`; `body` stands under the type's own key, or beside it (context)."""
    item: dict[str, Any] = {
        "id": id or f"wamid.in{next(_count)}",
        "timestamp": str(int(at or time.time())),
        "type": kind,
    }
    context = body.pop("context", None)
    if kind == "text" and isinstance(body.get("text"), str):
        body = {"body": body["text"]}
    item[kind] = body
    if wa_id:
        item["from"] = wa_id
    if user_id:
        item["from_user_id"] = user_id
    if context:
        item["context"] = {"from": DISPLAY, "id": context}
    return item


def text(wa_id: str | None, words: str, **more: Any) -> dict[str, Any]:
    return message(wa_id, "text", text=words, **more)


def tap(wa_id: str | None, payload: str, label: str = "", **more: Any) -> dict[str, Any]:
    """A tap on a template's quick reply."""
    return message(wa_id, "button", payload=payload, text=label or payload, **more)


def value(
    *messages: dict[str, Any], names: dict[str, str] | None = None, number: str = NUMBER, **more: Any
) -> dict[str, Any]:
    people: dict[tuple[str | None, str | None], dict[str, Any]] = {}
    for m in messages:
        key = (m.get("from"), m.get("from_user_id"))
        person: dict[str, Any] = {"profile": {"name": (names or {}).get(m.get("from") or "", "Ana Ruiz")}}
        people[key] = person | ({"wa_id": key[0]} if key[0] else {}) | ({"user_id": key[1]} if key[1] else {})
    metadata = {"display_phone_number": DISPLAY, "phone_number_id": number}
    found = {"messaging_product": "whatsapp", "metadata": metadata} | more
    return found | ({"contacts": list(people.values()), "messages": list(messages)} if messages else {})


def webhook(*values: dict[str, Any], field: str = "messages", waba: str = WABA) -> dict[str, Any]:
    """One POST with a change for each value."""
    changes = [{"field": field, "value": v} for v in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": waba, "changes": changes}]}


def replies(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One POST that carries these messages."""
    return webhook(value(*messages, **more))
