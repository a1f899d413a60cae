"""connector why, doctor, replay and sends: what happened, what is wrong, what would happen."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connector import errors
from connector.store.tables import changes, contact_keys, events, plans, sends
from connector.works.replays import parse_since
from tests.pipeline.conftest import ANA
from tests.pipeline.messages import replies, tap, text

WEBINAR = """\
mapping: webinar
crm: hubspot
when: {answer_to: webinar_invite_v2, type: button}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: review}
set:
  lifecyclestage: {from: answer.id, map: {interested: salesqualifiedlead}, else: review}
  whatsapp_last_answer: "{{ answer.title }}"
"""
SLOT = """\
mapping: slot
crm: hubspot
when: {answer_to: anything, type: text}
contact: {find_by: [whatsapp, phone], if_missing: skip, if_several: review}
set:
  whatsapp_last_answer: "{{ answer.text }}"
  delivery_slot: "{{ answer.text }}"
"""
WHY = {"event", "received_at", "contact", "documents"}
DOCUMENT = {"name", "version", "matched", "because", "fields"}
FIELD = {"field", "from", "value", "before", "outcome", "because"}
COUNTS = ["deliveries", "events", "done", "waiting", "review", "refused"]


@pytest.fixture
def told(house):
    """Three messages: one that a document matches, one that none does, one whose field the CRM refuses."""
    house.publish(WEBINAR)
    invite = house.sent_template(ANA, "webinar_invite_v2")
    house.deliver(replies(tap(ANA, "interested", "Me interesa", id="wamid.yes", context=invite)))
    house.deliver(replies(text("573004445555", "hola", id="wamid.other")))
    house.settle()
    house.publish(SLOT)
    house.deliver(replies(text(ANA, "midnight", id="wamid.slot")))
    house.settle()
    return house


def test_why_tells_a_match_a_non_match_and_a_refusal(cli, told):
    matched = cli("why", "wamid.yes", "--json").json
    assert set(matched) >= WHY
    assert matched["contact"]["records"] == {"hubspot": "contacts 1512"}
    (document,) = matched["documents"]
    assert set(document) >= DOCUMENT
    assert all(set(field) >= FIELD for field in document["fields"])
    stage = next(f for f in document["fields"] if f["field"] == "lifecyclestage")
    assert (document["matched"], stage["value"], stage["before"], stage["outcome"]) == (
        True, "salesqualifiedlead", "lead", "written",
    )  # fmt: skip
    said = cli("why", matched["event"]).out  # our own id does as well
    assert "webinar, version 1, on hubspot" in said
    assert "interested -> salesqualifiedlead" in said
    other = cli("why", "wamid.other", "--json").json
    assert (other["documents"][0]["matched"], other["documents"][0]["fields"]) == (False, [])
    assert "answers none of our messages" in other["documents"][0]["because"]
    assert "did not match: it answers none" in cli("why", "wamid.other").out
    fields = {f["field"]: f for d in cli("why", "wamid.slot", "--json").json["documents"] for f in d["fields"]}
    assert fields["whatsapp_last_answer"]["outcome"] == "written"
    assert fields["delivery_slot"]["outcome"] == "review"
    assert "midnight" in fields["delivery_slot"]["because"]
    assert "Nothing is known of wamid.none" in cli("why", "wamid.none", code=1).err


def test_doctor_counts_and_finds(cli, told):
    found = cli("doctor", "--json").json
    assert list(found) == ["ok", "findings", "counts"]
    assert (found["ok"], found["findings"], list(found["counts"])) == (True, [], COUNTS)
    counts = found["counts"]
    assert counts == {"deliveries": 3, "events": 3, "done": 2, "waiting": 0, "review": 1, "refused": 0}
    assert "All invariants hold." in cli("doctor").out
    with told.app.store.write() as conn:
        conn.execute(sa.update(events).where(events.c.dedupe_key == "wamid.yes").values(state="new"))
    found = cli("doctor", "--json", code=1).json
    assert found["ok"] is False
    assert [list(f) for f in found["findings"]] == [["code", "count", "examples", "hint"]]
    counts = found["counts"]
    assert counts["events"] == sum(counts[name] for name in COUNTS[2:])
    assert "event_without_plan: 1" in cli("doctor", code=1).out


def test_a_body_that_cannot_be_read_is_shown(cli, house):
    house.deliver(b'{"entry": [')
    house.settle()
    said = cli("doctor").out
    line = next(line for line in said.splitlines() if line.startswith("Delivery "))
    assert "The body cannot be read" in line
    assert "The body cannot be read" in cli("why", line.split()[1].rstrip(","), code=1).err


def everything(house):
    """What the product wrote: rows here, and every change of a record there."""
    with house.app.store.read() as conn:
        here = [
            tuple(row)
            for table in (events, plans, changes, sends, contact_keys)
            for row in conn.execute(sa.select(table))
        ]
    return here, house.writes("hubspot"), house.writes("salesforce")


def test_replay_shows_the_writes_and_makes_them_only_with_apply(cli, told):
    new = cli.cwd / "new.yaml"
    new.write_text(WEBINAR.replace("salesqualifiedlead", "opportunity"))
    before = everything(told)
    shown = cli("replay", "--since", "1h", "--document", new, "--json").json
    stage = next(w for w in shown if w["field"] == "lifecyclestage")
    assert (stage["id"], stage["now"], stage["then"]) == ("wamid.yes", "salesqualifiedlead", "opportunity")
    said = cli("replay", "--since", "1h", "--document", new).out
    assert "- lifecyclestage: salesqualifiedlead\n  + lifecyclestage: opportunity" in said
    assert "nothing was written" in said
    told.settle()
    assert everything(told) == before
    assert len(cli("replay", "--since", "1h", "--document", new, "--apply", "--json").json) == len(shown)
    told.settle()
    assert told.hubspot("1512")["lifecyclestage"] == "opportunity"
    assert told.counts()["events"] == 3


@pytest.mark.long
def test_replay_by_what_is_live_and_by_what_is_wrong(cli, told):
    since = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    assert {w["document"] for w in cli("replay", "--since", since, "--json").json} <= {"webinar", "slot"}
    assert cli("replay", "--since", "2030-01-01", "--json").json == []
    assert "Write --since as a time" in cli.refused("replay", "--since", "yesterday")
    bad = cli.cwd / "bad.yaml"
    bad.write_text("mapping: x\nwhen: [")
    assert "bad.yaml: line" in cli("replay", "--since", "1d", "--document", bad, code=1).err
    bad.write_text(WEBINAR.replace("crm: hubspot", "crm: nobody"))
    assert "no account named 'nobody'" in cli.refused("replay", "--since", "1d", "--document", bad)
    bad.write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in cli.refused("replay", "--since", "1d", "--document", bad)


@pytest.mark.parametrize(
    "since", ["", "d", "²d", "-1d", "1y", "99999999999999d", "0001-01-01T00:00+14:00", "2026-13-01", "1.5h", "\0"]
)
def test_a_time_that_is_none(since):
    with pytest.raises(errors.Rejected):
        parse_since(since, datetime.now(UTC))


@pytest.mark.long
def test_replay_with_a_crm_that_is_away(cli, told):
    told.sandbox.faults({"route": "* /hubspot/*", "kind": "down"})
    assert "HubSpot" in cli.refused("replay", "--since", "1d")


# ---- sends -----------------------------------------------------------------------------------------------------------
AT = "2026-11-20T10:00:00Z"
ROW = {"wamid": "wamid.s1", "to": "+57 300 111-2222", "template": "webinar_invite_v2", "sent_at": AT}


def imported(cli, name, content, code=0):
    path = cli.cwd / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return cli("sends", "import", path, "--json", code=code).json


def known(house):
    with house.app.store.read() as conn:
        return {row.wamid: row for row in conn.execute(sa.select(sends))}


def test_json_lines_and_lists_with_odd_rows(cli, house):
    odd = [
        7,
        None,
        [],
        {},
        {**ROW, "sent_at": "soon"},
        {**ROW, "wamid": "a b"},
        {**ROW, "template": ""},
        {**ROW, "to": "nobody"},
    ]
    odd += [{**ROW, "sent_at": "9999-12-31T23:59:59-14:00"}, {**ROW, "buttons": [1]}, {**ROW, "record": ["hubspot"]}]
    good = [ROW, {**ROW, "wamid": "wamid.s2", "to": 573001112222, "note": "\ud800", "buttons": {"Sí\0": "yes"}}]
    found = imported(cli, "list.json", json.dumps([*odd, *good]), code=1)
    assert list(found) == ["new", "known", "refused"]
    assert (found["new"], found["known"]) == (2, 0)
    assert [entry["row"] for entry in found["refused"]] == list(range(1, len(odd) + 1))
    assert all(entry["why"] for entry in found["refused"])
    assert known(house)["wamid.s2"].buttons == {"Sí\ufffd": "yes"}
    lines = [
        json.dumps(ROW),
        "",
        "{not json",
        "[" * 100_000,
        json.dumps({**ROW, "wamid": "wamid.s3", "step": "flow.size"}),
    ]
    found = imported(cli, "lines.jsonl", "\n".join(lines), code=1)
    assert (found["new"], found["known"], [r["row"] for r in found["refused"]]) == (1, 1, [2, 3])
    assert imported(cli, "one.json", json.dumps({**ROW, "wamid": "wamid.s4"}, indent=2))["new"] == 1
    assert imported(cli, "empty.json", "[]") == {"new": 0, "known": 0, "refused": []}
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(contact_keys.c.kind, contact_keys.c.value)).all() == [("wa_id", ANA)]


@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_a_spreadsheets_csv(cli, house, comma):
    record = '"[""hubspot"",""deals"",""1""]"'
    rows = [
        ("\ufeffwamid", "to", "template", "sent_at", "record", "user_id"),
        ("wamid.c1", "573001112222", '"webinar_invite_v2"', AT, record, ""),
        ("wamid.c2", "+57 300 111 2222", '"two\nlines"', AT, "", ""),
        ("wamid.c3", "573001112222", "t", "22/11/2026", "", ""),
        ("", "", "", "", "", ""),
        ("wamid.c5", "573001112222", "t", AT, "", "", "too", "many"),
        ("wamid.c6",),
    ]
    found = imported(cli, "sent.csv", "\r\n".join(comma.join(row) for row in rows) + "\r\n", code=1)
    assert (found["new"], [r["row"] for r in found["refused"]]) == (3, [3, 4, 6])
    stored = known(house)
    assert stored["wamid.c1"].record == ["hubspot", "deals", "1"]
    assert stored["wamid.c2"].template == "two\nlines"
    assert {row.lane for row in stored.values()} == {stored["wamid.c1"].lane}


def test_files_that_are_none(cli):
    (cli.cwd / "latin.csv").write_bytes("wamid,to\ncafé".encode("latin-1"))
    assert "is not UTF-8 text" in cli.refused("sends", "import", "latin.csv")
    (cli.cwd / "cut.json").write_text('[{"wamid": "a"},')
    assert "cut.json cannot be read" in cli.refused("sends", "import", "cut.json")
    assert "does not exist" in cli.refused("sends", "import", "none.csv")
    assert "is a directory" in cli.refused("sends", "import", ".")


def test_what_was_imported_is_listed_and_a_reply_to_it_is_known(cli, house):
    imported(cli, "a.jsonl", json.dumps({**ROW, "sent_at": datetime.now(UTC).isoformat()}))
    (listed,) = cli("sends", "list", "--json").json
    assert set(listed) >= {"id", "document", "to", "state", "label", "reason", "next_at"}
    assert (listed["to"], listed["state"], listed["label"]) == (ROW["to"], "accepted", "imported")
    assert "webinar_invite_v2" in cli("sends", "list").out
    assert "--limit" in cli.refused("sends", "list", "--limit", "-1")
    house.publish(WEBINAR)
    house.deliver(replies(tap(ANA, "interested", "Me interesa", id="wamid.in", context="wamid.s1")))
    house.settle()
    assert cli("why", "wamid.in", "--json").json["documents"][0]["matched"] is True


def test_review_lists_what_needs_a_person_and_closes_it(cli, told):
    found = cli("review", "--json", code=1).json
    assert [event["id"] for event in found] == ["wamid.slot"]
    said = cli("review", code=1).out
    assert "wamid.slot" in said
    assert "delivery_slot" in said
    assert "No message wamid.nobody is in review." in cli("review", "--dismiss", "wamid.nobody", code=1).err
    assert "Nothing needs a person." in cli("review", "--dismiss", "wamid.slot").out
    assert cli("doctor", "--json").json["counts"]["review"] == 0


def test_why_knows_a_person_by_phone(cli, told):
    said = cli("why", "+57 300 111 2222").out
    assert "Me interesa" in said
    assert "midnight" in said
