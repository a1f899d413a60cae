"""The exact parts: hosts, errors by code, values, SOSL terms, and what an answer makes of a row."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce import MANIFEST, hosts, problems, rows, sosl
from connector.crm.salesforce.find import batches, quoted
from connector.crm.salesforce.schema import _field, _united
from connector.crm.salesforce.values import MisfitError, fit
from connector.errors import Busy, NotAllowed, NotFound, Unreachable
from connector.ports import PLACE_FLAGS, Account, ContactKey, RecordChange

ERRORS = json.loads((Path(__file__).parent / "payloads" / "errors.json").read_text("utf-8"))


def problem(name: str) -> problems.Problem:
    return problems.read(ERRORS[name])


# ---- hosts -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    ["https://bota.my.salesforce.com", "https://bota--uat.sandbox.my.salesforce.com/", "https://x.force.com",
     "http://127.0.0.1:8010/salesforce", "http://localhost:8010/salesforce/"],
)  # fmt: skip
def test_salesforce_and_loopback_are_called(url: str) -> None:
    assert hosts.checked(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["http://bota.my.salesforce.com", "https://bota.lightning.force.com", "https://salesforce.com.evil.example",
     "https://evilsalesforce.com", "https://bota.my.salesforce.com@evil.example", "https://u:p@bota.my.salesforce.com",
     "https://bota.my.salesforce.com/services/data/v68.0", "http://127.0.0.1:8010/v68.0", "http://169.254.169.254",
     "https://bota.my.salesforce.com/?x", "ftp://x.salesforce.com", "", "https://[::"],
)  # fmt: skip
def test_every_other_address_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        hosts.checked(url)


def test_a_token_cannot_lead_from_outside_to_loopback_nor_back() -> None:
    outside, loopback = "https://a.my.salesforce.com", "http://127.0.0.1:9"
    for there, asked in [(loopback, outside), (outside, loopback)]:
        with pytest.raises(NotAllowed):
            hosts.instance(there, asked)
    assert hosts.instance("https://b.my.salesforce.com", "https://a.my.salesforce.com") == "https://b.my.salesforce.com"


def test_an_account_needs_a_domain_or_a_base_url() -> None:
    def account(**settings: str) -> Account:
        return Account(id="a", kind="salesforce", name="a", settings=settings)

    assert hosts.base(account(domain="bota.my.salesforce.com")) == "https://bota.my.salesforce.com"
    assert hosts.base(account(domain="https://bota.my.salesforce.com")) == "https://bota.my.salesforce.com"
    with pytest.raises(NotAllowed):
        hosts.base(account())


PLACE = tuple(flag.name for flag in PLACE_FLAGS)


def test_the_manifest_names_the_fixed_flags() -> None:
    assert [f.name for f in MANIFEST.flags] == [
        "client-id", "client-secret", "domain", "org-id", "user-id", "jwt-key", "username", "base-url", *PLACE,
    ]  # fmt: skip
    assert [f.name for f in MANIFEST.flags if f.secret] == ["client-secret", "jwt-key"]


# ---- errors ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "status, name, kind, after",
    [
        (403, "daily", Busy, problems.DAILY_AFTER),
        (403, "concurrent", Busy, problems.CONCURRENT_AFTER),
        (400, "lock", Unreachable, problems.TRANSIENT_AFTER),
        (500, "lock", Unreachable, problems.TRANSIENT_AFTER),
        (401, "session", NotAllowed, None),
        (403, "no_api", NotAllowed, None),
        (400, "no_column", problems.CallRejected, None),
    ],
)
def test_a_whole_call_is_judged_by_its_code_and_not_by_its_status(status, name, kind, after) -> None:
    found = problems.error(status, [ERRORS[name]])
    assert type(found) is kind
    assert getattr(found, "after", None) == after


@pytest.mark.parametrize("body", ["<html>down</html>", None, "", [], {}, [None], 7])
def test_a_body_that_is_not_salesforces_means_not_reached(body: object) -> None:
    assert isinstance(problems.error(503, body), Unreachable)
    assert isinstance(problems.error(200, body), Unreachable)


def test_not_found_is_not_found() -> None:
    assert isinstance(problems.error(404, [{"errorCode": "NOT_FOUND", "message": "x"}]), NotFound)


def test_no_error_shows_salesforces_text_which_may_hold_values() -> None:
    for item in ERRORS.values():
        assert item.get("message", "user hasn't")[:20] not in str(problems.error(400, [item]))


@pytest.mark.parametrize(
    "name, fields",
    [("no_column", ("Colour__c",)), ("hidden", ("Visit__c", "Score__c")), ("taken_theirs", ("Passport__c",)),
     ("picklist", ("Visit__c",)), ("lock", ())],
)  # fmt: skip
def test_the_guilty_fields_are_read_from_the_list_or_from_the_text(name: str, fields: tuple) -> None:
    assert problem(name).fields == fields


def test_the_record_of_a_taken_value_and_the_similar_ones_are_read() -> None:
    assert problems.record_id_in(problem("taken_ours").text) == "003Hp00002Rosa1IAC"
    assert (
        problems.record_id_in("duplicate value found: <unknown> duplicates value on record with id: <unknown>") is None
    )
    assert problem("similar").similar == (("Contact", "003Hp00002Rosa1IAC"), ("Lead", "00QHp00001Wafa3MAC"))


# ---- values ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "kind, value, sent",
    [
        ("double", "9", 9), ("double", "9.5", 9.5), ("int", 3, 3), ("currency", None, None), ("double", "", None),
        ("boolean", "yes", True), ("boolean", False, False), ("string", 7, "7"), ("string", True, "true"),
        ("date", "2026-11-22", "2026-11-22"), ("date", "2026-11-22T23:00:00Z", "2026-11-22"),
        ("datetime", "2026-11-22T10:00:00", "2026-11-22T10:00:00Z"), ("picklist", "a", "a"), ("string", 0.1, "0.1"),
        ("datetime", "2026-11-22T10:00:00+00:00", "2026-11-22T10:00:00+00:00"),
    ],
)  # fmt: skip
def test_a_value_takes_the_form_of_its_field(kind: str, value: object, sent: object) -> None:
    found = fit({"type": kind}, value)
    assert (found, type(found)) == (sent, type(sent))


@pytest.mark.parametrize(
    "kind, value",
    [("double", "nine"), ("double", "NaN"), ("double", "1e999"), ("double", True), ("boolean", "perhaps"),
     ("date", "tomorrow"), ("datetime", "22/11/2026")],
)  # fmt: skip
def test_a_value_that_cannot_be_one_of_its_field_is_told_in_words(kind: str, value: object) -> None:
    with pytest.raises(MisfitError, match="It is"):
        fit({"type": kind}, value)


# ---- queries -----------------------------------------------------------------------------------------------------
@given(st.text())
def test_a_soql_literal_never_ends_early(text: str) -> None:
    literal = quoted(text)
    inside = literal[1:-1].replace("\\\\", "").replace("\\'", "")
    assert literal[0] == literal[-1] == "'"
    assert "'" not in inside
    assert not inside.endswith("\\")


@given(st.lists(st.text("0123456789", min_size=1, max_size=40), max_size=60), st.integers(60, 400))
def test_batches_lose_nothing_and_keep_their_room(values: list[str], room: int) -> None:
    groups = list(batches(values, room))
    assert [v for g in groups for v in g] == list(dict.fromkeys(values))
    assert all(sum(len(v) + 6 for v in g) <= room for g in groups)


def test_terms_are_whole_plusless_national_and_grouped() -> None:
    assert sosl.terms_for(["+525512345678"]) == [
        '"\\+525512345678"', "525512345678", "5512345678", '"55 1234 5678"', '"551 234 5678"',
    ]  # fmt: skip


def test_a_search_stays_below_the_length_at_which_salesforce_drops_the_ors() -> None:
    keys = [
        ContactKey(contact=str(i), objects=("Contact",), phones=(f"+5255{i:08d}", f"+52155{i:08d}")) for i in range(120)
    ]
    groups = list(sosl.few(keys))
    assert [k for g in groups for k in g] == keys
    for group in groups:
        text = sosl.search_text(group, {"Contact": ["Id"]})
        assert len(text.partition("} IN")[0]) < 4000


# ---- describe ----------------------------------------------------------------------------------------------------
def test_a_number_field_knows_its_bounds_and_a_calculated_one_cannot_be_written() -> None:
    found = _field(
        {"name": "NPS__c", "type": "double", "precision": 4, "scale": 1, "updateable": False, "calculated": True},
        {},
        ("x",),
    )
    assert (found.type, found.minimum, found.maximum, found.writable) == ("number", -999.9, 999.9, False)
    assert found.rules[0] == "x"
    assert "calculates" in found.rules[1]


def test_options_of_several_record_types_are_united_in_the_objects_order() -> None:
    options, notes = _united(
        "S__c",
        [("new", "New"), ("won", "Won"), ("old", "Old")],
        {"Shop": {"S__c": [("won", "Won")]}, "Web": {"S__c": [("won", "Won"), ("new", "New")]}},
    )
    assert options == [("new", "New"), ("won", "Won")]
    assert notes == ["Record type Shop takes only: won."]


# ---- rows --------------------------------------------------------------------------------------------------------
def column(kind: str = "string", **more: object) -> dict:
    return {"type": kind, "updateable": True, "createable": True, **more}


COLUMNS = {
    **{n: column() for n in ("LastName", "FirstName", "WhatsApp_Id__c", "WhatsApp_User_Id__c")},
    **{n: column() for n in ("Visit__c", "Comment__c")},
    "MobilePhone": column("phone"), "NPS_Score__c": column("double"), "Passport__c": column(),
    "Name": {"type": "string", "updateable": False, "createable": False},
}  # fmt: skip


def row(record: str | None = None, fields: dict | None = None, **more) -> rows.Row:
    change = RecordChange(
        id="1", object="Contact", record=record, wa_id=None if record else "5255", fields=fields or {}, **more
    )
    return rows.from_change(change, COLUMNS)


def hear(found: rows.Row, *names: str) -> rows.Row:
    rows.heard(found, None, False, [problem(n) for n in names])
    return found


def test_an_upsert_carries_no_name_so_that_a_record_that_exists_keeps_its_own() -> None:
    found = row(fields={"Visit__c": "yes"}, name="Rosa Díaz", phone="+525512345678")
    assert found.body() == {"attributes": {"type": "Contact"}, "Visit__c": "yes", "WhatsApp_Id__c": "5255"}


def test_a_newcomer_gets_name_and_phone_and_still_carries_our_id() -> None:
    found = hear(row(fields={"Visit__c": "yes"}, name="Rosa  Díaz Soto", phone="+525512345678"), "nameless")
    assert (found.how, found.outcome) == ("create", None)
    assert found.body() == {
        "attributes": {"type": "Contact"}, "FirstName": "Rosa", "LastName": "Díaz Soto", "MobilePhone": "+525512345678",
        "Visit__c": "yes", "WhatsApp_Id__c": "5255",
    }  # fmt: skip


def test_a_lead_gets_a_company_and_the_mappings_own_values_win() -> None:
    columns = {**COLUMNS, "Company": column(), "Phone": column("phone")}
    change = RecordChange(
        id="1",
        object="Lead",
        wa_id="5255",
        name="Rosa Díaz",
        phone="+5255",
        fields={"LastName": "Díaz R.", "Phone": "1"},
    )
    assert rows.from_change(change, columns).extras == {"Company": "[not provided]"}
    nameless = RecordChange(id="1", object="Lead", wa_id="5255", name="x" * 100)
    assert rows.from_change(nameless, columns).extras == {"LastName": "x" * 80, "Company": "[not provided]"}


@pytest.mark.parametrize("name, left", [("picklist", {"Comment__c": "b"}), ("too_long", {"Visit__c": "a"})])
def test_one_bad_field_is_dropped_and_the_rest_goes_again(name: str, left: dict) -> None:
    found = hear(row("003Hp00002Rosa1IAC", {"Visit__c": "a", "Comment__c": "b"}), name)
    assert (found.fields, found.outcome) == (left, None)
    rows.heard(found, "003Hp00002Rosa1IAC", False, [])
    assert (found.outcome.state, found.outcome.record) == ("done", "003Hp00002Rosa1IAC")
    assert ERRORS[name]["message"] in found.outcome.refused[ERRORS[name]["fields"][0]]


def test_a_record_of_which_every_field_was_refused_is_refused() -> None:
    found = hear(row("003Hp00002Rosa1IAC", {"NPS_Score__c": 11}), "rule")
    assert (found.outcome.state, list(found.outcome.refused)) == ("refused", ["NPS_Score__c"])
    assert "A score is between 0 and 10" in found.outcome.text


def test_fields_that_cannot_be_written_are_out_before_anything_is_sent() -> None:
    found = row("003Hp00002Rosa1IAC", {"Nmae": "x", "Name": "x", "NPS_Score__c": "many", "Visit__c": "a", "id": "003"})
    assert (list(found.refused), found.fields) == (["Nmae", "Name", "NPS_Score__c", "id"], {"Visit__c": "a"})


@pytest.mark.parametrize("name", ["rule_of_the_page", "trigger", "admin_required"])
def test_what_no_field_of_ours_explains_refuses_the_record_in_the_admins_words(name: str) -> None:
    found = hear(row("003Hp00002Rosa1IAC", {"Visit__c": "a"}), name)
    assert (found.outcome.state, found.outcome.code) == ("refused", ERRORS[name]["statusCode"])
    assert ERRORS[name]["message"] in found.outcome.text


def test_a_lock_means_later_whatever_else_was_wrong() -> None:
    found = hear(row("003Hp00002Rosa1IAC", {"Visit__c": "a"}), "picklist", "lock")
    assert (found.outcome.state, found.outcome.after) == ("retry", problems.LOCKED_AFTER)


def test_a_taken_id_of_ours_is_re_read_and_a_taken_one_of_the_admins_dropped() -> None:
    assert hear(row(fields={"Visit__c": "a"}), "taken_ours").doubt == problem("taken_ours")
    found = hear(row(fields={"Passport__c": "P1", "Visit__c": "a"}), "taken_theirs")
    assert (found.doubt, found.fields, list(found.refused)) == (None, {"Visit__c": "a"}, ["Passport__c"])


def test_a_record_that_exists_is_updated_and_keeps_the_ids_it_has() -> None:
    change = RecordChange(id="1", object="Contact", wa_id="5255", user_id="MX.1", fields={"Visit__c": "a"}, name="Rosa")
    found = rows.from_change(change, COLUMNS)
    rows.adopt(found, "003Hp00002Rosa1IAC", {"WhatsApp_Id__c": None, "WhatsApp_User_Id__c": "MX.1"})
    assert found.body() == {
        "attributes": {"type": "Contact"}, "id": "003Hp00002Rosa1IAC", "Visit__c": "a", "WhatsApp_Id__c": "5255",
    }  # fmt: skip


def test_a_newcomer_whose_mapping_had_the_name_still_gets_its_phone() -> None:
    found = row(fields={"LastName": "Díaz"}, phone="+525512345678")
    rows.heard(found, "003Hp00002Rosa1IAC", True, [])
    assert found.body() == {
        "attributes": {"type": "Contact"}, "id": "003Hp00002Rosa1IAC", "MobilePhone": "+525512345678",
    }  # fmt: skip
    rows.heard(found, None, False, [problems.Problem("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no", ())])
    assert (found.outcome.state, found.outcome.created, list(found.outcome.refused)) == ("done", True, ["MobilePhone"])


@given(st.lists(st.lists(st.sampled_from(sorted(ERRORS)), min_size=1, max_size=3), max_size=40), st.booleans())
def test_every_row_ends_whatever_salesforce_answers(answers: list[list[str]], known: bool) -> None:
    found = row("003Hp00002Rosa1IAC" if known else None, {"Visit__c": "a", "Comment__c": "b", "Passport__c": "c"})
    rounds = 0
    for names in answers:
        if found.outcome or found.doubt:
            break
        before = (found.how, len(found.fields), len(found.extras))
        hear(found, *names)
        rounds += 1
        assert found.outcome or found.doubt or (found.how, len(found.fields), len(found.extras)) != before
    assert rounds <= 8
