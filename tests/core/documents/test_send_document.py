"""What a `send:` document may say, and what it hears when it says something else."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.documents import AtMost, Finding, SendDocument, Watch, check, read
from connector.core.quiet import QuietHours
from tests.core.documents.make_send import TO, WHEN, document, text

CALL = "when: {webhook: visit}\n"


def only(written: str) -> Finding:
    (found,) = check(written, schema=None)
    return found


def test_what_a_document_tells_the_pipeline() -> None:
    found = document(
        "about: Everything.\nnumber: sales\nlanguage: es\nbuttons: [accept, question]\n",
        "guard:\n  consent: opted_in\n  quiet_hours: {allow: 22:00-06:00, days: mon-fri, time_zone: account, "
        "otherwise: refuse}\n  give_up_after: 48 hours\n  at_most: 2 per 7 days\n  cancel_if: deal.amount < 5\n",
        "after:\n  sent: {set: {deal.quote: sent, last_quote: '{{ deal.dealname }}'}, clear: deal.old}\n",
        "tests: [{given: {deal.amount: 5}, expect: {outcome: sends}}]\n",
        to="to: {contact: deal.contact, phone: [contact.mobilephone, contact.phone]}\n",
    )
    assert (found.kind, found.name, found.about, found.crm) == ("send", "trial", "Everything.", "hubspot")
    assert (found.sender, found.template, found.recipient) == ("sales", "quote", "contact")
    assert (found.words, found.word) == (("deal", "contact"), "deal")
    assert found.watches == (Watch("dealstage", "becomes", ("presentation",), "deal"),)
    assert (found.webhook, found.date, found.every, found.own_changes) == (None, None, None, False)
    assert found.reads == {"firstname", "mobilephone", "phone"}
    assert found.record_reads == {"dealstage", "amount", "dealname"}
    assert found.consent == "opted_in"
    assert found.at_most == AtMost(2, timedelta(days=7))
    assert str(found.at_most) == "2 per 7 days"
    assert found.give_up_after == timedelta(days=2)
    assert found.quiet == QuietHours(time(22), time(6), frozenset(range(5)), "account", "refuse")
    assert found.buttons == ("accept", "question")
    assert found.sets == ("deal.quote", "last_quote", "deal.old")
    assert len(found.tests) == 1


@pytest.mark.parametrize(
    ("when", "to", "word", "recipient"),
    [
        (WHEN, TO, "deal", "contact"),
        (WHEN, "to: deal.contacts\n", "deal", "contacts"),
        ("when: {contact.created: yes}\n", "", "contact", "record"),
        ("when: {contact.city: {changes}}\n", "to: {contact: contact}\n", "contact", "record"),
        ("when: {lead.Status: changes}\n", "to: record\n", "lead", "record"),
        ("when: {lead.Status: changes}\n", "to: lead\n", "lead", "record"),
        ("when: {date: contact.renewal_date - 3 days at 09:00}\n", "", "contact", "record"),
        (CALL, "to: {phone: webhook.phone}\n", "", "call"),
        (CALL, "to: {contact: ticket.contact, phone: webhook.phone}\n", "ticket", "contact"),
        (CALL, "to: contact\n", "contact", "record"),
        ("when: {every: monday 09:00}\n", "to: {phone: '+573001112222'}\n", "", "call"),
    ],
)
def test_whose_record_starts_it_and_who_gets_it(when: str, to: str, word: str, recipient: str) -> None:
    found = document(when=when, to=to)
    assert (found.word, found.recipient) == (word, recipient)
    assert set(found.words) == {w for w in (word, "contact" if recipient != "call" else "") if w}


def test_a_person_who_starts_it_is_one_record_with_one_list_of_fields() -> None:
    found = document(when="when: {lead.Status: {becomes: [Open, Working]}}\n", to="")
    assert found.reads == found.record_reads == {"Status", "firstname", "phone"}
    assert found.watches[0].value == ("Open", "Working")


def test_the_phone_is_the_contacts_when_nothing_is_said() -> None:
    assert [e.text for e in document().phone] == ["contact.phone"]


@pytest.mark.parametrize("line", ["own_changes: yes\n", ""])
def test_own_changes_stands_in_when_or_beside_it(line: str) -> None:
    when = "when: {deal.dealstage: {changes}, own_changes: yes}\n" if not line else "when: {deal.dealstage: changes}\n"
    assert document(line, when=when).own_changes is True


def test_a_field_beside_a_time_narrows_and_starts_nothing() -> None:
    found = document(when="when: {every: weekday 08:30, deal.dealstage: {is: won}}\n")
    assert (found.triggers, len(found.conditions)) == ((), 1)
    found = document(when="when: {webhook: go, deal.dealstage: {is: won}, deal.amount: changes}\n")
    assert ([w.field for w in found.triggers], [w.field for w in found.conditions]) == (["amount"], ["dealstage"])


AFTER = "after:\n  failed:\n    "


@pytest.mark.parametrize(
    ("written", "path", "code", "hint"),
    [
        # when
        (text(when="when: {}\n"), "when", "nothing", "becomes"),
        (text(when="when: {deal.dealstage: won}\n"), "when.deal.dealstage", "how", "Write {becomes: won}"),
        (text(when="when: {deal.dealstage: }\n"), "when.deal.dealstage", "how", "{changes}"),
        (text(when="when: {deal.d: {becomes: a, is: b}}\n"), "when.deal.d", "together", "{becomes: won}"),
        (text(when="when: {deal.dealstage: {becoms: a}}\n"), "when.deal.dealstage.becoms", "unknown", "becomes"),
        (text(when="when: {deal.created: no}\n"), "when.deal.created", "together", "Delete"),
        (text(when="when: {dealstage: {changes}}\n"), "when.dealstage", "unknown", "deal.dealstage"),
        (text(when="when: {webhok: x}\n"), "when.webhok", "unknown", "Did you mean 'webhook'?"),
        (text(when="when: {dael.stage: {changes}}\n"), "when.dael.stage", "field", "Did you mean 'deal'?"),
        (text(when="when: {segment: vip, at: 09:00}\n"), "when.at", "at", "2026-12-01 09:00"),
        (text(when="when: {deal.a: changes, ticket.b: changes}\n"), "when.ticket.b", "together", "two documents"),
        (text(when="when: {every: monday 9 o'clock, deal.a: {is: b}}\n"), "when.every", "every", "Write `day 09:00`"),
        (text(when="when: {every: monday 09:00, deal.a: changes}\n"), "when.deal.a", "together", "{is: value}"),
        (text(when="when: {every: monday 09:00}\n"), "when.every", "everybody", "deal.field: {is: value}"),
        (text(when="when: {date: deal.closedate}\n"), "when.date", "date", "at 09:00"),
        (text(when="when: {date: dael.x at 09:00}\n", to=""), "when.date", "field", "Did you mean 'deal'?"),
        (
            text(when="when: {date: contact.x at 09:00, deal.a: {is: b}}\n"),
            "when.date", "together", "two documents",
        ),
        (
            text(when="when: {date: deal.x at 09:00, every: day 09:00, deal.a: {is: b}}\n"),
            "when.every", "together", "two documents",
        ),
        # to
        (text(to=""), "to", "missing", "to: {contact: deal.contact}"),
        (text(when=CALL, to="", values=""), "to", "missing", "to: {phone: webhook.phone}"),
        (text(to="to: contact\n"), "to", "to", "Write: to: deal.contact"),
        (text(to="to: {contact: ticket.contact}\n"), "to.contact", "to", "deal.contact or deal.contacts"),
        (text(to="to: {contact: deal.contact, phone: 'contact.'}\n"), "to.phone.0", "expression", "Quote texts"),
        # words
        (text("language: '{{ failure.reason }}'\n"), "language", "word", "Move it there"),
        (text("language: '{{ webhook.language }}'\n"), "language", "word", "webhook: a-name"),
        (text("language: '{{ ticket.language }}'\n"), "language", "word", 'Write: language: "{{ deal.language }}"'),
        (text("language: '{{ answer.text }}'\n"), "language", "word", ""),
        (text("language: '{{ contct.x }}'\n"), "language", "word", "Did you mean 'contact'?"),
        (text("language: '{{ failure.why }}'\n"), "language", "word", "reason, code or who"),
        # guard
        (text("guard: {consent: always}\n"), "guard.consent", "word", "opted_in or not_opted_out"),
        (text("guard: {quiet_hours: {days: mon-fri}}\n"), "guard.quiet_hours.allow", "missing", ""),
        (text("guard: {quiet_hours: {allow: 8-20}}\n"), "guard.quiet_hours.allow", "hours", "08:00-20:00"),
        (text("guard: {quiet_hours: {allow: 08:00-25:00}}\n"), "guard.quiet_hours.allow", "hours", "08:00-20:00"),
        (
            text("guard: {quiet_hours: {allow: 08:00-20:00, days: 1st}}\n"),
            "guard.quiet_hours.days", "days", "mon-sat",
        ),
        (
            text("guard: {quiet_hours: {allow: 08:00-20:00, time_zone: Bogota}}\n"),
            "guard.quiet_hours.time_zone", "time_zone", "America/Bogota",
        ),
        (text("guard: {at_most: once}\n"), "guard.at_most", "at_most", "1 per 7 days"),
        (text("guard: {at_most: 1 per 7 moons}\n"), "guard.at_most", "duration", "7 days"),
        (text("guard: {cancel_if: deal.a = 5}\n"), "guard.cancel_if", "equals", "deal.a == 5"),
        # after
        (text(AFTER + "set: {contact.city: x}\n"), "after.failed.set.contact.city", "field", "Write city"),
        (text(AFTER + "set: {ticket.city: x}\n"), "after.failed.set.ticket.city", "field", "deal or record"),
        (text(AFTER + "set: {deal.x: y}\n    clear: deal.x\n"), "after.failed.clear.0", "together", "Keep one"),
        (text("after: {delivred: {log: note}}\n"), "after.delivred", "unknown", "Did you mean 'delivered'?"),
        (
            text("own_changes: yes\nafter: {sent: {set: {deal.dealstage: x}}}\n"),
            "after.sent.set.deal.dealstage", "loop", "own_changes",
        ),
        # the rest
        (text("buttons: [a, a]\n"), "buttons.1", "doubled", "Give each its own"),
        (text(f"buttons: [{'a' * 129}]\n"), "buttons.0", "name", "Shorten"),
        (text("templat: x\n"), "templat", "unknown", "Did you mean 'template'?"),
        (text("tests: [{given: {del.x: y}, expect: {}}]\n"), "tests.0.given.del.x", "test_word", "mean 'deal'?"),
        (
            text("tests: [{given: {}, expect: {with.frst_name: y}}]\n"),
            "tests.0.expect.with.frst_name", "test_word", "with.first_name",
        ),
        (
            text("after: {sent: {set: {deal.q: x}}}\ntests: [{given: {}, expect: {after.sent.deal.p: y}}]\n"),
            "tests.0.expect.after.sent.deal.p", "test_word", "after.sent.deal.q",
        ),
    ],
)  # fmt: skip
def test_findings(written: str, path: str, code: str, hint: str) -> None:
    found = [f for f in check(written, schema=None) if f.path == path]
    assert [(f.path, f.code) for f in found] == [(path, code)]
    assert hint in found[0].hint
    assert found[0].severity == "error"


def test_a_finding_stands_where_the_word_stands() -> None:
    found = only(
        "send: a\ncrm: b\nwhen:\n  deal.stage: {becomes: x}\nto: deal.contact\ntemplate: t\nlanguage: '{{ x }}'\n"
    )
    assert (found.line, found.column, found.code) == (7, 11, "bare_word")


def test_every_missing_word_is_told() -> None:
    assert [f.path for f in check("send: a\n", schema=None)] == ["crm", "template", "when"]


def test_a_mapping_does_not_know_the_words_of_a_send() -> None:
    found = only("mapping: a\ncrm: b\nwhen: {answer_to: x}\nset: {a: '{{ webhook.x }}'}\n")
    assert "not available in a mapping" in found.message


@pytest.mark.parametrize("phone", ["'+57 300 111 2222'", "contact.phone", "[contact.a, '+573001112222']"])
def test_a_phone_is_an_expression_or_a_number(phone: str) -> None:
    assert document(to=f"to: {{contact: deal.contact, phone: {phone}}}\n").phone


WORDS = st.sampled_from(
    [
        "deal",
        "contact",
        "created",
        "changes",
        "becomes",
        "is",
        ".",
        ":",
        "{",
        "}",
        "[",
        "]",
        ",",
        " ",
        "every",
        "date",
        "monday",
        "09:00",
        "webhook",
        "at",
        "-",
        "3 days",
        "only_if",
        "yes",
        "''",
        '"',
        "\n  ",
        "segment",
        "{{",
        "}}",
    ]
)


@given(st.lists(WORDS, max_size=14).map("".join))
def test_whatever_stands_in_when_is_read_or_told(when: str) -> None:
    written = f"send: a\ncrm: b\nwhen:\n  {when}\nto: deal.contact\ntemplate: t\n"
    found = check(written, schema=None)
    if not [f for f in found if f.severity == "error"]:
        assert isinstance(read(written), SendDocument)
    assert all(1 <= f.line <= written.count("\n") + 1 for f in found)


@given(st.text(max_size=30))
def test_any_text_as_a_time_or_a_limit_is_read_or_told(words: str) -> None:
    quoted = "'" + words.replace("'", "''").replace("\n", " ") + "'"
    for line in ("every", "date"):
        check(text(when=f"when: {{{line}: {quoted}}}\n"), schema=None)
    check(text(f"guard: {{at_most: {quoted}, quiet_hours: {{allow: {quoted}, days: {quoted}}}}}\n"), schema=None)
