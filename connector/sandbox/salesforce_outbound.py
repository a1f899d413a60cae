"""Outbound Messages: SOAP to one URL, again and again until it answers with an Ack (Outbound Messages guide).

A message that is repeated carries what the record holds by then, under the same Notification id.
"""

import itertools
import re
import threading
from collections.abc import Mapping
from xml.sax.saxutils import escape

from connector.sandbox.poster import Webhook
from connector.sandbox.salesforce_objects import SYSTEM
from connector.sandbox.salesforce_settings import API, ORG
from connector.sandbox.salesforce_store import Row, Store
from connector.sandbox.salesforce_values import Value, make_id
from connector.sandbox.world import World

ACTION = make_id("04k", 1)
SENT = (
    "Contact",
    "Lead",
    "Opportunity",
    "Account",
    "Case",
    "Order",
    "Quote",
    "Visit__c",
)  # the objects an admin has set a message up for
LEFT_OUT = frozenset({"Description", *(field.name for field in SYSTEM)})
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
   <Notification>
    <Id>{id}</Id>
    <sObject xsi:type="sf:{object}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
{fields}
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>
"""


class Outbound:
    """Tells the subscribed URL, if there is one, what a record holds."""

    def __init__(self, world: World, store: Store, lock: threading.RLock) -> None:
        self._world, self._store, self._lock = world, store, lock
        self._numbers = itertools.count(1)

    def changed(self, row: Row) -> None:
        """One message for one record; only for objects an admin has set one up for."""
        url = self._world.urls.get("salesforce")
        if not url or row.object not in SENT:
            return
        id = make_id("04l", next(self._numbers))
        self._world.post(Webhook("salesforce", url, lambda _attempt: self._body(id, row), _headers, acknowledged))

    def _body(self, id: str, row: Row) -> bytes:
        with self._lock:
            values = dict(row.values)
            chosen = (f.name for f in self._store.schema.seen(row.object) if f.name not in LEFT_OUT)
            names = ["Id", *chosen]
        fields = "\n".join(_field(name, values.get(name)) for name in names)
        parts: Mapping[str, str] = {"org": ORG, "short": ORG[:15], "action": ACTION, "api": API, "id": id}
        return ENVELOPE.format(**parts, object=row.object, fields=fields).encode()


def acknowledged(status: int, body: bytes) -> bool:
    """200 alone is not enough."""
    return status == 200 and ACK.search(body) is not None


def _headers(_url: str, _body: bytes) -> Mapping[str, str]:
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}


def _field(name: str, value: Value) -> str:
    if value is None:
        return f'     <sf:{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"     <sf:{name}>{escape(text, QUOTES)}</sf:{name}>"
