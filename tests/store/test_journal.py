"""The second record: what was waited for is there after a power cut, and what is broken is told."""

import base64
import multiprocessing
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.errors import NotAllowed, StoreDown
from connector.store import erased_list
from connector.store.deliveries import Intake
from connector.store.engine import open_store
from connector.store.journal import Journal, Reading, prune, read

KEY, OTHER = (base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def entry(n: int) -> dict[str, object]:
    return {"kind": "delivery", "at": n, "id": str(n), "body": b"\x00\xff" * n}


@pytest.mark.parametrize("key", ["", KEY])
def test_what_many_wrote_is_read_in_the_order_of_time(tmp_path: Path, key: str) -> None:
    one, two = Journal(tmp_path, key), Journal(tmp_path, key)
    one.append([entry(1), entry(4)])
    two.append([entry(2)])
    two.append([entry(3)])
    one.close(), two.close()
    assert list(read([tmp_path], key)) == [entry(n) for n in (1, 2, 3, 4)]
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    if key:
        for wrong in ("", OTHER):
            with pytest.raises(NotAllowed):
                list(read([tmp_path], wrong))


def test_a_last_entry_that_is_not_whole_is_left_out_and_a_broken_one_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([entry(n) for n in (1, 2, 3)])
    journal.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for end in range(len(whole) - 1, len(whole) - 8, -1):
        path.write_bytes(whole[:end])
        told = Reading()
        assert [e["at"] for e in read([tmp_path], told=told)] == [1, 2]
        assert told.broken is None
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 1
    path.write_bytes(bytes(broken))
    told = Reading()
    assert len(list(read([tmp_path], told=told))) < 3
    assert told.broken == [path.name]


def test_a_disk_that_is_gone_is_told_and_a_new_one_goes_on(tmp_path: Path) -> None:
    (tmp_path / "disk").write_text("not a folder")
    journal = Journal(tmp_path / "disk")
    with pytest.raises(StoreDown):
        journal.append([entry(1)])
    (tmp_path / "disk").unlink()
    journal.append([entry(2)])
    journal.close()
    assert [e["at"] for e in read([tmp_path / "disk"])] == [2]


def test_a_delivery_is_not_acknowledged_before_the_journal_has_it(sqlite_url: str, home: Path, tmp_path: Path) -> None:
    store = open_store(sqlite_url, home=home)
    store.journal = Journal(tmp_path / "journal")
    intake = Intake(store, timeout=5)
    threads = [
        threading.Thread(target=intake.submit, args=("a", {"webhook-id": str(n)}, b"{}", datetime.now(UTC)))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(read([tmp_path / "journal"]))) == 20
    store.journal.close()
    (tmp_path / "journal").rename(tmp_path / "moved")
    (tmp_path / "journal").write_text("")
    with pytest.raises(StoreDown):
        intake.submit("a", {}, b"{}", datetime.now(UTC))
    intake.close()
    store.close()


def _child(journal: Journal) -> None:
    journal.renew()
    journal.append([entry(2)])
    journal.close()


def test_a_fork_writes_a_file_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([entry(1)])
    child = multiprocessing.get_context("fork").Process(target=_child, args=(journal,))
    child.start()
    child.join()
    journal.append([entry(3)])
    journal.close()
    assert [e["at"] for e in read([tmp_path])] == [1, 2, 3]
    assert len(list(tmp_path.iterdir())) == 2


def test_old_files_and_old_erasures_go(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([entry(1)])
    journal.close()
    (path,) = tmp_path.iterdir()
    os.utime(path, (1000, 1000))
    assert (prune(tmp_path, 999), prune(tmp_path, 1001)) == (0, 1)
    for at in (1, 2, 3):
        erased_list.append(tmp_path / erased_list.NAME, {"at": at * 1000, "contact": str(at)})
    assert erased_list.prune(tmp_path, datetime.fromtimestamp(2, UTC)) == 1
    assert [line["contact"] for line in erased_list.read([tmp_path])] == ["2", "3"]
