"""The gates of a send, one by one and in their order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.contact import Record, Setting
from connector.core.documents import phone_of
from connector.core.sending import Prepared
from connector.core.template import Template
from tests.core.documents.make_send import NOW, REPLIES, case, contact, document, prepared, template

NIGHT = datetime(2026, 11, 24, 3, tzinfo=UTC)  # 22:00 in Bogota
QUIET = "guard: {quiet_hours: {allow: 08:00-20:00}}\n"


def gate(found: Prepared) -> tuple[str, str]:
    return found.state, found.code


def test_what_is_ready_is_frozen_whole() -> None:
    made = document(
        "buttons: [accept, question]\n", "language: '{{ contact.lang }}'\n", "guard: {give_up_after: 2 days}\n",
        "after: {sent: {set: {deal.q: '{{ deal.name }} {{ contact.firstname }} {{ contact.phone }}'}}}\n",
    )  # fmt: skip
    found = prepared(made, case(deal={"name": "Roof"}), template("es", REPLIES))
    assert gate(found) == ("ready", "")
    assert (found.to, found.template, found.language, found.category) == ("+573001112222", "quote", "es", "utility")
    assert found.buttons == {"Accept": "accept", "Question": "question"}
    assert found.give_up_at == NOW + timedelta(days=2)
    assert found.context == {"record": {"name": "Roof"}, "contact": {"firstname": "Ana", "phone": "+57 300 111 2222"}}
    assert found.body is not None
    sent = found.body["template"]
    assert (found.body["type"], sent["name"], sent["language"]) == ("template", "quote", {"code": "es"})
    assert sent["components"][0]["parameters"] == [{"type": "text", "parameter_name": "first_name", "text": "Ana"}]
    assert [c["parameters"][0]["payload"] for c in sent["components"][1:]] == ["accept", "question"]


# ---- consent -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("word", "category", "said", "goes"),
    [
        ("", "utility", {}, True),
        ("", "utility", {"marketing": "opted_out"}, True),
        ("", "utility", {"utility": "opted_out"}, False),
        ("", "utility", {"all": "opted_out"}, False),
        ("", "marketing", {}, False),
        ("", "marketing", {"marketing": "opted_in"}, True),
        ("", "marketing", {"all": "opted_in"}, False),
        ("", "marketing", {"all": "opted_out", "marketing": "opted_in"}, False),
        ("", "marketing", {"all": "opted_in", "marketing": "opted_out"}, False),
        ("", "authentication", {}, True),
        ("opted_in", "utility", {}, False),
        ("opted_in", "utility", {"utility": "opted_in"}, True),
        ("opted_in", "utility", {"marketing": "opted_in"}, False),
        ("not_opted_out", "marketing", {}, True),
        ("not_opted_out", "marketing", {"marketing": "opted_out"}, False),
    ],
)
def test_consent(word: str, category: str, said: dict[str, str], goes: bool) -> None:
    made = document(f"guard: {{consent: {word}}}\n" if word else "")
    found = prepared(made, case(who=contact(consents=said)), template(category=category))
    assert gate(found) == (("ready", "") if goes else ("refused", "consent"))


def test_a_stranger_has_said_nothing() -> None:
    assert gate(prepared(None, case(who=None))) == ("ready", "")
    assert gate(prepared(None, case(who=None), template(category="marketing"))) == ("refused", "consent")


# ---- phone -------------------------------------------------------------------------------------------------------
def phones(*values: str | None, country: str | None = None, **who: Any) -> Prepared:
    names = [f"contact.p{n}" for n, _ in enumerate(values)]
    made = document(to=f"to: {{contact: deal.contact, phone: [{', '.join(names)}]}}\n")
    fields = {f"p{n}": value for n, value in enumerate(values)}
    at = case(fields=fields, who=contact(**({"wa_id": None} | who)), setting=Setting(country=country))
    return prepared(made, at)


def test_the_first_number_that_can_be_reached() -> None:
    assert phones("+573001112222", "+573009998877").to == "+573001112222"
    assert phones(None, " ", "+573009998877").to == "+573009998877"
    assert phones("12", "+573009998877").to == "+573009998877"
    assert phones("300 111 2222", country="CO").to == "+573001112222"


def test_no_number_and_no_right_number() -> None:
    found = phones(None, "")
    assert gate(found) == ("refused", "no_phone")
    assert found.reason == "There is no phone number in contact.p0 or contact.p1. Fill it in the CRM."
    found = phones("300 111")
    assert gate(found) == ("refused", "bad_phone")
    assert "with + and its country" in found.reason


def test_whatsapps_own_spelling_is_used_for_the_same_person_only() -> None:
    assert phones("+52 55 1234 5678", wa_id="5215512345678").to == "+5215512345678"
    assert phones("+52 55 1234 5678", wa_id="573001112222").to == "+525512345678"


def test_without_phone_the_number_we_know_or_the_user_id_is_taken() -> None:
    assert prepared(None, case(fields={"phone": None})).to == "+573001112222"
    found = prepared(None, case(fields={"phone": None}, who=contact(wa_id=None, user_id="CO.123")))
    assert (gate(found), found.to) == (("ready", ""), "")
    assert gate(prepared(None, case(fields={"phone": None}, who=None))) == ("refused", "no_phone")


def test_phone_of_tells_before_anything_is_planned() -> None:
    assert phone_of(document(), case(), NOW) == ("+573001112222", "")
    number, why = phone_of(document(), case(fields={"phone": "x"}), NOW)
    assert (number, why[:4]) == ("", '"x" ')


# ---- template ----------------------------------------------------------------------------------------------------
def in_language(wish: str, *templates: Template) -> Prepared:
    return prepared(document(f"language: {wish}\n"), None, *templates)


@pytest.mark.parametrize(
    ("wish", "there", "taken"),
    [
        ("es", ["en", "es"], "es"),
        ("es_MX", ["es", "es_MX"], "es_MX"),
        ("es-mx", ["es", "es_MX"], "es_MX"),
        ("es_MX", ["en", "es", "es_ES"], "es"),
        ("es_MX", ["es_AR", "es_ES"], "es_AR"),
        ("es", ["es_ES"], "es_ES"),
        ("pt_BR", ["en", "es"], ""),
    ],
)
def test_the_language(wish: str, there: list[str], taken: str) -> None:
    found = in_language(wish, *[template(language) for language in there])
    assert found.language == taken
    assert gate(found) == (("ready", "") if taken else ("refused", "language"))


def test_without_a_language_the_only_one_is_taken() -> None:
    assert prepared(None, None, template("fr")).language == "fr"
    assert prepared(None, None, template("fr"), template("en", status="REJECTED")).language == "fr"
    assert gate(prepared(None, None, template("fr"), template("en"))) == ("refused", "language")


def test_a_usable_language_goes_before_an_exact_one_that_is_not() -> None:
    assert in_language("es_MX", template("es_MX", status="REJECTED"), template("es")).language == "es"


def test_a_paused_template_is_waited_for_but_not_without_end() -> None:
    found = prepared(None, None, template(status="PAUSED"))
    assert (gate(found), found.until) == (("waiting", "template"), NOW + timedelta(hours=1))
    made = document("guard: {give_up_after: 2 days}\n")
    late = prepared(made, None, template(status="PAUSED"), now=NOW + timedelta(days=2))
    assert gate(late) == ("expired", "give_up")


@pytest.mark.parametrize("status", ["REJECTED", "DISABLED", "PENDING", "IN_APPEAL"])
def test_any_other_status_is_refused(status: str) -> None:
    found = prepared(None, None, template(status=status))
    assert gate(found) == ("refused", "template")
    assert "not approved" in found.reason


def test_a_template_that_is_not_there_or_does_not_fit() -> None:
    assert gate(prepared(None, None, template(name="other"))) == ("refused", "template")
    found = prepared(document(values=""))
    assert gate(found) == ("refused", "template")
    assert "first_name" in found.reason
    assert gate(prepared(document("buttons: [a]\n"), None, template("es", REPLIES))) == ("refused", "template")


# ---- cancel, give up, at most ------------------------------------------------------------------------------------
def test_cancel_if_give_up_and_at_most() -> None:
    made = document("guard: {cancel_if: deal.dealstage != 'presentation'}\n")
    assert gate(prepared(made)) == ("ready", "")
    assert gate(prepared(made, case(deal={"dealstage": "won"}))) == ("cancelled", "cancelled")
    made = document("guard: {give_up_after: 1 hour}\n")
    assert gate(prepared(made, now=NOW + timedelta(minutes=59))) == ("ready", "")
    assert gate(prepared(made, now=NOW + timedelta(hours=1))) == ("expired", "give_up")
    made = document("guard: {at_most: 2 per 7 days}\n")
    ago = [NOW - timedelta(days=n) for n in (1, 6, 8)]
    assert gate(prepared(made, case(sent_at=(ago[0], ago[2])))) == ("ready", "")
    assert gate(prepared(made, case(sent_at=(ago[0], ago[1])))) == ("refused", "at_most")


# ---- quiet hours -------------------------------------------------------------------------------------------------
def test_quiet_hours_wait_in_the_contacts_zone() -> None:
    found = prepared(document(QUIET), now=NIGHT)
    assert (gate(found), found.until) == (("waiting", "quiet_hours"), datetime(2026, 11, 24, 13, tzinfo=UTC))
    away = case(who=contact(time_zone="Asia/Tokyo"))
    assert gate(prepared(document(QUIET), away, now=NIGHT)) == ("ready", "")


def test_quiet_hours_can_refuse_or_outlast_the_message() -> None:
    refuses = document("guard: {quiet_hours: {allow: 08:00-20:00, otherwise: refuse}}\n")
    assert gate(prepared(refuses, now=NIGHT)) == ("refused", "quiet_hours")
    short = document("guard: {give_up_after: 3 hours, quiet_hours: {allow: 08:00-20:00}}\n")
    assert gate(prepared(short, case(created_at=NIGHT), now=NIGHT)) == ("expired", "quiet_hours")


def test_hours_that_never_meet_are_refused() -> None:
    narrow = document("guard: {quiet_hours: {allow: 10:00-10:30}}\n")
    russian = case(fields={"phone": "+79161234567"}, who=None)
    assert gate(prepared(narrow, russian)) == ("refused", "quiet_hours")


# ---- parameters --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [None, "", "  ", "a\nb", "a\tb", "a     b", "x" * 1025])
def test_a_value_that_no_message_takes_names_its_parameter_and_expression(value: str | None) -> None:
    found = prepared(None, case(fields={"firstname": value}))
    assert (gate(found), found.body) == (("refused", "parameter"), None)
    assert found.reason.startswith("`first_name` ({{ contact.firstname }}): ")


# ---- order -------------------------------------------------------------------------------------------------------
def test_the_first_gate_gives_the_reason() -> None:
    """Everything is wrong; mending the gates one by one shows the order."""
    guard = (
        "guard: {cancel_if: deal.stop == 'yes', give_up_after: 1 hour, at_most: 1 per 7 days, "
        "quiet_hours: {allow: 08:00-20:00, otherwise: refuse}}\n"
    )
    made = document(guard)
    bad: dict[str, Any] = {
        "who": contact(wa_id=None, consents={"all": "opted_out"}), "fields": {"phone": None, "firstname": None},
        "deal": {"stop": "yes"}, "created_at": NIGHT - timedelta(hours=2), "sent_at": (NIGHT - timedelta(days=1),),
    }  # fmt: skip
    steps: list[tuple[str, dict[str, Any]]] = [
        ("consent", {"who": contact(wa_id=None)}),
        ("no_phone", {"fields": {"phone": "+573001112222", "firstname": None}}),
        ("template", {}),
        ("cancelled", {"deal": {}}),
        ("give_up", {"created_at": NIGHT}),
        ("at_most", {"sent_at": ()}),
        ("quiet_hours", {}),
        ("parameter", {"fields": {"phone": "+573001112222"}}),
    ]
    there, now, seen = [template(status="REJECTED")], NIGHT, []
    for code, mended in steps:
        seen.append(prepared(made, case(**bad), *there, now=now).code)
        bad |= mended
        there = [template()] if code == "template" else there
        now = NOW if code == "quiet_hours" else now
        bad |= {"created_at": NOW} if code == "quiet_hours" else {}
    assert seen == [code for code, _ in steps]
    assert prepared(made, case(**bad), *there, now=now).state == "ready"


# ---- nothing raises ----------------------------------------------------------------------------------------------
VALUES = st.none() | st.text(max_size=40) | st.integers() | st.floats() | st.booleans()
FULL = document(
    "language: '{{ deal.lang }}'\n", "buttons: [a, b]\n",
    "guard: {cancel_if: deal.amount > 5, at_most: 1 per 2 days, quiet_hours: {allow: 22:00-06:00, days: sun}}\n",
    "after: {failed: {set: {deal.x: '{{ contact.name }} {{ failure.reason }}'}}}\n",
    values='with: {first_name: "{{ contact.firstname ~ deal.amount }}", header.document: "{{ deal.url }}"}\n',
)  # fmt: skip
HEADER = {"type": "HEADER", "format": "DOCUMENT"}


@given(
    st.dictionaries(st.sampled_from(["lang", "amount", "url", "dealstage"]), VALUES),
    st.dictionaries(st.sampled_from(["firstname", "phone"]), VALUES),
    st.sampled_from(["es", "en_US", "", "x"]),
    st.integers(0, 100 * 365 * 24 * 60).map(
        lambda minutes: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.booleans(),
)
def test_prepare_never_raises(
    deal: dict[str, Any], fields: dict[str, Any], language: str, now: datetime, there: bool
) -> None:
    at = case(
        record=Record(object="deals", id="1", fields=deal), person=Record(object="contacts", id="2", fields=fields)
    )
    found = prepared(
        FULL, at if there else case(record=None, person=None), template(language, HEADER, REPLIES), now=now
    )
    assert found.state in ("ready", "waiting", "refused", "expired", "cancelled")
    assert (found.body is not None) is (found.state == "ready")
    assert bool(found.reason) is (found.state != "ready")
    assert (found.until is not None) is (found.state == "waiting")
    assert found.until is None or found.until > now
