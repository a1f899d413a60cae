"""Which message a reply answers: the same for all accounts and for a replay; what was not understood stays open."""

from datetime import UTC, datetime, timedelta

from connector.core import documents as language
from connector.core.contact import Answered
from connector.core.events import InboundMessage
from connector.pipeline.again.replay import Replay
from connector.pipeline.judging import answered
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text

CLINIC = """\
mapping: clinic
crm: hubspot
when: {answer_to: appointment_reminder, type: text}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  whatsapp_last_answer:
    from: answer.text
    map: {yes: will come, no: will not come}
    else: review
"""
OTHER = """\
mapping: other
crm: salesforce
object: [Contact, Lead]
when: {answer_to: nps_survey_v1, type: text, within: 7 days}
contact: {find_by: [whatsapp, phone], if_missing: skip, if_several: review}
set:
  NPS_Comment__c: "{{ answer.text }}"
"""


def ask(house: House, template: str, minutes: int) -> None:
    house.sent_template(ANA, template, sent_at=(datetime.now(UTC) - timedelta(minutes=minutes)).isoformat())


def test_a_correction_after_an_answer_nobody_understood_is_taken(house: House) -> None:
    house.publish(CLINIC)
    ask(house, "appointment_reminder", 30)
    for words, id_ in (("perhaps", "wamid.q1"), ("yes", "wamid.q2"), ("no", "wamid.q3")):
        house.deliver(replies(text(ANA, words, id=id_)))
        house.settle()
    assert house.fields("wamid.q1")["whatsapp_last_answer"][0] == "review"
    assert house.fields("wamid.q2")["whatsapp_last_answer"] == ("written", "will come")
    late = house.why("wamid.q3")["documents"][0]
    assert late["because"] == "did not match: appointment_reminder was answered already by an earlier message"


def test_the_last_awaited_message_is_the_same_for_every_account(house: House) -> None:
    house.publish(CLINIC)
    house.publish(OTHER)
    ask(house, "nps_survey_v1", 60)
    ask(house, "appointment_reminder", 30)
    house.deliver(replies(text(ANA, "yes", id="wamid.both")))
    house.settle()
    verdicts = {d["name"]: d["matched"] for d in house.why("wamid.both")["documents"]}
    assert verdicts == {"clinic": True, "other": False}


def test_a_replay_sees_each_answer_as_it_was_given(house: House) -> None:
    house.publish(CLINIC)
    for n, words in enumerate(("yes", "no", "yes")):
        house.sent_template(ANA, "appointment_reminder", sent_at=datetime.now(UTC).isoformat())
        house.deliver(replies(text(ANA, words, id=f"wamid.r{n}")))
        house.settle()
    document = language.read(CLINIC.replace("will come", "comes").replace("will not come", "stays away"))
    account = house.app.account("hubspot")
    assert account is not None
    again = Replay(house.app.store, account, house.app.crm(account), house.app.library, house.app.clock, document)
    then = [entry["then"] for entry in again.run(datetime.now(UTC) - timedelta(hours=1))]
    assert then == ["comes", "stays away", "comes"]


def test_a_message_never_answers_what_it_led_to_itself() -> None:
    """The other CRM account judges it later, when the first question of its conversation stands there already."""
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    question = Answered(send="s1", at=now, step="lead.size", event="e1")
    hello = InboundMessage(id="m", number="1", type="text", text="demo", at=now - timedelta(seconds=1))
    waiting, awaited = {"c1": [(question, None)]}, frozenset({"lead.size"})

    def told(event: str) -> tuple[Answered | None, Answered | None]:
        match = answered.match(hello, event, "c1", {}, waiting, awaited, {}, now)
        return match, answered.already(hello, event, "c1", waiting, awaited, now)

    assert told("e1") == (None, None)
    assert told("e2") == (question, question)
