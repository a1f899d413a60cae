"""One message, one contact, one document: the plan."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.changes import (
    Ask,
    CreateTask,
    Handoff,
    LogActivity,
    Notify,
    SendMessage,
    SetConsent,
    SetField,
    StartFlow,
)
from connector.core.contact import Contact, RecordRef
from connector.core.documents import could_match, evaluate, evaluate_all, read
from connector.core.events import MESSAGE_TYPES, SILENT_TYPES
from tests.core.documents.make import (
    NOW,
    answered,
    contact,
    deal,
    document,
    message,
    plan,
    reason,
    record,
    setting,
    written,
)  # fmt: skip

STAGE = "set:\n  stage: {from: answer.id, map: {yes: won, later: open, Nö: lost}, else: review}\n"
SCORE = (
    "set:\n  score:\n    from: answer.text\n    as: integer\n    max: 10\n"
    "    else: {ask_again: 'A number, {{ contact.name }}?', times: 2, then: {set: {comment: '{{ answer.text }}'}}}\n"
)


def why_not(when: str, **rest: Any) -> str:
    """Why the document does not match; empty when it does."""
    event, how = rest.pop("event", message(text="hello")), rest.pop("how", setting())
    found = read(f"mapping: trial\ncrm: hubspot\nwhen: {{{when}}}\nclear: x\n")
    fits, why = could_match(event, found, NOW, how)
    made = evaluate(event, contact(record()), found, NOW, how)
    assert made.matched is fits
    assert fits or made.because == why
    return why


# ---- when --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", SILENT_TYPES)
def test_silent_messages_fire_nothing(kind: str) -> None:
    assert kind in why_not("answer_to: anything", event=message(kind, answer={}))


def test_messages_in_a_group_fire_nothing() -> None:
    assert "group" in why_not("answer_to: anything", event=message(text="x", group_id="g1"))


@pytest.mark.parametrize("kind", MESSAGE_TYPES)
def test_without_a_type_every_kind_fires(kind: str) -> None:
    assert why_not("answer_to: anything", event=message(kind, answer={})) == ""


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ("answer_to: offer_v1", True),
        ("answer_to: [survey, offer_v1]", True),
        ("answer_to: survey", False),
        ("answer_to: offer_v1, type: text", True),
        ("answer_to: offer_v1, type: [button, list]", False),
        ("answer_to: offer_v1, says: [demo, precio]", True),
        ("answer_to: offer_v1, says: [Prec]", False),
        ("answer_to: offer_v1, says: [una demo]", False),
        ("answer_to: offer_v1, matches: 'PRECIO [0-9]+'", True),
        ("answer_to: offer_v1, matches: '^[0-9]+$'", False),
        ("answer_to: offer_v1, number: Ventas", True),
        ("answer_to: offer_v1, number: +57 1 555-0100", True),
        ("answer_to: offer_v1, number: '106540352242922'", True),
        ("answer_to: offer_v1, number: support", False),
        ("answer_to: offer_v1, only_if: [answer.text != '']", True),
        ("answer_to: offer_v1, only_if: [answer.text == '', now == now]", False),
    ],
)
def test_when(when: str, matches: bool) -> None:
    how = setting(answered=answered(template="offer_v1"), number={"id": "1", "name": "ventas", "phone": "+5715550100"})
    why = why_not(when, event=message(text="¿Y el PRECIO 300?"), how=how)
    assert (why == "") is matches
    assert matches or why.startswith("did not match: ")


def test_an_answer_counts_within_its_time() -> None:
    late = {
        "event": message(text="x", at=NOW),
        "how": setting(answered=answered(template="t", at=NOW - timedelta(hours=25))),
    }
    assert "24 hours" in why_not("answer_to: t", **late)
    assert why_not("answer_to: t, within: 2 days", **late) == ""
    assert why_not("answer_to: anything", **late) == ""


def test_buttons_by_id() -> None:
    assert why_not("answer_to: anything, id: [yes, later]", event=message("button", id="YES")) == ""
    assert "no" in why_not("answer_to: anything, id: [yes, later]", event=message("button", id="no"))


def test_what_was_answered_stands_in_the_reason() -> None:
    how = setting(answered=answered(template="webinar_invite_v2"))
    assert why_not("answer_to: nps_survey_v1", how=how) == "did not match: answers webinar_invite_v2, not nps_survey_v1"
    assert "none of our messages" in why_not("answer_to: nps_survey_v1")
    assert plan("clear: x\n", how=how).because == "answers webinar_invite_v2"


def test_conditions_on_the_contact_wait_for_the_record() -> None:
    found = read("mapping: a\ncrm: h\nwhen: {answer_to: anything, only_if: [contact.amount > 5]}\nclear: x\n")
    assert could_match(message(text="x"), found, NOW, setting()) == (True, "")
    made = evaluate(message(text="x"), contact(record(amount="plenty")), found, NOW, setting())
    assert (made.matched, made.because) == (
        False,
        'did not match: contact.amount > 5 does not hold ("plenty" is not a number)',
    )
    assert evaluate(message(text="x"), contact(record(amount="6")), found, NOW, setting()).matched


def test_an_answer_to_our_own_question_matches() -> None:
    found = read("mapping: nps\ncrm: h\nwhen: {answer_to: survey}\n" + SCORE)
    for step, fits in (("nps.score", True), ("other.score", False), ("npsx.score", False)):
        assert could_match(message(text="9"), found, NOW, setting(answered=answered(step=step)))[0] is fits


# ---- whose record ------------------------------------------------------------------------------------------------
def test_nobody_matches() -> None:
    event = message("button", id="yes")
    made = plan(STAGE, event, contact())
    assert (made.outcome, made.changes) == (
        "review",
        (Ask(why="no_record", text="Nobody in the CRM matches this person."),),
    )
    made = plan("contact: {if_missing: skip}\n" + STAGE, event, contact())
    assert (made.matched, made.outcome, made.changes, made.reasons[0].code) == (True, "skip", (), "no_record")
    made = plan("object: [Contact, Lead]\ncontact: {if_missing: create}\n" + STAGE, event, contact())
    assert made.changes == (SetField(object="Lead", field="stage", value="won"),)


def test_several_match() -> None:
    two = contact(record("1", modified=NOW - timedelta(1)), record("2", modified=NOW))
    made = plan(STAGE, message("button", id="yes"), two)
    (ask,) = made.changes
    assert isinstance(ask, Ask)
    assert (ask.why, ask.choices, made.outcome) == ("several_records", ("1", "2"), "review")
    newest = "contact: {if_several: newest}\n" + STAGE
    (change,) = plan(newest, message("button", id="yes"), two).changes
    assert change.record == RecordRef("hubspot", "contacts", "2")
    undated = contact(record("1"), record("2"))
    assert plan(newest, message("button", id="yes"), undated).outcome == "review"
    # a record still to be created stays a question: several are not nobody
    assert plan("contact: {if_missing: create}\n" + STAGE, message("button", id="yes"), undated).outcome == "review"


def test_objects_are_searched_in_order() -> None:
    both = contact(record("L", "Lead"), record("C", "Contact"), record("A", "Account"))
    (change,) = plan("object: [Contact, Lead]\n" + STAGE, message("button", id="yes"), both).changes
    assert change.record == RecordRef("hubspot", "Contact", "C")
    assert plan("object: Opportunity\n" + STAGE, message("button", id="yes"), both).changes[0].kind == "Ask"


def test_the_contacts_own_only_record_is_not_named() -> None:
    (change,) = plan(STAGE, message("button", id="yes"), contact(record())).changes
    assert (change.record, change.object) == (None, "contacts")


# ---- fields ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("id_", "value"), [("yes", "won"), ("YES!", "won"), (" later ", "open"), ("no", "lost")])
def test_a_map(id_: str, value: str) -> None:
    made = plan(STAGE, message("button", id=id_))
    assert written(made) == {"stage": value}
    assert reason(made, "stage").from_ == id_


def test_an_answer_that_is_not_in_the_map() -> None:
    event = message("button", id="perhaps")
    made = plan(STAGE, event)
    (ask,) = made.changes
    assert isinstance(ask, Ask)
    assert (ask.why, ask.field, ask.choices) == ("not_understood", "stage", ("won", "open", "lost"))
    assert (made.outcome, reason(made, "stage").change) == ("review", 0)
    made = plan(STAGE.replace("else: review", "else: skip"), event)
    assert (made.changes, made.outcome, reason(made, "stage").outcome) == ((), "skip", "skip")
    assert written(plan(STAGE.replace("else: review", "else: '{{ answer.id }}?'"), event)) == {"stage": "perhaps?"}


def test_a_picture_where_a_button_was_expected_is_not_lost() -> None:
    assert plan(STAGE, message("media", answer={"kind": "image"})).outcome == "review"
    assert plan(STAGE, message("form", answer={"other": 1})).changes == ()


def test_several_choices_become_one_value() -> None:
    made = plan(
        "set: {x: {from: answer.days, map: {a: A, b: B}, else: skip}}\n",
        message("form", answer={"days": ["b", "a", "B"]}),
    )
    assert written(made) == {"x": "B;A"}


def test_a_field_that_goes_to_review_holds_back_only_itself() -> None:
    made = plan(STAGE + "  last: '{{ answer.title }}'\n", message("button", "Perhaps", id="perhaps"))
    assert written(made) == {"last": "Perhaps"}
    assert [c.kind for c in made.changes] == ["Ask", "SetField"]
    assert [(r.field, r.outcome, r.change) for r in made.reasons] == [("stage", "review", 0), ("last", "write", 1)]


def test_types_are_kept() -> None:
    made = plan(
        "set:\n  a: {from: answer.n, as: integer, else: skip}\n"
        "  b: {from: answer.n, as: number, else: skip}\n  c: '{{ answer.n }}'\n"
        "  d: {from: answer.f, as: yes_no, else: skip}\n  e: '{{ answer.n }} of 10'\n  f: 007\n"
        "  g: '{{ message.sent_at }}'\n",
        message("form", answer={"n": 9.0, "f": "sí"}),
    )
    assert written(made) == {
        "a": 9,
        "b": 9.0,
        "c": 9.0,
        "d": True,
        "e": "9 of 10",
        "f": "007",
        "g": "2026-11-24T10:00:00Z",
    }
    assert [type(v) for v in written(made).values()] == [int, float, float, bool, str, str, str]


def test_an_empty_result_writes_nothing_and_clear_empties() -> None:
    rest = (
        "set:\n  a: '{{ contact.no }}'\n  b: '  '\n  c: {from: contact.no, clear: yes}\n"
        "  d: {clear: yes}\n  f: {clear: yes}\nclear: [e]\n"
    )
    made = plan(rest, person=contact(record(a="x", b="x", c="x", d="x", e="x")))
    assert written(made) == {"c": None, "d": None, "e": None}
    assert (reason(made, "a").outcome, reason(made, "a").because) == ("skip", "nothing to write")
    assert reason(made, "f").code == "same"


def test_what_stands_there_already_is_not_written() -> None:
    for before, after in (("9", "integer"), (9, "integer"), ("9.0", "number"), (9.0, "integer")):
        made = plan(
            f"set: {{x: {{from: answer.text, as: {after}, else: skip}}}}\n",
            message(text="9"),
            contact(record(x=before)),
        )
        assert (made.changes, reason(made, "x").because, made.outcome) == ((), "already has this value", "skip")
        assert reason(made, "x").before == before
    assert written(plan("set: {x: '9'}\n", person=contact(record(x="09")))) == {"x": "9"}


def test_every_field_has_its_reason() -> None:
    made = plan("set:\n  a: x\n  b: '{{ contact.no }}'\n  c: same\n", person=contact(record(a="w", c="same")))
    assert [(r.field, r.outcome, r.value, r.before, r.change) for r in made.reasons] == [
        ("a", "write", "x", "w", 0), ("b", "skip", None, None, None), ("c", "keep", "same", "same", None),
    ]  # fmt: skip
    assert all(r.because for r in made.reasons)


# ---- the record whose event sent the message ---------------------------------------------------------------------
def test_a_field_of_the_deal() -> None:
    rest = "set:\n  deal.stage: won\n  note: x\n"
    made = plan(rest, how=setting(answered=deal(stage="open")))
    assert made.changes[0] == SetField(
        record=RecordRef("hubspot", "deals", "77"), object="deals", field="stage", value="won"
    )
    assert reason(made, "deal.stage").before == "open"
    assert plan(rest, how=setting(answered=deal(stage="won"))).changes[0].record is None
    assert written(plan("set: {record.x: y}\n", how=setting(answered=deal("1", "Custom__c")))) == {"x": "y"}


@pytest.mark.parametrize("told", [None, answered(template="t"), deal("5", "tickets")])
def test_without_the_deal_a_person_is_asked_about_that_field(told: Any) -> None:
    made = plan("set:\n  deal.stage: won\n  note: x\n", how=setting(answered=told))
    ask, change = made.changes
    assert isinstance(ask, Ask)
    assert (ask.why, ask.field, made.outcome) == ("no_record_for_field", "deal.stage", "review")
    assert isinstance(change, SetField)


# ---- ask again ---------------------------------------------------------------------------------------------------
def test_asking_again() -> None:
    first = plan(SCORE + "reply: Thank you!\nstart: more\n", message(text="great"))
    assert first.changes == (SendMessage(text="A number, Ana Ruiz?", awaits="trial.score"),)
    assert [(r.field, r.outcome) for r in first.reasons] == [("score", "skip"), ("reply", "skip"), ("start", "skip")]
    assert "1 of 2" in reason(first, "score").because
    assert plan(SCORE, message(text="great"), how=setting(attempt=2)).changes == first.changes
    last = plan(SCORE, message(text="great"), how=setting(attempt=3))
    assert (written(last), last.outcome, last.changes[0].kind) == ({"comment": "great"}, "review", "Ask")
    assert written(plan(SCORE, message(text="7"), how=setting(attempt=3))) == {"score": 7}


def test_the_attempts_of_one_question_do_not_count_for_another() -> None:
    two = SCORE + SCORE.removeprefix("set:\n").replace("score", "other").replace("A number", "Another")
    both = plan(two, message(text="great"))
    assert [c.kind for c in both.changes] == ["SendMessage"]
    assert "score is asked first" in reason(both, "other").because
    later = plan(two, message(text="great"), how=setting(attempt=3, answered=answered(step="trial.score")))
    assert [c.kind for c in later.changes] == ["Ask", "SetField", "SendMessage"]


def test_then_skip() -> None:
    rest = "set: {x: {from: answer.text, as: integer, else: {ask_again: Again, then: skip}}}\n"
    made = plan(rest, message(text="a"), how=setting(attempt=2))
    assert (made.changes, made.outcome) == ((), "skip")


# ---- beside the fields -------------------------------------------------------------------------------------------
def test_actions_in_their_order() -> None:
    made = plan(
        "set: {x: y}\nlog: message\nconsent: {marketing: opted_in}\n"
        "task: {for: ana@example.com, title: 'Call {{ contact.name }}'}\n"
        "notify: {webhook: shop, with: {said: '{{ answer.text }}', n: '{{ deal.n }}'}}\n"
        "handoff: {task: 'Help', for: owner}\n"
        "reply: 'Thanks {{ contact.name | first_word }}'\nstart: more\n",
        message(text="hello"),
        how=setting(answered=deal(n=5)),
    )
    assert made.changes == (
        SetField(object="contacts", field="x", value="y"),
        LogActivity(object="contacts", what="message", text="hello", at="2026-11-24T10:00:00+00:00"),
        SetConsent(category="marketing", state="opted_in", evidence="hello"),
        CreateTask(
            object="contacts",
            title="Call Ana Ruiz",
            owner="ana@example.com",
            text="hello",
            at="2026-11-24T10:00:00+00:00",
        ),
        Notify(webhook="shop", values={"said": "hello", "n": 5}),
        Handoff(to="owner", text="Help"),
        SendMessage(text="Thanks Ana"),
        StartFlow(flow="more"),
    )


def test_short_forms() -> None:
    made = plan("task: Call\nhandoff: Help\nnotify: shop\nlog: note\n")
    assert [c.kind for c in made.changes] == ["LogActivity", "CreateTask", "Notify", "Handoff"]
    assert (made.changes[0].what, made.changes[1].owner) == ("note", "owner")  # type: ignore[attr-defined]
    assert plan("reply: '{{ contact.no }}'\n").changes == ()


# ---- several documents -------------------------------------------------------------------------------------------
def test_the_first_by_name_wins() -> None:
    docs = [
        read(f"mapping: {name}\ncrm: h\nwhen: {{answer_to: anything}}\nset: {{x: {name}, {name}: 1}}\n")
        for name in "cab"
    ]
    plans = evaluate_all(message(text="x"), contact(record()), docs, NOW, setting())
    assert [p.document for p in plans] == ["a", "b", "c"]
    assert [written(p) for p in plans] == [{"x": "a", "a": "1"}, {"b": "1"}, {"c": "1"}]
    assert (reason(plans[2], "x").because, reason(plans[2], "x").outcome) == ("already set by a", "keep")


def test_a_first_that_does_not_match_or_write_takes_nothing() -> None:
    first = read("mapping: a\ncrm: h\nwhen: {answer_to: anything, type: button}\nset: {x: a}\n")
    empty = read("mapping: b\ncrm: h\nwhen: {answer_to: anything}\nset: {x: '{{ contact.no }}'}\n")
    last = read("mapping: c\ncrm: h\nwhen: {answer_to: anything}\nset: {x: c}\n")
    plans = evaluate_all(message(text="x"), contact(record()), [last, empty, first], NOW, setting())
    assert [written(p) for p in plans] == [{}, {}, {"x": "c"}]
    same = evaluate_all(message(text="x"), contact(record(x="c")), [last, replace(last, name="d")], NOW, setting())
    assert [reason(p, "x").code for p in same] == ["same", "already_set"]


def test_a_field_of_the_deal_and_of_the_contact_are_two() -> None:
    made = plan("set: {stage: a, deal.stage: b}\n", how=setting(answered=deal()))
    assert [c.kind for c in made.changes] == ["SetField", "SetField"]


# ---- any message, any record -------------------------------------------------------------------------------------
EVERYTHING = document(
    "contact: {if_missing: create, if_several: newest}\nset:\n"
    "  a: {from: answer.id, map: {x: y}, else: {ask_again: '{{ answer.id }}?', times: 2}, overwrite: if_further}\n"
    "  b: {from: answer.text, as: number, else: '{{ answer.text | shorten(5) }}', overwrite: if_newer}\n"
    "  c: {from: answer.text, as: date, else: review, overwrite: unless_human}\n"
    "  d: {from: answer.text, as: choice, else: skip, overwrite: if_empty}\n"
    "  e: {from: answer.text, as: email, else: skip}\n  f: {from: answer.text, as: phone, else: skip}\n"
    "  g: {from: answer.text, as: integer, else: skip}\n"
    "  h: {from: answer.text, as: yes_no, map: {true: Y}, else: skip}\n"
    "  i: '{{ contact.a ~ answer.items.0 ~ referral.body ~ number.name ~ now }}'\n"
    "  j: \"{{ answer.text | number | money('USD') | default(answer.total) }}\"\n"
    "  deal.k: '{{ deal.k | title }}'\nlog: note\nreply: '{{ answer.text }}'\n"
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
VALUES = st.none() | st.text(max_size=20) | st.integers() | st.booleans() | st.floats(allow_nan=False)
WORDS = st.sampled_from(["id", "text", "title", "items", "total"])
NAMES = st.sampled_from(list("abcdefghij"))


@settings(deadline=None)
@given(
    st.sampled_from(MESSAGE_TYPES),
    st.dictionaries(WORDS, JSON),
    st.text(max_size=20),
    st.lists(st.dictionaries(NAMES, VALUES), max_size=2),
    st.integers(1, 4),
    st.sampled_from([None, "es_CO", "en_US", "x", "_", "ar-EG"]),
)
def test_no_message_breaks_an_evaluation_and_it_is_pure(
    kind: str, answer: dict[str, Any], text: str, records: list[dict[str, Any]], attempt: int, locale: str | None
) -> None:
    event = message(kind, text, answer=answer)
    person = contact(
        *(record(str(n), "contacts", modified=NOW - timedelta(n), **fields) for n, fields in enumerate(records))
    )
    how = setting(attempt=attempt, locale=locale, answered=deal(k=text), schema={"a": {"options": ["x", "y"]}})
    made = evaluate(event, person, EVERYTHING, NOW, how)
    assert made == evaluate(event, person, EVERYTHING, NOW, how)
    assert made.matched
    assert len({r.field for r in made.reasons} & set(EVERYTHING.sets)) == len(EVERYTHING.sets)
    for found in made.reasons:
        assert (found.change is not None) == (
            found.outcome in ("write", "review")
            or (found.code == "ask_again" and found.field == "a" and found.change is not None)
        )
    assert all(isinstance(v, str | int | float | bool | None) for v in written(made).values())


@settings(deadline=None)
@given(
    st.builds(Contact, id=st.just("c"), name=st.text(max_size=9), wa_id=st.none() | st.text(max_size=9)),
    st.text(max_size=9),
)
def test_could_match_agrees_with_evaluate(person: Contact, text: str) -> None:
    found = read(
        "mapping: a\ncrm: h\n"
        "when: {answer_to: anything, only_if: [answer.text != contact.name, answer.text > 'b']}\nclear: x\n"
    )
    fits, _ = could_match(message(text=text), found, NOW, setting())
    assert fits or not evaluate(message(text=text), person, found, NOW, setting()).matched
