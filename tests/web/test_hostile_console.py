"""The console against whoever means it harm: each test is an attack that once worked."""

from collections.abc import Callable
from threading import Barrier, Thread

from connector.store import users
from connector.web.auth.passwords import hashed
from tests.web.pages.conftest import PASSWORD, clock, console, make_console

__all__ = ["clock", "console", "make_console"]  # fixtures


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
