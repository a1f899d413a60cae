"""Outbound Messages: the SOAP envelope of a Flow action or workflow rule, one event a field of each notification."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

from connector.core.events import Event, RecordChanged, Unrecognised
from connector.ports import Routed

OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
_TIMES = ("LastModifiedDate", "SystemModstamp")


def is_xml(body: bytes) -> bool:
    """Whether it is meant to be XML: JSON never starts with `<`."""
    return body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def _notifications(body: bytes) -> Element:
    """The `notifications` element. Raises ValueError for anything else; a DOCTYPE is never read."""
    from defusedxml import DefusedXmlException, ElementTree

    try:
        root = ElementTree.fromstring(body, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError, LookupError) as wrong:
        raise ValueError(f"It is not XML we read: {type(wrong).__name__}.") from None
    found = root.find(f"{SOAP}Body/{OUTBOUND}notifications")
    if root.tag != f"{SOAP}Envelope" or found is None:
        raise ValueError("It is not an Outbound Message.")
    return found


def organization(body: bytes) -> str:
    """The OrganizationId, "" when there is none. Raises ValueError."""
    return _text(_notifications(body), "OrganizationId")


def read(body: bytes) -> list[Routed]:
    """Every notification of the message; its owner is the organization. Raises ValueError."""
    top = _notifications(body)
    owner, action = _text(top, "OrganizationId"), _text(top, "ActionId")
    found = top.findall(f"{OUTBOUND}Notification")
    return [Routed(event, owner) for item in found for event in _events(item, action)]


def _events(item: Element, action: str) -> Iterator[Event]:
    """One event a field: a notification says what the fields are now, and not which of them changed."""
    name = _text(item, "Id")
    record = item.find(f"{OUTBOUND}sObject")
    object = (record.get(TYPE, "") if record is not None else "").rpartition(":")[2]
    values = {f.tag.rpartition("}")[2]: _value(f) for f in record} if record is not None else {}
    if not (name and object and values.get("Id")):
        yield _unrecognised(item)
        return
    raw = {"ActionId": action, "NotificationId": name, "object": object, "fields": values}
    common: dict[str, Any] = {
        "object": object,
        "record": values.pop("Id"),
        "what": "changed",
        "at": _at(values),
        "source": values.get("LastModifiedById", ""),
        "raw": raw,
    }
    for field, value in values.items():
        yield RecordChanged(id=f"{name}:{field}", field=field, value=value, **common)
    if not values:
        yield RecordChanged(id=name, **common)


def _unrecognised(item: Element) -> Unrecognised:
    xml = tostring(item)
    return Unrecognised(
        id=hashlib.sha256(xml).hexdigest(),
        what="notifications.Notification",
        text="The notification has no id, object or record id.",
        raw={"xml": xml.decode("utf-8", "replace")},
    )


def _text(parent: Element, name: str) -> str:
    return (parent.findtext(f"{OUTBOUND}{name}") or "").strip()


def _value(field: Element) -> str:
    """An empty field is nil; we know it is empty, so it is the empty text and not "not said"."""
    return "" if field.get(NIL) in ("true", "1") else field.text or ""


def _at(values: dict[str, str]) -> datetime | None:
    for name in _TIMES:
        if values.get(name):
            try:
                at = datetime.fromisoformat(values[name])
            except ValueError:
                continue
            return at if at.tzinfo else None
    return None
