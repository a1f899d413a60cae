"""Drift: a live document that no longer fits is told and, if it sends, parked; mended, both go."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.core.template import Template
from connector.errors import Unreachable
from connector.pipeline.documents import drift
from connector.pipeline.documents.publish import templates_of
from connector.pipeline.documents.templates import sync
from connector.ports import Account, Field
from connector.store import documents, findings, parks

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
SHOP = Account(id="shop", kind="whatsapp", name="shop")
MAPPING = """mapping: {name}
crm: hs
when: {{answer_to: anything, type: button}}
contact: {{find_by: [whatsapp], if_missing: create, if_several: review}}
set:
  lifecyclestage: {{from: answer.id, map: {{late: later}}, else: skip}}
"""
SEND = """send: quote-ready
crm: hs
when:
  deal.dealstage: {becomes: presentation}
to: {contact: deal.contact, phone: [contact.phone]}
template: quote_ready
language: es
with: {first_name: "{{ contact.firstname }}"}
"""


def fields(*stages):
    stage = Field(name="lifecyclestage", label="Stage", type="choice", options=tuple((s, s) for s in stages))
    texts = [Field(name=name, label=name, type="text") for name in ("firstname", "phone")]
    deal = Field(name="dealstage", label="Deal stage", type="choice", options=(("presentation", "Presentation"),))
    return lambda document: {"contacts": [stage, *texts], "deals": [deal]}


def body(text):
    return ({"type": "BODY", "text": text},)


class Meta:
    def __init__(self, *texts, status="APPROVED"):
        self.shown = [
            Template(
                name="quote_ready",
                language="es",
                category="utility",
                format="named",
                components=body(text),
                status=status,
            )
            for text in texts
        ]

    def templates(self):
        return self.shown


def publish(store, *texts):
    with store.write() as conn:
        for text in texts:
            kind, _, name = text.partition("\n")[0].partition(": ")
            documents.publish(conn, kind, name, text, "me", NOW)


def look(store, schema, now=NOW):
    drift.check_all(store, schema, templates_of(store, [SHOP]), now)
    with store.read() as conn:
        found = {(f.code, f.document): f.message for f in findings.all_(conn)}
        return found, parks.parked(conn, "document", ["quote-ready", "a", "b"], now)


def test_an_option_that_went_is_told_once_with_all_it_touches(store):
    publish(store, MAPPING.format(name="a"), MAPPING.format(name="b"))
    assert look(store, fields("lead", "later")) == ({}, {})
    found, parked = look(store, fields("lead"))
    assert list(found) == [("drift", "a,b")]
    assert "later" in found["drift", "a,b"]
    assert found["drift", "a,b"].endswith("2 mappings affected: a, b.")
    assert parked == {}
    assert look(store, fields("lead", "later")) == ({}, {})


def test_a_send_whose_template_changed_is_parked_until_it_fits_again(store):
    publish(store, SEND)
    schema = fields("lead")
    sync(store, SHOP, Meta("Hola {{first_name}}"), NOW)
    assert look(store, schema) == ({}, {})
    sync(store, SHOP, Meta("Hola {{first_name}}, son {{amount}}"), NOW)
    found, parked = look(store, schema)
    assert set(found) == {("drift", "quote-ready"), ("document_parked", "quote-ready")}
    assert "amount" in found["drift", "quote-ready"]
    assert list(parked) == ["quote-ready"]
    sync(store, SHOP, Meta("Hola {{first_name}}"), NOW)
    assert look(store, schema) == ({}, {})


def test_what_a_person_has_parked_stays_parked(store):
    publish(store, SEND)
    sync(store, SHOP, Meta("Hola"), NOW)
    with store.write() as conn:
        parks.park(conn, "document", "quote-ready", NOW + timedelta(days=1), "Ana paused it.")
    found, parked = look(store, fields("lead"))
    assert set(found) == {("drift", "quote-ready")}
    assert parked["quote-ready"][1] == "Ana paused it."
    sync(store, SHOP, Meta("Hola {{first_name}}"), NOW)
    assert look(store, fields("lead"))[1]["quote-ready"][1] == "Ana paused it."


def test_a_crm_that_does_not_answer_mends_nothing(store):
    publish(store, SEND, MAPPING.format(name="a"))
    sync(store, SHOP, Meta("Hola"), NOW)
    before = look(store, fields("lead"))
    assert len(before[0]) == 3

    def away(document):
        raise Unreachable("HubSpot is away")

    assert look(store, away) == before


def test_a_retired_document_leaves_nothing_behind(store):
    publish(store, SEND)
    sync(store, SHOP, Meta("Hola"), NOW)
    assert look(store, fields("lead"))[1]
    with store.write() as conn:
        documents.retire(conn, "quote-ready")
    assert look(store, fields("lead")) == ({}, {})


@pytest.mark.parametrize("status", ["PAUSED", "REJECTED"])
def test_a_template_that_stopped_stops_its_document(store, status):
    publish(store, SEND)
    sync(store, SHOP, Meta("Hola {{first_name}}", status=status), NOW)
    assert list(look(store, fields("lead"))[1]) == ["quote-ready"]


def test_templates_that_were_never_read_are_not_judged(store):
    publish(store, SEND)
    assert look(store, fields("lead")) == ({}, {})
