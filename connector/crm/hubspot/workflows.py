"""What a HubSpot workflow asks of us: a step of our own action, or its "Send a webhook". Imports no SDK.

A step names what to send (`message`: send:<document> or template:<name>:<language>), may bring `parameters` and a
`phone`, and waits as `wait_for` says (custom workflow actions guide, 2026).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from connector.core.events import Event, TriggerCalled, Unrecognised
from connector.core.text import clean
from connector.crm.hubspot.payload import digest, load, object_of, text

WAITS = ("reply", "delivered", "sent")
NOT_WAITING = "none"
LASTS = "P1W"  # how long a step waits for us: as long as we keep it
OURS = frozenset({"message", "parameters", "wait_for"})  # inputs that are no values
# Keys of a "Send a webhook" body that say what to do with it; the rest are values.
SEND = ("send", "webhook")
RECORD = ("objectId", "hs_object_id", "vid", "record", "record_id")
ROUTING = frozenset({*SEND, *RECORD, "object", "objectType", "objectTypeId", "event_id", "portalId", "properties"})
QUERY = "x-hook-query"  # the query of the address that was called, kept by us beside the body
VALUES, LONGEST = 200, 65_536
_PARAMETER = re.compile(r"\s*([A-Za-z0-9_.]{1,100})\s*[:=]\s*(.*?)\s*")
Item = Mapping[str, Any]


# ---- a step of our action ----------------------------------------------------------------------------------------
def is_action(item: Any) -> bool:
    """Whether this body is a step of a workflow action."""
    return isinstance(item, dict) and "callbackId" in item


def read_action(item: Item) -> Event:
    """The call; Unrecognised when it does not say what to send, for whom."""
    inputs, about = _dict(item.get("inputFields")), _dict(item.get("object"))
    callback, picked = text(item.get("callbackId")), text(inputs.get("message"))
    kind, _, name = picked.partition(":")
    if not callback or len(callback) > 200:
        return Unrecognised(id=digest(item), raw=item, what="action", text="The step has no callbackId.")
    if kind not in ("send", "template") or not name.strip():
        return Unrecognised(id=callback, raw=item, what="action", text="The step does not say which message to send.")
    waits = wait_for(inputs)
    given = {name: value for name, value in inputs.items() if name not in OURS and text(value)}
    values = given | dict(_parameters(text(inputs.get("parameters"))))
    if kind == "send":  # a template takes nothing but its own parameters
        values = _plain(_dict(about.get("properties"))) | values
    return TriggerCalled(
        id=callback,
        raw=item,
        trigger=name.strip() if kind == "send" else "",
        template=name.strip() if kind == "template" else "",
        object=object_of(text(about.get("objectType"))),
        record=text(about.get("objectId")),
        values=_plain(values),
        callback=callback if waits else "",
        wait_for=waits,
    )


def wait_for(inputs: Item) -> str:
    """reply (also when nothing was chosen), delivered, sent; "" when the workflow goes on at once."""
    chosen = text(inputs.get("wait_for")).strip().lower()
    return "" if chosen == NOT_WAITING else chosen if chosen in WAITS else WAITS[0]


def answer(body: bytes) -> bytes:
    """What a step must hear once it is stored: wait, go on, or why it will never be sent."""
    try:
        event = read_action(_dict(load(body)))
    except ValueError:
        event = Unrecognised(id="", what="action", text="The step cannot be read.")
    if not isinstance(event, TriggerCalled):
        reason = event.text if isinstance(event, Unrecognised) else ""
        outputs = {"state": "refused", "reason": reason, "errorCode": "not_read"}
        return _outputs({**outputs, "hs_execution_state": "FAIL_CONTINUE"})
    if event.callback:
        return _outputs({"hs_execution_state": "BLOCK", "hs_expiration_duration": LASTS})
    return _outputs({"hs_execution_state": "SUCCESS"})


def _outputs(fields: Mapping[str, str]) -> bytes:
    return json.dumps({"outputFields": fields}).encode()


def _parameters(given: str) -> Iterator[tuple[str, str]]:
    """One `name: value` a line."""
    for line in given.splitlines()[:VALUES]:
        if found := _PARAMETER.fullmatch(line):
            yield found[1], found[2]


# ---- "Send a webhook" --------------------------------------------------------------------------------------------
def read_call(item: Item, query: str) -> Event:
    """The call of a workflow's webhook: chosen properties, a whole record, or JSON of the admin's own.

    HubSpot gives such a call no id and repeats it until it is answered: the same content counts once. `event_id`, or a
    property that changes, makes two calls of the same record two."""
    asked = dict(parse_qsl(query[:2000]))
    send = next((name for key in SEND if (name := text(item.get(key)) or asked.get(key, ""))), "")
    key = text(item.get("event_id")) or digest([send, item])
    if not send:
        why = "It does not say which send: document it is for: add ?send=<name> to its address, or `send` to its body."
        return Unrecognised(id=key, raw=item, what="workflow webhook", text=why)
    record = next((found for name in RECORD if (found := text(item.get(name)))), "")
    named = next((found for name in ("object", "objectType", "objectTypeId") if (found := text(item.get(name)))), "")
    named = named or asked.get("object", "") or ("contact" if "vid" in item else "")
    values = _plain(_dict(item.get("properties"))) | _plain(item)
    return TriggerCalled(
        id=f"{send}:{key}",
        raw=item,
        trigger=send,
        object=object_of(named) if record else "",
        record=record,
        values={name: value for name, value in values.items() if name not in ROUTING},
    )


# ---- values ------------------------------------------------------------------------------------------------------
def _plain(given: Item) -> dict[str, Any]:
    """The plain values; of a property with its history (`{value, versions}`) the value."""
    held = {str(name): _dict(value).get("value") if isinstance(value, dict) else value for name, value in given.items()}
    plain = {name: value for name, value in held.items() if value is None or isinstance(value, str | int | float)}
    cut = {name: clean(value, LONGEST) if isinstance(value, str) else value for name, value in plain.items()}
    return dict(list(cut.items())[:VALUES])


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
