"""Whole conversations through the front door: a customer writes, WhatsApp and the CRM hear what came of it."""

# ruff: noqa: F811 - fixtures

import json
from pathlib import Path

import pytest

from connector.core.documents import flow_walk
from connector.pipeline.views.conversations import hold
from connector.store import accounts, contacts, documents
from connector.store.tables import windows
from tests.pipeline.flows import ANA, QUALIFY, Talk
from tests.pipeline.messages import DISPLAY, value, webhook
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures

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
    told = next(d for d in lane.why(first)["documents"] if d["name"] == "notes")
    (reply,) = [f for f in told["fields"] if f["field"] == "reply"]
    assert (reply["outcome"], reply["value"]) == ("not said", "Thanks, noted.")
    assert reply["because"].startswith("qualify-lead speaks")
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


@pytest.mark.long
def test_what_a_person_sees_and_a_link(lane: Street, tmp_path: Path) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    ana.says(button="medium")
    assert lane.cli("flows", "list", "--json") == 0, lane.said
    (line,) = json.loads(lane.said)
    assert (line["flow"], line["step"], line["name"]) == ("qualify-lead", "budget", "Ana Ruiz")
    assert lane.cli("flows", "show", line["id"], "--json") == 0, lane.said
    shown = json.loads(lane.said)
    assert [one["text"] for one in shown["said"]][:1] == ["demo"]
    assert {one["text"] for one in shown["said"]} == {
        "demo",
        HELLO,
        f"{SIZE} [1 to 10] [11 to 100] [More than 100]",
        "11 to 100",
        BUDGET,
    }
    assert shown["answers"] == {"size": "medium"}
    assert lane.cli("flows", "show", "qualify-lead", "--json") == 0, lane.said
    assert json.loads(lane.said) == {"running": {"budget": 1}, "ended": {}}
    picture = tmp_path / "flow.svg"
    assert lane.cli("flows", "link", "qualify-lead", "--qr", str(picture)) == 0, lane.said
    assert lane.said.startswith("https://wa.me/15550783881?text=demo\n")
    assert picture.read_text().startswith("<?xml")


def test_a_version_is_kept_until_the_end_or_moved(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana, luis = Talk(lane), Talk(lane, "573005550001")
    ana.says("demo")
    lane.publish(QUALIFY.replace("What is your monthly budget?", "Your budget, please?").replace("  size:", "  people:")
                 .replace("go: size", "go: people"))  # fmt: skip
    luis.says("demo")
    assert (ana.now.version, sorted(row.version for row in luis.rows)) == (1, [1, 2])
    ana.says(button="medium")
    assert ana.heard[-1] == BUDGET
    assert lane.cli("flows", "move", "qualify-lead", "--to", "2") == 0, lane.said
    lane.settle()
    assert {row.version for row in ana.rows} == {2}
    luis.says(button="medium")
    assert luis.heard[-1] == "Your budget, please?"
    assert lane.cli("flows", "move", "qualify-lead", "--to", "1") == 0, lane.said
    lane.settle()
    ana.says("500")
    assert ana.ends == ["qualified"]
    lane.healthy()


@pytest.mark.long
def test_a_step_that_is_gone_is_told_and_a_flow_that_is_off_ends(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    lane.publish(QUALIFY.replace("  size:", "  people:").replace("go: size", "go: people"))
    assert lane.cli("flows", "move", "qualify-lead", "--to", "2") == 1
    assert "1 stay where they are: version 2 has no step size" in lane.said
    assert lane.cli("flows", "move", "qualify-lead", "--to", "2", "--step", "people") == 0, lane.said
    lane.settle()
    assert (ana.now.version, ana.now.step, ana.heard[2:]) == (2, "people", [SIZE])
    with lane.app.store.write() as conn:
        documents.retire(conn, "qualify-lead")
    silent = ana.says("12")
    assert (ana.ends, len(ana.heard)) == (["gone"], 3)
    assert "switched off" in next(d["because"] for d in lane.why(silent)["documents"])


@pytest.mark.long
def test_an_old_button_of_another_question_is_no_answer(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    ana.says(button="medium")
    size = next(row for row in lane.sends if row.step == "qualify-lead.size")
    ana.says(button="small", reply_to=size.wamid)
    assert ana.now.step == "budget"
    assert ana.heard[:3] == [HELLO, SIZE, BUDGET]


def test_a_question_that_cannot_be_sent_strands_nobody(lane: Street) -> None:
    """The window is closed and WhatsApp refuses: the conversation ends with the reason."""
    lane.publish(QUALIFY)
    lane.describe(ANA, reachable=False)
    ana = Talk(lane)
    ana.says("demo")
    assert ana.ends == ["unsent"], [(r.outcome, r.reason) for r in ana.rows]
    assert ana.rows[0].reason.startswith("Its message was not sent.")
    lane.healthy()


def test_a_step_template_goes_through_the_gates(lane: Street) -> None:
    lane.publish(TEMPLATE)
    ana = Talk(lane)
    ana.says("invite")
    (row,) = lane.sends
    assert (row.state, row.code, row.step, ana.ends) == ("refused", "consent", "invite.go_on", ["unsent"])
    assert "has not opted in to marketing" in ana.rows[0].reason
    yes = {"contact": row.lane, "category": "marketing", "state": "opted_in", "how": "form", "at": lane.clock.now(),
           "evidence": "", "event": None}  # fmt: skip
    with lane.app.store.write() as conn:
        contacts.opt(conn, [yes])
    ana.says("invite")
    assert (ana.heard, ana.now.step) == (["webinar_invite_v2"], "go_on")
    ana.says(button="later")
    assert ana.ends == ["unsent", "done"]
    lane.healthy()


TEMPLATE = """\
flow: invite
crm: hubspot
start: [{says: [invite]}]
expires: 20 hours
steps:
  go_on:
    template:
      name: webinar_invite_v2
      language: es
      with: {first_name: "{{ contact.firstname }}"}
      buttons: [yes, later, no]
    end: done
"""


@pytest.mark.long
def test_a_person_is_exported_and_erased_with_their_conversation(lane: Street) -> None:
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    ana.says(button="medium")
    assert lane.cli("contacts", "export", ANA, "--json") == 0, lane.said
    told = json.loads(lane.said)
    assert told["conversations"][0]["state"]["answers"] == {"size": "medium"}
    assert [row["number"] for row in told["windows"]]
    assert lane.cli("contacts", "erase", ANA, "--yes") == 0, lane.said
    (row,) = ana.rows
    assert (row.outcome, row.state, lane.rows(windows)) == ("erased", None, [])
    lane.healthy()


def test_conversations_are_not_replayed(lane: Street) -> None:
    lane.publish(QUALIFY)
    lane.publish(MAPPING)
    ana = Talk(lane)
    ana.says("demo")
    assert lane.cli("replay", "--since", "7d") in (0, 1), lane.said
    assert "onversations are not replayed" in lane.said
    assert ana.heard == [HELLO, SIZE]


BACK = """\
flow: back
crm: hubspot
start: [{says: [help]}]
expires: 20 hours
steps:
  human: {say: A colleague comes., handoff: {task: Talk to them}, go: after}
  after: {say: Here I am again., end: done}
"""


@pytest.mark.parametrize("how", ["by hand", "by time"])
def test_it_goes_on_behind_a_person(lane: Street, how: str) -> None:
    """Given back, or after the hours of the setting: the flow goes on where the person took over."""
    lane.publish(BACK)
    assert lane.cli("settings", "set", "handoff_hours=2") == 0, lane.said
    ana = Talk(lane)
    ana.says("help")
    assert (ana.now.waits, ana.held) == ("person", ["handoff"])
    if how == "by hand":
        assert lane.cli("flows", "release", ANA) == 0, lane.said
        lane.settle()
    else:
        lane.pass_(hours=1)
        assert len(ana.heard) == 1
        lane.pass_(hours=1, minutes=1)
    assert (ana.heard, ana.ends) == (["A colleague comes.", "Here I am again."], ["done"])
    lane.healthy()


@pytest.mark.long
def test_given_back_after_a_hold_without_an_end_the_timer_rings(lane: Street) -> None:
    """The timer came due while a person held them: nothing said when it would be looked at again."""
    lane.publish(QUALIFY)
    ana = Talk(lane)
    ana.says("demo")
    hold(lane.app.store, ana.now.contact, "Eva", lane.clock.now())
    lane.pass_(hours=3)
    assert (len(ana.heard), ana.now.wake_at) == (2, None)
    assert lane.cli("flows", "release", ANA) == 0, lane.said
    lane.pass_(minutes=1)
    assert ana.heard[2:] == [SIZE], "asked again, as nobody answered for two hours"
    lane.healthy()


TWINS = """\
flow: twins
crm: hubspot
start: [{says: [which]}]
expires: 20 hours
steps:
  ask: {ask: Which one?, buttons: {a: "{{ contact.firstname }}", b: "{{ contact.firstname }}"}, go: done}
  done: {say: Thanks., end: done}
"""


@pytest.mark.long
def test_a_question_that_is_refused_at_once_is_not_waited_for(lane: Street) -> None:
    """WhatsApp would not take it, so it never left: nobody can answer it."""
    lane.publish(TWINS)
    ana = Talk(lane)
    ana.says("which")
    lane.pass_(minutes=1)
    assert [(row.state, row.step) for row in lane.sends] == [("refused", "twins.ask")]
    assert (ana.ends, ana.heard) == (["unsent"], [])
    lane.healthy()


ROUND = """\
flow: {name}
crm: hubspot
start: [{{says: [{name}]}}]
expires: 20 hours
steps:
  hello: {{say: "{name}", go: rest}}
  rest: {{wait: 1 minute, go: on}}
  on: {{start: {other}}}
"""


@pytest.mark.long
def test_two_flows_that_start_one_another_end_too(lane: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits in between and ends well: only together they would talk for ever, to nobody."""
    monkeypatch.setattr(flow_walk, "IN_ALL", 8)
    for name, other in (("ping", "pong"), ("pong", "ping")):
        lane.publish(ROUND.format(name=name, other=other))
    ana = Talk(lane)
    ana.says("ping")
    for _ in range(5):
        lane.pass_(minutes=2)
    assert (ana.now, ana.ends[-1], ana.heard) == (None, "loop", ["ping", "pong", "ping"])
    lane.healthy()
