"""A conversation, one event at a time: every kind of answer at every kind of wait has a stated outcome and a reason."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.core.changes import Ask, Handoff, SendMessage, SendTemplate, SetField, StartFlow
from connector.core.contact import Contact, Record, Setting
from connector.core.flow import State, begin, dump, load, move_to, outranks, resume, starts
from tests.core.documents.make import NOW, message, record
from tests.core.documents.make_flow import HEAD, Talk, flow


def test_the_first_step_is_asked() -> None:
    talk = Talk(flow())
    assert talk.move is not None
    (asked,) = talk.move.changes
    assert asked == SendMessage(
        text="How large?",
        awaits="trial.size",
        body={
            "type": "buttons",
            "text": "How large?",
            "buttons": [{"id": "small", "title": "Small"}, {"id": "large", "title": "Large"}],
        },
    )
    assert talk.state is not None
    assert (talk.state.step, talk.state.waits, talk.state.version) == ("size", "answer", 1)
    assert talk.state.wake_at == NOW + timedelta(hours=2)
    assert talk.state.expires_at == NOW + timedelta(hours=23)


def test_a_whole_conversation() -> None:
    talk = Talk(flow())
    assert talk.tap("small").changes[0] == SetField(object="contacts", field="size", value="small")
    assert talk.said == ["Your e-mail?"]
    move = talk.write("it is ana@example.com")
    assert (move.end, move.state, talk.said) == ("done", None, ["Bye, ana@example.com"])
    assert move.answers == {"size": "small", "email": "ana@example.com"}
    assert move.walked == ("bye",)
    assert "bye ends it: done" in move.because


# ---- what is an answer ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["small", " SMALL! ", "Small."])
def test_a_typed_id_or_label_is_a_tap(text: str) -> None:
    assert Talk(flow()).write(text).state.step == "email"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "answer", "why"),
    [
        ("media", {"kind": "image", "id": "m1"}, "it is a media message; one of the buttons is expected"),
        ("location", {"latitude": 4.6, "longitude": -74.0}, "it is a location message"),
        ("form", {"x": "1"}, "it is a form message"),
        ("contact", {"phone": "+573001112222"}, "it is a contact message"),
        ("order", {"total": 1}, "it is a order message"),
        ("unsupported", {}, "it is a unsupported message"),
        ("text", {"text": ""}, "is none of the buttons"),
        ("text", {"text": "x" * 4096}, "is none of the buttons"),
        ("text", {"text": "שלום"}, "is none of the buttons"),
        ("text", {"text": "👍"}, "is none of the buttons"),
        ("button", {"id": "maybe", "title": "Maybe"}, "is none of the buttons"),
    ],
)
def test_what_is_no_answer_is_asked_again_then_goes_on(kind: str, answer: dict[str, Any], why: str) -> None:
    talk = Talk(flow())
    move = talk.hear(kind, answer.get("text", ""), answer=answer)
    assert why in move.because
    assert (talk.said, talk.state.asked) == (["How large?"], 1)  # type: ignore[union-attr]
    move = talk.hear(kind, answer.get("text", ""), answer=answer)
    assert move.end == "handed_over"
    assert [c.text for c in move.changes if isinstance(c, Handoff)] == ["Call Ana Ruiz"]


@pytest.mark.parametrize("kind", ["media", "location", "form", "order", "unsupported"])
def test_words_are_asked_for_again_too(kind: str) -> None:
    talk = Talk(flow())
    talk.tap("small")
    move = talk.hear(kind, answer={"latitude": 1, "longitude": 1, "kind": "audio"})
    assert talk.said == ["Your e-mail?"]
    assert "an e-mail address is expected" in move.because


@pytest.mark.parametrize(("kind", "took"), [("reaction", False), ("edit", False), ("revoke", False)])
def test_what_changes_nothing(kind: str, took: bool) -> None:
    talk = Talk(flow())
    before = talk.state
    move = talk.hear(kind, answer={"emoji": "👍"})
    assert move.changes == ()
    assert move.took is took
    assert move.because
    assert replace(move.state, last_inbound_at=None) == replace(before, last_inbound_at=None)  # type: ignore[type-var]


def test_a_message_in_a_group_is_no_answer() -> None:
    assert not Talk(flow()).write("small", group_id="g1").took


@pytest.mark.parametrize("step", ["size", "other.question"])
def test_a_tap_on_another_message_is_never_an_answer(step: str) -> None:
    talk = Talk(flow())
    talk.tap("small")
    move = talk.tap("large", answers=step, after=5)
    assert "which is not asked now; the question is said once more" in move.because
    assert (move.state.step, move.state.asked, talk.said) == ("email", 0, ["Your e-mail?"])  # type: ignore[union-attr]


def test_the_second_of_two_taps_is_not_answered() -> None:
    talk = Talk(flow())
    talk.tap("small")
    move = talk.tap("large", answers="size", after=0)
    assert (move.changes, move.state.step) == ((), "email")  # type: ignore[union-attr]
    assert "double tap" in move.because


def test_an_old_tap_whose_message_we_do_not_know() -> None:
    talk = Talk(flow())
    talk.tap("small")
    assert "button of trial.size, which is not asked now" in talk.tap("large", answers=None, after=5).because


def test_a_reply_to_a_deleted_message_counts_for_the_question_that_waits() -> None:
    assert Talk(flow()).write("small", answers=None, context_id="wamid.gone").state.step == "email"  # type: ignore[union-attr]


def test_ids_may_be_emoji_and_labels_right_to_left() -> None:
    document = flow(
        'steps:\n  a: {ask: "?", buttons: {👍: נכון, 👎: לא}, go: {👍: b, 👎: c}}\n  b: {end: b}\n  c: {end: c}\n'
    )
    assert Talk(document).tap("👎").end == "c"
    assert Talk(document).write("נכון").end == "b"


# ---- words ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("word", ["STOP", "baja", "sair", "стоп", "توقف"])
def test_stop_is_always_on(word: str) -> None:
    move = Talk(flow()).write(word)
    assert (move.end, move.state, move.changes) == ("opted_out", None, ())


def test_a_button_may_be_called_stop() -> None:
    document = flow('steps:\n  a: {ask: "?", buttons: {stop: Stop, on: On}, go: {stop: b, on: b}}\n  b: {end: b}\n')
    assert Talk(document).tap("stop").end == "b"


def test_words_from_anywhere() -> None:
    assert Talk(flow()).write("Agent!").end == "handed_over"
    assert "it says a word that leads to human" in Talk(flow()).write("an agent, please").because
    talk = Talk(flow())
    talk.tap("small")
    assert talk.write("agent@example.com").end == "done"  # an answer goes first


# ---- time ----------------------------------------------------------------------------------------------------------
def test_nobody_answers() -> None:
    talk = Talk(flow())
    assert talk.timer(minutes=30).changes == ()
    assert "nothing is due" in talk.move.because  # type: ignore[union-attr]
    talk.timer(minutes=90)
    assert (talk.said, talk.state.reminded) == (["How large?"], 1)  # type: ignore[union-attr]
    assert talk.timer(hours=2).end == "silent"


def test_an_answer_after_the_reminder_counts() -> None:
    talk = Talk(flow())
    talk.timer(hours=2)
    assert talk.tap("small").state.reminded == 0  # type: ignore[union-attr]


def test_a_conversation_expires() -> None:
    talk = Talk(flow("steps:\n  a: {ask: x, go: b}\n  b: {end: b}\n"))
    assert talk.state.wake_at == talk.state.expires_at  # type: ignore[union-attr]
    assert talk.timer(hours=23).end == "expired"
    talk = Talk(flow("steps:\n  a: {ask: x, go: b}\n  b: {end: b}\n"))
    move = talk.write("late", after=23 * 60)
    assert (move.end, move.took) == ("expired", False)


WAIT = """expires: 3 days
reopen: {name: still_there, with: {1: "{{ contact.name }}"}, buttons: [yes]}
steps:
  a: {say: Hello, go: b}
  b: {wait: 1 day, go: c}
  c: {ask: "Still?", buttons: {yes: Yes, no: No}, go: {yes: d, no: e}}
  d: {say: Good, end: good}
  e: {end: bad}
always: {no_answer: {after: 3 hours, then: {end: silent}}}
"""


def test_a_wait_is_not_shortened() -> None:
    talk = Talk(flow(WAIT))
    assert (talk.state.step, talk.state.waits) == ("b", "time")  # type: ignore[union-attr]
    move = talk.write("are you there?")
    assert not move.took
    assert "it waits until 2026-11-25 10:00" in move.because
    assert talk.timer(hours=23).changes == ()


def test_a_closed_window_is_reopened_by_a_template_once() -> None:
    talk = Talk(flow(WAIT))
    move = talk.timer(days=1)
    assert move.changes == (
        SendTemplate(template="still_there", values={"1": "Ana Ruiz"}, buttons=("yes",), awaits="trial.c"),
    )
    assert talk.state.reopening  # type: ignore[union-attr]
    talk.write("hm?")
    assert (talk.said, talk.state.reopening) == (["Still?"], False)  # type: ignore[union-attr]
    assert talk.tap("yes").end == "good"


def test_the_templates_button_is_the_answer() -> None:
    talk = Talk(flow(WAIT))
    talk.timer(days=1)
    assert talk.tap("yes").end == "good"


def test_who_does_not_answer_the_template() -> None:
    talk = Talk(flow(WAIT))
    talk.timer(days=1)
    assert talk.timer(hours=3).end == "silent"


def test_without_a_template_it_stops_with_the_reason() -> None:
    document = flow("steps:\n  a: {say: Hello, end: done}\n")
    silent = Contact(id="c1", last_inbound_at=NOW - timedelta(hours=25))
    move = begin(document, Setting(), silent, NOW)
    assert (move.end, move.changes) == ("window", ())
    assert "more than 24 hours" in move.because


# ---- loops, handoff, versions --------------------------------------------------------------------------------------
def test_a_circle_is_stopped_and_told() -> None:
    move = Talk(
        flow("steps:\n  a: {say: x, go: b}\n  b: {go: [{if: contact.x == 'y', to: c}, {else: a}]}\n  c: {end: c}\n")
    ).move
    assert move is not None
    assert move.end == "loop"
    assert [c.why for c in move.changes if isinstance(c, Ask)] == ["flow_loop"]


def test_a_person_talks_and_gives_it_back() -> None:
    talk = Talk(flow("steps:\n  a: {handoff: Help, go: b}\n  b: {say: Welcome back, end: done}\n"))
    assert talk.state.waits == "person"  # type: ignore[union-attr]
    assert not talk.write("hello").took
    move = talk.took(resume(talk.document, talk.state, talk.contact(), talk.now, Setting()))  # type: ignore[arg-type]
    assert (move.end, talk.said) == ("done", ["Welcome back"])


def test_a_step_that_a_newer_version_does_not_have() -> None:
    talk = Talk(flow())
    newer = flow("steps:\n  other: {ask: x, go: end}\n  end: {end: done}\n")
    talk.document = newer
    move = talk.write("small")
    assert (move.end, [c.why for c in move.changes if isinstance(c, Ask)]) == ("moved", ["flow_moved"])
    assert "there is no such step" in move.because


def test_a_conversation_is_moved_explicitly() -> None:
    talk = Talk(flow())
    state, person = talk.state, talk.contact()
    assert state is not None
    same = move_to(flow(), state, person, NOW, Setting(), version=2)
    assert (same.state, same.changes) == (replace(state, version=2), ())
    there = move_to(flow(), state, person, NOW, Setting(), version=2, step="email")
    assert there.state is not None
    assert (there.state.version, there.state.step, there.walked) == (2, "email", ("email",))
    assert move_to(flow(), state, person, NOW, Setting(), step="nothing").end == "moved"


def test_another_flow_goes_on() -> None:
    move = Talk(flow("steps:\n  a: {start: other}\n")).move
    assert move is not None
    assert (move.end, move.changes) == ("started", (StartFlow(flow="other"),))


def test_one_at_a_time() -> None:
    document = flow(head="flow: trial\ncrm: hubspot\npriority: 5\n")
    assert outranks(document, "sales", 4)[0]
    kept, why = outranks(document, "sales", 5)
    assert not kept
    assert why == "sales is running for this contact, with priority 5; trial has 5, and only a higher one interrupts"


# ---- how it begins -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("start", "event", "yes"),
    [
        ("{says: [price, precio]}", message("text", "what is the price?"), True),
        ("{says: [price]}", message("text", "priceless"), False),
        ("{matches: 'visit [0-9]+'}", message("text", "my visit 12"), True),
        ("{type: media}", message("media", answer={"kind": "image"}), True),
        ("{referral: any}", message("text", "hi", referral={"source_id": "9"}), True),
        ("{referral: '8'}", message("text", "hi", referral={"source_id": "9"}), False),
        ("{referral: any}", message("text", "hi"), False),
        ("{answer_to: invite, id: yes}", message("button", "yes"), False),
        ("{says: [hi], only_if: contact.city == 'Lima'}", message("text", "hi"), True),
    ],
)
def test_starts(start: str, event: Any, yes: bool) -> None:
    document = flow(head=f"flow: trial\ncrm: hubspot\nstart: [{start}]\n")
    person = Contact(id="c1", records=(record(city="Lima"),))
    assert starts(document, event, person, NOW, Setting())[0] is yes


def test_whose_record_is_not_known() -> None:
    two = tuple(Record(object="contacts", id=id_) for id_ in ("1", "2"))
    for records, why in ((two, "several_records"), ((), "no_record")):
        talk = Talk(flow(head=f"{HEAD}contact: {{if_missing: review}}\n"))
        talk.records = records
        move = talk.tap("small")
        assert [c.why for c in move.changes if isinstance(c, Ask)] == [why]
        assert move.answers == {"size": "small"}  # the conversation knows it all the same
        assert talk.said == ["Your e-mail?"]


# ---- the state -----------------------------------------------------------------------------------------------------
def test_a_state_is_json() -> None:
    talk = Talk(flow())
    talk.tap("small")
    assert talk.state is not None
    body = json.loads(json.dumps(dump(talk.state)))
    assert load(body) == talk.state
    assert load({**body, "of_a_newer_version": 1}) == talk.state
    assert load(dump(State(flow="x"))) == State(flow="x")
