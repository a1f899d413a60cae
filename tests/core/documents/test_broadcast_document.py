"""`segment:` and `at:` of a `send:` document."""

import pytest

from connector.core import audience, quiet
from connector.core import documents as language
from connector.core.documents import BadDocument

TEXT = "send: sale\ncrm: hubspot\n{when}\ntemplate: t\n{more}"


def read(when: str, more: str = "") -> language.SendDocument:
    found = language.read(TEXT.format(when=when, more=more))
    assert isinstance(found, language.SendDocument)
    return found


def test_a_list_at_a_time() -> None:
    found = read("when: {segment: list VIP customers, at: 2026-12-01 09:00}", 'with: {1: "{{ contact.firstname }}"}\n')
    assert (found.segment, found.word, found.recipient) == ("list VIP customers", "contact", "record")
    assert {"firstname", "phone"} <= found.reads
    assert found.at is not None
    assert quiet.local(found.at.date(), found.at.time(), "America/Bogota").isoformat() == "2026-12-01T14:00:00+00:00"
    assert read("when: {segment: any}", "to: lead\n").word == "lead"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("any", None), ("csv", ("csv", "")), ("VIP", ("list", "VIP")), ("list A  B", ("list", "A B")),
        ("report R", ("report", "R")), ("select Id from Contact", ("query", "select Id from Contact")),
        ("query SELECT Id FROM Lead", ("query", "SELECT Id FROM Lead")),
    ],
)  # fmt: skip
def test_where_people_come_from(text: str, found: tuple[str, str] | None) -> None:
    source = audience.parse(text)
    assert (source and (source.kind, source.value)) == found
    assert source is None or audience.of_json(source.as_json()) == source


@pytest.mark.parametrize(
    ("when", "more", "said"),
    [
        ("when: {segment: list}", "", "names no list"),
        ("when: {segment: csv, at: 2026-12-01 09:00}", "", "nobody is there to choose"),
        ("when: {at: 2026-12-01 09:00}", "to: {phone: webhook.phone}\n", "add `segment`"),
        ("when: {segment: any, every: monday 09:00}", "", "cannot stand beside"),
        ("when: {segment: any, contact.created: yes}", "", "cannot stand beside"),
        ("when: {segment: VIP, at: 2026-02-30 09:00}", "", "not a day and a time"),
        ("when: {segment: any}", "to: {contact: deal.contact}\n", "people of its list themselves"),
    ],
)
def test_what_is_refused(when: str, more: str, said: str) -> None:
    with pytest.raises(BadDocument) as told:
        read(when, more)
    assert said in str(told.value)


def test_its_tests_run_as_others_do() -> None:
    tests = 'with: {1: "{{ contact.firstname }}"}\ntests:\n'
    tests += "  - {given: {contact.firstname: Ana}, expect: {outcome: sends}}\n"
    assert [one.passed for one in language.run_tests(read("when: {segment: any}", tests))] == [True]
