"""One file of everything, checked before it is trusted, and refused with a reason wherever it does not fit."""

import base64
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.errors import ConnectorError, GiveUp, NotAllowed, Rejected
from connector.pipeline.chores import backups, restores
from connector.store import backup_notes, options
from connector.store.archive import Archive, reading, writing
from connector.store.bulk import insert_many
from connector.store.engine import Store, open_store, schema_state
from connector.store.migrations import run
from connector.store.secrets import Keyring
from connector.store.tables import contacts, documents, events, media, sessions, settings, users
from tests.servers import PostgresServer

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
KEY, OTHER = (base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2))
pytestmark = pytest.mark.both


def fill(store: Store, n: int = 3) -> None:
    """A little of everything that could be lost on the way."""
    store.keyring = Keyring([KEY])
    with store.write() as conn:
        insert_many(conn, contacts, [{"id": f"c{i}", "name": f"Ñandú {i}\t\\N", "created_at": NOW} for i in range(n)])
        odd = {"text": "line\nbreak \u0000 \ud800"}
        event = {"account": "a", "kind": "Noted", "received_at": NOW, "state": "done", "payload": odd}
        rows = [event | {"id": f"e{i}", "dedupe_key": f"k{i}"} for i in range(n)]
        insert_many(conn, events, rows)
        insert_many(conn, users, [{"id": "u", "email": "ana@x.co", "at": NOW}])
        insert_many(conn, sessions, [{"id": "s", "user": "u", "at": NOW, "seen_at": NOW, "expires_at": NOW}])
        insert_many(conn, documents, [{"id": "d", "kind": "mapping", "name": "one"}])
        insert_many(conn, media, [{"id": "0123456789abcdef", "at": NOW}])
    with store.files.writing("0123456789abcdef") as out:
        out.write(b"a picture")


def place_of(store: Store, home: Path, keys: tuple[str, ...] = (KEY,), key: str = "") -> restores.Place:
    url = store.engine.url.render_as_string(hide_password=False)
    return restores.Place(
        url=url, home=home, keyring=Keyring(keys), key=key, open=lambda: open_store(url, home=home)
    )  # fmt: skip


def empty(store: Store, home: Path) -> None:
    """The disk is a new one."""
    store.close()
    if store.dialect == "sqlite":
        Path(str(store.engine.url.database)).unlink()
    for file in (home / "media").glob("*/*"):
        file.unlink()


def test_all_of_it_comes_back_and_numbers_go_on(store: Store, home: Path, tmp_path: Path) -> None:
    fill(store)
    path = tmp_path / "one.backup"
    told = backups.backup(store, path, NOW)
    assert (told["counts"]["events"], told["media"], path.stat().st_mode & 0o777) == (3, 1, 0o600)
    empty(store, home)
    done = restores.restore(place_of(store, home), path, NOW + timedelta(hours=9), force=store.dialect != "sqlite")
    assert (done.media, done.findings, done.settled["sessions"]) == (1, [], 1)
    assert (home / "media" / "ef" / "0123456789abcdef").read_bytes() == b"a picture"
    again = open_store(place_of(store, home).url, home=home)
    with again.write() as conn:
        rows = conn.execute(sa.select(events.c.payload, contacts.c.name).join(contacts, sa.true())).all()
        assert {tuple(row.payload.values()) for row in rows} == {("line\nbreak \u0000 \ud800",)}
        assert "Ñandú 1\t\\N" in {row.name for row in rows}
        row = {"id": "new", "account": "a", "dedupe_key": "k", "kind": "Noted", "received_at": NOW, "payload": {}}
        assert insert_many(conn, events, [row], returning=["seq"])[0].seq == 4
    again.close()


def test_a_database_that_is_not_empty_is_replaced_only_by_force(store: Store, home: Path, tmp_path: Path) -> None:
    fill(store)
    path = tmp_path / "one.backup"
    backups.backup(store, path, NOW)
    with pytest.raises(Rejected, match="not empty: 3 contacts"):
        restores.restore(place_of(store, home), path, NOW)
    with store.read() as conn:
        conn.execute(sa.select(contacts))
        with pytest.raises(Rejected, match="open"):  # by this very process
            restores.restore(place_of(store, home), path, NOW, force=True)
    store.close()
    restores.restore(place_of(store, home), path, NOW, force=True)
    if store.dialect == "sqlite":
        file = Path(str(store.engine.url.database))
        assert list(file.parent.glob(f"{file.name}.before-*"))


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(bytes(data))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize("harm", [damage, cut])
@pytest.mark.parametrize("key", ["", KEY])
def test_a_damaged_file_is_refused_and_nothing_is_touched(
    sqlite_url: str, home: Path, tmp_path: Path, harm: Callable[[Path], None], key: str
) -> None:
    store = open_store(sqlite_url, home=home)
    fill(store)
    path = tmp_path / "one.backup"
    backups.backup(store, path, NOW, key=key)
    harm(path)
    with pytest.raises(ConnectorError) as caught:
        restores.restore(place_of(store, home, key=key), path, NOW, force=True)
    assert caught.value.code in ("backup_damaged", "backup_key")
    with store.read() as conn:
        assert len(conn.execute(sa.select(contacts)).all()) == 3
    store.close()


def test_only_its_keys_open_it(sqlite_url: str, home: Path, tmp_path: Path) -> None:
    store = open_store(sqlite_url, home=home)
    fill(store)
    path = tmp_path / "one.backup"
    backups.backup(store, path, NOW, key=KEY)
    store.close()
    assert b"Noted" not in path.read_bytes()
    for key in ("", OTHER):
        with pytest.raises(NotAllowed):
            restores.restore(place_of(store, home, key=key), path, NOW, force=True)
    with pytest.raises(NotAllowed, match="CONNECTOR_SECRET_KEY"):
        restores.restore(place_of(store, home, keys=(OTHER,), key=KEY), path, NOW, force=True)
    assert backups.check(path, KEY)["counts"]["contacts"] == 3


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"database": "postgresql", "schema": "0001"}, "backup_kind"),
        ({"database": "sqlite", "schema": "9999"}, "backup_newer"),
    ],
)
def test_another_kind_or_a_newer_release_is_refused(
    sqlite_url: str, home: Path, tmp_path: Path, told: dict[str, str], code: str
) -> None:
    with writing(tmp_path / "other.backup") as out:
        out.manifest(told | {"made_at": NOW.isoformat()})
    store = open_store(sqlite_url, home=home)
    with pytest.raises(Rejected) as caught:
        restores.restore(place_of(store, home), tmp_path / "other.backup", NOW)
    assert caught.value.code == code
    store.close()


def test_what_is_no_backup_says_so(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(GiveUp, match="no backup of ours"), reading(tmp_path / "text"):
        pass


def test_a_backup_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def broken(out: Archive) -> None:
        with out.part("half") as part:
            part.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), writing(tmp_path / "x.backup") as out:
        broken(out)
    assert os.listdir(tmp_path) == []


def test_an_older_backup_is_brought_up_to_date(home: Path, tmp_path: Path, postgres: PostgresServer) -> None:
    """On Postgres the tables of that time are made first; SQLite's file brings its own."""
    url = postgres.database()
    store = open_store(url, home=home)
    with store.write() as conn:
        run.upgrade(conn, "0004")
    fill(store)
    path = tmp_path / "old.backup"
    assert backups.backup(store, path, NOW)["schema"] == "0004"
    store.close()
    restores.restore(place_of(store, home), path, NOW, force=True)
    again = open_store(url, home=home)
    assert schema_state(again) == "current"
    with again.read() as conn:
        assert len(conn.execute(sa.select(contacts)).all()) == 3
    again.close()
    postgres.drop(url)


# ---- every night ---------------------------------------------------------------------------------------------------
class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.mark.long
def test_each_night_once_and_the_newest_are_kept(sqlite_url: str, home: Path, tmp_path: Path) -> None:
    store, clock = open_store(sqlite_url, home=home), Clock()
    fill(store)
    with store.write() as conn:
        options.put(conn, {"time_zone": "America/Bogota"}, NOW)
    nightly = backups.Nightly(store, clock, tmp_path / "backups", keep=2, hour=2)
    made = []
    for hour in range(0, 96, 3):
        clock.at = NOW + timedelta(hours=hour, minutes=30)
        if nightly.due(clock.at):
            made.append(clock.at)
            nightly.run(lambda: False)
    bogota = [f"{at - timedelta(hours=5):%d %H:%M}" for at in made]
    assert bogota == ["29 21:30", "30 03:30", "01 03:30", "02 03:30", "03 03:30"]  # the first one at once
    assert len(backups.kept(tmp_path / "backups")) == 2
    with store.read() as conn:
        last = backup_notes.last(conn)
    assert last is not None
    assert (last["ok"], last["at"], last["error"]) == (True, int(made[-1].timestamp() * 1000), "")
    store.close()


def test_one_that_fails_is_told_and_tried_again_in_an_hour(sqlite_url: str, home: Path, tmp_path: Path) -> None:
    store, clock = open_store(sqlite_url, home=home), Clock()
    fill(store)
    (tmp_path / "file").write_text("")
    nightly = backups.Nightly(store, clock, tmp_path / "file", keep=2, hour=2)
    with pytest.raises(GiveUp):
        nightly.run(lambda: False)
    with store.read() as conn:
        last = backup_notes.last(conn)
        assert conn.execute(sa.select(settings.c.name).where(settings.c.name == "backup.last")).first()
    assert last is not None
    assert (last["ok"], last["at"]) == (False, None)
    assert not nightly.due(NOW + timedelta(minutes=30))
    assert nightly.due(NOW + timedelta(hours=1))
    store.close()
