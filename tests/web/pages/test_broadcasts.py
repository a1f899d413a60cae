"""Broadcasts in the console: a list is uploaded, looked through by a worker, started once, and told."""

import io

import pytest

from connector.pipeline.broadcasts import acts
from connector.store import accounts, api_tokens, broadcasts, documents, tasks
from connector.store.bulk import insert_many
from connector.store.tables import broadcast_people, sends

HOSTILE = '"><script>alert(1)</script>\u202eevil'
DOCUMENT = """send: spring
crm: hubspot
when: {segment: any}
template: spring_offer
language: es
"""
FORECAST = {
    "at": "2026-11-24T15:00:00+00:00", "read": 3, "sendable": 1, "held": 1, "refused": 1, "held_last": None,
    "held_until": [{"until": "2026-11-25T13:00:00+00:00", "count": 1}],
    "reasons": [{"code": "parameter", "count": 1, "reason": HOSTILE}],
    "rows": [{"line": 4, "phone": HOSTILE, "name": "", "code": "parameter", "reason": HOSTILE}], "samples": [],
    "number": "106", "tier": "TIER_2K", "tier_limit": 2000, "tier_used": 1999, "tier_left": 1, "pace": 80,
    "ends_at": "2026-11-24T15:00:10+00:00", "open_before": 0,
    "cost": {"currency": "EUR", "effective": "2026-07-01", "total": "0.0104", "without_price": 1, "lines": [
        {"category": "marketing", "country": "CO", "count": 1, "price": "0.0104", "amount": "0.0104"},
        {"category": "marketing", "country": "", "count": 1, "price": None, "amount": None},
    ]},
}  # fmt: skip


@pytest.fixture
def shop(console):
    house, now = console.house, console.house.clock.now()
    with house.store.write() as conn:
        accounts.add(conn, house.keyring, "whatsapp", "shop", {"phone_number_id": "106"}, {}, now)
        accounts.add(conn, house.keyring, "hubspot", "hubspot", {}, {}, now)
        documents.publish(conn, "send", "spring", DOCUMENT, "me", now)
    return console


FORM = {"document": "spring", "kind": "csv", "key": "k1"}


def upload(browser, data: bytes = b"phone\n573001112222\n", key: str = "k1", **more: str):
    form = {"document": "spring", "kind": "csv", "key": key, "file": (io.BytesIO(data), "people.csv"), **more}
    return browser.post("/sends/broadcasts", form, part=True, content_type="multipart/form-data")


def draft(shop, forecast=FORECAST) -> str:
    """Uploaded, and looked through."""
    answer = upload(shop("editor"))
    assert answer.status_code == 204, answer.text
    id_ = answer.headers["HX-Redirect"].rpartition("/")[2]
    with shop.house.store.write() as conn:
        broadcasts.note(conn, id_, forecast=forecast)
    return id_


def test_an_upload_becomes_a_draft_with_a_forecast_under_way(shop):
    editor = shop("editor")
    assert "spring" in editor.get("/sends/broadcasts/new").text
    first = upload(editor).headers["HX-Redirect"]
    assert upload(editor).headers["HX-Redirect"] == first, "a double click is one draft"
    assert "task" in shop.rung
    with shop.house.store.read() as conn:
        (task,) = tasks.list_(conn)
    assert task.kind == acts.FORECAST
    assert f"/tasks/{task.id}" in editor.get(first).text


def test_a_long_list_is_taken_though_other_forms_are_short(shop):
    parts = [f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in FORM.items()]
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'
    body = ("".join(parts) + head).encode() + b"phone\n" + b"573001112222\n" * 200_000 + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    assert shop("editor").post("/sends/broadcasts", body, part=True, content_type=kind).status_code == 204


def test_what_is_missing_is_said(shop):
    editor = shop("editor")
    for form, words in (
        ({"document": "spring", "kind": "csv"}, "CSV"),
        ({"document": "spring", "kind": "list", "value": ""}, "list"),
        ({"document": "nobody", "kind": "own"}, "no live document"),
        ({"document": "spring", "kind": "own"}, "none was named"),
    ):
        answer = editor.post("/sends/broadcasts", form, part=True)
        assert (answer.status_code, words in answer.text) == (422, True), answer.text


def test_the_forecast_is_told_as_text(shop):
    page = shop("publisher").get(f"/sends/broadcasts/{draft(shop)}").text
    assert "<script>alert" not in page
    for words in ("no price known", "0.0104", "Send to 2 people", "2 people, and WhatsApp allows 1 more"):
        assert words in page, words


def test_it_starts_once_by_a_publisher_who_types_the_number(shop):
    id_ = draft(shop)
    path, publisher = f"/sends/broadcasts/{id_}/start", shop("publisher")
    assert shop("editor").post(path, {"confirm": "2"}).status_code == 403
    assert "differs" in publisher.post(path, {"confirm": "3"}, part=True).headers["HX-Trigger"]
    assert "begun" in publisher.post(path, {"confirm": "2"}, part=True).headers["HX-Trigger"]
    assert "already" in publisher.post(path, {"confirm": "2"}, part=True).headers["HX-Trigger"]
    with shop.house.store.read() as conn:
        assert broadcasts.get(conn, id_).state == "planning"
        assert [task.kind for task in tasks.list_(conn)].count(acts.PLAN) == 1


def test_a_running_one_is_held_let_go_on_and_ended_by_its_name(shop):
    id_ = draft(shop)
    publisher = shop("publisher")
    publisher.post(f"/sends/broadcasts/{id_}/start", {"confirm": "2"})
    assert "paused" in publisher.post(f"/sends/broadcasts/{id_}/pause", part=True).text
    assert "goes on" in publisher.post(f"/sends/broadcasts/{id_}/resume", part=True).headers["HX-Trigger"]
    assert "differs" in publisher.post(f"/sends/broadcasts/{id_}/cancel", part=True).headers["HX-Trigger"]
    name = "spring, people.csv"
    page = publisher.post(f"/sends/broadcasts/{id_}/cancel", {"confirm": name}, part=True).text
    assert "every 2s" not in page
    assert "too late" in publisher.post(f"/sends/broadcasts/{id_}/pause", part=True).headers["HX-Trigger"]


def test_the_result_and_its_sheet(shop):
    id_, now = draft(shop), shop.house.clock.now()
    with shop.house.store.write() as conn:
        broadcasts.move(conn, id_, ["draft"], "done", planned=2, refused=1, ended_at=now)
        states = {"s1": ("read", 5, ""), "s2": ("failed", 3, "graph_131026")}
        insert_many(conn, sends, [
            {"id": k, "cause": k, "broadcast": id_, "state": s, "rank": r, "code": c, "reason": HOSTILE, "at": now}
            for k, (s, r, c) in states.items()
        ])  # fmt: skip
        insert_many(conn, broadcast_people, [
            {"broadcast": id_, "person": p, "line": n, "phone": "+57300", "name": "=1+1", "state": s, "code": c,
             "send": k}
            for n, (p, s, c, k) in enumerate([("a", "planned", "", "s1"), ("b", "planned", "", "s2"),
                                               ("#4", "refused", "parameter", None)], 2)
        ])  # fmt: skip
    page = shop("viewer").get(f"/sends/broadcasts/{id_}").text
    assert "<script>alert" not in page
    assert "a value is missing" in page
    assert shop("viewer").get(f"/sends/broadcasts/{id_}/people.csv").status_code == 403
    sheet = shop("editor").get(f"/sends/broadcasts/{id_}/people.csv").text
    assert "'=1+1" in sheet
    assert "'+57300" in sheet
    assert len(sheet.strip().splitlines()) >= 4
    with shop.house.store.write() as conn:
        token = api_tokens.add(conn, "t", "viewer", "me", now)[1]
    read = lambda path: shop.stranger.get(path, headers={"Authorization": f"Bearer {token}"}).json  # noqa: E731
    listed = read("/api/v1/broadcasts")
    assert [(one["id"], one["read_by"], one["failed"]) for one in listed["rows"]] == [(id_, 1, 1)]
    assert read(f"/api/v1/broadcasts/{id_}")["reasons"]


def test_nobody_is_found_where_there_is_nothing(shop):
    assert shop("admin").get("/sends/broadcasts/nothing").status_code == 404
    assert "No broadcast yet" in shop("viewer").get("/sends/broadcasts").text


def test_the_lists_of_the_crm_are_offered_and_the_picked_one_is_taken(shop):
    editor, store = shop("editor"), shop.house.store
    form = {"document": "spring", "kind": "list", "value": "Vi", "key": "k2"}
    assert "lists/" in editor.post("/sends/broadcasts/lists", form, part=True).text
    with store.read() as conn:
        (task,) = tasks.list_(conn, kinds=["broadcast.lists"])
    assert task.args == {"crm": "hubspot", "kind": "list", "text": "Vi"}
    assert "data-poll" in editor.get(f"/sends/broadcasts/lists/{task.id}").text
    with store.write() as conn:
        claimed = tasks.claim(conn, task, shop.house.clock.now())
        found = [{"value": "7", "name": HOSTILE, "size": 1234}, {"value": "8", "name": "Views", "size": None}]
        tasks.end(conn, claimed or task, "done", shop.house.clock.now(), result={"kind": "list", "found": found})
    text = editor.get(f"/sends/broadcasts/lists/{task.id}").text
    assert '<option value="7" selected>' in text
    assert "<script>" not in text
    assert "data-poll" not in text
    here = editor.post("/sends/broadcasts", {**form, "picked": "7"}, part=True).headers["HX-Redirect"]
    with store.read() as conn:
        assert broadcasts.get(conn, here.rpartition("/")[2]).source["value"] == "7"


@pytest.mark.parametrize("form", [{"kind": "query"}, {"kind": "list", "document": "nothing"}, {"kind": "<b>"}, {}])
def test_nothing_is_looked_for_where_nothing_can_be(shop, form):
    answer = shop("editor").post("/sends/broadcasts/lists", {"document": "spring", **form}, part=True)
    assert answer.status_code == 200
    with shop.house.store.read() as conn:
        assert tasks.list_(conn, kinds=["broadcast.lists"]) == []
    assert "data-poll" not in shop("editor").get("/sends/broadcasts/lists/nothing").text
