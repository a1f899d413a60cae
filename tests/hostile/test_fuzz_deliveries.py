"""Deliveries of every vendor, spoilt: read into events, through JSON and back, to a plan; and handled to the end."""

import dataclasses
import json
import logging
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, note, settings
from hypothesis import strategies as st

from connector.core import events
from connector.core.documents import FlowDocument, MappingDocument, SendDocument, evaluate, fires, prepare, read
from connector.core.documents.flow_machine import advance, begin, starts
from connector.core.events import InboundMessage
from connector.core.sending import Case
from connector.errors import NotAuthentic, Rejected
from connector.ports import RawRequest
from connector.store import tables
from connector.web.doors import Door, Doors
from connector.web.hooks import Hooks
from connector.webapp import strangers
from tests import depth
from tests.core.documents.make import NOW, contact, record, setting
from tests.hostile import meter, shapes
from tests.pipeline.test_outbound_calls import BOOKED
from tests.pipeline.test_outbound_hubspot import QUOTE
from tests.web.console import FixedClock

ROOT = Path(__file__).parents[2]
DOCUMENTS = [read(path.read_text("utf-8")) for path in sorted((ROOT / "mappings").glob("*.yaml"))]
ANYTHING = read(
    "mapping: anything\ncrm: hubspot\nwhen: {answer_to: anything}\nset:\n"
    '  a: "{{ answer.text | upper | shorten(80) }}"\n'
    '  b: {from: "answer.title ~ message.text", map: {x: y}, else: review}\n  c: "{{ contact.name | first_word }}"\n'
)
VENDORS = sorted(shapes.FOLDERS)


def parsed(vendor, body):
    """The items of a body; [] for one that is refused as a whole, which is an outcome too."""
    try:
        return shapes.reader(vendor).parse(body, {"webhook-id": "msg_1"})
    except ValueError as error:
        meter.says(str(error))
        return []


def stored(event):
    """The event as the next process reads it from the database."""
    text = json.dumps(events.dump(event), allow_nan=False)
    assert events.load(event.kind, json.loads(text)) == event
    event.id.encode("utf-8", "surrogatepass")
    return event


def judged(event, documents=(ANYTHING, *DOCUMENTS)):
    """What these documents make of it."""
    who = contact(record(firstname="Ana", lifecyclestage="lead"))
    for document in documents:
        if isinstance(document, SendDocument):
            if fires(document, event, {}, NOW)[0]:
                prepare(document, Case(event=event, contact=who, called=getattr(event, "values", {})), [], NOW)
        elif isinstance(event, InboundMessage) and isinstance(document, FlowDocument):
            starts(document, event, who, NOW, setting())
            move = begin(document, setting(), who, NOW, event, version=1)
            if move.state is not None:
                advance(document, move.state, event, who, NOW, setting())
        elif isinstance(event, InboundMessage) and isinstance(document, MappingDocument):
            json.dumps([reason.because for reason in evaluate(event, who, document, NOW, setting()).reasons])


@pytest.mark.parametrize("kind", events.CLASSES)
def test_an_event_of_empty_words_comes_back_from_the_database(kind):
    """What is empty is not stored, and a word that every event of a kind needs may be empty."""
    needed = dict.fromkeys(("number", "wamid", "status", "what", "type", "state", "category", "how", "object", "record",
                            "document", "ask", "choice"), "")  # fmt: skip
    names = {field.name for field in dataclasses.fields(events.CLASSES[kind])}
    stored(events.CLASSES[kind](id="e", **{name: "" for name in needed if name in names}))


def test_a_field_that_became_empty_is_not_one_of_which_nothing_was_said():
    """What we remember of a record is what the event says: `becomes` would miss the next change to the old value."""
    for value in ("", None, "won"):
        event = events.RecordChanged(id="e", object="deals", record="7", what="changed", field="stage", value=value)
        assert events.load(event.kind, json.loads(json.dumps(events.dump(event)))).value == value
    assert "field" not in events.dump(events.RecordChanged(id="e", object="deals", record="7", what="created"))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_spoilt_body_is_read_within_its_time_and_every_item_is_planned(vendor):
    @meter.tries(400)
    @given(shapes.bodies(vendor))
    def check(body):
        note(repr(body[:2000]))
        items = meter.cheap(lambda: parsed(vendor, body), len)
        for item in items[:40]:
            event = stored(item.event)
            meter.cheap(lambda event=event: judged(event), lambda _: len(DOCUMENTS))

    check()


BOMBS = {
    "deep": b'{"object":"whatsapp_business_account","entry":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
    "wide": b'{"entry":[' + b",".join([b"{}"] * 4_000) + b"]}",
    "keys": b"{" + b",".join(b'"%d":1' % n for n in range(20_000)) + b"}",
    "digits": b'[{"objectId":' + b"9" * 500_000 + b"}]",
    "escapes": b'{"a":"' + b"\\u0000" * 60_000 + b'"}',
    "quotes": b'{"a":"' + b'\\"' * 200_000,
    "xml": b"<a>" * 20_000 + b"</a>" * 20_000,
    "attributes": b"<a " + b" ".join(b'x%d="1"' % n for n in range(5_000)) + b"/>",
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_body_made_to_hurt_costs_no_more_than_its_items_and_a_multiple_of_its_bytes(vendor):
    for name, body in BOMBS.items():
        note_ = f"{vendor} {name}"
        items, seconds = meter.timed(lambda body=body: parsed(vendor, body))
        assert seconds < meter.ITEM * meter.SLACK * (1 + len(items) / 20), note_
        if depth.DEEP or name in ("deep", "xml"):
            assert meter.memory(lambda body=body: parsed(vendor, body)) < 8 * meter.MB + 60 * len(body), note_


# ---- the door: any headers, any path, any body --------------------------------------------------------------------
class Kept:
    """Where accepted bytes go."""

    def __init__(self):
        self.bodies = []

    def submit(self, account, headers, body, received_at):
        json.dumps(dict(headers))
        self.bodies.append(body)


def hooks(kept):
    systems = {"whatsapp": "whatsapp", "hubspot": "crm", "salesforce": "crm", "link": "link"}
    doors = [Door(a.id, a.name, systems[a.kind], shapes.reader(a.kind)) for a in shapes.ACCOUNTS.values()]
    known = Doors(lambda: doors, strangers())
    return Hooks(known, kept, lambda _: None, FixedClock(), "https://connector.example.com", lambda _: {})


class Stream:
    def __init__(self, body):
        self.body = body

    def read(self, size=-1):
        part, self.body = self.body[:size], self.body[size:]
        return part


TEXT = st.text(st.characters(codec="latin-1"), max_size=60)
NAMES = ["HTTP_X_HUB_SIGNATURE_256", "HTTP_X_HUBSPOT_SIGNATURE_V3", "HTTP_X_HUBSPOT_REQUEST_TIMESTAMP",
         "HTTP_X_HUBSPOT_SIGNATURE", "HTTP_X_HUBSPOT_SIGNATURE_VERSION", "HTTP_AUTHORIZATION", "HTTP_WEBHOOK_ID",
         "HTTP_WEBHOOK_TIMESTAMP", "HTTP_WEBHOOK_SIGNATURE", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING",
         "CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_HOST", "HTTP_X_FORWARDED_FOR"]  # fmt: skip
GIVEN = st.one_of(
    TEXT,
    st.sampled_from(["v2", "sha256=" + "0" * 64, "sha256=" + "é" * 64, "v1,AAAA", f"Bearer {shapes.LINK_SECRET}",
    "gzip",
                     "1795270000", "²", "-1", "1_0", "1e3", " 12", "99999999999999999999",
                     "Bearer long-random-hook-secret"]),
)  # fmt: skip
PATHS = st.one_of(
    st.sampled_from(["/hooks/whatsapp/whatsapp", "/hooks/crm/hubspot", "/hooks/crm/hubspot/action", "/hooks/link/ab12",
                     "/hooks/crm/hubspot/options", "/hooks/crm/salesforce/long-random-hook-secret", "/hooks/",
                     "/hooks//",
                     "/hooks/crm/salesforce", "/hooks/link/ab12/openapi.json", "/hooks/link/../openapi.json"]),
    TEXT.map(lambda text: f"/hooks/{text}"),
    TEXT.map(lambda text: f"/hooks/crm/{text}"),
)  # fmt: skip


@meter.tries(800)
@given(
    st.sampled_from(["GET", "POST", "PUT", "", "TRACE", "post"]),
    PATHS,
    TEXT,
    st.dictionaries(st.sampled_from(NAMES), GIVEN, max_size=6),
    st.sampled_from(VENDORS).flatmap(shapes.bodies),
)
def test_the_hooks_answer_whatever_calls_them(method, path, query, headers, body):
    kept = Kept()
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "wsgi.input": Stream(body)}
    answer = meter.cheap(lambda: hooks(kept).answer({**environ, "CONTENT_LENGTH": str(len(body)), **headers}))
    assert answer.status < 500
    assert all(ord(c) >= 32 for c in answer.content_type)
    if kept.bodies:
        assert (answer.status, kept.bodies) == (200, [body])


@meter.tries(400)
@given(shapes.bodies("hubspot"), st.sampled_from(["", "/action", "/options"]))
def test_what_is_authentic_and_odd_is_answered(body, rest):
    """As the web process does it, once the bytes are safe."""
    found = shapes.reader("hubspot")
    request = RawRequest("POST", f"/hooks/crm/hubspot{rest}", "", {}, body)
    try:
        found._right_portal(body) if rest else None
    except (Rejected, NotAuthentic):
        return
    assert found.answer(request).status == 200


@meter.tries(300)
@given(shapes.bodies("link"))
def test_a_link_tells_what_is_wrong_or_takes_it(body):
    given_ = {"authorization": f"Bearer {shapes.LINK_SECRET}"}
    request = RawRequest("POST", "/hooks/link/ab12", "", given_, body)
    try:
        shapes.reader("link").verify(request)
    except Rejected as error:
        meter.says(error.message)
        return
    assert shapes.reader("link").answer(request).status == 200
    assert len(shapes.reader("link").parse(body, given_)) == 1


# ---- to the end ---------------------------------------------------------------------------------------------------
SPOILT = 60  # bodies of each vendor


def spoilt(vendor):
    """Some bodies of a vendor, the same in every run."""
    found = []

    @settings(max_examples=SPOILT, database=None, derandomize=True)
    @given(shapes.bodies(vendor))
    def collect(body):
        found.append(body)

    collect()
    return found


def test_spoilt_deliveries_are_stored_handled_and_counted_to_the_end(house, caplog):
    """No batch fails, nothing is left, every promise holds, and a good reply beside them arrives."""
    for text in (QUOTE, BOOKED):
        house.publish(text)
    house.publish(
        "mapping: keep\ncrm: hubspot\nwhen: {answer_to: anything}\ncontact: {if_missing: skip}\n"
        "set: {jobtitle: {from: answer.text, overwrite: always}}\n"
    )
    seen = {}
    for vendor in ("whatsapp", "hubspot", "salesforce"):
        seen[vendor] = spoilt(vendor)
        house.deliver(*seen[vendor], account=vendor)
    good = (shapes.TESTS / "whatsapp/payloads/text.json").read_bytes().replace(b"301122334455667", b"106540352242922")
    house.deliver(good)
    with caplog.at_level(logging.ERROR, "connector"):
        house.settle()
    assert [r.getMessage() for r in caplog.records] == []
    with house.app.store.read() as conn:
        waiting = conn.execute(sa.select(sa.func.count()).where(tables.deliveries.c.state == "new")).scalar_one()
        tried = conn.execute(sa.select(sa.func.max(tables.events.c.attempts))).scalar_one()
    assert waiting == 0
    assert tried <= 1
    counts = house.counts()
    assert counts["deliveries"] == sum(map(len, seen.values())) + 1
    assert counts["waiting"] == 0
    assert counts["events"] == counts["done"] + counts["waiting"] + counts["review"] + counts["refused"]
