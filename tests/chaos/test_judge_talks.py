"""The judge of conversations alone: a small ledger, spoilt in every way that it must see."""

import copy

import pytest

from tests.chaos.judge_sends import FOR_PERSON, RESENT
from tests.chaos.judge_talks import TalkVerdict, judge_talks, written
from tests.chaos.talks import QUESTIONS, last_words

ANA, BEN = "573035550001", "573035550002"


def said(who, text, id, status=200):
    body = {"to": f"+{who}", "type": "text", "text": {"body": text}, "biz_opaque_callback_data": id}
    return {"method": "POST", "path": "/graph/v25.0/1/messages", "body": body, "status": status}


def ledger():
    whole = [said(ANA, text, f"a{n}") for n, text in enumerate([*QUESTIONS, last_words(ANA)])]
    return [said(ANA, QUESTIONS[0], "a0", None), *whole, said(BEN, QUESTIONS[0], "b0")]


def judged(lines, wrote=(4, 1), labels=None, held=()) -> TalkVerdict:
    return judge_talks(lines, dict(zip((ANA, BEN), wrote, strict=True)), labels or {}, set(held))


def test_all_is_well():
    verdict = judged(ledger())
    assert verdict.good
    assert verdict.people == 2


@pytest.mark.parametrize("at", range(1, 6))
def test_a_question_that_nobody_heard_is_lost(at):
    lines = ledger()
    del lines[at]
    assert judged(lines).lost == 1


def test_a_question_that_a_person_must_decide_on_is_not_lost():
    verdict = judged(ledger()[:-1], held={(BEN, QUESTIONS[0])})
    assert verdict.good
    assert verdict.held == 1


@pytest.mark.parametrize("label, again, doubled", [("", 1, 1), (RESENT, 1, 0), (FOR_PERSON, 1, 0), (RESENT, 2, 2)])
def test_a_question_said_twice_is_doubled_unless_labelled(label, again, doubled):
    assert judged([*ledger(), *[ledger()[2]] * again], labels={"a1": label}).doubled == doubled


def test_two_messages_of_one_question_are_doubled_whatever_they_say():
    assert judged([*ledger(), said(ANA, QUESTIONS[1], "a9")], labels={"a1": RESENT, "a9": RESENT}).doubled == 1


def test_a_step_without_an_answer_is_seen():
    assert judged([*ledger(), said(BEN, QUESTIONS[1], "b1")]).wrong


def test_questions_out_of_order_are_seen():
    lines = ledger()
    lines[2], lines[3] = lines[3], lines[2]
    assert judged(lines).out_of_order == 1


def test_what_the_crm_was_told():
    line = {"path": "/hubspot/crm/objects/2026-09/contacts/batch/update", "status": 200, "record": ["71"]}
    line["body"] = {"inputs": [{"id": "71", "properties": {"jobtitle": last_words(ANA)}}]}
    assert written([line], {ANA: 4, BEN: 1}) == []
    refused = copy.deepcopy(line) | {"status": 503}
    assert written([refused], {ANA: 4, BEN: 1}), "it was never told"
    assert written([line], {ANA: 3, BEN: 1}), "nobody said so yet"
