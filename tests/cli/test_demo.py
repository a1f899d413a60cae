"""connector demo: the whole product against its own sandbox, in one command."""

import json
import socket
import subprocess
import sys

import pytest

from connector.cli.demo_script import read_script

SENT = "sent:\n  - {to: '573001112222', template: survey}\n"
SCRIPT = (
    SENT
    + """\
answers:
  - messages:
      - {wa_id: '573001112222', template: survey, text: '8'}
      - {wa_id: '573209990011', text: somebody new}
"""
)
MAPPING = """\
mapping: survey
crm: hubspot
when: {answer_to: survey, type: text}
contact: {find_by: [whatsapp, phone], if_missing: review, if_several: review}
set:
  whatsapp_last_answer: "{{ answer.text }}"
"""
RESULT = ["deliveries", "events", "done", "waiting", "review", "refused", "crm_calls", "records_per_write", "seconds"]

ENDS = {"qualify-lead": "handed_over", "clinic-appointment": "booked", "delivery-reschedule": "rescheduled",
        "event-registration": "days"}  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def play(cli):
    """A folder of documents and a script."""
    (cli.cwd / "docs").mkdir()
    (cli.cwd / "docs" / "survey.yaml").write_text(MAPPING)
    (cli.cwd / "script.yaml").write_text(SCRIPT)
    return ("demo", "--once", "--mappings", "docs", "--script", "script.yaml")


@pytest.mark.long
def test_once_with_json_prints_one_object_and_leaves_the_real_home_alone(cli, folder):
    said = cli("demo", "--once", "--json")
    assert len(said.out.splitlines()) == 1
    result = said.json
    assert list(result) == [*RESULT, "conversations", "broadcast"]
    assert result["events"] == result["done"] + result["review"] + result["refused"]
    assert result["events"] >= 6 + 2 * 3  # answers; twice a record moves, its message is told of, the customer taps
    assert result["deliveries"] >= 3 + 2 * 3
    assert (result["waiting"], result["review"], result["refused"]) == (0, 0, 0)
    assert result["crm_calls"] > 0
    assert result["records_per_write"] >= 1
    assert result["seconds"] > 0
    talks = {one["flow"]: one for one in result["conversations"]}
    assert {name: one["end"] for name, one in talks.items()} == ENDS
    assert talks["qualify-lead"]["fields"] == {"numemployees_range": "medium", "task": "Call Gabriela: medium"}
    assert talks["delivery-reschedule"]["fields"]["delivery_slot"] == "afternoon"
    sent = result["broadcast"]
    assert sent["forecast"] == {"read": 511, "sendable": 500, "held": 0, "refused": 11}
    assert (sent["sent"], sent["delivered"], sent["failed"], sent["refused"]) == (500, 500, 0, 11)
    assert sent["answered"] == sum(one["count"] for one in sent["buttons"]) > 0
    assert cli("doctor", "--json").json["counts"]["events"] == 0
    assert cli("accounts", "list", "--json").json == []


@pytest.mark.long
def test_other_documents_and_answers_on_the_port_that_was_given(cli, play):
    port = free_port()
    said = cli(*play, PORT=str(port), DATABASE_URL="postgresql://not:used@127.0.0.1:1/x").out
    assert "published survey" in said
    assert f"web http://127.0.0.1:{port} " in said
    assert "survey, version 1, on hubspot" in said
    assert "whatsapp_last_answer     8 " in said
    assert "did not match" in said
    assert "deliveries 1  events 2  done 2" in said.splitlines()[-1]


def test_a_port_in_use_is_told(cli, play):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 cannot be used" in cli(*play, code=1, early=True, PORT=str(port)).err


@pytest.mark.long
def test_a_document_that_is_not_good_ends_it(cli, play):
    (cli.cwd / "docs" / "survey.yaml").write_text(MAPPING.replace("whatsapp_last_answer", "whatsapp_last_anwser"))
    assert "Did you mean" in cli(*play, code=1).err


@pytest.mark.parametrize(
    "script",
    [
        "answers: 7",
        "answers: [{}]",
        "talks: [{flow: x}]",
        "broadcast: {people: 9}",
        "{",
        "- a",
        "sent: []",
        "\0",
        "!!python/name:os.system x",
    ],
)
def test_a_script_that_is_none_is_wrong_use(tmp_path, capsys, script):
    path = tmp_path / "script.yaml"
    path.write_text(script)
    with pytest.raises(SystemExit) as ended:
        read_script(path)
    assert ended.value.code == 2
    assert "script.yaml is not a script" in capsys.readouterr().err


def test_wrong_use_starts_nothing(cli, play):
    (cli.cwd / "script.yaml").write_text("answers: 7")
    assert "script.yaml is not a script" in cli.refused(*play)


@pytest.mark.long
def test_without_once_it_goes_on_and_says_where(cli, play):
    argv = [sys.executable, "-m", "connector.cli", "demo", "--json", *play[2:]]
    with subprocess.Popen(
        argv, env=cli.env(), cwd=cli.cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        assert running.stdout is not None
        where = json.loads(running.stdout.readline())
        assert list(where) == ["web", "sandbox"]
        running.terminate()
        assert running.wait(40) == 0
