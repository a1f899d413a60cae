"""Whole conversations through the front door: a customer writes, WhatsApp and the CRM hear what came of it."""

from tests.pipeline.flows import ANA, QUALIFY, Talk
from tests.pipeline.street import Street, lane, street  # noqa: F401

HELLO, SIZE, BUDGET = "Welcome!", "How many people work at your company?", "What is your monthly budget?"


def test_a_whole_conversation(street: Street) -> None:
    street.publish(QUALIFY)
    ana = Talk(street)
    first = ana.says("demo, please")
    assert ana.heard == [HELLO, SIZE]
    assert (ana.now.step, ana.now.waits, ana.now.contact) == ("size", "answer", ana.now.contact)
    ana.says(button="medium")
    assert ana.heard[2:] == [BUDGET]
    ana.says("a lot")
    assert (ana.now.step, len(ana.heard)) == ("budget", 4), "it is asked again"
    last = ana.says("1500")
    assert ana.heard[4:] == ["Thank you, Ana: 1500."]
    assert (ana.now, ana.ends) == (None, ["qualified"])
    assert street.hubspot("1512")["lifecyclestage"] == "marketingqualifiedlead"
    (row,) = ana.rows
    assert (row.started_by, row.ended_by) == (street.why(first)["event"], street.why(last)["event"])
    told = next(d for d in street.why(last)["documents"] if d["name"] == "qualify-lead")
    assert told["matched"]
    assert told["flow"]["end"] == "qualified"
    assert told["flow"]["from"] == "budget"
    counts = street.healthy()
    assert counts["waiting"] == counts["review"] == 0


def test_two_taps_at_once_and_a_redelivery_take_one_step(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    for _ in range(2):
        lane.customer(ANA, button="medium")
    lane.settle()
    assert ana.heard == [HELLO, SIZE, BUDGET]
    assert ana.now.step == "budget"
