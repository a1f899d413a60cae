"""Tasks of documents, templates, imports, replay and doctor, through the app and the sandbox."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.app import upkeep
from connector.pipeline.chores.regular import Chores
from connector.pipeline.documents import publish
from connector.store import documents, snapshots
from connector.store import tasks as rows
from tests.pipeline.asking import Turns, ask, do, fails, see
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_journey import ANYTHING

NEW = {
    "name": "table_ready", "language": "en", "category": "UTILITY", "parameter_format": "NAMED",
    "components": [
        {"type": "BODY", "text": "Hi {{first_name}}, your table is ready for you now.",
         "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Ana"}]}},
    ],
}  # fmt: skip
TYPO = ANYTHING.replace("whatsapp_last_answer:", "whatsapp_last_answr:").replace("every-text", "typo")
MANY = 450  # three pages


# ---- replay ------------------------------------------------------------------------------------------------------
def fill(house: House, n: int = MANY) -> None:
    """Replies of several people, handled before there was a document."""
    people = [ANA, *(f"57311{n:07d}" for n in range(9))]
    house.deliver(replies(*(text(people[i % 10], f"m{i}", id=f"wamid.r{i}") for i in range(n))))
    house.settle()


def plain(result: dict[str, Any]) -> str:
    return json.dumps(result, sort_keys=True)


def test_a_replay_shows_what_a_text_would_do_and_writes_nothing(house: House) -> None:
    fill(house, 20)
    result = do(house, "replay", since="1h", document={"text": ANYTHING})
    assert (result["events"], result["changes"], result["more"], result["applied"]) == (20, 20, 0, False)
    field = {"account": "hubspot", "document": "every-text", "field": "whatsapp_last_answer", "changes": 20}
    assert result["by_field"] == [field]
    assert {"contact", "message", "now", "then", "because"} <= set(result["rows"][0])
    house.settle()
    assert house.writes("hubspot") == []


@pytest.mark.long
def test_a_replay_that_makes_room_ends_with_the_same_result(house: House) -> None:
    fill(house)
    whole = do(house, "replay", since="1h", document={"text": ANYTHING})
    assert (whole["events"], whole["changes"], len(whole["rows"])) == (MANY, MANY, MANY)
    id_ = ask(house, "replay", since="1h", document={"text": ANYTHING})
    seen = []
    while see(house, id_).state != "done":
        house.bell.rung.clear()
        house.app.drain("task", stop=Turns(1))
        seen.append((see(house, id_).done, see(house, id_).total))
        assert see(house, id_).error == ""
        assert see(house, id_).state == "done" or "task" in house.bell.rung
    assert seen[:2] == [(200, MANY), (400, MANY)]
    assert plain(see(house, id_).result) == plain(whole)


@pytest.mark.long
def test_a_replay_is_paused_resumed_and_cancelled(house: House) -> None:
    fill(house)
    id_ = ask(house, "replay", since="1h", document={"text": ANYTHING})
    house.app.drain("task", stop=Turns(1))
    with house.app.store.write() as conn:
        assert rows.wish(conn, id_, "pause", datetime.now(UTC))
    house.app.drain("task", stop=lambda: False)
    assert (see(house, id_).state, see(house, id_).done) == ("paused", 200)
    with house.app.store.write() as conn:
        assert rows.wish(conn, id_, "resume", datetime.now(UTC))
        assert rows.wish(conn, id_, "cancel", datetime.now(UTC))
    house.app.drain("task", stop=lambda: False)
    assert (see(house, id_).state, see(house, id_).result) == ("cancelled", None)


def test_a_replay_that_is_applied_is_written_once_however_often_it_was_interrupted(house: House) -> None:
    fill(house, 410)
    house.publish(ANYTHING + "log: message\n")
    id_ = ask(house, "replay", since="1h", apply=True)
    house.app.drain("task", stop=Turns(1))
    assert see(house, id_).state == "new"
    house.app.drain("task", stop=lambda: False)
    assert (see(house, id_).result["applied"], see(house, id_).result["events"]) == (True, 410)
    assert any(name.startswith("write:") for name in house.bell.rung)
    house.settle(40)
    assert house.hubspot("1512")["whatsapp_last_answer"] == "m400"
    assert len(house.sandbox.records("hubspot", "communications")) == 410
    house.counts()


def test_more_rows_than_are_shown_are_counted(house: House) -> None:
    fill(house, 510)
    result = do(house, "replay", since="1h", document={"text": ANYTHING})
    assert (result["changes"], len(result["rows"]), result["more"]) == (510, 500, 10)


def test_a_replay_by_a_version_or_not_at_all(house: House) -> None:
    fill(house, 3)
    house.publish(ANYTHING)
    assert do(house, "replay", since="1h", document={"name": "every-text", "version": 1})["changes"] == 3
    assert do(house, "replay", since="1h", document={"name": "every-text"})["changes"] == 3
    assert do(house, "replay", since="2030-01-01")["events"] == 0
    assert "has no version 9" in fails(house, "replay", since="1h", document={"name": "every-text", "version": 9})
    assert "no document named 'x'" in fails(house, "replay", since="1h", document={"name": "x"})
    assert "'yesterday' is no time" in fails(house, "replay", since="yesterday")
    assert "no account named 'acme'" in fails(
        house, "replay", since="1h", document={"text": ANYTHING.replace("crm: hubspot", "crm: acme")}
    )
    unreadable = {"text": ANYTHING.replace("when:", "whenn:")}
    assert "line 1: `when` is missing" in fails(house, "replay", since="1h", document=unreadable)


# ---- documents ---------------------------------------------------------------------------------------------------
def live(house: House) -> dict[str, int]:
    with house.app.store.read() as conn:
        return {row.name: row.n for row in documents.live(conn)}


def test_documents_are_published_all_at_once_and_the_same_again_is_unchanged(house: House) -> None:
    other = ANYTHING.replace("every-text", "other")
    result = do(house, "mappings.publish", texts=[ANYTHING, other], base={})
    assert result["published"]
    assert [(d["name"], d["did"], d["version"]) for d in result["documents"]] == [
        ("every-text", "published", 1),
        ("other", "published", 1),
    ]
    with house.app.store.read() as conn:
        assert documents.live(conn)[0].author == "ana@example.com"
    again = do(house, "mappings.publish", texts=[ANYTHING], base={})
    assert [d["did"] for d in again["documents"]] == ["unchanged"]


def test_nothing_is_published_when_one_is_wrong_and_each_says_why(house: House) -> None:
    bad_test = ANYTHING.replace("every-text", "tested") + (
        "tests:\n  - name: it\n    answer: {text: a}\n    expect: {set: {whatsapp_last_answer: b}}\n"
    )
    nobody = ANYTHING.replace("every-text", "n").replace("crm: hubspot", "crm: acme")
    texts = [ANYTHING, TYPO, bad_test, nobody, "mapping: [", ANYTHING]
    result = do(house, "mappings.publish", texts=texts, base={})
    assert not result["published"]
    first, typo, tested, stranger, unreadable, _ = result["documents"]
    assert {d["did"] for d in result["documents"]} == {"refused"}
    assert first["why"] == "Two documents are called 'every-text'."
    assert "whatsapp_last_answr" in typo["why"]
    assert typo["findings"][0]["line"] == 6
    assert "no account named 'acme'" in stranger["why"]
    assert unreadable["name"] == ""
    assert unreadable["findings"]
    assert tested["why"]
    assert live(house) == {}


def test_a_live_version_nobody_saw_is_not_written_over(house: House) -> None:
    do(house, "mappings.publish", texts=[ANYTHING], base={})
    changed = ANYTHING.replace("if_missing: create", "if_missing: skip")
    refused = do(house, "mappings.publish", texts=[changed], base={})
    assert (refused["published"], refused["documents"][0]["did"]) == (False, "refused")
    assert "Version 1 by ana@example.com is live" in refused["documents"][0]["why"]
    base = {"every-text": publish.digest(ANYTHING)}
    assert do(house, "mappings.publish", texts=[changed], base=base)["documents"][0]["version"] == 2
    assert do(house, "mappings.publish", texts=[ANYTHING], base=base, force=True)["published"]


def test_a_draft_and_a_shadow_stand_beside_what_is_live(house: House) -> None:
    do(house, "mappings.publish", texts=[ANYTHING], base={})
    changed = ANYTHING.replace("if_missing: create", "if_missing: skip")
    assert do(house, "mappings.publish", texts=[changed], draft=True)["documents"][0]["did"] == "draft"
    assert do(house, "mappings.publish", texts=[changed], state="shadow")["documents"][0]["did"] == "shadow"
    assert live(house) == {"every-text": 1}
    assert "not 'tomorrow'" in fails(house, "mappings.publish", texts=[changed], state="tomorrow")


def test_a_crm_that_is_away_publishes_nothing_and_says_so(house: House) -> None:
    house.sandbox.faults({"route": "GET /hubspot/*", "kind": "5xx"})
    assert fails(house, "mappings.publish", texts=[ANYTHING], base={})
    assert live(house) == {}


# ---- templates, imports, doctor ----------------------------------------------------------------------------------
def test_templates_are_read_made_changed_and_deleted(house: House) -> None:
    assert "quote_ready es" in do(house, "templates.sync")["whatsapp"]["added"]
    assert do(house, "templates.create", account="whatsapp", template=NEW)["name"] == "table_ready"
    do(house, "templates.sync", account="whatsapp")
    wrong = fails(house, "templates.create", template=NEW | {"name": "Table Ready"})
    assert "small letters" in wrong
    assert "is not known. Run: connector templates sync" in fails(
        house, "templates.edit", template=NEW | {"name": "nobody_knows"}
    )
    assert do(house, "templates.delete", name="table_ready") == {"name": "table_ready", "languages": ["en"]}
    assert "no template table_ready" in fails(house, "templates.delete", name="table_ready")
    assert "no WhatsApp account named 'x'" in fails(house, "templates.sync", account="x")


@pytest.mark.long
def test_an_import_goes_on_where_it_was_and_forgets_its_text(house: House) -> None:
    at = datetime.now(UTC).isoformat()
    sent = [{"wamid": f"wamid.i{n}", "to": "573001112222", "template": "t", "sent_at": at} for n in range(2500)]
    lines = "\n".join(json.dumps(row) for row in [*sent, {"wamid": "wamid.bad"}])
    id_ = ask(house, "sends.import", text=lines)
    house.app.drain("task", stop=Turns(1))
    assert (see(house, id_).state, see(house, id_).done) == ("new", 1000)
    house.app.drain("task", stop=lambda: False)
    task = see(house, id_)
    assert (task.result["new"], task.result["known"], task.done, task.total) == (2500, 0, 2501, 2501)
    assert task.result["refused"][0]["row"] == 2501
    assert task.args == {}
    assert do(house, "sends.import", text=lines)["known"] == 2500


def test_an_import_reads_a_spreadsheet(house: House) -> None:
    csv = f"wamid;to;template;sent_at\nwamid.c1;573001112222;t;{datetime.now(UTC).isoformat()}\n"
    assert do(house, "sends.import", text=csv)["new"] == 1
    assert "It cannot be read" in fails(house, "sends.import", text="[1,")


def test_the_doctor_keeps_what_it_found(house: House) -> None:
    fill(house, 3)
    result = do(house, "doctor")
    assert (result["ok"], result["findings"], result["counts"]["events"]) == (True, [], 3)
    with house.app.store.read() as conn:
        kept = snapshots.get(conn, "doctor")
        assert snapshots.get(conn, "nothing") is None
    assert kept is not None
    assert kept[0] == result
    assert datetime.now(UTC) - kept[1] < timedelta(minutes=1)


def test_the_doctor_comes_by_itself(house: House) -> None:
    house.app.chores = Chores(house.app.store, house.app.clock, upkeep(house.app))
    house.app.drain("chores", stop=lambda: False)
    with house.app.store.read() as conn:
        assert snapshots.get(conn, "doctor") is not None


def test_the_sweep_rings_for_what_waits_only(house: House) -> None:
    assert "task" not in house.app.bells()
    id_ = ask(house, "doctor")
    assert "task" in house.app.bells()
    with house.app.store.write() as conn:
        (task,) = rows.claimable(conn, house.app.clock.now())
        rows.claim(conn, task, house.app.clock.now())
    assert "task" not in house.app.bells()  # somebody has it
    assert see(house, id_).state == "running"
