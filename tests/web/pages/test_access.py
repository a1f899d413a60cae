"""The second factor, "is it still you?", sessions, and who must have what."""

import re
from datetime import timedelta

import pytest

from connector.core import totp
from connector.store import audit, factors, options, users
from connector.web.auth.passwords import hashed
from tests.web.pages.conftest import PASSWORD

ANA = "ana@example.com"
HASH = hashed(PASSWORD)  # once: it is slow on purpose


@pytest.fixture
def console(sqlite_store_console):
    return sqlite_store_console


@pytest.fixture
def sqlite_store_console(sqlite_url, home, make_console):
    """Rows and races of codes are the store's tests; pages are the same on every database."""
    from connector.store.engine import open_store

    store = open_store(sqlite_url, home=home)
    yield make_console(store)
    store.close()


def person(console, email=ANA, role="admin"):
    with console.house.store.write() as conn:
        user = users.add(conn, email, "", role, console.house.clock.now())
        users.change(conn, user, password=HASH)
        return user


def row(console, email=ANA):
    with console.house.store.read() as conn:
        return users.get(conn, email)


def enrolled(console, email=ANA, role="admin"):
    """(seed, recovery codes) of a person with an app."""
    user, clock = person(console, email, role), console.house.clock
    with console.house.store.write() as conn:
        seed = factors.propose(conn, console.house.keyring, user)
        given = totp.code(seed, totp.step_of(clock.now()))
        codes = factors.confirm(conn, console.house.keyring, users.get(conn, user), given, clock.now())
    clock.at += timedelta(minutes=1)  # the next code
    return seed, codes


def code(console, seed, steps=0):
    return totp.code(seed, totp.step_of(console.house.clock.now()) + steps)


def password_shown(console, email=ANA, **more):
    client = console.stranger
    answer = client.post("/signin", data={"email": email, "password": PASSWORD, **more})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signin/code/")
    return client


def actions(console):
    with console.house.store.read() as conn:
        return [line.action for line in audit.page(conn)]


# ---- setting it up ---------------------------------------------------------------------------------------------------
def test_an_app_is_set_up_by_its_first_code_and_gives_ten_recovery_codes(console):
    ana, before = console("admin", ANA), console("admin", ANA)
    answer = ana.post("/settings/access/app", part=True)
    seed = re.search(r'<code id="seed">([A-Z2-7 ]+)</code>', answer.text).group(1)
    assert 'src="data:image/svg+xml' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    import base64

    seed = base64.b32decode(seed.replace(" ", ""))
    assert ana.post("/settings/access/app/confirm", {"code": "000000"}, part=True).status_code == 422
    assert row(console).totp is None
    given = code(console, seed)
    answer = ana.post("/settings/access/app/confirm", {"code": f"{given[:3]} {given[3:]}"}, part=True)
    codes = re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){5}\b", answer.text)
    assert (answer.status_code, len(set(codes))) == (200, 10)
    assert before.get("/settings/").status_code == 302  # every other session has ended
    assert ana.get("/settings/access/").status_code == 200
    kept = str(row(console))
    with console.house.store.read() as conn:
        kept += str(conn.exec_driver_sql("SELECT * FROM recovery_codes").all())
    assert seed.hex() not in kept
    assert not any(one in kept or one.replace("-", "") in kept for one in codes)
    assert "person.second_factor" in actions(console)


def test_a_seed_of_another_person_does_not_open(console):
    enrolled(console)
    bo = person(console, "bo@example.com")
    with console.house.store.write() as conn:
        conn.exec_driver_sql("UPDATE users SET totp = (SELECT totp FROM users WHERE email = ?)", (ANA,))
    client = password_shown(console, "bo@example.com")
    assert client.post("/signin/code/", data={"code": "123456"}).status_code == 409
    assert bo


# ---- signing in with it ----------------------------------------------------------------------------------------------
def test_a_password_alone_opens_nothing(console):
    seed, _ = enrolled(console)
    client = password_shown(console, next="/health/")
    assert client.get_cookie("connector") is None
    assert client.get("/settings/").status_code == 302
    assert client.get("/signin/code/").status_code == 200
    answer = client.post("/signin/code/", data={"code": code(console, seed)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/health/")
    assert client.get("/settings/").status_code == 200
    assert client.get_cookie("connector-second") is None


def test_a_code_works_once(console):
    seed, _ = enrolled(console)
    given = code(console, seed)
    first, second = password_shown(console), password_shown(console)
    assert first.post("/signin/code/", data={"code": given}).status_code == 303
    assert second.post("/signin/code/", data={"code": given}).status_code == 401
    assert second.post("/signin/code/", data={"code": code(console, seed, -1)}).status_code == 401  # older than it
    assert second.post("/signin/code/", data={"code": code(console, seed, 1)}).status_code == 303


def test_a_recovery_code_works_once_however_it_is_typed(console):
    _, codes = enrolled(console)
    assert password_shown(console).post("/signin/code/", data={"code": codes[0].upper()}).status_code == 303
    assert password_shown(console).post("/signin/code/", data={"code": codes[0]}).status_code == 401
    plain = codes[1].replace("-", " ")
    assert password_shown(console).post("/signin/code/", data={"code": plain}).status_code == 303
    with console.house.store.read() as conn:
        assert factors.left(conn, row(console).id) == 8


def test_guesses_at_codes_become_slow_and_a_right_password_forgives_none(console, clock):
    seed, _ = enrolled(console)
    client = password_shown(console)
    found = [client.post("/signin/code/", data={"code": "000000"}) for _ in range(7)]
    assert [one.status_code for one in found] == [401] * 6 + [429]
    assert int(found[-1].headers["Retry-After"]) >= 1
    again = password_shown(console)
    assert again.post("/signin/code/", data={"code": code(console, seed)}).status_code == 429
    clock.at += timedelta(minutes=16)
    again = password_shown(console)
    assert again.post("/signin/code/", data={"code": code(console, seed)}).status_code == 303


def test_the_second_step_belongs_to_the_first(console, clock):
    seed, _ = enrolled(console)
    for answer in (console.stranger.get("/signin/code/"), console.stranger.post("/signin/code/", data={"code": "1"})):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/signin")
    forged = console.stranger
    forged.set_cookie("connector-second", "x" * 200)
    assert forged.get("/signin/code/").status_code == 303
    late = password_shown(console)
    clock.at += timedelta(minutes=5, seconds=1)
    assert late.post("/signin/code/", data={"code": code(console, seed)}).headers["Location"] == "/signin"
    other = password_shown(console)
    with console.house.store.write() as conn:
        users.change(conn, row(console).id, password=hashed("another long password"))
    assert other.post("/signin/code/", data={"code": code(console, seed)}).headers["Location"] == "/signin"


def test_a_one_time_link_does_not_stand_for_the_second_factor(console):
    seed, _ = enrolled(console)
    with console.house.store.write() as conn:
        token = users.invite(conn, row(console).id, console.house.clock.now())
    client = console.stranger
    answer = client.post(f"/welcome/{token}", data={"password": "a new long password"})
    assert answer.headers["Location"] == "/signin/code/"
    assert client.get("/settings/").status_code == 302
    assert client.post("/signin/code/", data={"code": code(console, seed)}).status_code == 303


# ---- without it ------------------------------------------------------------------------------------------------------
def test_an_admin_takes_away_the_factor_of_another_and_not_their_own(console):
    enrolled(console)
    theirs, admin = console("admin", ANA), console("admin", "root@example.com")
    assert admin.post(f"/settings/people/{row(console, 'root@example.com').id}/second").status_code == 422
    assert admin.post(f"/settings/people/{row(console).id}/second").status_code == 200
    assert row(console).totp is None
    assert theirs.get("/settings/").status_code == 302
    assert console.stranger.post("/signin", data={"email": ANA, "password": PASSWORD}).headers["Location"] == "/"


def test_it_is_turned_off_by_its_owner_unless_they_must_have_one(console):
    enrolled(console)
    ana = console("admin", ANA)
    ana.post("/settings/", {"second_factor": "admins"})
    assert ana.post("/settings/access/app/off", part=True).status_code == 422
    ana.post("/settings/", {"second_factor": "nobody"})
    assert ana.post("/settings/access/app/off", part=True).status_code == 200
    assert row(console).totp is None


def test_who_must_have_one_sets_it_up_at_the_next_sign_in_before_anything_else(console):
    person(console, role="viewer")
    before = console("viewer", ANA)
    console("admin").post("/settings/", {"second_factor": "everybody"})
    assert before.get("/activity/").status_code == 200  # a session that is open goes on until it ends
    client = console.stranger
    answer = client.post("/signin", data={"email": ANA, "password": PASSWORD, "next": "/activity/"})
    assert answer.headers["Location"] == "/settings/access/"
    assert client.get("/activity/").headers["Location"] == "/settings/access/"
    page = client.get("/settings/access/").text
    assert "Set it up now" in page
    csrf = {"X-Csrf": re.search(r'data-csrf="([^"]+)"', page).group(1)}
    assert client.post("/settings/me/", data={"name": "x"}, headers=csrf).status_code == 403
    assert client.get("/activity/", headers={"HX-Request": "true"}).status_code == 403
    client.post("/settings/access/app", headers=csrf)
    seed = factors.proposed(console.house.keyring, row(console))
    assert (
        client.post("/settings/access/app/confirm", data={"code": code(console, seed)}, headers=csrf).status_code == 200
    )
    assert client.get("/activity/").status_code == 200


WHO = [
    ("nobody", "admin", False),
    ("admins", "admin", True),
    ("admins", "publisher", False),
    ("everybody", "viewer", True),
]


@pytest.mark.parametrize(("asked", "role", "must"), WHO)
def test_who_must_have_one(console, asked, role, must):
    with console.house.store.write() as conn:
        options.put(conn, {"second_factor": asked}, console.house.clock.now())
        assert options.get(conn).asks_second_factor(role) is must


# ---- is it still you? ------------------------------------------------------------------------------------------------
DANGEROUS = (
    ("POST", "/settings/"), ("POST", "/settings/people/"), ("POST", "/settings/people/x"),
    ("POST", "/settings/people/x/link"), ("POST", "/settings/people/x/second"), ("POST", "/settings/tokens/"),
    ("POST", "/settings/links/"), ("POST", "/settings/links/x/rotate"), ("POST", "/contacts/x/export"),
    ("POST", "/contacts/x/erase"), ("POST", "/setup/accounts/x/disconnect"), ("POST", "/settings/access/app"),
    ("POST", "/settings/access/app/off"), ("POST", "/settings/access/app/codes"),
    ("POST", "/settings/access/app/confirm"),
    ("POST", "/settings/access/sessions/x/end"), ("GET", "/sends/broadcasts/x/people.csv"),
)  # fmt: skip


def test_what_is_dangerous_asks_again_after_a_quarter_of_an_hour(console, clock):
    person(console)
    ana = console("admin", ANA)
    wrong = []
    for late, gate in ((14, False), (2, True)):
        clock.at += timedelta(minutes=late)
        for method, path in DANGEROUS:
            answer = ana.get(path) if method == "GET" else ana.post(path, part=True)
            asked = answer.status_code == 403 and "Is it still you?" in answer.text
            if asked is not gate or (gate and method == "POST" and answer.headers.get("X-Prove") != "1"):
                wrong.append((path, late, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("app", [False, True])
def test_a_password_or_a_code_opens_it_again_under_a_new_session(console, clock, app):
    seed, _ = enrolled(console) if app else (person(console), None)
    ana = console("admin", ANA)
    clock.at += timedelta(hours=1)
    old = ana.client.get_cookie("connector").value
    refused = ana.post("/settings/people/", {"email": "bo@example.com", "role": "viewer"}, part=True)
    assert refused.headers["HX-Retarget"] == "#prove"
    assert ana.post("/prove/", {"proof": "not the password"}, part=True).status_code == 422
    proof = code(console, seed) if app else PASSWORD
    answer = ana.post("/prove/", {"proof": proof}, part=True)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (204, '{"proved": {}}')
    assert ana.client.get_cookie("connector").value != old
    assert ana.post("/settings/people/", {"email": "bo@example.com", "role": "viewer"}, part=True).status_code == 200
    thief = console.stranger
    thief.set_cookie("connector", old)
    assert thief.get("/settings/").status_code == 302
    assert "session.prove" in actions(console)


def test_without_scripts_the_question_is_a_page_that_leads_back(console, clock):
    user = person(console)
    ana = console("admin", ANA)
    clock.at += timedelta(hours=1)
    page = ana.post(f"/settings/people/{user}/link")
    assert page.status_code == 403
    assert 'name="next" value="/"' in page.text or 'name="next" value="/settings/people' in page.text
    answer = ana.post("/prove/", {"proof": PASSWORD, "next": "/settings/people/"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/people/")
    answer = ana.post("/prove/", {"proof": PASSWORD, "next": "//evil.example/"})
    assert answer.headers["Location"] == "/"


def test_guesses_at_it_become_slow(console, clock):
    person(console)
    ana = console("admin", ANA)
    found = [ana.post("/prove/", {"proof": "not the password"}, part=True) for _ in range(7)]
    assert [one.status_code for one in found] == [422] * 6 + [429]
    assert "Retry-After" in found[-1].headers


# ---- sessions --------------------------------------------------------------------------------------------------------
def test_ones_own_sessions_are_listed_and_ended_and_nobody_elses(console):
    ana, elsewhere, bo = console("admin", ANA), console("admin", ANA), console("admin", "bo@example.com")
    page = ana.get("/settings/access/").text
    (other,) = re.findall(r"/settings/access/sessions/([0-9a-f]{64})/end", page)
    assert bo.post(f"/settings/access/sessions/{other}/end").status_code == 404
    assert elsewhere.get("/settings/").status_code == 200
    assert ana.post(f"/settings/access/sessions/{other}/end").status_code == 200
    assert elsewhere.get("/settings/").status_code == 302
    third = console("admin", ANA)
    assert ana.post("/settings/access/sessions/others/end").status_code == 200
    assert third.get("/settings/").status_code == 302
    assert ana.get("/settings/").status_code == bo.get("/settings/").status_code == 200


def test_signing_in_ends_what_this_browser_had(console):
    person(console)
    client = console.stranger
    client.post("/signin", data={"email": ANA, "password": PASSWORD}, headers={"User-Agent": "<b>Firefox/1</b> Linux"})
    first = client.get_cookie("connector").value
    client.post("/signin", data={"email": ANA, "password": PASSWORD})
    assert client.get_cookie("connector").value != first
    with console.house.store.read() as conn:
        assert users.session(conn, first, console.house.clock.now()) is None


def test_what_a_browser_calls_itself_is_text(console):
    person(console)
    client = console.stranger
    client.post(
        "/signin", data={"email": ANA, "password": PASSWORD}, headers={"User-Agent": "<script>alert(1)</script>"}
    )
    assert "<script>alert" not in client.get("/settings/access/").text


# ---- answers ---------------------------------------------------------------------------------------------------------
def test_links_that_are_none_are_looked_at_twenty_times_a_minute(console):
    client = console.stranger
    found = [client.get(f"/welcome/{n}") for n in range(21)]
    assert [one.status_code for one in found] == [410] * 20 + [429]
    assert "Retry-After" in found[-1].headers
