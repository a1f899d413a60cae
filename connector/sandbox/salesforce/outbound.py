"""Outbound Messages: SOAP to one URL, again and again until it answers with an Ack (Outbound Messages guide).

The admin of this org has set up one message per field, sent when that field changes, and one with all fields for a new
record; with the switch `whole` every save sends all fields instead. What is repeated carries what the record holds by
then, under the same Notification id.
"""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from connector.sandbox.poster import Webhook
from connector.sandbox.salesforce.objects import SYSTEM
from connector.sandbox.salesforce.settings import API, ORG, SalesforceOptions
from connector.sandbox.salesforce.store import Row, Store
from connector.sandbox.salesforce.values import Value, make_id
from connector.sandbox.world import World

# The objects an admin has set messages up for.
SENT = ("Contact", "Lead", "Opportunity", "Account", "Case", "Order", "Quote", "Visit__c")
TIMES = ("CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp")  # chosen for every message
LEFT_OUT = frozenset({"Description", *(field.name for field in SYSTEM)})
MOST = 100  # notifications of one message
QUOTES = {'"': "&quot;", "'": "&apos;"}
ACK = re.compile(rb"<(?:\w+:)?Ack>\s*true\s*</(?:\w+:)?Ack>")
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\
 xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>{org}</OrganizationId>
   <ActionId>{action}</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>https://sandbox-store.my.salesforce.com/services/Soap/c/{api}/{short}</EnterpriseUrl>
   <PartnerUrl>https://sandbox-store.my.salesforce.com/services/Soap/u/{api}/{short}</PartnerUrl>
{notifications}
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>
"""
NOTIFICATION = """   <Notification>
    <Id>{id}</Id>
    <sObject xsi:type="sf:{object}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
{fields}
    </sObject>
   </Notification>"""


@dataclass(frozen=True)
class Notification:
    """One record in one message; `said` is what it held when the message was raised."""

    id: str
    row: Row
    names: tuple[str, ...]
    said: Mapping[str, Value]


class Outbound:
    """Tells the subscribed URL, if there is one, what a record holds."""

    def __init__(self, world: World, store: Store, lock: threading.RLock, options: SalesforceOptions) -> None:
        self._world, self._store, self._lock, self._options = world, store, lock, options
        self._notifications, self._posted = 0, 0
        self._actions: dict[tuple[str, str], str] = {}
        self._gathered: dict[str, list[Notification]] = {}

    def changed(self, row: Row, names: Iterable[str], created: bool) -> None:
        """Raise what the admin has set up for these fields; only for objects there is a message for."""
        if row.object not in SENT or not self._world.urls.get("salesforce"):
            return
        seen = [f.name for f in self._store.schema.seen(row.object) if f.name not in LEFT_OUT]
        if created or self._options.whole:
            self._raise("", row, seen)
            return
        for name in names:
            if name in seen:
                self._raise(name, row, [name])

    def flush(self) -> None:
        """Send what was gathered and has waited for more."""
        for action in list(self._gathered):
            self._send(action)

    def _raise(self, name: str, row: Row, fields: Sequence[str]) -> None:
        action = self._actions.setdefault((row.object, name), make_id("04k", len(self._actions) + 1))
        self._notifications += 1
        names = ("Id", *fields, *TIMES)
        told = Notification(make_id("04l", self._notifications), row, names, dict(row.values))
        self._gathered.setdefault(action, []).append(told)
        if len(self._gathered[action]) >= min(self._options.gather, MOST):
            self._send(action)

    def _send(self, action: str) -> None:
        told, url = self._gathered.pop(action), self._world.urls.get("salesforce")
        if not url:
            return
        self._posted += 1
        # Every other message is held up, so that the next one overtakes it.
        after = self._options.late if self._posted % 2 else 0.0
        webhook = Webhook("salesforce", url, lambda attempt: self._body(action, told, attempt), _headers, acknowledged)
        for _ in range(2 if self._options.doubled else 1):
            self._world.post(webhook, after)

    def _body(self, action: str, told: Sequence[Notification], attempt: int) -> bytes:
        with self._lock:
            held = [one.said if attempt == 0 else dict(one.row.values) for one in told]
        listed = [_notification(one, values) for one, values in zip(told, held, strict=True)]
        parts: Mapping[str, str] = {"org": ORG, "short": ORG[:15], "action": action, "api": API}
        return ENVELOPE.format(**parts, notifications="\n".join(listed)).encode()


def acknowledged(status: int, body: bytes) -> bool:
    """200 alone is not enough."""
    return status == 200 and ACK.search(body) is not None


def _headers(_url: str, _body: bytes) -> Mapping[str, str]:
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}


def _notification(one: Notification, values: Mapping[str, Value]) -> str:
    fields = "\n".join(_field(name, values.get(name)) for name in one.names)
    return NOTIFICATION.format(id=one.id, object=one.row.object, fields=fields)


def _field(name: str, value: Value) -> str:
    if value is None:
        return f'     <sf:{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"     <sf:{name}>{escape(text, QUOTES)}</sf:{name}>"
