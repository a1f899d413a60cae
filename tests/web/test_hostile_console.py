"""The console against whoever means it harm: each test is an attack that once worked."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from threading import Barrier, Thread
from time import thread_time

import pytest

from connector.pipeline.documents import versions
from connector.pipeline.triggers import links as trigger_links
from connector.store import api_tokens, tasks, users
from connector.web.auth.passwords import hashed
from connector.web.pages import flask_app
from connector.webhooks import standard
from tests.web.console import PASSWORD


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each gave, all begun in the same moment."""
    start, found = Barrier(len(acts)), []

    def one(act):
        start.wait()
        found.append(act())

    threads = [Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def made(console, email, role="viewer", password=PASSWORD):
    """A person with a password; their id."""
    with console.house.store.write() as conn:
        user = users.add(conn, email, "", role, console.house.clock.now())
        users.change(conn, user, password=hashed(password))
    return user


# ---- people and links ----------------------------------------------------------------------------------------------
def test_a_link_that_was_not_used_lets_nobody_in_who_was_disabled_since(console):
    admin, now = console("admin"), console.house.clock.now()
    eve = made(console, "eve@example.com", "admin")
    with console.house.store.write() as conn:
        token = users.invite(conn, eve, now)
    admin.post(f"/settings/people/{eve}", {"role": "admin", "state": "disabled"})
    stranger = console.stranger
    assert stranger.post(f"/welcome/{token}", data={"password": PASSWORD}).status_code == 410
    assert stranger.get("/settings/tokens/").status_code == 302
    with console.house.store.read() as conn:
        assert users.get(conn, eve).state == "disabled"


def test_a_link_ends_with_a_new_password(console):
    with console.house.store.write() as conn:
        user = users.add(conn, "ana@example.com", "", "viewer", console.house.clock.now())
        token = users.invite(conn, user, console.house.clock.now())
        users.change(conn, user, password=hashed(PASSWORD))
    assert console.stranger.get(f"/welcome/{token}").status_code == 410


def test_two_admins_who_demote_each_other_at_once_leave_one(console):
    ids = {name: made(console, f"{name}@example.com", "admin") for name in ("ana", "eva")}
    browsers = {name: console("admin", f"{name}@example.com") for name in ids}
    role = {"role": "viewer", "state": "active"}
    at_once(
        lambda: browsers["ana"].post(f"/settings/people/{ids['eva']}", role),
        lambda: browsers["eva"].post(f"/settings/people/{ids['ana']}", role),
    )
    with console.house.store.write() as conn:
        assert users.admins(conn) == 1


# ---- pages that cost more than they tell ---------------------------------------------------------------------------
def seconds(act):
    before = thread_time()
    act()
    return thread_time() - before


@pytest.mark.parametrize("word", ["about", "crm"])
def test_a_line_of_spaces_does_not_hold_the_list_of_mappings_up(console, word):
    editor, text = console("editor"), f"mapping: x\n{word}: x{' ' * 100_000}y\n"  # was 6 minutes
    assert editor.post("/mappings/x/draft", {"text": text, "base": "0"}).status_code == 200
    assert seconds(lambda: editor.get("/mappings/")) < 5


@pytest.mark.parametrize("line", ["x", "x: 'a"])
def test_a_line_of_spaces_does_not_hold_the_check_up(console, line):
    text = f"mapping: x\nset:\n  {line}{' ' * 60_000}y\n"
    assert seconds(lambda: console("editor").post("/mappings/lint", {"text": text})) < 5


def test_versions_of_like_lines_are_compared_soon():
    old = "".join("  - a\n" for _ in range(40_000))
    for new in (old + "  - b\n", "  - b\n" + old, old[:60_000] + "  - b\n" + old[60_000:] + "  - c\n", "x\n", ""):
        assert seconds(lambda new=new: versions.diff(old, new)) < 5
        lines = versions.diff(old, new)
        gone = sum(line["kind"] == "gone" for line in lines)
        added = sum(line["kind"] == "new" for line in lines)
        assert added - gone == len(new.splitlines()) - len(old.splitlines())


# ---- guesses -------------------------------------------------------------------------------------------------------
def guess(client, email="ana@example.com", password="not the password", **more):
    return client.post("/signin", data={"email": email, "password": password}, **more).status_code


def test_guesses_at_once_are_as_slow_as_one_by_one(console):
    made(console, "ana@example.com")
    found = at_once(*[lambda: guess(console.stranger) for _ in range(24)])
    assert found.count(401) + found.count(503) <= 6
    assert set(found) <= {401, 429, 503}
    assert guess(console.stranger, password=PASSWORD) == 429


def test_few_passwords_are_looked_at_at_once(console):
    """Each takes 64 MiB, and the threads are those that take webhooks."""
    found = at_once(*[lambda n=n: guess(console.stranger, f"p{n}@example.com") for n in range(18)])
    assert set(found) <= {401, 503}
    assert found.count(401) >= 2
    assert guess(console.stranger, "later@example.com") == 401


def test_guessing_wrong_on_purpose_keeps_nobody_out_of_a_browser_they_know(console):
    made(console, "ana@example.com")
    ana = console.stranger
    assert guess(ana, password=PASSWORD) == 303
    ana.delete_cookie("connector")
    for _ in range(8):
        guess(console.stranger)
    assert guess(console.stranger, password=PASSWORD) == 429
    assert guess(ana, password=PASSWORD) == 303


def test_a_known_browser_guesses_no_faster_and_is_known_for_one_person(console):
    made(console, "ana@example.com"), made(console, "eve@example.com")
    eve = console.stranger
    assert guess(eve, "eve@example.com", PASSWORD) == 303
    assert [guess(eve) for _ in range(7)] == [401] * 6 + [429]
    assert [guess(eve, "eve@example.com") for _ in range(7)] == [401] * 6 + [429]


@pytest.mark.parametrize("cookie", ["x", "ñ", "x" * 4000, "gAAAAA=="])
def test_a_made_up_cookie_is_no_known_browser(console, cookie):
    stranger = console.stranger
    stranger.set_cookie("connector-known", cookie)
    assert [guess(stranger) for _ in range(7)] == [401] * 6 + [429]


def test_behind_a_proxy_of_this_machine_strangers_do_not_slow_each_other(console, make_console):
    house = make_console(console.house.store, public_url="https://connector.example.com")
    assert {guess(house.stranger, f"p{n}@example.com") for n in range(24)} == {401}


def test_one_network_guesses_slowly_whatever_it_says_of_itself(console):
    client = console.stranger
    found = [
        guess(client, f"p{n}@example.com", environ_base={"REMOTE_ADDR": f"2001:db8::{n:x}"},
              headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(24)
    ]  # fmt: skip
    assert found[-1] == 429


def test_behind_trusted_proxies_the_address_is_what_they_saw(console):
    app = flask_app(replace(console.house, proxies=1, public_url="https://connector.example.com"))

    def one(n, said):
        return guess(app.test_client(), f"p{n}@example.com", headers={"X-Forwarded-For": said})

    assert {one(n, f"198.51.100.{n}, 203.0.113.7") for n in range(21)} == {401}
    assert one(99, "198.51.100.99, 203.0.113.7") == 429
    assert one(98, "203.0.113.8") == 401


# ---- roles and tasks -----------------------------------------------------------------------------------------------
def token_of(console, role):
    with console.house.store.write() as conn:
        return {"Authorization": f"Bearer {api_tokens.add(conn, role, role, 'x', console.house.clock.now())[1]}"}


def asked(console, kind, author, **args):
    with console.house.store.write() as conn:
        return tasks.add(conn, kind, args, author, console.house.clock.now())


@pytest.mark.parametrize("kind", ["contact.erase", "account.save", "sandbox.connect"])
def test_a_publishers_token_holds_no_admins_task_up_and_does_not_see_its_result(console, kind):
    id_, stranger, publisher = (
        asked(console, kind, "admin@example.com"),
        console.stranger,
        token_of(console, "publisher"),
    )
    for what in ("pause", "cancel", "resume"):
        assert stranger.post(f"/api/v1/tasks/{id_}/{what}", headers=publisher).status_code == 403
    with console.house.store.write() as conn:
        task = tasks.claim(conn, tasks.get(conn, id_), console.house.clock.now())
        tasks.end(conn, task, "done", console.house.clock.now(), result={"secret": "canary"})
    assert "canary" not in stranger.get(f"/api/v1/tasks/{id_}", headers=publisher).text
    assert "canary" in stranger.get(f"/api/v1/tasks/{id_}", headers=token_of(console, "admin")).text


@pytest.mark.parametrize("what", ["pause", "resume", "cancel"])
def test_an_editor_does_not_hold_up_what_a_publisher_writes(console, what):
    document = {"name": "m", "version": 1}
    id_ = asked(console, "replay", "publisher@example.com", document=document, apply=True)
    assert console("editor").post(f"/mappings/m/replay/{id_}/{what}").status_code == 403
    mine = asked(console, "replay", "editor@example.com", document=document, apply=False)
    assert console("editor").post(f"/mappings/m/replay/{mine}/{what}").status_code == 200


# ---- what no browser sends -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("place", ["http://[x", "//[", "/[", "/\t/evil.example", "/\n/evil.example"])
def test_a_broken_next_is_no_fault_of_ours(console, place):
    assert console.stranger.get("/signin", query_string={"next": place}).status_code == 200


def test_odd_ids_and_numbers_are_not_found_or_refused(console):
    admin = console("admin")
    for path in ("/mappings/%00", "/activity/%00/raw", "/setup/outcome/%00", "/contacts/a%00/erase/b"):
        assert admin.get(path).status_code == 404
    for path in ("/settings/people/%00", "/review/sends/%00/close", "/settings/tokens/%00/revoke"):
        assert admin.post(path).status_code == 404
    for before in ("9" * 30, "-" + "9" * 18, "x", "\u00b2"):
        assert admin.get("/settings/audit/", query_string={"before": before}).status_code == 200


def test_an_odd_body_is_refused_by_the_api(console):
    stranger, headers = console.stranger, token_of(console, "publisher")
    deep = stranger.post("/api/v1/doctor", data="[" * 300_000, headers=headers, content_type="application/json")
    assert deep.status_code == 422
    for body in ({"keys": ["\0"]}, {"keys": ["\ud800"]}):
        assert stranger.post("/api/v1/events/retry", json=body, headers=headers).status_code == 422


def test_a_broken_archive_is_told(console):
    made_, editor = io.BytesIO(), console("editor")
    with zipfile.ZipFile(made_, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.yaml", "mapping: x\n" * 2000)
    broken = bytearray(made_.getvalue())
    broken[40:60] = b"\xff" * 20
    answer = editor.post("/mappings/+import", {"files": (io.BytesIO(bytes(broken)), "a.zip")})
    assert answer.status_code == 422


# ---- floods, secrets, the audit ------------------------------------------------------------------------------------
def test_nobody_floods_the_workers_with_tasks(console):
    editor = console("editor")
    found = [editor.post("/health/check").status_code for _ in range(tasks.MOST + 3)]
    assert found == [200] * tasks.MOST + [422] * 3
    assert console("publisher").post("/health/check").status_code == 200


def test_the_address_a_document_notifies_is_an_admins_secret(console):
    admin, url = console("admin"), "https://hooks.example.com/services/T000/canary"
    assert url in admin.post("/settings/links/called", {"name": "chat", "url": url}).text
    for role in ("viewer", "editor", "publisher"):
        page = console(role).get("/settings/links/").text
        assert "hooks.example.com" in page
        assert "canary" not in page


def test_a_link_is_not_ended_when_that_cannot_be_noted(console):
    admin, house = console("admin"), console.house
    link = trigger_links.make(house.store, house.keyring, "m", "hubspot", standard.new_secret(), house.clock.now())
    with house.store.write() as conn:
        conn.exec_driver_sql("ALTER TABLE audit RENAME TO audit_away")
    assert admin.post(f"/settings/links/{link.name}/revoke").status_code >= 500
    assert link.name in {account.name for account in house.accounts()}
