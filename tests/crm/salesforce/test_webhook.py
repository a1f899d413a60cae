"""Salesforce calling us: who is believed, what is read, what it hears."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.events import RecordChanged, TriggerCalled, Unrecognised
from connector.crm.salesforce import webhook
from connector.errors import NotAuthentic
from connector.ports import Account, RawRequest

PAYLOADS = Path(__file__).parent / "payloads"
SECRET = "b3Jk-long-random-hook-secret-9f31"
NOW = 1_763_630_000
BARE = "/hooks/crm/clinic"


def body(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def account(org: str = "00D5e000000SBOXEA2", secret: str = SECRET) -> Account:
    return Account(
        id="a",
        kind="salesforce",
        name="clinic",
        settings={"org_id": org},
        secrets={"hook_secret": secret} if secret else {},
    )


def hook(org: str = "00D5e000000SBOXEA2", secret: str = SECRET):
    found = webhook(account(org, secret))
    found._now = lambda: NOW
    return found


def request(content: bytes, path: str = f"{BARE}/{SECRET}", **headers: str) -> RawRequest:
    return RawRequest("POST", path, "", {k.replace("_", "-"): v for k, v in headers.items()}, content)


def signed(content: bytes, *, secret: str = SECRET, at: int = NOW, name: str = "msg_1") -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"{name}.{at}.".encode() + content, hashlib.sha256).digest()
    return {
        "webhook_id": name,
        "webhook_timestamp": str(at),
        "webhook_signature": f"v2,zzz v1,{base64.b64encode(digest).decode()}",
    }


# ---- who is believed ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("org", ["00D5e000000SBOXEA2", "00D5e000000SBOX", ""])
def test_the_secret_path_and_the_org_on_15_characters_are_believed(org: str) -> None:
    hook(org).verify(request(body("outbound_two_contacts.xml")))
    hook(org).verify(request(body("outbound_escapes.xml")))


@pytest.mark.parametrize(
    "path",
    [BARE, f"{BARE}/", f"{BARE}/{SECRET}x", f"{BARE}/{SECRET[:-1]}", f"{BARE}/{SECRET}/options", f"{BARE}/\udcff"],
)
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(NotAuthentic):
        hook().verify(request(body("outbound_two_contacts.xml"), path))


def test_another_org_is_refused_even_with_the_secret() -> None:
    with pytest.raises(NotAuthentic):
        hook("00D5e000000OTHEREA2").verify(request(body("outbound_two_contacts.xml")))


@pytest.mark.parametrize("name", ["outbound_doctype.xml", "outbound_fault.xml"])
def test_xml_that_names_no_org_is_refused(name: str) -> None:
    with pytest.raises(NotAuthentic):
        hook().verify(request(body(name)))


def test_without_a_secret_nobody_is_believed() -> None:
    with pytest.raises(NotAuthentic):
        hook(secret="").verify(request(body("callout_trigger.json"), f"{BARE}/"))


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(NotAuthentic):
        hook().verify(request(b"<" + b" " * 1_000_000))


def test_a_callout_may_carry_the_secret_as_bearer() -> None:
    hook().verify(request(b"{}", BARE, authorization=f"Bearer {SECRET}"))
    for wrong in (f"Basic {SECRET}", "Bearer ", "Bearer x", SECRET):
        with pytest.raises(NotAuthentic):
            hook().verify(request(b"{}", BARE, authorization=wrong))


def test_a_callout_may_be_signed() -> None:
    content = body("callout_trigger.json")
    hook().verify(request(content, BARE, **signed(content)))


@pytest.mark.parametrize(
    "change", [{"secret": "other"}, {"at": NOW - 301}, {"at": NOW + 301}, {"name": ""}], ids=lambda c: str(c)
)
def test_a_wrong_old_or_nameless_signature_is_refused(change: dict) -> None:
    with pytest.raises(NotAuthentic):
        hook().verify(request(b"{}", BARE, **signed(b"{}", **change)))


def test_a_signature_of_another_body_is_refused() -> None:
    with pytest.raises(NotAuthentic):
        hook().verify(request(b'{"a":1}', BARE, **signed(b"{}")))


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=80))
def test_no_header_of_a_stranger_makes_verify_fail_otherwise(a: str, b: str, c: str) -> None:
    with pytest.raises(NotAuthentic):
        hook().verify(
            request(b"{}", BARE, authorization=a, webhook_id=a, webhook_timestamp=b, webhook_signature=f"v1,{c}")
        )


# ---- what is read ------------------------------------------------------------------------------------------------
def read(name: str, **headers: str) -> list:
    return [r.event for r in hook().parse(body(name), headers)]


def test_every_field_of_every_notification_is_an_event() -> None:
    at = datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC)
    common = {
        "object": "Contact",
        "record": "003Hp00002Rosa1IAC",
        "what": "changed",
        "at": at,
        "source": "005Hp00000AdminIAJ",
    }
    first = "04lHp00000AbC01IAF"
    status = "Appointment_Status__c"
    assert read("outbound_two_contacts.xml") == [
        RecordChanged(id=f"{first}:{status}", field=status, value="confirmed", **common),
        RecordChanged(
            id=f"04lHp00000AbC02IAF:{status}", object="Contact", record="003Hp00002Juan2IAC", what="changed",
            field=status, value="",
        ),
    ]  # fmt: skip
    assert {r.owner for r in hook().parse(body("outbound_two_contacts.xml"), {})} == {"00D5e000000SBOXEA2"}


def test_escapes_and_emoji_are_read_and_the_notification_stays_attached() -> None:
    first, second = read("outbound_escapes.xml")
    assert (first.field, first.value) == ("Description", "Dr. O'Hara <urgent>\ncall 😀")
    assert (second.field, second.value) == ("LastName", "Núñez & Co")
    assert first.raw["NotificationId"] == "04lHp00000AbC03IAF"
    assert json.dumps(first.raw)


def test_a_notification_with_only_the_id_still_counts_and_a_broken_one_is_kept() -> None:
    whole, broken = read("outbound_only_id_and_broken.xml")
    assert whole == RecordChanged(
        id="04lHp00000AbC04IAF", object="Opportunity", record="006Hp00000Quote4IAE", what="changed"
    )
    assert isinstance(broken, Unrecognised)
    assert "04lHp00000AbC05IAF" in broken.raw["xml"]


def test_one_field_is_a_change_and_several_are_a_snapshot() -> None:
    """An admin who sends one field sends it when it changes; several say only what the record is like by now."""
    assert [e.snapshot for e in read("outbound_two_contacts.xml")] == [False, False]
    wide = read("outbound_opportunity.xml")[:2]
    assert [(e.field, e.value, e.snapshot, e.what) for e in wide] == [
        ("StageName", "Closed Won", True, "changed"),
        ("Amount", "1250.0", True, "changed"),
    ]


def test_the_newest_time_the_message_knows_is_its_own() -> None:
    """SystemModstamp, so that an older message never overrides what a newer one said."""
    assert {e.at for e in read("outbound_opportunity.xml")[:2]} == {datetime(2026, 11, 20, 14, 2, 12, tzinfo=UTC)}


def test_a_record_changed_in_the_moment_it_was_made_is_new() -> None:
    created, stage, amount = read("outbound_opportunity.xml")[2:]
    assert (created.what, created.field, created.id) == ("created", None, "04lHp00000AbC07IAF")
    assert [(e.field, e.snapshot) for e in (stage, amount)] == [("StageName", False), ("Amount", False)]


def test_our_own_user_is_known_where_the_message_is_about_one_change() -> None:
    ours = Account(
        id="a", kind="salesforce", name="clinic", settings={"user_id": "005Hp00000Admin"}, secrets={"hook_secret": "s"}
    )
    parsed = webhook(ours).parse
    assert [r.event.ours for r in parsed(body("outbound_two_contacts.xml"), {})] == [True, False]
    # the last hand on a record is not the hand on each of its fields
    assert {r.event.ours for r in parsed(body("outbound_opportunity.xml"), {})[:2]} == {False}


@pytest.mark.parametrize(
    "said, read_as",
    [("1.25E7", "12500000"), ("-1.0E-4", "-0.00010"), ("1E5", "1E5"), ("12000.0", "12000.0"), ("007", "007")],
)
def test_a_large_number_is_written_as_the_rest_api_would(said: str, read_as: str) -> None:
    content = body("outbound_opportunity.xml").replace(b"1250.0", said.encode())
    assert hook().parse(content, {})[1].event.value == read_as


def test_a_hundred_notifications_are_a_hundred_events() -> None:
    text = body("outbound_escapes.xml").decode()
    start, end = text.index("<Notification>"), text.index("</Notification>") + len("</Notification>")
    many = "".join(text[start:end].replace("04lHp00000AbC03IAF", f"04lHp{n:010}IAF") for n in range(100))
    found = hook().parse((text[:start] + many + text[end:]).encode(), {})
    assert len({r.event.id for r in found}) == 200


def test_an_empty_message_is_nothing() -> None:
    assert read("outbound_empty.xml") == []


@pytest.mark.parametrize("content", [b"", b"<a", b"<a/>", b"{", b"NaN", b'{"a": 1e999}', b"[" * 200_000, b"\xff\xfe"])
def test_what_is_neither_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        hook().parse(content, {})


@pytest.mark.parametrize("name", ["outbound_doctype.xml", "outbound_fault.xml"])
def test_a_doctype_or_a_fault_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError):
        read(name)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_otherwise(content: bytes) -> None:
    for start in (b"", b"<", b'{"event_id":'):
        try:
            hook().parse(start + content, {})
        except ValueError:
            continue


def test_a_callout_fires_its_trigger() -> None:
    assert read("callout_trigger.json") == [
        TriggerCalled(
            id="6f2c0e9a-flow-interview",
            at=datetime(2026, 11, 20, 9, tzinfo=UTC),
            trigger="quote-ready",
            object="Opportunity",
            record="006Hp00000Quote4IAE",
            values={"amount": "1,250.00", "first_name": "Rosa"},
        )
    ]


def test_callouts_in_a_list_are_each_read_and_one_without_an_id_is_kept_with_the_reason() -> None:
    score, region, nameless, text = read("callout_changes.json")
    assert (score.id, score.field, score.value) == ("run-77:003Hp00002Rosa1IAC:NPS_Score__c", "NPS_Score__c", "9")
    assert (region.id, region.value) == ("run-77:003Hp00002Rosa1IAC:Region__c", "")
    assert isinstance(nameless, Unrecognised)
    assert "event_id" in nameless.text
    assert isinstance(text, Unrecognised)
    assert len({e.id for e in (score, region, nameless, text)}) == 4


def test_the_id_of_the_call_stands_in_for_a_missing_event_id() -> None:
    nameless = read("callout_changes.json", **{"webhook-id": "msg_9"})[2]
    assert (nameless.id, nameless.value) == ("msg_9:2:003Hp00002Rosa1IAC:Region__c", "north")


def test_a_callout_says_what_a_field_was() -> None:
    changed, same, new, deleted, own = read("callout_was.json")
    assert (changed.record, changed.value, changed.snapshot) == ("006Hp00000Quote4IAE", "Closed Won", False)
    assert same.snapshot  # the flow ran for another reason
    assert (new.what, new.field, new.value) == ("created", None, None)
    assert isinstance(deleted, Unrecognised)
    assert own.source == "005Hp00000AdminIAJ"
    found = webhook(account()).parse(body("callout_was.json"), {})[4].event
    assert not found.ours
    known = Account(id="a", kind="salesforce", name="c", settings={"user_id": "005Hp00000AdminIAJ"})
    assert webhook(known).parse(body("callout_was.json"), {})[4].event.ours


# ---- what it hears -----------------------------------------------------------------------------------------------
def test_an_outbound_message_hears_its_ack() -> None:
    answer = hook().answer(request(body("outbound_two_contacts.xml")))
    assert (answer.status, answer.content_type) == (200, "text/xml; charset=utf-8")
    from defusedxml.ElementTree import fromstring

    ns = "{http://soap.sforce.com/2005/09/outbound}"
    assert fromstring(answer.body).find(f".//{ns}notificationsResponse/{ns}Ack").text == "true"


def test_a_callout_hears_json() -> None:
    assert hook().answer(request(b"{}")).body == b'{"ok":true}'
