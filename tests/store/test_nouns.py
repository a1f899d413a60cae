"""Documents, catalogue, counters, parks."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import StoreDown
from connector.store import catalogue, counters, documents, parks
from connector.store.engine import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def publish(store: Store, text: str, at: datetime = NOW, name: str = "webinar", state: str = "live") -> int | None:
    with store.write() as conn:
        return documents.publish(conn, "mapping", name, text, "ana", at, state=state)


def generation(store: Store) -> int:
    with store.read() as conn:
        return documents.generation(conn)


def test_publish_numbers_versions(store: Store) -> None:
    assert [publish(store, "one", later(0)), publish(store, "two", later(1)), publish(store, "two", later(2))] == [
        1,
        2,
        None,
    ]
    with store.read() as conn:
        (row,) = documents.live(conn)
        versions = documents.versions(conn, "webinar")
        old = documents.get(conn, "webinar", 1)
        assert documents.live_version(conn, "webinar") == row
        assert documents.live_version(conn, "other") is None
        assert documents.get(conn, "webinar", 9) is None
    assert (row.name, row.kind, row.n, row.text, row.author, row.at) == (
        "webinar",
        "mapping",
        2,
        "two",
        "ana",
        later(1),
    )
    assert row.first_live_at == later(0)
    assert [(v.n, v.state) for v in versions] == [(2, "live"), (1, "retired")]
    assert old is not None
    assert old.text == "one"


def test_a_draft_changes_nothing_live(store: Store) -> None:
    publish(store, "one")
    assert publish(store, "two", later(1), state="draft") == 2
    assert publish(store, "two", later(2), state="draft") is None
    with store.read() as conn:
        assert [row.n for row in documents.live(conn)] == [1]
        newest = documents.latest(conn, "webinar")
    assert newest is not None
    assert (newest.n, newest.state) == (2, "draft")
    assert publish(store, "two", later(3)) == 3
    with store.read() as conn:
        assert [(row.n, row.first_live_at) for row in documents.live(conn)] == [(3, NOW)]


def test_a_draft_was_never_live(store: Store) -> None:
    publish(store, "one", later(0), state="draft")
    publish(store, "one", later(5))
    with store.read() as conn:
        assert [row.first_live_at for row in documents.live(conn)] == [later(5)]


def test_retired(store: Store) -> None:
    publish(store, "one")
    with store.write() as conn:
        assert documents.retire(conn, "webinar")
        assert not documents.retire(conn, "webinar")
        assert not documents.retire(conn, "nobody")
        assert documents.live(conn) == []
    assert publish(store, "one", later(9)) == 2
    with store.read() as conn:
        assert [row.first_live_at for row in documents.live(conn)] == [later(9)]  # it never floods with the past


def test_live_in_name_order(store: Store) -> None:
    for name in ("b", "c", "a"):
        publish(store, name, name=name)
    with store.read() as conn:
        assert [row.name for row in documents.live(conn)] == ["a", "b", "c"]


def test_generation_moves_with_every_change(store: Store) -> None:
    seen = [generation(store)]
    for change in ("publish", "draft", "retire", "fields"):
        with store.write() as conn:
            if change == "retire":
                documents.retire(conn, "webinar")
            elif change == "fields":
                catalogue.put(conn, "a", "contacts", [{"name": "email"}], NOW)
            else:
                documents.publish(
                    conn, "mapping", "webinar", change, "ana", NOW, "draft" if change == "draft" else "live"
                )
        seen.append(generation(store))
    assert seen == sorted(set(seen))
    publish_again = publish(store, "draft", state="draft")
    with store.write() as conn:
        catalogue.put(conn, "a", "contacts", [{"name": "email"}], later(1))
    assert (publish_again, generation(store)) == (None, seen[-1])


def test_many_publish_at_once(store: Store) -> None:
    numbers: list[int | None] = []
    threads = [threading.Thread(target=lambda n=n: numbers.append(publish(store, f"text {n}"))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(n or 0 for n in numbers) == list(range(1, 9))
    with store.read() as conn:
        assert [row.n for row in documents.live(conn)] == [8]


def test_catalogue(store: Store) -> None:
    with store.write() as conn:
        assert catalogue.get(conn, "a", "contacts") is None
        catalogue.put(conn, "a", "contacts", [{"name": "email"}], NOW)
        catalogue.put(conn, "a", "contacts", [{"name": "phone"}], later(1))
        catalogue.put(conn, "a", "deals", [], NOW)
    with store.read() as conn:
        assert catalogue.get(conn, "a", "contacts") == [{"name": "phone"}]
        assert catalogue.seen_at(conn, "a", "contacts") == later(1)
        assert catalogue.get(conn, "a", "deals") == []
        assert catalogue.get(conn, "b", "contacts") is None


def test_counters(store: Store) -> None:
    publish(store, "one")
    with store.write() as conn:
        counters.add(conn, {"refused.whatsapp": 2, "refused.413": 1})
        counters.add(conn, {"refused.whatsapp": 3})
        counters.add(conn, {})
    with store.read() as conn:
        assert counters.read(conn) == {"refused.413": 1, "refused.whatsapp": 5}


def test_counters_add_up_over_threads(store: Store) -> None:
    def add(n: int) -> None:
        for _ in range(10):
            with store.write() as conn:
                counters.add(conn, {"b": 1, "a": 1} if n % 2 else {"a": 1, "b": 1})

    threads = [threading.Thread(target=add, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as conn:
        assert counters.read(conn) == {"a": 60, "b": 60}


def test_parks(store: Store) -> None:
    with store.write() as conn:
        parks.park(conn, "account", "a", later(5), "HubSpot is limiting us", tries=1)
        parks.park(conn, "account", "a", later(9), "HubSpot is limiting us", tries=2)
        parks.park(conn, "account", "b", later(1), "away")
        parks.park(conn, "number", "a", later(60), "paused")
        assert parks.tries(conn, "account", "a") == 2
        assert parks.tries(conn, "account", "c") == 0
        assert parks.parked(conn, "account", ["a", "b", "c"], later(2)) == {"a": (later(9), "HubSpot is limiting us")}
        assert parks.parked(conn, "account", ["a"], later(9)) == {}
        assert parks.parked(conn, "account", [], NOW) == {}
        parks.clear(conn, "account", "a", later(8))
        assert parks.tries(conn, "account", "a") == 2
        parks.clear(conn, "account", "a", later(9))
        assert parks.parked(conn, "account", ["a", "b"], NOW) == {"b": (later(1), "away")}
        assert parks.tries(conn, "account", "a") == 0


def test_errors_say_what_to_do(store: Store) -> None:
    with pytest.raises(StoreDown, match="try again"), store.read():
        raise_timeout()


def raise_timeout() -> None:
    import sqlalchemy as sa

    raise sa.exc.TimeoutError
