"""Outbound Messages: the SOAP envelope of a Flow action or workflow rule, one event a field of each notification.

A message says what its fields are, and not which of them changed. One with a single field (beside the record's times
and people) was set up for the change of that field, and is believed: it changed. One with several is a snapshot: a
field changed when we know another value of it. A record made in the moment it was last modified is new.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
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
_TIMES = ("SystemModstamp", "LastModifiedDate")  # what also counts recalculations first: it is never behind
# About the record as a whole; never an event of their own.
_FRAME = frozenset({"Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedById", *_TIMES})
_DOUBLE = re.compile(r"-?[0-9]\.[0-9]{1,17}E-?[0-9]{1,3}", re.ASCII)
DEEP_KEPT = 65_536  # characters that are kept of it
_AT_ONCE = timedelta(seconds=1)  # a flow may touch a new record within its own transaction


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


def read(body: bytes, user: str = "") -> list[Routed]:
    """Every notification of the message; its owner is the organization, `user` our own. Raises ValueError."""
    top = _notifications(body)
    owner, action = _text(top, "OrganizationId"), _text(top, "ActionId")
    found = top.findall(f"{OUTBOUND}Notification")
    return [Routed(event, owner) for item in found for event in _events(item, action, user)]


def _events(item: Element, action: str, user: str) -> Iterator[Event]:
    name = _text(item, "Id")
    record = item.find(f"{OUTBOUND}sObject")
    object = (record.get(TYPE, "") if record is not None else "").rpartition(":")[2]
    values = {f.tag.rpartition("}")[2]: _value(f) for f in record} if record is not None else {}
    if not (name and object and values.get("Id")):
        yield _unrecognised(item)
        return
    fields = {n: v for n, v in values.items() if n not in _FRAME}
    new, by = _is_new(values), values.get("LastModifiedById", "")
    common: dict[str, Any] = {
        "object": object,
        "record": values["Id"],
        "at": _at(values, *_TIMES),
        "source": by,
        "raw": {"ActionId": action, "NotificationId": name, "object": object, "fields": values},
    }
    snapshot = len(fields) > 1 and not new
    # Of a snapshot the last hand on the record is not that on each field: there our own writes are known by value.
    ours = bool(user) and by[:15] == user[:15] and not snapshot
    if new or not fields:
        yield RecordChanged(id=name, what="created" if new else "changed", ours=ours, **common)
    for field, value in fields.items():
        id = f"{name}:{field}"
        yield RecordChanged(id=id, what="changed", field=field, value=value, snapshot=snapshot, ours=ours, **common)


def _is_new(values: Mapping[str, str]) -> bool:
    made, changed = _at(values, "CreatedDate"), _at(values, *_TIMES)
    return made is not None and changed is not None and changed - made <= _AT_ONCE


def _unrecognised(item: Element) -> Unrecognised:
    xml = _written(item)
    return Unrecognised(
        id=hashlib.sha256(xml).hexdigest(),
        what="notifications.Notification",
        text="The notification has no id, object or record id.",
        raw={"xml": xml.decode("utf-8", "replace")},
    )


def _written(item: Element) -> bytes:
    """The element as XML; one nested deeper than Python writes as what stands in it."""
    try:
        return tostring(item)
    except RecursionError:
        return repr([(part.tag, part.text) for part in item.iter()])[:DEEP_KEPT].encode("utf-8", "replace")


def _text(parent: Element, name: str) -> str:
    return (parent.findtext(f"{OUTBOUND}{name}") or "").strip()


def _value(field: Element) -> str:
    """An empty field is nil; we know it is empty, so it is the empty text and not "not said".

    Numbers from ten millions on come as Java writes a double, 1.25E7: as the REST API says them they are the same."""
    text = "" if field.get(NIL) in ("true", "1") else field.text or ""
    return format(Decimal(text), "f") if _DOUBLE.fullmatch(text) else text


def _at(values: Mapping[str, str], *names: str) -> datetime | None:
    """The first of these times that the message carries."""
    for name in names:
        if values.get(name):
            try:
                at = datetime.fromisoformat(values[name])
            except ValueError:
                continue
            return at if at.tzinfo else None
    return None
