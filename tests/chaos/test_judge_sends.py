"""The judge of sends alone: a small ledger of WhatsApp's, spoilt in every way that it must see."""

import pytest

from tests.chaos.calls import Call, plan
from tests.chaos.judge_sends import FOR_PERSON, RESENT, Key, judge_sends, judge_truth

ANA, BEN = "573015550001", "573015550002"
MADE = [Call("link", ANA, 1), Call("link", ANA, 2), Call("deal", BEN, 1), Call("wait", ANA, 1)]
PATH = "/graph/v26.0/106540352242922/messages"


def request(id, kind, who, n, status=200, fault="error"):
    values = [{"type": "text", "text": text} for text in (str(n), kind)]
    template = {"name": "visit_reminder", "components": [{"type": "body", "parameters": values}]}
    body = {"to": f"+{who}", "biz_opaque_callback_data": id, "type": "template", "template": template}
    return {"method": "POST", "path": PATH, "body": body, "status": status} | ({"fault": fault} if fault else {})


def ledger():
    return [
        {"method": "GET", "path": "/graph/v26.0/102290129340398/message_templates", "body": None, "status": 200},
        request("a", "link", ANA, 1),
        request("b", "link", ANA, 2, None),
        request("b", "link", ANA, 2, 400),
        request("b", "link", ANA, 2),
        request("c", "deal", BEN, 1),
    ]


def judged(lines, made=MADE, labels=None, after=None):
    return judge_sends(lines, made, labels or {}, after or {})


def test_all_is_well():
    verdict = judged(ledger())
    assert verdict.good
    assert verdict.sends == 3


@pytest.mark.parametrize("at", [1, 4, 5])
def test_what_was_never_accepted_is_lost(at):
    lines = ledger()
    del lines[at]
    assert judged(lines).lost == 1


def test_who_stopped_is_not_lost_but_counted():
    lines = ledger()
    del lines[5]
    verdict = judged(lines, [*MADE, Call("stop", BEN)])
    assert verdict.good
    assert verdict.stopped == 1


@pytest.mark.parametrize("label, times, good", [("", 1, False), (RESENT, 1, True), (RESENT, 2, False)])
def test_only_the_label_allows_a_second_one_and_never_a_third(label, times, good):
    verdict = judged([*ledger(), *[request("a", "link", ANA, 1)] * times], labels={"a": label})
    assert verdict.good is good
    assert (verdict.twice, verdict.doubled) == ((1, 0) if good else (0, times))


def test_two_messages_of_ours_for_one_cause_are_wrong_whatever_their_label():
    verdict = judged([*ledger(), request("d", "link", ANA, 1)], labels={"a": RESENT})
    assert verdict.doubled == 1


def test_what_was_sent_once_more_and_lost_again_is_for_a_person():
    lines = ledger()
    del lines[3:5]
    assert judged(lines, labels={"b": FOR_PERSON}).held == 1
    assert judged(lines, labels={"b": RESENT}).lost == 1


def test_what_was_accepted_must_not_stay_with_a_person():
    assert not judged(ledger(), labels={"b": FOR_PERSON}).good


def test_nothing_leaves_in_quiet_hours():
    assert judged([*ledger(), request("q", "wait", ANA, 1)]).quiet == 1


def test_nobody_gets_what_nobody_asked_for():
    assert not judged([*ledger(), request("x", "link", BEN, 9)]).good


def test_what_began_after_an_opt_out_is_seen():
    assert judged(ledger(), after={ANA: 2}).after_stop == 2


def test_nothing_leaves_faster_than_whatsapp_takes_it():
    assert not judged([*ledger(), request("a", "link", ANA, 1, 400, fault="")]).good


# ---- the truth on the deal ---------------------------------------------------------------------------------------
def write(value, status=200):
    body = {"inputs": [{"id": "31", "properties": {"whatsapp_quote": value}}]}
    return {"path": "/hubspot/crm/objects/2026-09/deals/batch/update", "body": body, "record": ["31"], "status": status}


def truth(*values, statuses=("sent", "delivered"), stopped=(), held=()):
    message = {"message": ledger()[5]["body"], "statuses": [{"status": status} for status in statuses]}
    lines = [write("read", 503), *map(write, values)]
    return judge_truth(lines, [message] if statuses else [], {(BEN, 1): "31"}, set(stopped), set(held))


def test_a_deal_ends_at_the_furthest_status_and_never_goes_back():
    assert truth("sent", "delivered") == truth("delivered") == []
    assert truth("sent") == [f"deal 1 of {BEN} says 'sent', not 'delivered'"]
    assert truth("delivered", "sent", "delivered") == [
        f"deal 1 of {BEN} went back: ['', 'delivered', 'sent', 'delivered']"
    ]


def test_a_deal_whose_customer_stopped_says_so():
    assert truth("failed", statuses=(), stopped=[BEN]) == []
    assert truth(statuses=(), stopped=[BEN]) == [f"deal 1 of {BEN} says '', not 'failed'"]


def test_a_deal_whose_message_waits_for_a_person_says_nothing_yet():
    assert truth(statuses=(), stopped=[BEN], held=[Key("deal", BEN, 1)]) == []


# ---- the plan ----------------------------------------------------------------------------------------------------
def test_a_plan_numbers_each_kind_per_customer_and_stops_some_behind_a_call_of_theirs():
    calls = plan([f"57301{n:07d}" for n in range(50)], 200, 0.2, 1)
    stops = [call.who for call in calls if call.kind == "stop"]
    assert len(stops) == len(set(stops)) == 10
    for who in stops:
        assert [call.who for call in calls].index(who) < calls.index(Call("stop", who))
    for kind, n in {"link": 140, "deal": 40, "wait": 10, "refuse": 10}.items():
        mine = [call for call in calls if call.kind == kind]
        assert len(mine) == len(set(mine)) == n
        assert min(call.n for call in mine) == 1
