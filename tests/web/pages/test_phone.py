"""The phone in the page, over a real sandbox: what it shows, what a tap becomes, and what it refuses."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.sandbox.__main__ import serve
from connector.store import events
from connector.web.sandbox import Sandbox

ANA = "573001112222"
_FOLDER = Path(__file__).parents[2] / "whatsapp" / "messages"
MESSAGES = [
    found["graph"]
    for one in sorted(_FOLDER.glob("*.json"))
    if (found := json.loads(one.read_text("utf-8")))["message"]["type"] not in ("template", "raw")
]
TAPS = ["interested", "later", "no"]
HOSTILE = "<script>alert(1)</script> \u202egnp\u202c '\"&amp; \U0001f468\u200d\U0001f469\u200d\U0001f467 "


@pytest.fixture(scope="module")
def _shared() -> Iterator[str]:
    running = serve(0)
    yield running.url
    running.close()


@pytest.fixture
def sandbox(_shared: str) -> Sandbox:
    """A fresh one."""
    found = Sandbox(_shared)
    found.call("POST", "/_reset", {})
    return found


@pytest.fixture
def played(store, make_console: Callable, sandbox: Sandbox):
    """A console with the phone."""
    return make_console(store, sandbox=sandbox.url)


def invite(sandbox: Sandbox, who: str = ANA) -> str:
    return sandbox.carry(who, {"template": "webinar_invite_v2", "language": "es", "buttons": TAPS})


# ---- who may -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 200), ("publisher", 200), ("admin", 200)])
def test_everybody_looks_and_editors_play(played, sandbox, role, status):
    wamid = invite(sandbox)
    browser = played(role)
    assert browser.get("/phone").status_code == 302
    assert browser.get(f"/phone/{ANA}").status_code == 200
    assert browser.get(f"/phone/{ANA}/live", part=True).status_code == 200
    assert browser.get(f"/phone/{ANA}/sheet/{wamid}", part=True).status_code == status
    assert browser.post(f"/phone/{ANA}/write", {"text": "hi"}, part=True).status_code == status
    move = {"service": "hubspot", "object": "deals", "id": "3001", "field": "dealstage", "value": "contractsent"}
    assert browser.post(f"/phone/{ANA}/move", move, part=True).status_code == status
    assert played.stranger.get(f"/phone/{ANA}").status_code == 302


def test_without_a_sandbox_there_is_no_phone(console):
    for path in ("/phone", f"/phone/{ANA}", f"/phone/{ANA}/live"):
        assert console().get(path).status_code == 404
    assert console().post(f"/phone/{ANA}/write", {"text": "hi"}).status_code == 404


def test_a_sandbox_that_is_away_is_told(make_console, store):
    console = make_console(store, sandbox="http://127.0.0.1:1")
    page = console().get(f"/phone/{ANA}")
    assert page.status_code == 200
    assert "connector up --sandbox" in page.text
    answer = console().post(f"/phone/{ANA}/write", {"text": "hi"}, part=True)
    assert answer.status_code == 503
    assert answer.headers["HX-Retarget"] == "#toasts"


@pytest.mark.parametrize("who", ["1", "x", "..", "57300111222a", "573001112222%2F..", "CO.<b>", "9" * 40])
def test_only_a_customer_has_a_phone(played, who):
    assert played().get(f"/phone/{who}").status_code == 404


# ---- what it shows -----------------------------------------------------------------------------------------------
def test_the_phone_of_whoever_got_something_last(played, sandbox):
    assert played().get("/phone").headers["Location"] == f"/phone/{ANA}"
    invite(sandbox, "573004445555")
    assert played().get("/phone").headers["Location"] == "/phone/573004445555"


def test_it_says_that_nothing_reaches_anybody_and_who_hears_it(played):
    page = played("viewer").get(f"/phone/{ANA}").text
    assert "nothing here reaches anybody" in page
    assert "The sandbox is not connected yet" in page
    assert "Ana Ruiz has no message yet" in page


def test_the_message_its_buttons_and_the_record(played, sandbox):
    invite(sandbox)
    page = played().get(f"/phone/{ANA}").text
    assert "Hola Ana, el jueves" in page
    for title in ("Me interesa", "Más tarde", "No, gracias"):
        assert title in page
    assert "Café del Valle - espresso line" in page
    assert '<option value="qualifiedtobuy" selected>Qualified To Buy</option>' in page
    assert page.count('hx-trigger="every 1500ms"') == 1


def test_the_live_part_is_the_screen_and_the_records(played):
    part = played().get(f"/phone/{ANA}/live", part=True).text
    assert part.lstrip().startswith('<div class="screen" id="talk"')
    assert '<hx-partial hx-target="#records"' in part
    assert 'id="text"' not in part  # what is being typed is left alone


@pytest.mark.parametrize("text", [HOSTILE, "x" * 4000, "\u200b", "line\n\n\nline", "مرحبا"])
def test_whatever_is_written_stays_text(played, sandbox, text):
    sandbox.write(ANA, {"text": text, "name": HOSTILE})
    sandbox.change("hubspot", "contacts", "1512", {"city": HOSTILE, "company": text})
    for path in (f"/phone/{ANA}", f"/phone/{ANA}/live"):
        page = played().get(path).text
        assert "<script>alert" not in page
        assert "\u202e" not in page


def test_a_list_of_a_stranger_is_drawn_as_text(played, sandbox):
    rows = [{"id": HOSTILE[:60], "title": HOSTILE[:24], "description": HOSTILE[:60]}]
    action = {"button": HOSTILE[:20], "sections": [{"title": HOSTILE[:24], "rows": rows}]}
    body = {"type": "interactive", "interactive": {"type": "list", "body": {"text": HOSTILE}, "action": action}}
    wamid = sandbox.carry(ANA, {"message": body})
    sheet = played().get(f"/phone/{ANA}/sheet/{wamid}", part=True).text
    assert "<script" not in sheet
    assert "&lt;script" in sheet
    assert "<script>alert" not in played().get(f"/phone/{ANA}").text


def test_a_message_we_know_leads_to_its_why(played, sandbox, store, clock):
    wamid = sandbox.write(ANA, {"text": "hi"})["wamid"]
    assert ">why<" not in played().get(f"/phone/{ANA}/live", part=True).text
    row = {"id": "event-1", "account": "a", "dedupe_key": wamid, "kind": "InboundMessage", "payload": {},
           "received_at": clock.now(), "state": "done", "lane": None}  # fmt: skip
    with store.write() as conn:
        events.add(conn, [row], [])
    part = played().get(f"/phone/{ANA}/live", part=True).text
    assert ">why<" in part
    assert "event-1" in part


# ---- what a tap becomes ------------------------------------------------------------------------------------------
def test_a_tap_is_made_once_and_is_marked(played, sandbox):
    wamid = invite(sandbox)
    tap = {"kind": "reply", "id": "interested", "title": "Me interesa", "reply_to": wamid}
    part = played().post(f"/phone/{ANA}/write", tap, part=True).text
    first, answer = sandbox.phone(ANA)["messages"]
    assert (first["taken"], answer["text"], answer["reply_to"]) == ("interested", "Me interesa", wamid)
    assert part.count(" disabled") == len(TAPS)


@pytest.mark.parametrize(
    ("form", "kind", "text"),
    [
        ({"text": "  Hola  "}, "text", "  Hola  "),
        ({"kind": "list", "id": "m", "title": "Morning", "reply_to": "wamid.x"}, "interactive", "Morning"),
        ({"kind": "form", "form-date": "2026-12-04", "form-branch": "Lima"}, "interactive", "Sent"),
        ({"kind": "location"}, "location", ""),
        ({"kind": "contact"}, "contacts", ""),
        ({"kind": "video"}, "video", "Look at this"),
        ({"kind": "sticker"}, "sticker", ""),
        ({"kind": "image"}, "image", ""),
        ({"kind": "audio"}, "audio", ""),
        ({"kind": "document"}, "document", ""),
    ],
)
def test_everything_a_customer_can_do(played, sandbox, form, kind, text):
    assert played().post(f"/phone/{ANA}/write", form, part=True).status_code == 200
    (message,) = sandbox.phone(ANA)["messages"]
    assert (message["kind"], message["text"]) == (kind, text)


def test_a_form_that_was_sent_shows_what_stands_in_it(played, sandbox):
    form = {"kind": "form", "form-date": "2026-12-04", "form-notes": HOSTILE}
    part = played().post(f"/phone/{ANA}/write", form, part=True).text
    assert "2026-12-04" in part
    assert "flow_token" not in part
    assert "<script>alert" not in part


def test_an_empty_line_is_nothing_and_the_unknown_is_refused(played, sandbox):
    assert played().post(f"/phone/{ANA}/write", {"text": "  "}, part=True).status_code == 200
    assert sandbox.phone(ANA)["messages"] == []
    assert played().post(f"/phone/{ANA}/write", {"kind": "bomb"}, part=True).status_code == 400
    assert played().post(f"/phone/{ANA}/write", {"text": "x" * 4097}, part=True).status_code == 413
    assert played().get(f"/phone/{ANA}/sheet/wamid.none", part=True).status_code == 404


# ---- a colleague -------------------------------------------------------------------------------------------------
def test_a_colleague_moves_the_deal_and_the_change_stands_there(played):
    move = {"service": "hubspot", "object": "deals", "id": "3001", "field": "dealstage", "value": "contractsent"}
    part = played().post(f"/phone/{ANA}/move", move, part=True).text
    assert "Qualified To Buy" in part
    assert "<strong>" in part
    assert "Contract Sent" in part
    assert "value fresh changed" in part


@pytest.mark.parametrize(
    "change",
    [{"field": "amount"}, {"id": "3002"}, {"object": "contacts", "id": "1512"}, {"service": "graph"}, {"value": "x"}],
)
def test_only_the_stage_of_their_own_deal_moves(played, sandbox, change):
    move = {"service": "hubspot", "object": "deals", "id": "3001", "field": "dealstage", "value": "contractsent"}
    assert played().post(f"/phone/{ANA}/move", move | change, part=True).status_code in (404, 422)
    (deal,) = [card for card in sandbox.phone(ANA)["records"] if card["object"] == "deals"]
    assert deal["stage"]["value"] == "qualifiedtobuy"


def test_every_message_of_a_business_is_drawn_and_can_be_answered(played, sandbox):
    for case in MESSAGES:
        sandbox.carry(ANA, {"message": case})
    page = played().get(f"/phone/{ANA}").text
    for said in ("Map.pdf", "Ana Ruiz", "+57 300 111 2222", "Where?", "Pay now", "Send location", "Share contact info"):
        assert said in page, said
    assert "Yes" in page
    asking = {m["id"]: b["kind"] for m in sandbox.phone(ANA)["messages"] for b in m.get("buttons") or []}
    assert {"reply", "link", "location", "contact", "form"} <= set(asking.values())
    for wamid, kind in asking.items():
        form = {"reply": {"id": "yes", "title": "Yes"}, "form": {"form-date": "2026-12-04"}}.get(kind, {})
        answer = played().post(f"/phone/{ANA}/write", {"kind": kind, "reply_to": wamid} | form, part=True)
        assert answer.status_code == (400 if kind == "link" else 200)
    kinds = {m["kind"] for m in sandbox.phone(ANA)["messages"] if m["mine"]}
    assert {"interactive", "location", "contacts"} <= kinds


def test_a_photo_is_shown_and_nothing_but_pictures(played, sandbox):
    played().post(f"/phone/{ANA}/write", {"kind": "image"}, part=True)
    played().post(f"/phone/{ANA}/write", {"kind": "document"}, part=True)
    photo, document = (m["media"]["id"] for m in sandbox.phone(ANA)["messages"])
    assert f"/phone/{ANA}/file/{photo}" in played().get(f"/phone/{ANA}").text
    found = played().get(f"/phone/{ANA}/file/{photo}")
    assert found.headers["Content-Type"] == "image/png"
    for id_ in (document, "99999999", "..", "x"):
        assert played().get(f"/phone/{ANA}/file/{id_}").status_code == 404


def test_a_thumb_on_a_message(played, sandbox):
    wamid = invite(sandbox)
    played().post(f"/phone/{ANA}/write", {"kind": "reaction", "reply_to": wamid}, part=True)
    message = sandbox.phone(ANA)["messages"][-1]
    assert (message["kind"], message["text"], message["reply_to"]) == ("reaction", "\U0001f44d", wamid)
