"""A broadcast through the front door: a list, the forecast, the plan, messages on phones, what came of it."""

# ruff: noqa: F811 - fixtures

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.core.audience import Source
from connector.pipeline.broadcasts import acts
from connector.pipeline.broadcasts import export as broadcast_export
from connector.pipeline.broadcasts import told as telling
from connector.pipeline.broadcasts.plan import Planner
from connector.pipeline.people import privacy
from connector.store import broadcast_people as store_people
from connector.store import broadcasts, doctor, tables, tasks, uploads
from connector.store.tables import broadcast_people, events
from connector.works import broadcasts as works
from tests.pipeline.asking import do, fails
from tests.pipeline.conftest import ANA, NUMBER
from tests.pipeline.street import Street, lane, open_street  # noqa: F401 - fixtures

OFFER = """\
send: spring
crm: hubspot
when: {segment: any}
template: spring_offer
language: es
with: {first_name: "{{ contact.firstname }}"}
guard: {consent: not_opted_out}
after:
  sent: {set: {whatsapp_last_answer: sent}}
"""


def sheet(path: Path, rows: Sequence[str], header: str = "Teléfono;First name") -> str:
    """A CSV as a spreadsheet of Bogota writes it."""
    file = path / "people.csv"
    file.write_text("\ufeff" + "\r\n".join([header, *rows]) + "\r\n", encoding="utf-8")
    return str(file)


def said(street: Street, *words: str) -> Any:
    assert street.cli("broadcasts", *words, "--json") == 0, street.said
    return json.JSONDecoder().raw_decode(street.said)[0]  # behind it: no Redis here


def people(n: int, start: int = 3100000000) -> list[str]:
    return [f"{start + k};P{k}" for k in range(n)]


def test_from_a_csv_to_the_phones(lane: Street, tmp_path: Path) -> None:
    lane.publish(OFFER)
    odd = ["5.73E+11;Bob", "3100000000;Again", ";Nobody", "12;Short", "3009998888;", "'3112223344;Quoted"]
    file = sheet(tmp_path, [*people(3), *odd])
    told = said(lane, "forecast", "spring", "--csv", file)
    assert (told["read"], told["sendable"], told["refused"]) == (9, 4, 5)
    reasons = {one["code"]: one["count"] for one in told["reasons"]}
    assert reasons == {"scientific": 1, "duplicate": 1, "no_phone": 1, "bad_phone": 1, "parameter": 1}
    assert {row["line"]: row["code"] for row in told["rows"]}[5] == "scientific"
    assert told["cost"]["lines"] == [
        {"category": "marketing", "country": "CO", "count": 4, "price": "0.0104", "amount": "0.0416"}
    ]
    assert (lane.sends, lane.rows(events)) == ([], []), "a forecast writes nothing but itself"

    id_ = told["id"]
    assert said(lane, "start", id_)["started"] is True
    assert said(lane, "start", id_) == {"id": id_, "state": "planning", "started": False}
    lane.settle()
    assert len(lane.requests()) == 4
    assert {row.state for row in lane.sends} <= {"sent", "delivered", "read", "accepted"}
    assert sum(row.state == "planned" for row in lane.rows(broadcast_people)) == 4
    lane.pass_(seconds=20)
    told = said(lane, "result", id_)
    assert (told["state"], told["planned"], told["refused"], told["sent"]) == ("done", 4, 5, 4)
    lane.healthy()


def drafted(street: Street, tmp_path: Path, rows: Sequence[str], text: str = OFFER, key: str = "") -> str:
    """A draft to these rows; its id."""
    street.publish(text)
    file, now = Path(sheet(tmp_path, rows)), street.clock.now()
    upload = uploads.add(street.app.store, file.name, [file.read_bytes()], "test", now)
    source = Source(kind="csv", upload=upload, name=file.name)
    with street.app.store.write() as conn:
        accounts = street.app.accounts()
        return str(acts.create(conn, accounts, "spring", source, "Eva", now, key=key, forecast=False).id)


def started(street: Street, tmp_path: Path, rows: Sequence[str], text: str = OFFER) -> str:
    """A broadcast to these rows, begun; its id. Nothing was drained yet."""
    id_ = drafted(street, tmp_path, rows, text)
    assert act(street, acts.start, id_, "Eva")
    return id_


def act(street: Street, do: Callable[..., Any], id_: str, *more: Any) -> Any:
    """What a person does about it."""
    with street.app.store.write() as conn:
        done = do(conn, id_, *more, street.clock.now())
    street.bell.ring("task", *(f"send:{number}" for number in [NUMBER]))
    return done


def outcome(street: Street, id_: str) -> dict[str, Any]:
    with street.app.store.read() as conn:
        return telling.result(conn, broadcasts.get(conn, id_), street.clock.now())


def plan(street: Street) -> None:
    """The worker plans; nothing is sent yet."""
    street.app.drain("task", stop=lambda: False)


def test_an_opt_out_in_the_middle_wins(lane: Street, tmp_path: Path) -> None:
    started(lane, tmp_path, [f"{ANA};Ana", *people(2)])
    plan(lane)
    assert [row.state for row in lane.sends] == ["ready"] * 3
    lane.customer(ANA, text="STOP")
    lane.arrive()
    lane.app.drain("unpack", stop=lambda: False)
    lane.settle()
    assert sorted((row.state, row.code) for row in lane.sends if row.to.endswith(ANA)) == [("refused", "consent")]
    assert {body["to"] for body in lane.requests()}.isdisjoint({ANA, f"+{ANA}"})
    lane.healthy()


def test_who_stopped_before_is_refused_in_the_plan(lane: Street, tmp_path: Path) -> None:
    lane.customer(ANA, text="STOP")
    lane.settle()
    started(lane, tmp_path, [f"{ANA};Ana"])
    lane.settle()
    (row,) = lane.rows(broadcast_people)
    assert (row.state, row.code, row.send) == ("refused", "consent", None)
    assert lane.sends == []


def test_paused_it_rests_and_cancelled_it_ends(lane: Street, tmp_path: Path) -> None:
    id_ = started(lane, tmp_path, people(3))
    assert act(lane, acts.pause, id_, "Eva")
    lane.settle()
    assert lane.requests() == []
    assert outcome(lane, id_)["paused"]
    assert "paused by" in lane.listed()[0]["reason"]
    assert act(lane, acts.resume, id_, "Eva")
    assert act(lane, acts.cancel, id_, "Eva")
    lane.settle()
    assert lane.requests() == []
    assert {row.state for row in lane.sends} == {"cancelled"}
    assert not act(lane, acts.resume, id_, "Eva")
    told = outcome(lane, id_)
    assert (told["state"], told["cancelled"]) == ("cancelled", 3)
    lane.healthy()


@pytest.mark.long
def test_what_quiet_hours_hold_back_says_what_was_planned(lane: Street, tmp_path: Path) -> None:
    """The document changes while it waits: the message does not."""
    now = lane.clock.now()
    hours = f"{(now.hour + 2) % 24:02}:00-{(now.hour + 5) % 24:02}:00"
    quiet = OFFER.replace("not_opted_out}", f"not_opted_out, quiet_hours: {{allow: {hours}, time_zone: UTC}}}}")
    id_ = drafted(lane, tmp_path, people(2), quiet)
    told = works.foretell(lane.app, id_, lambda done, total: None)
    assert (told["sendable"], told["held"], told["held_until"][0]["count"]) == (0, 2, 2)
    act(lane, acts.start, id_, "Eva")
    lane.settle()
    assert (lane.outcomes(), lane.requests()) == ([("waiting", "quiet_hours")] * 2, [])
    lane.publish(quiet.replace("{{ contact.firstname }}", "somebody else"))
    lane.pass_(hours=3)
    sent = [body["template"]["components"][0]["parameters"][0]["text"] for body in lane.requests()]
    assert sorted(sent) == ["P0", "P1"]
    lane.healthy()


def test_only_what_surely_failed_is_tried_again_and_counts_once(lane: Street, tmp_path: Path) -> None:
    lane.sandbox.faults({"route": "POST /graph/*/messages", "kind": "error", "code": 131026, "times": 1})
    id_ = started(lane, tmp_path, people(3))
    lane.settle()
    assert sorted(row.state for row in lane.sends).count("failed") == 1
    assert act(lane, acts.retry, id_)[:2] == (1, 0)
    lane.settle()
    told = outcome(lane, id_)
    assert (told["sent"], told["failed"], told["planned"]) == (3, 0, 3)
    assert act(lane, acts.retry, id_)[:2] == (0, 0)
    assert len(lane.requests()) == 4
    lane.healthy()


@pytest.mark.long
def test_its_result_as_a_sheet_runs_no_formula(lane: Street, tmp_path: Path) -> None:
    id_ = started(lane, tmp_path, [f"{ANA};=cmd|' /C calc'!A0", "12;-1", "13;＝1+1"])
    lane.settle()
    wamid = lane.send().wamid
    lane.customer(ANA, button={"id": "yes", "title": "Sí, por favor"}, reply_to=wamid)
    lane.settle()
    header, *rest = broadcast_export.rows(lane.app.store, id_)
    rows = [dict(zip(header, row, strict=True)) for row in rest]
    assert [row["state"] for row in rows] == [lane.send().state, "refused", "refused"]
    assert (rows[0]["name"][:2], rows[1]["name"], rows[2]["name"]) == ("'=", "'-1", "'＝1+1")
    assert rows[0]["button"]
    told = outcome(lane, id_)
    assert (told["answered"], told["buttons"][0]["count"]) == (1, 1)


def test_it_begins_at_its_time_and_once_with_two_clocks(lane: Street, tmp_path: Path) -> None:
    id_ = drafted(lane, tmp_path, people(2))
    at = lane.clock.now() + timedelta(hours=1)
    with lane.app.store.write() as conn:
        assert acts.start(conn, id_, "Eva", lane.clock.now(), at)
    lane.settle()
    assert lane.requests() == []
    lane.pass_(hours=1, minutes=1)
    lane.app.broadcasts(lambda: False)
    lane.settle()
    assert len(lane.requests()) == 2
    (row,) = lane.rows(tables.broadcasts)
    assert (row.state in ("running", "done"), row.planned) == (True, 2)


def test_a_list_of_the_crm_is_sent_to_and_told_to(lane: Street) -> None:
    """The record of each person hears what became of their message."""
    lists, token = "/hubspot/crm/lists/2026-09", {"Authorization": "Bearer pat-na1-sandbox-hubspot"}
    made = lane.sandbox.http.post(lists, json={"name": "VIP", "objectTypeId": "0-1"}, headers=token).json()
    some = [r["id"] for r in lane.sandbox.records("hubspot", "contacts") if r["properties"].get("phone")][:3]
    lane.sandbox.http.put(f"{lists}/{made['list']['listId']}/memberships/add", json=some, headers=token)
    assert do(lane, "broadcast.lists", crm="hubspot", kind="list", text="vi")["found"] == [
        {"value": made["list"]["listId"], "name": "VIP", "size": 3}
    ]
    assert "Choose one of: list" in fails(lane, "broadcast.lists", crm="hubspot", kind="view", text="")
    lane.publish(OFFER.replace("segment: any", "segment: list VIP"))
    with lane.app.store.write() as conn:
        id_ = acts.create(conn, lane.app.accounts(), "spring", None, "Eva", lane.clock.now(), forecast=False).id
    told = works.foretell(lane.app, id_, lambda done, total: None)
    assert (told["read"], told["sendable"]) == (3, 3), told["reasons"]
    act(lane, acts.start, id_, "Eva")
    lane.settle()
    assert {row.person[2] for row in lane.sends} == set(some)
    for record in some:
        assert lane.sandbox.record("hubspot", "contacts", record)["properties"]["whatsapp_last_answer"] == "sent"
    lane.healthy()


def test_one_that_cannot_begin_keeps_no_other_from_its_time(
    lane: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eva has too many tasks open; Bob's broadcast begins, and hers once there is room."""
    monkeypatch.setattr(tasks, "MOST", 1)
    at, now = lane.clock.now() + timedelta(minutes=1), lane.clock.now()
    for who in ("Eva", "Bob"):
        id_ = drafted(lane, tmp_path, people(1))
        with lane.app.store.write() as conn:
            assert acts.start(conn, id_, who, now, at)
    with lane.app.store.write() as conn:
        tasks.add(conn, acts.FORECAST, {"broadcast": id_}, "Eva", now)
        assert acts.tick(conn, at) == ["task"]
        assert {row.starter: row.state for row in broadcasts.open_(conn)} == {"Eva": "scheduled", "Bob": "planning"}


@pytest.mark.long
def test_a_crm_that_was_away_does_not_stop_it(lane: Street) -> None:
    """The list could not be read at nine o'clock: a minute later it is."""
    lists, token = "/hubspot/crm/lists/2026-09", {"Authorization": "Bearer pat-na1-sandbox-hubspot"}
    made = lane.sandbox.http.post(lists, json={"name": "VIP", "objectTypeId": "0-1"}, headers=token).json()
    some = [r["id"] for r in lane.sandbox.records("hubspot", "contacts") if r["properties"].get("phone")][:2]
    lane.sandbox.http.put(f"{lists}/{made['list']['listId']}/memberships/add", json=some, headers=token)
    lane.publish(OFFER.replace("segment: any", "segment: list VIP"))
    with lane.app.store.write() as conn:
        id_ = acts.create(conn, lane.app.accounts(), "spring", None, "Eva", lane.clock.now(), forecast=False).id
    lane.sandbox.faults({"route": "GET /hubspot/crm/lists/*", "kind": "5xx", "times": 1})
    act(lane, acts.start, id_, "Eva")
    lane.settle()
    assert (outcome(lane, id_)["state"], lane.requests()) == ("planning", [])
    for _ in range(2):
        lane.app.broadcasts(lambda: False)
    assert len([task for task in lane.rows(tables.tasks) if task.kind == acts.PLAN]) == 1, "not at once"
    lane.pass_(minutes=2)
    for _ in range(2):
        lane.app.broadcasts(lambda: False)
    lane.settle()
    assert (len(lane.requests()), outcome(lane, id_)["planned"]) == (2, 2)
    lane.healthy()


def test_a_document_with_a_time_begins_by_itself_once(lane: Street) -> None:
    """Two clocks look at the same moment."""
    lists, token = "/hubspot/crm/lists/2026-09", {"Authorization": "Bearer pat-na1-sandbox-hubspot"}
    lane.sandbox.http.post(lists, json={"name": "VIP", "objectTypeId": "0-1"}, headers=token)
    at = lane.clock.now() - timedelta(minutes=5)
    lane.publish(OFFER.replace("segment: any", f"segment: list VIP, at: {at:%Y-%m-%d %H:%M}"))
    for _ in range(2):
        lane.app.broadcasts(lambda: False)
    lane.settle()
    (row,) = lane.rows(tables.broadcasts)
    assert (row.author, row.planned, row.state in ("running", "done")) == (acts.BY_TIME, 0, True)


def test_who_is_erased_is_gone_from_it(lane: Street, tmp_path: Path) -> None:
    started(lane, tmp_path, [f"{ANA};Anabel", *people(1)])
    lane.settle()
    with lane.app.store.write() as conn:
        (row,) = [r for r in lane.rows(broadcast_people) if r.phone.endswith(ANA)]
        assert store_people.blank(conn, [row.contact], [ANA]) == 1
    left = repr(lane.rows(broadcast_people))
    assert ("Anabel" in left, ANA in left) == (False, False)
    assert lane.rows(tables.upload_parts) == [], "the file is not kept once everybody is planned"


@pytest.mark.long
def test_a_forecast_forgets_whom_it_spoke_of(lane: Street, tmp_path: Path) -> None:
    """An erased person stands in no draft's examples, and nobody in those of a broadcast that was cancelled."""
    lane.customer(ANA, text="Hi")
    lane.settle()
    drafts = [drafted(lane, tmp_path, [f"{ANA};Anabel", *people(1)]) for _ in range(2)]
    for id_ in drafts:
        works.foretell(lane.app, id_, lambda done, total: None)
    assert act(lane, acts.cancel, drafts[0], "Eva")
    cancelled, draft = (row.forecast for row in sorted(lane.rows(tables.broadcasts), key=lambda row: row.id))
    assert (cancelled["sendable"], "Anabel" in repr(cancelled), "Anabel" in repr(draft)) == (2, False, True)
    (person,) = lane.rows(tables.contacts)
    privacy.erase(lane.app.store, person.id, "Eva", lane.clock.now())
    assert "Anabel" not in repr(lane.rows(tables.broadcasts))


# ---- whoever plans, each page once -----------------------------------------------------------------------------------
def test_two_planners_and_a_dead_one_plan_each_page_once(
    store_url: str, home: Path, sandbox: Any, zygote: Any, tmp_path: Path
) -> None:
    """Several threads plan one broadcast at once, on each database; one of them dies in the middle."""
    with open_street(store_url, home, sandbox, zygote) as street:
        id_ = started(street, tmp_path, people(1300))
        planners = [_planner(street, id_, dies=n == 0) for n in range(3)]
        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(one) for one in planners]:
                with suppress(KeyboardInterrupt):
                    done.result()
        _planner(street, id_)()
        rows = street.rows(broadcast_people)
        assert len(rows) == 1300 == len(street.sends) == len({row.contact for row in rows})
        (row,) = street.rows(tables.broadcasts)
        assert (row.state, row.planned, row.rows_read) == ("running", 1300, 1300)
        with street.app.store.read() as conn:
            assert [f for f in doctor.findings(conn, street.clock.now()) if f["code"] == "broadcast_people"] == []


def _planner(street: Street, id_: str, dies: bool = False) -> Callable[[], None]:
    look, reader = works._eyes(street.app, id_)

    def progress(done: int, total: int | None, cursor: Any) -> None:
        if dies:
            raise KeyboardInterrupt

    return lambda: Planner(street.app.store, look, reader, street.clock).run(progress, lambda name: None)


def test_another_message_wants_another_forecast(lane: Street, tmp_path: Path) -> None:
    lane.publish(OFFER)
    id_ = said(lane, "forecast", "spring", "--csv", sheet(tmp_path, people(2)))["id"]
    lane.publish(OFFER.replace("contact.firstname", "contact.firstname | upper"))
    assert lane.cli("broadcasts", "start", id_) != 0
    assert "published anew since the forecast" in lane.said
    assert said(lane, "forecast", id_)["sendable"] == 2
    assert said(lane, "start", id_)["started"] is True
