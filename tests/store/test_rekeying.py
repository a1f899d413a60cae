"""Keys that follow each other: everything found by its column's mark, put under the new one, nothing read by none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from connector import keys as files
from connector.errors import NotAllowed
from connector.keys import Watched
from connector.store import accounts, audit, factors, leave, rekeying, tasks, users, veil
from connector.store.engine import Store
from connector.store.secrets import TOKEN, Keyring, fingerprint
from connector.store.tables import accounts as table
from connector.store.tables import erasures, metadata

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
AT = datetime(2026, 11, 30, tzinfo=UTC)


def fill(store: Store, keyring: Keyring) -> tuple[str, str, str]:
    """One secret in every marked column; (account, task, state)."""
    store.keyring = keyring
    with store.write() as conn:
        account = accounts.add(conn, keyring, "hubspot", "hub", {}, {"token": "t0p"}, AT).id
        task = tasks.add(
            conn, "account.try", {"text": "gAAAA" + "x" * 90}, "a", AT, keyring=keyring, secrets={"a": "b"}
        )
        state = leave.ask(conn, keyring, leave.Asked("s", account, "hubspot", "r", "verifier"), AT)
        veil.make(store, conn, AT)
        packed = keyring.encrypt({"x": 1}, "erasing:c")
        conn.execute(sa.insert(erasures).values(contact="c", at=AT, work=packed))
        factors.propose(conn, keyring, users.add(conn, "ana@example.com", "", "admin", AT))
        audit.append(conn, "ana@example.com", "test", "", {}, AT)
    accounts.tokens(store, keyring, account).keep({"access_token": "acc3ss"})
    return account, task, state


def opened(store: Store, keyring: Keyring, account: str, task: str, state: str) -> list[object]:
    with store.write() as conn:
        found = accounts.get(conn, keyring, account)
        asked = leave.take(conn, keyring, state, AT)
        work = conn.execute(sa.select(erasures.c.work)).scalar_one()
        store.keyring = keyring
        veiled = veil.of(store, conn)
        row, ana = tasks.get(conn, task), users.get(conn, "ana@example.com")
    return [
        found.secrets, tasks.unsealed(keyring, row), asked.verifier, keyring.decrypt(work, "erasing:c"),
        accounts.tokens(store, keyring, account).current(), veiled is not None, bool(factors.proposed(keyring, ana)),
    ]  # fmt: skip


def test_every_stored_secret_moves_to_the_new_key_and_the_old_one_may_go(store: Store) -> None:
    ids = fill(store, Keyring([OLD]))
    both = Keyring([NEW, OLD])
    before = rekeying.count(store, both)
    assert (before.by_key, before.lost) == ({fingerprint(NEW): 0, fingerprint(OLD): 8}, {})
    assert rekeying.renew(store, both) == 8
    assert rekeying.renew(store, both) == 0
    assert rekeying.count(store, both).by_key == {fingerprint(NEW): 8, fingerprint(OLD): 0}
    assert opened(store, Keyring([NEW]), *ids) == [
        {"token": "t0p"}, {"a": "b"}, "verifier", {"x": 1}, {"access_token": "acc3ss"}, True, True,
    ]  # fmt: skip


def test_what_opens_with_no_key_is_told_and_left_alone(store: Store) -> None:
    fill(store, Keyring([OLD]))
    stranger = Keyring([NEW])
    counts = rekeying.count(store, stranger)
    assert counts.by_key == {fingerprint(NEW): 0}
    places = ("accounts.secrets", "accounts.token", "audit_chain.key", "consents_asked.verifier", "erasures.work")
    assert counts.lost == dict.fromkeys((*places, "users.totp_new"), 1)
    assert rekeying.renew(store, stranger) == 0


def test_a_row_that_changes_meanwhile_is_left_to_whoever_changed_it(store: Store, monkeypatch) -> None:
    """A process that still has the old key stores a token between our read and our write."""
    account, *_ = fill(store, Keyring([OLD]))
    both, meddled = Keyring([NEW, OLD]), []
    real = both.renewed

    def meddle(text: str) -> str:
        if not meddled:
            meddled.append(text)
            accounts.tokens(store, Keyring([OLD]), account).keep({"access_token": "later"})
        return real(text)

    monkeypatch.setattr(both, "renewed", meddle)
    rekeying.renew(store, both)
    assert accounts.tokens(store, Keyring([NEW]), account).current() == {"access_token": "later"}


def test_a_secret_opens_only_where_it_stands(store: Store) -> None:
    """Bound to the account and the column: a copy in another row, or another column, is refused."""
    keyring = Keyring([OLD])
    with store.write() as conn:
        one, other = (accounts.add(conn, keyring, "hubspot", name, {}, {"token": name}, AT).id for name in ("a", "b"))
        mine = conn.execute(sa.select(table.c.secrets).where(table.c.id == one)).scalar_one()
        conn.execute(sa.update(table).where(table.c.id == other).values(secrets=mine))
        conn.execute(sa.update(table).where(table.c.id == one).values(token=mine))
    with store.read() as conn, pytest.raises(NotAllowed) as told:
        accounts.get(conn, keyring, "b")
    assert told.value.code == "secret_place"
    with pytest.raises(NotAllowed):
        accounts.tokens(store, keyring, one).current()


def test_no_column_holds_a_secret_unmarked(store: Store) -> None:
    """Whoever encrypts into a new column marks it, or its rows would be lost with the old key."""
    fill(store, Keyring([OLD]))
    marked = {place.name for place in rekeying.places()}
    with store.read() as conn:
        for of in metadata.sorted_tables:
            for row in conn.execute(sa.select(*(sa.type_coerce(c, sa.Text).label(c.name) for c in of.c))).mappings():
                held = [f"{of.name}.{name}" for name, text in row.items() if TOKEN.search(str(text))]
                assert set(held) <= marked


def test_a_running_process_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    files.write(path, [OLD])
    keyring = Keyring(Watched(path, lambda: tuple(path.read_text().split())))
    first = keyring.encrypt("x", "c")
    files.write(path, [NEW, OLD])
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyring.opened_by(keyring.encrypt("y", "c")) == 0
    assert keyring.fingerprints() == [fingerprint(NEW), fingerprint(OLD)]
    assert keyring.decrypt(first, "c") == "x"
    path.unlink()  # what we hold goes on
    assert keyring.decrypt(first, "c") == "x"
    assert keyring.encrypt("z", "c")
