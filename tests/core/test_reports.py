"""What reports reckon with: goals, lengths of time in steps, CSV that runs nothing."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core import export, spread
from connector.core.documents import check
from connector.core.goals import Goal, Move, Sent, reached
from connector.core.phone import country_of_start
from tests.core.documents.make import Field
from tests.core.documents.make_send import document, text

AT = datetime(2026, 11, 24, 15, tzinfo=UTC)
DAY = timedelta(days=1)
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
WON = Goal("deal", "dealstage", ("closedwon",), 14 * DAY)


def test_the_last_message_before_the_move_has_it():
    sent = {"deal": [Sent("a", AT), Sent("b", AT + DAY), Sent("c", AT + 3 * DAY)], "other": [Sent("x", AT)]}
    moves = [Move("deal", AT + 2 * DAY), Move("deal", AT + 2 * DAY), Move("nobody", AT)]
    assert reached(WON, moves, sent) == {"b": AT + 2 * DAY}


@pytest.mark.parametrize(("after", "counts"), [(-DAY, False), (timedelta(), True), (14 * DAY, True), (15 * DAY, False)])
def test_only_within_its_time(after, counts):
    assert bool(reached(WON, [Move("d", AT + after)], {"d": [Sent("a", AT)]})) is counts


@CALM
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2))),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2))),
)
def test_a_move_counts_once_and_a_message_once(moves, sent):
    made: dict[str, list[Sent]] = {}
    for n, (day, record) in enumerate(sent):
        made.setdefault(str(record), []).append(Sent(str(n), AT + day * DAY))
    found = reached(WON, [Move(str(record), AT + day * DAY) for day, record in moves], made)
    assert len(found) <= min(len(set(moves)), len(sent))
    at = {one.send: one.at for some in made.values() for one in some}
    assert all(at[send] <= when <= at[send] + WON.within for send, when in found.items())


def test_a_goal_in_a_document():
    made = document("goal: {deal.dealstage: [closedwon, contractsent], within: 7 days}\n")
    assert made.goal == Goal("deal", "dealstage", ("closedwon", "contractsent"), 7 * DAY)
    assert str(made.goal) == "deal.dealstage becomes closedwon or contractsent within 7 days"
    assert document("goal: {contact.lifecyclestage: customer}\n").goal.within == 14 * DAY
    assert WON.meant("closedwon")
    assert not WON.meant(None)
    assert Goal("deal", "n", ("5",), DAY).meant("5.0")


@pytest.mark.parametrize(
    ("goal", "code"),
    [
        ("{within: 3 days}", "goal"),
        ("{dealstage: won}", "unknown"),
        ("{deal.dealstage: won, deal.amount: 3}", "goal"),
        ("{deal.dealstage: won, within: 200 days}", "duration"),
        ("{deal.dealstage: won, withn: 2 days}", "unknown"),
        ("{lead.status: won}", "field"),
        ("{deal.dealstage: }", "missing"),
        ("won", "type"),
    ],
)
def test_a_goal_that_cannot_be(goal, code):
    found = check(text(f"goal: {goal}\n"))
    assert found[0].path.startswith("goal"), found
    assert found[0].code == code or code == "type", found


def test_the_crm_has_the_goals_field():
    schema = {"deals": [Field("dealstage", "choice", options=(("presentation", "P"), ("won", "Won")))]}
    ((path, line),) = [(f.path, f.line) for f in check(text("goal: {deal.dealstage: wun}\n"), schema=schema)]
    assert (path, line) == ("goal.deal.dealstage", 7)
    ((path, hint),) = [(f.path, f.hint) for f in check(text("goal: {deal.stage: won}\n"), schema=schema)]
    assert path == "goal.deal.stage"
    assert "dealstage" in hint
    assert not check(text("goal: {deal.dealstage: won}\n"), schema=schema)


@CALM
@given(st.lists(st.floats(1.5, 2_000_000), min_size=1, max_size=200))
def test_a_median_from_steps_is_near_the_true_one(lengths):
    counts: dict[int, int] = {}
    for one in lengths:
        counts[spread.step_of(one)] = counts.get(spread.step_of(one), 0) + 1
    true = sorted(lengths)[(len(lengths) + 1) // 2 - 1]
    assert spread.quantile(counts, 0.5) == pytest.approx(true, rel=0.05)
    assert spread.quantile({}, 0.5) is None
    assert spread.step_of(0) == spread.step_of(-3) == 0


@CALM
@given(st.text(max_size=20))
def test_no_cell_runs_anything(text):
    (line,) = list(export.lines([[text, 3, None]]))
    ((first, n, nothing),) = csv.reader(io.StringIO(line.removeprefix(export.BOM), newline=""))
    assert (n, nothing) == ("3", "")
    assert not first.strip(" \u00a0").startswith(export.STARTS)
    assert first.replace("'", "") == text.replace("\0", "").replace("'", "") or "\r" in text


@pytest.mark.parametrize("text", ["=1+1", "+57", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_formulas_are_disarmed(text):
    made = export.cell(text)
    assert (made[0], made.replace("'", "")) == ("'", text)
    assert export.cell("a=1") == "a=1"
    assert export.cell(-3) == "-3"


@pytest.mark.parametrize(
    ("start", "country"),
    [
        ("+57300", "CO"), ("+52155", "MX"), ("+55119", "BR"), ("+12125", "US"), ("+14165", "CA"), ("+17876", "PR"),
        ("+18095", "DO"), ("+77011", "KZ"), ("+79161", "RU"), ("+44770", "GB"), ("+34600", "ES"), ("US", "US"),
        ("", ""), ("+99999", ""), ("+", ""),
    ],
)  # fmt: skip
def test_the_country_of_a_price(start, country):
    assert country_of_start(start) == country
