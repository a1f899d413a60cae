"""The tests that stand inside a `send:` document."""

import pytest

from connector.core.documents import read, run_tests
from tests.core.documents.make_send import TO, document, text

GUARD = "guard: {quiet_hours: {allow: 08:00-20:00}, at_most: 1 per 7 days, give_up_after: 2 days}\n"
AFTER = "after: {failed: {set: {deal.q: '{{ failure.reason }}', last: x}, clear: old, task: {for: owner}}}\n"
BODY = ("buttons: [accept, question]\nlanguage: \"{{ contact.lang | default('es') }}\"\n", GUARD, AFTER)


def results(given: str, expect: str, *parts: str, **rest: str) -> list[tuple[bool, str]]:
    tests = f"tests: [{{given: {given}, expect: {expect}}}]\n"
    return [(r.passed, r.message) for r in run_tests(read(text(*(parts or BODY), tests, **rest)))]


def passes(given: str, expect: str, *parts: str, **rest: str) -> bool:
    ((passed, _),) = results(given, expect, *parts, **rest)
    return passed


ANA = "contact.firstname: Ana"


@pytest.mark.parametrize(
    ("given", "expect", "good"),
    [
        (ANA, "outcome: sends", True),
        (ANA, "outcome: waits", False),
        (ANA, "until: none, because: ''", True),
        (ANA, "to: '+573001112222', template: quote, language: es", True),
        (ANA, "with.first_name: Ana, buttons: 'accept, question'", True),
        (ANA, "with.first_name: ana", False),
        (ANA, "buttons: accept", False),
        (f"{ANA}, contact.lang: pt_BR", "language: pt_BR", True),
        ("", "outcome: refused, because: first_name, code: parameter", True),
        (f"{ANA}, now: 2026-11-24T03:00:00Z", "outcome: waits, until: 2026-11-24T13:00:00Z", True),
        (f"{ANA}, now: 2026-11-24T03:00:00Z", "until: 2026-11-24T14:00:00Z", False),
        (f"{ANA}, now: 2026-11-24T03:00:00Z, contact.time_zone: Asia/Tokyo", "outcome: sends", True),
        (f"{ANA}, now: 2026-11-27T12:00:00Z, created_at: 2026-11-25T12:00:00Z", "outcome: expired", True),
        (f"{ANA}, sent_at: [2026-11-20T10:00:00Z]", "because: at_most", True),
        (f"{ANA}, consent: opted_out", "outcome: refused, because: opted out", True),
        (f"{ANA}, category: marketing", "code: consent", True),
        (f"{ANA}, category: marketing, consent: opted_in", "outcome: sends", True),
        (f"{ANA}, consent.utility: opted_out", "code: consent", True),
        (f"{ANA}, phone: none", "code: no_phone", True),
        (f"{ANA}, phone: '12'", "code: bad_phone", True),
        (f"{ANA}, phone: '+525512345678'", "to: '+525512345678'", True),
        (f"{ANA}, template: none", "code: template", True),
        (f"{ANA}, template: PAUSED", "outcome: waits", True),
        (f"{ANA}, template: REJECTED", "outcome: refused", True),
        (f"{ANA}, deal.dealstage: won", "outcome: no_match", True),
        (f"{ANA}, deal.dealstage: presentation", "outcome: sends", True),
        (f"{ANA}, trigger: no", "outcome: no_match", True),
        (ANA, "after.failed.deal.q: the number is not on WhatsApp, after.failed.last: x", True),
        (f"{ANA}, failure.reason: blocked", "after.failed.deal.q: blocked", True),
        (ANA, "after.failed.last: y", False),
        (ANA, "after.failed.old: cleared", True),
        (ANA, "after.failed.task: 'WhatsApp message quote failed: the number is not on WhatsApp'", True),
    ],
)
def test_given_and_expected(given: str, expect: str, good: bool) -> None:
    assert passes(f"{{{given}}}", f"{{{expect}}}") is good


@pytest.mark.parametrize(
    ("when", "to", "given", "expect"),
    [
        ("when: {contact.created: yes}\n", "", f"{{{ANA}}}", "{outcome: sends}"),
        ("when: {lead.Status: changes}\n", "", f"{{{ANA}}}", "{outcome: sends}"),
        ("when: {lead.Status: {is: Open}}\n", "", f"{{{ANA}, lead.Status: Closed}}", "{outcome: no_match}"),
        ("when: {contact.stage: {becomes: [a, b]}}\n", "", f"{{{ANA}, contact.stage: b}}", "{outcome: sends}"),
        ("when: {contact.stage: {becomes: [a, b]}}\n", "", f"{{{ANA}, contact.stage: c}}", "{outcome: no_match}"),
        ("when: {date: deal.closedate at 09:00}\n", TO, f"{{{ANA}}}", "{outcome: sends}"),
        ("when: {every: day 09:00, deal.s: {is: won}}\n", TO, f"{{{ANA}}}", "{outcome: sends}"),
        ("when: {every: day 09:00, deal.s: {is: won}}\n", TO, f"{{{ANA}, deal.s: lost}}", "{outcome: no_match}"),
        ("when: {webhook: go}\n", "to: {phone: webhook.phone}\n", f"{{{ANA}}}", "{outcome: refused}"),
        ("when: {webhook: go}\n", TO, f"{{{ANA}}}", "{outcome: sends}"),
    ],
)
def test_every_trigger_is_taken_as_met(when: str, to: str, given: str, expect: str) -> None:
    assert passes(given, expect, "language: es\n", when=when, to=to)


def test_a_bare_call_brings_its_own_values() -> None:
    parts = {"when": "when: {webhook: go}\n", "to": "to: {phone: webhook.phone}\n"}
    parts |= {"values": "with: {1: '{{ webhook.n }}'}\n"}
    assert passes("{webhook.n: A1}", "{outcome: sends, with.1: A1, to: '+573001112222'}", "language: es\n", **parts)
    given = "{webhook.n: A1, webhook.phone: '+4915112345678'}"
    assert passes(given, "{to: '+4915112345678'}", "language: es\n", **parts)


def test_the_made_up_template_has_a_place_for_everything() -> None:
    values = "with: {first_name: a, header.document: https://example.com/q.pdf, button.1: x, button.copy_code: A1}\n"
    assert passes("{}", "{outcome: sends}", "buttons: [a, b]\n", "language: es\n", values=values)
    values = "with: {1: a, 2: b, header.1: x}\n"
    assert passes("{}", "{outcome: sends}", "language: es\n", values=values)


def test_now_is_a_tuesday_at_ten_where_the_contact_is() -> None:
    there = "now | time_zone('America/Bogota') | date('YYYY-MM-DD HH:mm')"
    when = f"when: {{deal.dealstage: {{becomes: x}}, only_if: \"{there} == '2026-11-24 10:00'\"}}\n"
    assert passes(f"{{{ANA}}}", "{outcome: sends}", "language: es\n", when=when)


def test_what_came_instead_is_told_with_the_line_and_the_reason() -> None:
    made = document("language: es\n", "tests:\n  - {name: a, given: {phone: none}, expect: {outcome: sends}}\n")
    (found,) = run_tests(made)
    assert (found.name, found.passed, found.line) == ("a", False, 9)
    assert found.message == (
        "outcome: expected sends, got refused; There is no phone number in contact.phone. Fill it in the CRM."
    )


def test_a_time_that_cannot_be_read_is_told() -> None:
    ((passed, message),) = results("{now: tomorrow}", "{outcome: sends}")
    assert not passed
    assert message.startswith("`given` cannot be used")


def test_record_is_another_word_for_the_record_that_starts_it() -> None:
    assert passes("{record.dealstage: won}", "{outcome: no_match}")
