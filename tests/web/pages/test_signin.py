"""Signing in and out, one-time links, guesses, forged forms."""

import re
import threading
from datetime import timedelta

import pytest

from connector.store import users
from tests.web.pages.conftest import PASSWORD


@pytest.fixture
def link(console):
    with console.house.store.write() as conn:
        return f"/welcome/{users.invite(conn, None, console.house.clock.now())}"


@pytest.fixture
def ana(console, link):
    """The first admin, made through her link."""
    client = console.stranger
    assert client.post(link, data={"email": "Ana@Example.com", "name": "Ana", "password": PASSWORD}).status_code == 303
    return client


def test_the_first_link_makes_the_admin_and_signs_in(console, ana):
    assert ana.get("/settings/").status_code == 200
    with console.house.store.read() as conn:
        row = users.get(conn, "ana@example.com")
    assert (row.role, row.state) == ("admin", "active")
    assert row.password.startswith("$argon2id$")


def test_a_link_works_once(console, link, ana):
    other = console.stranger
    assert other.get(link).status_code == 410
    assert other.post(link, data={"email": "eve@example.com", "password": PASSWORD}).status_code == 410


def test_looking_at_a_link_does_not_use_it_up(console, link):
    assert console.stranger.get(link).status_code == 200
    assert console.stranger.get(link).status_code == 200


def test_a_link_ends_after_two_days(console, link, clock):
    clock.at += timedelta(days=2, seconds=1)
    assert console.stranger.get(link).status_code == 410


def test_of_two_who_use_a_link_at_once_one_gets_in(console, link):
    answers = []

    def use(n):
        data = {"email": f"p{n}@example.com", "password": PASSWORD}
        answers.append(console.stranger.post(link, data=data).status_code)

    threads = [threading.Thread(target=use, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 410, 410, 410]
    with console.house.store.read() as conn:
        assert len(users.everyone(conn)) == 1


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"email": "ana@example.com", "password": "short"}, "12 characters"),
        ({"email": "no address", "password": PASSWORD}, "not an e-mail"),
    ],
)
def test_a_first_form_that_cannot_be_used_keeps_what_was_typed(console, link, data, word):
    answer = console.stranger.post(link, data=data)
    assert answer.status_code == 422
    assert word in answer.text
    assert data["email"] in answer.text
    assert data["password"] not in answer.text


def test_signing_in_and_out(console, ana):
    client = console.stranger
    assert client.get("/activity/?state=review").headers["Location"] == "/signin?next=/activity/?state%3Dreview"
    form = {"email": "ANA@example.com", "password": PASSWORD, "next": "/activity/?state=review"}
    answer = client.post("/signin", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/activity/?state=review")
    page = client.get("/settings/").text
    token = re.search(r'data-csrf="([^"]+)"', page).group(1)
    assert client.post("/signout", data={"csrf": token}).status_code == 303
    assert client.get("/settings/").status_code == 302


@pytest.mark.parametrize("place", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x", ""])
def test_signing_in_leads_to_pages_of_ours_only(console, ana, place):
    answer = console.stranger.post("/signin", data={"email": "ana@example.com", "password": PASSWORD, "next": place})
    assert answer.headers["Location"] == "/"


def test_the_cookie_is_not_for_scripts_nor_other_sites(console, ana, make_console):
    cookie = console.stranger.post("/signin", data={"email": "ana@example.com", "password": PASSWORD}).headers[
        "Set-Cookie"
    ]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    tls = make_console(console.house.store, public_url="https://connector.example.com")
    cookie = tls.stranger.post("/signin", data={"email": "ana@example.com", "password": PASSWORD}).headers["Set-Cookie"]
    assert cookie.startswith("__Host-connector=")
    assert "Secure" in cookie


def test_the_database_cannot_sign_in(console, ana):
    token = ana.get_cookie("connector").value
    with console.house.store.read() as conn:
        found = [str(row) for row in conn.exec_driver_sql("SELECT * FROM sessions")]
        found += [str(row) for row in conn.exec_driver_sql("SELECT * FROM invites")]
    assert found
    assert not any(token in row for row in found)


def test_wrong_is_told_alike_for_a_stranger_and_for_a_wrong_password(console, ana):
    answers = [
        console.stranger.post("/signin", data={"email": email, "password": "not the password"})
        for email in ("ana@example.com", "nobody@example.com")
    ]
    assert {a.status_code for a in answers} == {401}
    assert "do not match" in answers[0].text
    assert answers[0].text.replace("ana@", "nobody@").split("<body")[1] == answers[1].text.split("<body")[1]


def test_guesses_become_slow_and_a_pause_ends_it(console, ana, clock):
    client, wrong = console.stranger, {"email": "ana@example.com", "password": "not the password"}
    assert [client.post("/signin", data=wrong).status_code for _ in range(7)] == [401] * 6 + [429]
    right = {"email": "ana@example.com", "password": PASSWORD}
    assert client.post("/signin", data=right).status_code == 429
    clock.at += timedelta(minutes=16)
    assert client.post("/signin", data=right).status_code == 303


def test_who_is_disabled_is_out_at_once(console, ana):
    with console.house.store.write() as conn:
        users.change(conn, users.get(conn, "ana@example.com").id, state="disabled")
    assert ana.get("/settings/").status_code == 302
    assert console.stranger.post("/signin", data={"email": "ana@example.com", "password": PASSWORD}).status_code == 401


def test_a_session_nobody_uses_ends(console, ana, clock):
    clock.at += timedelta(days=2)
    assert ana.get("/settings/").status_code == 200
    clock.at += timedelta(days=2)  # used in between
    assert ana.get("/settings/").status_code == 200
    clock.at += timedelta(days=3, seconds=1)
    assert ana.get("/settings/").status_code == 302


def test_a_session_ends_after_two_weeks_of_use(console, ana, clock):
    for _ in range(14):
        clock.at += timedelta(days=1)
        last = ana.get("/settings/").status_code
    assert last == 302


def test_a_form_without_the_sessions_token_changes_nothing(console):
    admin = console("admin")
    for answer in (
        admin.client.post("/signout"),
        admin.client.post("/signout", data={"csrf": "x" * 32}),
        admin.client.post("/signout", data={"csrf": admin.csrf}, headers={"Sec-Fetch-Site": "cross-site"}),
        admin.client.post("/signout", data={"csrf": "ñ"}),
    ):
        assert answer.status_code == 403
    assert admin.get("/settings/").status_code == 200


def test_a_part_asked_without_a_session_says_so_and_leaves_the_page(console):
    answer = console.stranger.get("/activity/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Retarget"] == "#toasts"
    assert "What you typed is still here" in answer.text


@pytest.mark.parametrize(
    ("accepted", "word"), [("es-CO,es;q=0.9", "Contraseña"), ("pt-BR", "Senha"), ("fr", "Password")]
)
def test_the_browsers_language(console, accepted, word):
    assert word in console.stranger.get("/signin", headers={"Accept-Language": accepted}).text
