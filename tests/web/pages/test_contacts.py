"""Contacts: the list, one person, consent by hand, export and erasure."""

import json
from datetime import timedelta

import pytest

from connector.core import events
from connector.ids import new_id
from connector.pipeline.people import privacy
from connector.store import accounts, contacts, tasks
from connector.store import events as event_rows
from connector.store.bulk import insert_many
from connector.store.contacts import Person, Resolver
from connector.store.tables import sends

HOSTILE = '"><script>alert(1)</script>\u202eevil\u200b👩‍👩‍👧'


def person(console, wa_id="573001112222", name="Ana Ruiz", user_id=None, wrote=None):
    with console.house.store.write() as conn:
        resolver = Resolver(conn, console.house.clock.now())
        resolver.load([("wa_id", wa_id)])
        made = resolver.resolve(Person(wa_id, user_id, name))
        if wrote:
            resolver.seen(made, wrote)
        resolver.flush()
    return made


def account(console, kind="hubspot", name="crm", **settings):
    with console.house.store.write() as conn:
        keyring, now = console.house.keyring, console.house.clock.now()
        return accounts.add(conn, keyring, kind, name, settings, {}, now).id


def link(console, contact, account_id, record="1512", object_="contacts"):
    with console.house.store.write() as conn:
        ref = contacts.RecordRef(account_id, object_, record)
        contacts.link(conn, {contact: ref}, {contact: "whatsapp"}, console.house.clock.now())


def message(console, contact, text, account_id="", at=None, kind="InboundMessage", **more):
    made = new_id()
    payload = {"id": made, "text": text, "type": "text", **more}
    row = {
        "id": made, "delivery": None, "account": account_id, "dedupe_key": made, "lane": contact, "kind": kind,
        "payload": payload, "received_at": at or console.house.clock.now(), "state": "done", "attempts": 0,
        "error": None,
    }  # fmt: skip
    with console.house.store.write() as conn:
        event_rows.add(conn, [row], ())
    return made


def send(console, contact, **values):
    row = {
        "id": new_id(), "cause": new_id(), "lane": contact, "number": "1", "document": "quote-ready", "version": 1,
        "template": "quote_ready", "language": "es", "category": "utility", "to": "+573001112222", "state": "read",
        "at": console.house.clock.now(),
    }  # fmt: skip
    with console.house.store.write() as conn:
        insert_many(conn, sends, [row | values])
    return (row | values)["id"]


def audited(console):
    with console.house.store.read() as conn:
        return [row[0] for row in conn.exec_driver_sql("SELECT action FROM audit ORDER BY seq")]


# ---- the list ----------------------------------------------------------------------------------------------------
def test_an_empty_list_says_what_comes_next(console):
    assert "Nobody has written yet" in console("viewer").get("/contacts/").text


def test_who_wrote_last_comes_first_and_the_window_is_told(console):
    now = console.house.clock.now()
    person(console, "573001112222", "Ana Ruiz", wrote=now - timedelta(hours=30))
    person(console, "573009998888", "Bo Diaz", wrote=now - timedelta(hours=1))
    page = console("viewer").get("/contacts/").text
    assert page.index("Bo Diaz") < page.index("Ana Ruiz")
    assert page.count(">Open<") == 1
    assert page.count(">Closed<") == 1


@pytest.mark.parametrize("typed", ["+57 300 111 2222", "573001112222", "300-111-2222", "ana", "RUI"])
def test_a_person_is_found_in_any_spelling(console, typed):
    account(console, country="CO")
    person(console, "573001112222", "Ana Ruiz")
    person(console, "5215512345678", "Bo Diaz")
    page = console("viewer").get("/contacts/", query_string={"q": typed}).text
    assert "Ana Ruiz" in page
    assert "Bo Diaz" not in page


def test_nobody_found_and_hostile_words(console):
    viewer = console("viewer")
    person(console, name=HOSTILE + "x" * 3000)
    for typed in ("nobody at all", HOSTILE, "\0\ud800", "%_%"):
        answer = viewer.get("/contacts/", query_string={"q": typed.encode("utf-8", "replace")})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    page = viewer.get("/contacts/").text
    assert "<script>alert" not in page
    assert "RLO" in page
    assert viewer.get("/contacts/", query_string={"q": "a" * 201}).status_code == 413


def test_the_list_is_paged_by_where_it_stands(console):
    now, viewer = console.house.clock.now(), console("viewer")
    for n in range(55):
        person(console, f"5730011122{n:02}", f"Person {n}", wrote=now - timedelta(minutes=n))
    page = viewer.get("/contacts/").text
    assert page.count('<tr class="opens">') == 50
    older = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = viewer.get(older).text
    assert second.count('<tr class="opens">') == 5
    assert "Person 54" in second
    assert viewer.get("/contacts/?before=rubbish").status_code in (200, 400, 422)


def test_a_part_of_the_list_is_no_page(console):
    person(console)
    part = console("viewer").get("/contacts/?q=ana", part=True).text
    assert "<html" not in part
    assert 'id="list"' in part


# ---- one person --------------------------------------------------------------------------------------------------
def test_all_that_is_known_of_one_person(console):
    who = person(console, wrote=console.house.clock.now(), user_id="CO.13491208655302741918")
    crm = account(console, portal_id="4711", base_url="https://api.hubapi.com")
    link(console, who, crm)
    said = message(console, who, "Me interesa", crm)
    changed = message(
        console, who, "", crm, kind="RecordChanged", object="contacts", record="1512", field="stage", value="lead"
    )
    send(console, who, event=said)
    page = console("viewer").get(f"/contacts/{who}").text
    assert "CO.13491208655302741918" in page
    assert 'href="https://app.hubspot.com/contacts/4711/record/0-1/1512"' in page
    assert 'rel="noopener noreferrer"' in page
    assert "Me interesa" in page
    assert f'href="/activity/{said}"' in page
    assert f'href="/activity/{changed}"' in page
    assert "stage = lead" in page
    assert "quote_ready" in page
    assert "Read" in page
    assert "Erase" not in page
    assert "Export" not in page
    assert console("viewer").get("/contacts/nobody").status_code == 404


def test_a_merged_contact_leads_to_who_goes_on(console):
    first, second = person(console), person(console, "573009998888", "Ana again")
    with console.house.store.write() as conn:
        contacts.merge(conn, first, second, console.house.clock.now())
    answer = console("viewer").get(f"/contacts/{second}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/contacts/{first}"
    assert "1 other contact became this one" in console("viewer").get(f"/contacts/{first}").text


def test_hostile_values_are_shown_as_text(console):
    who = person(console, name=HOSTILE)
    crm = account(console)
    link(console, who, crm, record=HOSTILE, object_=HOSTILE)
    message(console, who, HOSTILE + "x" * 100_000, crm)
    send(console, who, template=HOSTILE, state="failed", reason=HOSTILE)
    page = console("admin").get(f"/contacts/{who}").text
    assert "<script>alert" not in page
    assert len(page) < 60_000


def test_the_timeline_goes_on_where_it_ended(console):
    who = person(console)
    for n in range(60):
        message(console, who, f"message {n}")
    viewer = console("viewer")
    page = viewer.get(f"/contacts/{who}").text
    assert "message 59<" in page
    assert "message 19<" not in page
    older = page.split('hx-get="/contacts/')[1].split('"')[0].replace("&amp;", "&")
    part = viewer.get(f"/contacts/{older}", part=True).text
    assert "<html" not in part
    assert "message 19<" in part
    assert "message 0<" in part
    assert "hx-get" not in part


# ---- consent -----------------------------------------------------------------------------------------------------
def test_consent_by_hand_holds_with_its_evidence_and_goes_to_the_crm(console):
    who, crm = person(console), account(console, consent_field="wa_optin")
    account(console, "whatsapp", "wa", phone_number_id="1", waba_id="2")
    said = {"category": "marketing", "state": "opted_out", "reason": f"Asked on the phone {HOSTILE}"}
    answer = console("editor").post(f"/contacts/{who}/consent", said, part=True)
    assert answer.status_code == 200
    assert "toast" in answer.headers["HX-Trigger"]
    assert "Asked on the phone" in answer.text
    assert "<script>alert" not in answer.text
    with console.house.store.read() as conn:
        assert contacts.load(conn, [who])[who].consents == {"marketing": "opted_out"}
        row = conn.exec_driver_sql("SELECT kind, state, lane FROM events").one()
        plan = conn.exec_driver_sql("SELECT account, journey, state FROM plans").one()
    assert tuple(row) == ("ConsentUpdate", "new", who)
    assert tuple(plan) == (crm, "reply", "new")
    assert console.rung == [f"handle:{crm}"]
    assert audited(console) == ["contact.consent"]
    page = console("viewer").get(f"/contacts/{who}").text
    assert "set by hand" in page
    assert "Consent" in page
    assert 'name="reason"' not in page


def test_without_a_field_in_a_crm_it_is_done_at_once(console):
    who = person(console)
    account(console)
    said = {"category": "all", "state": "opted_in", "reason": "Signed form 12"}
    console("editor").post(f"/contacts/{who}/consent", said, part=True)
    with console.house.store.read() as conn:
        assert conn.exec_driver_sql("SELECT state FROM events").scalar() == "done"
    assert console.rung == []


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"category": "marketing", "state": "opted_in", "reason": "  "}, 422),
        ({"category": "sales", "state": "opted_in", "reason": "x"}, 400),
        ({"category": "marketing", "state": "maybe", "reason": "x"}, 400),
        ({"category": "marketing", "state": "opted_in", "reason": "x" * 501}, 413),
    ],
)
def test_consent_that_proves_nothing_is_not_kept(console, said, status):
    who = person(console)
    answer = console("editor").post(f"/contacts/{who}/consent", said, part=True)
    assert answer.status_code == status
    with console.house.store.read() as conn:
        assert not contacts.load(conn, [who])[who].consents


# ---- export and erasure ------------------------------------------------------------------------------------------
def test_an_export_is_a_file_and_is_noted(console):
    who = person(console)
    message(console, who, "Me interesa 👍")
    answer = console("admin").post(f"/contacts/{who}/export")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="contact-{who}.json"'
    assert "Me interesa 👍" in answer.text
    assert json.loads(answer.text)["contact"]["name"] == "Ana Ruiz"
    assert audited(console) == ["contact.export"]


def test_erasing_asks_for_the_phone_and_is_a_task(console):
    who, admin = person(console), console("admin")
    assert "data-confirm-name" in admin.get(f"/contacts/{who}").text
    wrong = admin.post(f"/contacts/{who}/erase", {"sure": "+57 300 111 0000"})
    assert wrong.status_code == 422
    assert "Nothing was erased" in wrong.text
    answer = admin.post(f"/contacts/{who}/erase", {"sure": "+57 300 111 2222"})
    assert answer.status_code == 303
    assert console.rung == ["task"]
    place = answer.headers["Location"]
    assert "every 1s" in admin.get(place).text
    assert admin.get(f"{place}/done").status_code == 404
    clock, task = console.house.clock, place.rsplit("/", 1)[1]
    with console.house.store.write() as conn:
        mine = tasks.claim(conn, tasks.get(conn, task), clock.now())
    console.house.store.keyring = console.house.keyring
    counts = privacy.erase(console.house.store, who, "admin@example.com", clock.now())
    with console.house.store.write() as conn:
        tasks.end(conn, mine, "done", clock.now(), result=counts)
    assert f'hx-get="{place}/done"' in admin.get(place).text
    done = admin.get(f"{place}/done", part=True).text
    assert "contact_keys" in done
    assert "Your CRM and WhatsApp keep" in done
    page = admin.get(f"/contacts/{who}").text
    assert "was erased" in page
    assert "3001112222" not in page
    assert {"contact.erase_ask", "contact.erase"} <= set(audited(console))
    other = person(console, "573009998888", "Bo")
    assert admin.get(f"/contacts/{other}/erase/{task}").status_code == 404


@pytest.mark.parametrize("role", ["viewer", "editor", "publisher"])
def test_what_needs_more_than_looking(console, role):
    who, one = person(console), console(role)
    assert one.get("/contacts/").status_code == 200
    for path, most in (("consent", "editor"), ("export", "admin"), ("erase", "admin")):
        allowed = role != "viewer" and most == "editor"
        answer = one.post(f"/contacts/{who}/{path}", {"category": "all", "state": "opted_in", "reason": "x"}, part=True)
        assert answer.status_code == (200 if allowed else 403), path
    assert one.get(f"/contacts/{who}/erase/x").status_code == 403
    assert console.stranger.get(f"/contacts/{who}").status_code == 302


def test_events_are_read_back_whole(console):
    """What is set by hand is an event like any other."""
    who = person(console)
    said = {"category": "utility", "state": "opted_in", "reason": "Letter of 3 March"}
    console("editor").post(f"/contacts/{who}/consent", said, part=True)
    with console.house.store.read() as conn:
        [row] = event_rows.of_contacts(conn, [who], 10)
    event = events.load(row.kind, row.payload)
    assert (event.how, event.evidence) == ("by_hand", "editor@example.com: Letter of 3 March")
