"""The audit log: what is told, what is hidden, and how it is paged."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.store import audit
from connector.store.engine import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def add(store: Store, who: str, action: str, object_: str = "", detail: Any = None, at: datetime = NOW) -> None:
    with store.write() as conn:
        audit.append(conn, who, action, object_, detail, at)


def page(store: Store, **how: Any) -> list[Any]:
    with store.read() as conn:
        return audit.page(conn, **how)


def test_pages_and_filters(store: Store) -> None:
    for n in range(5):
        add(store, "ana@x.co", "document.publish", f"doc{n}", {"n": n})
    add(store, "bo@x.co", "document.retire", "doc1")
    add(store, "bo@x.co", "documents", "doc1")
    first = page(store, limit=3)
    assert [row.object for row in first] == ["doc1", "doc1", "doc4"]
    assert [row.object for row in page(store, limit=3, before=first[-1].seq)] == ["doc3", "doc2", "doc1"]
    assert len(page(store, action="document.")) == 6
    assert len(page(store, action="document.publish")) == 5
    assert [row.action for row in page(store, who="bo@x.co", object_="doc1")] == ["documents", "document.retire"]
    assert page(store, who="' OR 1=1 --", action="%.") == []
    assert first[2].detail == {"n": 4}
    assert first[2].at == NOW


@pytest.mark.parametrize(
    "name",
    ["token", "accessToken", "app-secret", "APP_SECRET_OLD", "password", "Passwd", "authorization", "api-key",
     "private key", "jwt_key", "set-cookie", "csrf", "client.secret", "otp", "secret_hash"],
)  # fmt: skip
def test_what_is_named_like_a_secret_is_never_stored(store: Store, name: str) -> None:
    deep = {"settings": [{"inner": {name: {"value": "hunter2"}}}], name: "hunter2", "kept": "yes"}
    add(store, "ana", "account.change", "acme", deep | {"form": [{"name": name, "value": "hunter2"}]})
    (row,) = page(store)
    assert "hunter2" not in repr(row)
    assert row.detail[name] == audit.HIDDEN
    assert row.detail["kept"] == "yes"
    assert row.detail["form"] == [{"name": name, "value": audit.HIDDEN}]


def test_hostile_details_are_kept_small_and_readable(store: Store) -> None:
    circle: dict[str, Any] = {}
    circle["me"] = circle
    odd = {"circle": circle, "nan": float("nan"), "inf": float("-inf"), "bytes": b"\xff", "when": NOW, 5: {1, 2},
           "long": "x" * 10_000, "wide": list(range(1000)), "nul\x00": "\ud800", "empty_token": ""}  # fmt: skip
    add(store, "nul \x00", "a" * 500, "\ud800" * 1000, odd)
    (row,) = page(store)
    assert row.who == "nul �"
    assert (len(row.action), len(row.object)) == (100, 300)
    assert len(row.detail["long"]) == audit.LONGEST
    assert len(row.detail["wide"]) == audit.WIDEST
    assert row.detail["empty_token"] == ""
    assert row.detail["nan"] == "nan"


def test_retention_takes_the_oldest_only(store: Store) -> None:
    for days in (400, 366, 10):
        add(store, "ana", "x", str(days), at=NOW - timedelta(days=days))
    with store.write() as conn:
        assert audit.prune(conn, NOW - timedelta(days=365), 1) == 1
        assert audit.prune(conn, NOW - timedelta(days=365), 10) == 1
        assert audit.prune(conn, NOW - timedelta(days=365), 10) == 0
    assert [row.object for row in page(store)] == ["10"]
