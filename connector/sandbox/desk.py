"""What a salesperson sees of a customer in the CRMs' own screens: records with labels, and what has just changed."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from connector.sandbox.graph.customers import TAIL
from connector.sandbox.hubspot.service import HubSpot
from connector.sandbox.hubspot.store import Item
from connector.sandbox.salesforce.service import Salesforce
from connector.sandbox.salesforce.store import Row
from connector.sandbox.world import World

Card = dict[str, Any]
SHOWN = ("hs_lead_status",)  # of HubSpot's own properties; its other hs_ ones are not what people look at
UNSEEN = ("createdate", "lastmodifieddate", "hubspot_owner_id", "pipeline")
# What the card's title says already, or nobody looks for: shown only when it has just changed.
ASIDE = frozenset({"firstname", "lastname", "dealname", "FirstName", "LastName", "Name", "quote_pdf_url", "country",
                   "MailingCountry"})  # fmt: skip
ENTRIES = {"communications": "hs_communication_body", "notes": "hs_note_body", "tasks": "hs_task_subject"}
MOST = 8  # timeline entries of a record that are shown, the newest
STAGES = {"deals": "dealstage", "Opportunity": "StageName"}
KINDS = {"contacts": "Contact", "deals": "Deal"}


class Desk:
    """`Desk(world)` remembers what each record held when it was last looked at, from the start on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """What stands there now is nothing new."""
        with self._lock:
            self._last: dict[tuple[str, str, str], Mapping[str, str]] = {}
            self._moved: dict[tuple[str, str, str], dict[str, tuple[str, float]]] = {}
            for card in self._everything():
                self._last[_key(card)] = _values(card)

    def of(self, wa_id: str) -> list[Card]:
        """The records of whoever has this number; a field that changed has `before` and `changed_at`."""
        cards = [*self._hubspot(wa_id), *self._salesforce(wa_id)]
        with self._lock:
            for card in cards:
                self._compare(card)
        return cards

    def _compare(self, card: Card) -> None:
        key, now = _key(card), self._world.now()
        last, here = self._last.get(key), _values(card)
        moved = self._moved.setdefault(key, {})
        if last is None:
            moved[""] = ("", now)
        else:
            changed = {name for name, value in here.items() if last.get(name, "") != value}
            moved |= {name: (last.get(name, ""), now) for name in changed}
        self._last[key] = here
        card["new_at"] = moved[""][1] if "" in moved else None
        for field in card["fields"]:
            if field["name"] in moved:
                field["before"], field["changed_at"] = moved[field["name"]]

    def _everything(self) -> Iterator[Card]:
        hubspot, salesforce = self._world.services.get("hubspot"), self._world.services.get("salesforce")
        if isinstance(hubspot, HubSpot):
            with hubspot.portal.lock:
                for kind in ("contacts", "deals"):
                    yield from [_item(hubspot, kind, item) for item in hubspot.portal.store.all(kind)]
        if isinstance(salesforce, Salesforce):
            with salesforce.org.lock:
                for object in ("Contact", "Lead", "Opportunity"):
                    yield from [_row(salesforce, row) for row in salesforce.org.store.all(object)]

    # ---- HubSpot -------------------------------------------------------------------------------------------------
    def _hubspot(self, wa_id: str) -> list[Card]:
        service = self._world.services.get("hubspot")
        if not isinstance(service, HubSpot):
            return []
        with service.portal.lock:
            store = service.portal.store
            found = []
            for item in [i for i in store.all("contacts") if _theirs(wa_id, i.values, "whatsapp_id")]:
                found.append(_item(service, "contacts", item))
                deals = [store.get("deals", id) for id, _ in store.associations.of("contacts", item.id, "deals")]
                found += [_item(service, "deals", deal) for deal in deals if deal is not None]
            return list({_key(card): card for card in found}.values())  # a couple shares its deal

    # ---- Salesforce ----------------------------------------------------------------------------------------------
    def _salesforce(self, wa_id: str) -> list[Card]:
        service = self._world.services.get("salesforce")
        if not isinstance(service, Salesforce):
            return []
        with service.org.lock:
            store = service.org.store
            people = [r for o in ("Contact", "Lead") for r in store.all(o) if _here(r)]
            rows = [row for row in people if _theirs(wa_id, row.values, "WhatsApp_Id__c")]
            ids = {row.id for row in rows}
            rows += [row for row in store.all("Opportunity") if _here(row) and row.values.get("ContactId") in ids]
            return [_row(service, row) for row in rows]


def _key(card: Card) -> tuple[str, str, str]:
    return card["service"], card["object"], card["id"]


def _values(card: Card) -> dict[str, str]:
    return {field["name"]: field["shown"] for field in card["fields"]}


def _theirs(wa_id: str, values: Mapping[str, Any], ours: str) -> bool:
    if values.get(ours):
        return str(values[ours]) == wa_id
    phones = [values.get(name) for name in ("phone", "mobilephone", "Phone", "MobilePhone")]
    return any(len(d) >= TAIL and d[-TAIL:] == wa_id[-TAIL:] for d in map(_digits, phones))


def _digits(value: Any) -> str:
    return "".join(c for c in str(value or "") if c.isdigit())


def _card(service: str, object: str, id: str, kind: str, title: str, fields: list[Card], stage: Any) -> Card:
    return {"service": service, "object": object, "id": id, "kind": kind, "title": title, "fields": fields,
            "stage": stage}  # fmt: skip


def _item(service: HubSpot, kind: str, item: Item) -> Card:
    store = service.portal.store
    fields, stage = [], None
    for name, prop in store.schema.properties[kind].items():
        value = item.values.get(name, "")
        labels = dict(prop.options)
        if STAGES.get(kind) == name:
            stage = {"name": name, "value": value, "options": [{"value": v, "label": t} for v, t in prop.options]}
        ours = not name.startswith("hs_") or name in SHOWN
        if value and ours and name not in UNSEEN and not prop.read_only:
            fields.append(
                {
                    "name": name,
                    "label": prop.label,
                    "value": value,
                    "shown": labels.get(value, value),
                    "aside": name in ASIDE,
                }
            )
    title = " ".join(item.values.get(n, "") for n in ("firstname", "lastname", "dealname")).strip()
    card = _card(service.name, kind, item.id, KINDS[kind], title, fields, stage)
    card["entries"] = _newest(
        {"kind": other, "at": entry.values.get("hs_timestamp", ""), "text": entry.values.get(ENTRIES[other], "")}
        for other in ENTRIES
        for id, _ in store.associations.of(kind, item.id, other)
        if (entry := store.get(other, id)) is not None
    )
    return card


def _here(row: Row) -> bool:
    return not row.values.get("IsDeleted") and not row.values.get("IsConverted")


def _row(service: Salesforce, row: Row) -> Card:
    store = service.org.store
    fields, stage = [], None
    for field in store.schema.seen(row.object):
        value = row.values.get(field.name)
        if STAGES.get(row.object) == field.name:
            stage = {"name": field.name, "value": str(value or ""),
                     "options": [{"value": v, "label": v} for v in field.options]}  # fmt: skip
        if value not in (None, "", False) and not field.read_only and field.type != "reference":
            fields.append({"name": field.name, "label": field.label, "value": str(value), "shown": str(value),
                           "aside": field.name in ASIDE})  # fmt: skip
    title = str(row.values.get("Name") or "")
    title = title or " ".join(str(row.values.get(n) or "") for n in ("FirstName", "LastName")).strip()
    card = _card(service.name, row.object, row.id, row.object, title, fields, stage)
    card["entries"] = _newest(
        {
            "kind": "tasks",
            "at": str(task.values.get("CreatedDate") or ""),
            "text": str(task.values.get("Subject") or ""),
        }
        for task in store.all("Task")
        if row.id in (task.values.get("WhoId"), task.values.get("WhatId"))
    )
    return card


def _newest(found: Iterator[Card]) -> list[Card]:
    return sorted(found, key=lambda entry: str(entry["at"]), reverse=True)[:MOST]
