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


def test_no_answer_asks_again_then_ends_whatever_the_clocks_do(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    lane.pass_(hours=2, seconds=1)
    assert ana.heard[2:] == [SIZE]
    lane.settle()
    assert ana.heard[2:] == [SIZE], "once"
    lane.pass_(hours=30)  # the clock stood still for long: it is late, and there is one timer
    assert (ana.ends, len(ana.heard)) == (["expired"], 3)
    timers = [kind for kind, _ in lane.stored() if kind == "TimerDue"]
    assert len(timers) == 2
    lane.healthy()


def test_silence_ends_it(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    lane.pass_(hours=2, seconds=1)
    lane.pass_(hours=2, seconds=1)
    assert (ana.ends, ana.heard[2:]) == (["silent"], [SIZE])


def test_stop_ends_it_at_once_also_when_the_crm_is_down(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    with lane.app.store.write() as conn:
        from connector.store import accounts

        accounts.ask_person(conn, lane._id("hubspot"), "its token was refused")
    stop = lane.customer(ANA, text="STOP")
    lane.settle()
    assert ana.ends == ["opted_out"]
    assert ana.rows[0].ended_by == lane.why(stop)["event"]
    lane.pass_(hours=30)
    assert ana.heard == [HELLO, SIZE]


def test_a_person_takes_over_and_gives_back(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    ana.says(button="large")
    assert ana.heard[2:] == ["I am bringing in a colleague."]
    assert (ana.ends, ana.held) == (["handed_over"], ["handoff"])
    tasks = [c for c in lane.sandbox.ledger("hubspot") if "task" in c["path"] and c["method"] == "POST"]
    assert tasks, "a task was made"
    silent = ana.says("demo")
    assert len(ana.heard) == 3, "automation is silent"
    told = next(d for d in lane.why(silent)["documents"] if d["name"] == "qualify-lead")
    assert "a colleague was asked to take over" in told["because"]
    assert lane.cli("flows", "release", f"+{ANA}") == 0, lane.said
    ana.says("demo")
    assert ana.heard[3:] == [HELLO, SIZE]
    lane.healthy()


def test_an_answer_from_the_phone_app_holds(lane: Street) -> None:
    from tests.pipeline.messages import DISPLAY, value, webhook

    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    echo = {"from": DISPLAY, "to": ANA, "id": "wamid.echo1", "timestamp": str(int(lane.clock.now().timestamp())),
            "type": "text", "text": {"body": "Hello, this is Paula."}}  # fmt: skip
    lane.deliver(webhook(value(message_echoes=[echo]), field="smb_message_echoes"))
    lane.settle()
    assert ana.held == ["echo"]
    ana.says("12 people")
    assert (len(ana.heard), ana.now.step) == (2, "size")
    lane.pass_(hours=3)
    assert len(ana.heard) == 2, "timers wait too"
    lane.pass_(hours=22)
    assert (ana.ends, len(ana.heard)) == (["expired"], 2)
    lane.healthy()


MAPPING = """\
mapping: notes
crm: hubspot
when: {answer_to: anything, says: [demo, people]}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set: {whatsapp_last_answer: "{{ answer.text }}"}
reply: Thanks, noted.
"""


def test_one_voice_a_message(lane: Street) -> None:
    """A mapping writes its fields; while a flow speaks, or a person, its reply is kept silent and the why says so."""
    lane.publish(QUALIFY)
    lane.publish(MAPPING)
    ana = Talk(lane)
    first = ana.says("demo")
    assert ana.heard == [HELLO, SIZE]
    assert lane.fields(first)["whatsapp_last_answer"] == ("written", "demo")
    assert lane.fields(first)["reply"] == ("not said", "Thanks, noted.")
    ana.says(button="small")
    ana.says("many people")
    assert ana.heard[-1] == "Thanks, noted.", "nobody else speaks"


def test_a_mapping_starts_a_flow(lane: Street) -> None:
    lane.publish(QUALIFY)
    lane.publish("""\
mapping: hello
crm: hubspot
when: {answer_to: anything, says: [hola]}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
reply: Hola!
start: qualify-lead
""")
    ana = Talk(lane)
    ana.says("hola")
    assert ana.heard == ["Hola!", HELLO, SIZE]
    ana.says("hola")
    assert ana.now.step == "size"
    lane.healthy()
