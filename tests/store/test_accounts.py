"""Connected systems: what is plain, what is sealed, who owns an item, and one token refresh at a time."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from connector.base import owner_ids
from connector.errors import NotAllowed, NotFound, Rejected, StoreDown, TryAgain
from connector.store import accounts
from connector.store import tokens as tokens_
from connector.store.engine import Store, insert_many
from connector.store.secrets import Keyring
from connector.store.tables import accounts as table
from connector.store.tables import numbers

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
KEYRING = Keyring([NEW])


def add(store: Store, name: str = "hub", kind: str = "hubspot", **settings: str) -> accounts.Account:
    with store.write() as conn:
        return accounts.add(conn, KEYRING, kind, name, settings, {"client_secret": "s3cret"}, NOW)


def get(store: Store, name: str) -> accounts.Account | None:
    with store.read() as conn:
        return accounts.get(conn, KEYRING, name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
)


@given(JSON, st.text())
def test_a_secret_comes_back(value: Any, context: str) -> None:
    assert KEYRING.decrypt(KEYRING.encrypt(value, context), context) == value


def test_a_secret_opens_only_in_its_place() -> None:
    sealed = KEYRING.encrypt({"token": "s3cret"}, "a1:secrets")
    with pytest.raises(NotAllowed) as caught:
        KEYRING.decrypt(sealed, "a2:secrets")
    assert "s3cret" not in repr(caught.value) + sealed + repr(KEYRING) + str(vars(KEYRING))


def test_keys_are_changed_one_after_the_other() -> None:
    sealed = Keyring([OLD]).encrypt("s3cret", "c")
    assert Keyring([NEW, OLD]).decrypt(sealed, "c") == "s3cret"
    with pytest.raises(NotAllowed) as caught:
        Keyring([NEW]).decrypt(sealed, "c")
    assert "CONNECTOR_SECRET_KEY" in str(caught.value)


def test_added_and_found_by_name_or_id(store: Store) -> None:
    added = add(store, portal_id="4711")
    assert get(store, "hub") == get(store, added.id) == added
    assert added.secrets == {"client_secret": "s3cret"}
    assert added.settings == {"portal_id": "4711"}
    assert get(store, "nobody") is None
    assert "s3cret" not in repr(added)


def test_secrets_are_sealed_in_the_table(store: Store) -> None:
    add(store)
    with store.read() as conn:
        row = conn.execute(sa.select(table)).one()
    assert "s3cret" not in repr(row)


def test_a_row_copied_over_another_does_not_open(store: Store) -> None:
    first, second = add(store, "one"), add(store, "two")
    with store.write() as conn:
        stolen = conn.execute(sa.select(table.c.secrets).where(table.c.id == first.id)).scalar()
        conn.execute(sa.update(table).where(table.c.id == second.id).values(secrets=stolen))
    with pytest.raises(NotAllowed):
        get(store, "two")


def test_the_same_name_again_changes_it(store: Store) -> None:
    before = add(store, portal_id="1")
    with store.write() as conn:
        accounts.set_state(conn, before.id, "needs_person", "The token was revoked.")
    after = add(store, portal_id="2")
    with store.read() as conn:
        everybody = accounts.all_accounts(conn, KEYRING)
    assert everybody == [after]
    assert (after.id, after.settings["portal_id"], after.state) == (before.id, "2", "ok")


def test_a_name_belongs_to_one_kind(store: Store) -> None:
    add(store, "crm", "hubspot")
    with pytest.raises(Rejected, match="already a hubspot account named crm"):
        add(store, "crm", "salesforce")


def test_owners(store: Store) -> None:
    whatsapp = add(store, "wa", "whatsapp", **{"phone-number-id": "1111", "waba_id": "2222"})
    hubspot = add(store, "hub", "hubspot", portal_id="3333")
    salesforce = add(store, "sf", "salesforce", org_id="00D000000000001AAA")
    with store.write() as conn:
        insert_many(conn, numbers, [{"id": "5555", "account": whatsapp.id}, {"id": "6666", "account": ""}])
    with store.read() as conn:
        assert accounts.owners(conn, owner_ids) == {
            "1111": whatsapp.id, "2222": whatsapp.id, "5555": whatsapp.id, "3333": hubspot.id,
            "00D000000000001AAA": salesforce.id, "00D000000000001": salesforce.id,
        }  # fmt: skip


def test_state(store: Store) -> None:
    added = add(store)
    with store.write() as conn:
        accounts.set_state(conn, added.id, "needs_person", "The token was revoked.")
        assert accounts.state(conn, added.id) == "needs_person"
        assert accounts.state(conn, "nobody") == ""
    found = get(store, "hub")
    assert found is not None
    assert (found.state, found.reason) == ("needs_person", "The token was revoked.")


def test_deleted(store: Store) -> None:
    added = add(store)
    with store.write() as conn:
        insert_many(conn, numbers, [{"id": "5555", "account": added.id}])
        accounts.delete(conn, added.id)
    assert get(store, "hub") is None
    with store.read() as conn:
        assert accounts.owners(conn, owner_ids) == {}
    with pytest.raises(NotFound):
        accounts.tokens(store, KEYRING, added.id).current()


def test_a_token_is_kept_and_sealed(store: Store) -> None:
    tokens = accounts.tokens(store, KEYRING, add(store).id)
    assert tokens.current() is None
    fresh = tokens.refresh(None, lambda stored: {"access_token": "t0ken", "instance_url": "u", "stored": stored})
    assert fresh == tokens.current() == {"access_token": "t0ken", "instance_url": "u", "stored": None}
    with store.read() as conn:
        assert "t0ken" not in repr(conn.execute(sa.select(table)).one())


def test_a_failed_refresh_keeps_the_old_token(store: Store) -> None:
    tokens = accounts.tokens(store, KEYRING, add(store).id)
    tokens.refresh(None, lambda _: {"access_token": "1"})

    def fail(_: Mapping[str, Any] | None) -> Mapping[str, Any]:
        raise NotAllowed("The refresh token was revoked.")

    with pytest.raises(NotAllowed):
        tokens.refresh("1", fail)
    assert tokens.current() == {"access_token": "1"}


def test_many_find_the_token_stale_and_one_fetches(store: Store) -> None:
    tokens = accounts.tokens(store, KEYRING, add(store).id)
    tokens.refresh(None, lambda _: {"access_token": "1"})
    fetched: list[Any] = []
    got: list[str] = []

    def fetch(stored: Mapping[str, Any] | None) -> Mapping[str, Any]:
        fetched.append(stored)
        return {"access_token": "2"}

    threads = [
        threading.Thread(target=lambda: got.append(tokens.refresh("1", fetch)["access_token"])) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetched == [{"access_token": "1"}]
    assert got == ["2"] * 10


def test_a_changed_account_forgets_its_token(store: Store) -> None:
    added = add(store)
    accounts.tokens(store, KEYRING, added.id).refresh(None, lambda _: {"access_token": "1"})
    add(store)
    assert accounts.tokens(store, KEYRING, added.id).current() is None


def put(store: Store, account: str, token: Mapping[str, Any], keyring: Keyring = KEYRING) -> None:
    """As another process stores one."""
    with store.write() as conn:
        packed = keyring.encrypt(dict(token), f"{account}:token")
        conn.execute(sa.update(table).where(table.c.id == account).values(token=packed))


def test_who_lost_the_lock_meanwhile_takes_the_token_that_was_stored(store: Store) -> None:
    added = add(store)
    tokens = accounts.tokens(store, KEYRING, added.id)

    def fetch(_: Mapping[str, Any] | None) -> Mapping[str, Any]:
        put(store, added.id, {"access_token": "theirs"})
        return {"access_token": "ours"}

    assert tokens.refresh(None, fetch) == tokens.current() == {"access_token": "theirs"}


def test_a_token_that_was_only_sealed_anew_is_replaced(store: Store) -> None:
    added = add(store)
    both = Keyring([NEW, OLD])
    put(store, added.id, {"access_token": "1"}, Keyring([OLD]))
    tokens = accounts.tokens(store, both, added.id)

    def fetch(_: Mapping[str, Any] | None) -> Mapping[str, Any]:
        put(store, added.id, {"access_token": "1"}, KEYRING)
        return {"access_token": "2"}

    assert tokens.refresh("1", fetch) == tokens.current() == {"access_token": "2"}


def test_an_account_that_was_changed_meanwhile_gets_no_token_of_the_old_one(store: Store) -> None:
    added = add(store)
    tokens = accounts.tokens(store, KEYRING, added.id)
    tokens.refresh(None, lambda _: {"access_token": "1"})

    def fetch(_: Mapping[str, Any] | None) -> Mapping[str, Any]:
        add(store)
        return {"access_token": "2"}

    with pytest.raises(TryAgain):
        tokens.refresh("1", fetch)
    assert tokens.current() is None


def test_a_new_token_outlives_a_database_that_is_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refresh token it replaces may be spent: it must not be lost."""
    tokens = accounts.tokens(store, KEYRING, add(store).id)
    away = iter([StoreDown("away"), StoreDown("away")])
    write = store.write

    def sometimes() -> Any:
        for error in away:
            raise error
        return write()

    monkeypatch.setattr(store, "write", sometimes)
    monkeypatch.setattr(tokens_, "PAUSE", 0.0)
    assert tokens.refresh(None, lambda _: {"access_token": "1"}) == tokens.current() == {"access_token": "1"}
