"""A small business in rows: two accounts, a person, and events as the journeys leave them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector import whatsapp
from connector.crm import hubspot
from connector.store import accounts, documents, people
from connector.store.tables import catalogue, changes, contact_keys, deliveries, events, plans, sends

AT = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
PHONE = "573001112222"
WEBINAR = """\
mapping: webinar-interest
crm: hubspot
when: {answer_to: anything}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  lifecyclestage:
    from: answer.id
    map: {interested: salesqualifiedlead, later: lead}
    else: review
    overwrite: always
"""
STAGES = [["lead", "Lead"], ["opportunity", "Opportunity"], ["salesqualifiedlead", "SQL"]]


class Business:
    """What a test puts into the store of a console."""

    def __init__(self, console: Any) -> None:
        self.console, self.store, self.n = console, console.house.store, 0
        keyring = console.house.keyring
        with self.store.write() as conn:
            self.whatsapp = accounts.add(conn, keyring, whatsapp.MANIFEST.kind, "whatsapp", {}, {"token": "x"}, AT).id
            self.hubspot = accounts.add(conn, keyring, hubspot.MANIFEST.kind, "hubspot", {}, {"token": "x"}, AT).id
            field = {"name": "lifecyclestage", "label": "Stage", "type": "choice", "options": STAGES, "rules": []}
            row = {"account": self.hubspot, "object": "contacts", "body": [field], "at": AT}
            conn.execute(sa.insert(catalogue).values(row))

    def person(self, name: str = "Ana Ruiz", phone: str = PHONE) -> str:
        with self.store.write() as conn:
            (id_,) = people.newcomers(conn, {"+" + phone: name}, AT).values()
            conn.execute(sa.insert(contact_keys).values(kind="wa_id", value=phone, contact=id_, at=AT))
        return str(id_)

    def publish(self, text: str = WEBINAR, name: str = "webinar-interest") -> None:
        with self.store.write() as conn:
            documents.publish(conn, "mapping", name, text, "test", AT - timedelta(days=1))

    def event(self, lane: str | None, text: str = "Me interesa", **more: Any) -> str:
        """A reply that was handled."""
        self.n += 1
        id_ = f"0192-{self.n:08d}"
        payload = {"id": f"wamid.{self.n}", "number": "1", "type": "button", "text": text, "wa_id": PHONE,
                   "answer": {"id": "maybe", "title": text}, "at": AT.isoformat()}  # fmt: skip
        row = {"id": id_, "account": self.whatsapp, "dedupe_key": f"wamid.{self.n}", "lane": lane, "payload": payload,
               "kind": "InboundMessage", "received_at": AT + timedelta(seconds=self.n), "state": "done",
               "attempts": 0}  # fmt: skip
        with self.store.write() as conn:
            conn.execute(sa.insert(events).values(row | more))
        return id_

    def plan(self, event: str, lane: str, reasons: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        """What webinar-interest made of it."""
        body = {"document": "webinar-interest", "version": 1, "matched": True, "because": "answers it", "outcome": "",
                "reasons": reasons, "ordinals": list(range(len(rows)))}  # fmt: skip
        with self.store.write() as conn:
            seq = conn.execute(sa.select(events.c.seq).where(events.c.id == event)).scalar_one()
            mine = {"event": event, "account": self.hubspot, "event_seq": seq, "lane": lane, "body": [body]}
            mine |= {"state": "done", "attempts": 1, "done_at": AT + timedelta(seconds=9)}
            conn.execute(sa.insert(plans).values(mine))
            for n, row in enumerate(rows):
                fresh = {"event": event, "account": self.hubspot, "ordinal": n, "lane": lane, "object": "contacts",
                         "record": "1512", "attempts": 0}  # fmt: skip
                conn.execute(sa.insert(changes).values(fresh | row))

    def written(self, event: str, lane: str, value: str = "lead") -> None:
        reason = {"field": "lifecyclestage", "because": "the map says so", "outcome": "write", "from_": "maybe",
                  "value": value, "before": "customer", "change": 0}  # fmt: skip
        row = {"kind": "SetField", "body": {"kind": "SetField", "field": "lifecyclestage", "value": value},
               "state": "done", "done_at": AT + timedelta(seconds=10), "outcome": {"ms": 12}}  # fmt: skip
        self.plan(event, lane, [reason], [row])

    def puzzled(self, event: str, lane: str, answer: str = "maybe") -> None:
        reason = {"field": "lifecyclestage", "because": "not in the map", "outcome": "review", "from_": answer,
                  "code": "not_understood", "change": 0}  # fmt: skip
        body = {"kind": "Ask", "why": "not_understood", "text": "It is not in the map", "field": "lifecyclestage"}
        told = {"document": "webinar-interest", "answer": answer}
        self.plan(event, lane, [reason], [{"kind": "Ask", "body": body, "state": "review", "outcome": told}])

    def several(self, event: str, lane: str) -> None:
        body = {"kind": "Ask", "why": "several_records", "text": "2 records match", "choices": ["1512", "1513"]}
        told = {"document": "webinar-interest"}
        self.plan(event, lane, [], [{"kind": "Ask", "body": body, "state": "review", "outcome": told, "record": ""}])

    def refused(self, event: str, lane: str, text: str = "No such option") -> None:
        body = {"kind": "SetField", "field": "lifecyclestage", "value": "lead"}
        self.plan(event, lane, [], [{"kind": "SetField", "body": body, "state": "review", "outcome": {"text": text}}])

    def send(self, event: str, lane: str, state: str = "unknown", **more: Any) -> str:
        self.n += 1
        row = {"id": f"send-{self.n}", "cause": f"c{self.n}", "event": event, "account": self.whatsapp, "lane": lane,
               "crm": self.hubspot, "number": "1", "document": "quote", "version": 1, "template": "quote_ready",
               "to": "+" + PHONE, "state": state, "at": AT, "started_at": AT}  # fmt: skip
        with self.store.write() as conn:
            conn.execute(sa.insert(sends).values(row | more))
        return str(row["id"])

    def delivery(self, body: bytes) -> str:
        with self.store.write() as conn:
            row = {"id": "d1", "account": self.whatsapp, "received_at": AT, "headers": "{}", "body": body}
            conn.execute(sa.insert(deliveries).values(row | {"state": "unpacked"}))
        return "d1"

    def row(self, table: Any, *where: Any) -> Any:
        with self.store.read() as conn:
            return conn.execute(sa.select(table).where(*where)).first()

    def acts(self) -> list[str]:
        """What the audit says was done."""
        from connector.store.tables import audit

        with self.store.read() as conn:
            return list(conn.execute(sa.select(audit.c.action).order_by(audit.c.seq)).scalars())
