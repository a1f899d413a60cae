"""The tests that stand inside a document."""

import pytest

from connector.core.documents import run_tests
from tests.core.documents.make import HEAD, Field, document

BODY = """set:
  stage: {from: answer.id, map: {yes: won, no: lost}, else: review, overwrite: if_further}
  last: "{{ answer.title }}"
  reply: "{{ contact.name }}"
reply: Thanks
log: message
consent: {marketing: opted_in}
"""


def results(tests: str, body: str = BODY, head: str = HEAD) -> list[tuple[bool, str]]:
    return [(r.passed, r.message) for r in run_tests(document(f"{body}tests:\n{tests}", head))]


def passes(given: str, expect: str, body: str = BODY, head: str = HEAD) -> bool:
    return results(f"  - {{given: {given}, expect: {expect}}}\n", body, head)[0][0]


@pytest.mark.parametrize(
    ("expect", "good"),
    [
        ("{stage: won}", True),
        ("{stage: lost}", False),
        ("{stage: unchanged}", False),
        ("{last: YES}", False),
        ("{last: 'yes'}", True),
        ("{field.reply: Ana Ruiz, reply: Thanks}", True),
        ("{reply: none}", False),
        ("{log: message, consent.marketing: opted_in, task: none, start: none}", True),
        ("{consent.marketing: opted_out}", False),
        ("{outcome: done}", True),
        ("{outcome: review}", False),
        ("{because: the map gives it}", True),
        ("{because: the moon}", False),
        ("{}", True),
    ],
)
def test_expectations(expect: str, good: bool) -> None:
    assert passes("{answer.id: yes, type: button}", expect) is good


def test_what_came_instead_is_told_with_the_line() -> None:
    found = run_tests(
        document(BODY + "tests:\n  - {name: a, given: {answer.id: 'yes'}, expect: {stage: lost, last: x}}\n")
    )
    assert [(r.name, r.passed, r.line) for r in found] == [("a", False, 12)]
    assert found[0].message == "stage: expected lost, got won; last: expected x, got yes"
    head = HEAD.replace("anything", "offer_v1")
    ((_, message),) = results("  - {given: {answer_to: other}, expect: {stage: won}}\n", head=head)
    assert message == "stage: expected won, got unchanged; did not match: answers other, not offer_v1"


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        ("{answer.id: yes, contact: none}", "{outcome: review, stage: unchanged}"),
        ("{answer.id: yes, contact: several}", "{outcome: review}"),
        ("{answer.id: perhaps}", "{outcome: review, stage: unchanged, last: perhaps}"),
        ("{answer.id: yes, contact.stage: won, contact.last: yes}", "{stage: unchanged, last: unchanged}"),
        ("{type: unsupported}", "{outcome: no_match}"),
        ("{answer.id: yes, contact.name: Luz}", "{field.reply: Luz}"),
    ],
)
def test_what_can_be_given(given: str, expect: str) -> None:
    assert passes(given, expect)


@pytest.mark.parametrize(
    ("value", "given", "expect"),
    [
        ("{{ message.sent_at | date('DD HH:mm') }}", "{now: 2026-11-23T03:10:00Z}", "23 03:10"),
        ("{{ message.sent_at | date('DD') }}", "{message.sent_at: 2026-10-05}", "05"),
        ("{{ message.sent_at | time_zone('contact') | date('HH') }}", "{contact.time_zone: Asia/Tokyo}", "19"),
        ("{{ deal.amount }}", "{deal.amount: 900}", "900"),
        ("{{ number.name }}", "{number.name: sales}", "sales"),
        ("{{ referral.headline }}", "{referral.headline: Sale}", "Sale"),
        ("{{ answer.budget }}", "{answer.budget: 900}", "900"),
        ("{{ answer.text | number }}", "{answer.text: '1.500', locale: es_CO}", "1500"),
        ("{{ answer.text | phone }}", "{answer.text: 300 111 2222, country: CO}", "+573001112222"),
        ("{{ answer.days | join('+') }}", "{answer.days: [mon, tue]}", "mon+tue"),
        ("{{ message.type }}", "{answer.latitude: 4.6}", "location"),
    ],
)
def test_the_words_of_given(value: str, given: str, expect: str) -> None:
    assert passes(given, f"{{x: {expect!r}}}", f'set: {{x: "{value}"}}\n')


def test_a_time_that_is_none_fails_the_test_and_says_so() -> None:
    ((passed, message),) = results("  - {given: {now: soon}, expect: {}}\n")
    assert not passed
    assert "`given` cannot be used" in message


def test_the_crms_own_order_goes_before_the_one_we_know() -> None:
    body = (
        "set: {lifecyclestage: {value: lead, overwrite: if_further}}\ntests:\n"
        "  - {given: {contact.lifecyclestage: customer}, expect: {lifecyclestage: %s}}\n"
    )
    assert run_tests(document(body % "unchanged"))[0].passed
    turned = {"contacts": [Field("lifecyclestage", options=(("customer", ""), ("lead", "")))]}
    assert run_tests(document(body % "lead"), turned)[0].passed


def test_a_deal_is_there_when_the_document_sets_one() -> None:
    body = "set: {deal.stage: won}\n"
    assert passes("{}", "{deal.stage: won}", body)
    assert passes("{deal.stage: won}", "{deal.stage: unchanged}", body)
    assert passes("{record.id: none}", "{deal.stage: unchanged, outcome: review}", body)


def test_cleared_and_typed_values() -> None:
    body = (
        "set: {n: {from: answer.text, as: number, else: skip}, b: {from: answer.text, as: yes_no, else: "
        "skip}}\nclear: old\n"
    )
    assert passes("{answer.text: '5', contact.old: x}", "{n: '5.0', old: cleared}", body)
    assert passes("{answer.text: 'sí'}", "{b: 'yes', n: unchanged}", body)
