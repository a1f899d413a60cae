"""Second factors as rows: what is stored, and that a code works once whoever comes at the same moment."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from connector.config import key_file
from connector.core import totp
from connector.errors import NotAllowed
from connector.store import factors, users
from connector.store.engine import Store
from connector.store.secrets import Keyring

NOW = datetime(2026, 11, 24, 15, 0, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def keyring(tmp_path) -> Keyring:
    return Keyring(key_file(tmp_path / "keys"))


@pytest.fixture
def ana(store: Store, keyring: Keyring) -> tuple[str, bytes, list[str]]:
    """(id, seed, recovery codes)."""
    with store.write() as conn:
        user = users.add(conn, "ana@example.com", "", "admin", NOW)
        seed = factors.propose(conn, keyring, user)
        given = totp.code(seed, totp.step_of(NOW))
        return user, seed, factors.confirm(conn, keyring, users.get(conn, user), given, NOW)


def show(store, keyring, user, given, now=LATER) -> str:
    with store.read() as conn:
        row = users.get(conn, user)
    with store.write() as conn:
        return factors.shown(conn, keyring, row, given, now)


def at_once(act, n=4) -> list[str]:
    start, found = threading.Barrier(n), []

    def one() -> None:
        start.wait()
        found.append(act())

    threads = [threading.Thread(target=one) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def test_of_many_who_show_one_code_at_once_one_gets_in(store, keyring, ana):
    user, seed, codes = ana
    given = totp.code(seed, totp.step_of(LATER))
    assert at_once(lambda: show(store, keyring, user, given)) == ["", "", "", factors.APP]
    assert at_once(lambda: show(store, keyring, user, codes[0])) == ["", "", "", factors.RECOVERY]


def test_the_code_that_set_it_up_is_used(store, keyring, ana):
    user, seed, _ = ana
    assert show(store, keyring, user, totp.code(seed, totp.step_of(NOW)), NOW) == ""


def test_codes_of_one_person_are_not_those_of_another(store, keyring, ana):
    _, _, codes = ana
    with store.write() as conn:
        bo = users.add(conn, "bo@example.com", "", "admin", NOW)
    assert show(store, keyring, bo, codes[0]) == ""


def test_a_new_app_counts_from_its_first_code_and_ends_the_old_codes(store, keyring, ana):
    user, seed, codes = ana
    with store.write() as conn:
        other = factors.propose(conn, keyring, user)
    assert show(store, keyring, user, totp.code(seed, totp.step_of(LATER))) == factors.APP
    after = LATER + timedelta(minutes=5)
    with store.write() as conn:
        given = totp.code(other, totp.step_of(after))
        assert len(factors.confirm(conn, keyring, users.get(conn, user), given, after)) == factors.CODES
    assert show(store, keyring, user, codes[0], after) == ""
    later = after + timedelta(minutes=1)
    assert show(store, keyring, user, totp.code(seed, totp.step_of(later)), later) == ""
    assert show(store, keyring, user, totp.code(other, totp.step_of(later)), later) == factors.APP


def test_a_seed_opens_in_its_own_row_only(store, keyring, ana):
    user, _, _ = ana
    with store.write() as conn:
        bo = users.add(conn, "bo@example.com", "", "admin", NOW)
        conn.exec_driver_sql(f"UPDATE users SET totp = (SELECT totp FROM users WHERE id = '{user}') WHERE id = '{bo}'")
    with pytest.raises(NotAllowed):
        show(store, keyring, bo, "123456")


def test_off_is_off(store, keyring, ana):
    user, seed, codes = ana
    with store.write() as conn:
        factors.off(conn, user)
    assert show(store, keyring, user, codes[1]) == ""
    assert show(store, keyring, user, totp.code(seed, totp.step_of(LATER))) == ""
