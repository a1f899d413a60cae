"""The deployment's settings: defaults, bounds, and faults in plain words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connector.errors import Rejected
from connector.store import options
from connector.store.bulk import insert_many
from connector.store.engine import Store
from connector.store.tables import settings

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def put(store: Store, **given: Any) -> dict[str, dict[str, Any]]:
    with store.write() as conn:
        return options.put(conn, given, NOW)


def held(store: Store) -> options.Options:
    with store.read() as conn:
        return options.get(conn)


def test_what_nobody_set_is_the_default(store: Store) -> None:
    now = held(store)
    assert (now.retain_raw, now.retain_text, now.retain_audit) == (14, 90, 365)
    assert (now.language, now.time_zone, now.business_name) == ("en", "UTC", "")
    assert now.before("raw", NOW) == NOW - timedelta(days=14)


def test_what_is_set_holds_and_says_what_changed(store: Store) -> None:
    assert put(store, retain_text="30", business_name=" Café Ñandú ") == {
        "retain_text": {"before": 90, "after": 30},
        "business_name": {"before": "", "after": "Café Ñandú"},
    }
    assert put(store, retain_text=30) == {}
    rows = {row["name"]: row for row in _listing(store)}
    assert (rows["retain_text"]["value"], rows["retain_text"]["default"]) == (30, 90)
    assert rows["retain_text"]["at"] == NOW
    assert rows["language"]["at"] is None
    assert rows["language"]["choices"] == ["en", "es", "pt"]
    with store.write() as conn:
        options.reset(conn, "retain_text")
    assert held(store).retain_text == 90


def _listing(store: Store) -> list[dict[str, Any]]:
    with store.read() as conn:
        return options.listing(conn)


@pytest.mark.parametrize(
    "given, name, words",
    [
        ({"retain_raw": "soon"}, "retain_raw", "Write a whole number."),
        ({"retain_raw": 7}, "retain_raw", "Write a number of days from 8 to 3650."),
        ({"retain_raw": "9" * 5000}, "retain_raw", "Write"),
        ({"retain_raw": True}, "retain_raw", "Write a whole number."),
        ({"retain_raw": None}, "retain_raw", "Write a whole number."),
        ({"retain_raw": [14]}, "retain_raw", "Write a whole number."),
        ({"retain_raw": float("nan")}, "retain_raw", "Write a whole number."),
        ({"retain_raw": float("inf")}, "retain_raw", "Write a"),
        ({"retain_raw": 91}, "retain_raw", "cannot be kept longer than retain_text"),
        ({"retain_text": 13}, "retain_text", "cannot be kept longer than retain_text"),
        ({"language": "tlh"}, "language", "Choose one of en, es, pt."),
        ({"language": 5}, "language", "Write a text."),
        ({"time_zone": "../etc/passwd"}, "time_zone", "There is no such time zone."),
        ({"time_zone": "Bogota\x00"}, "time_zone", "There is no such time zone."),
        ({"business_name": "x" * 101}, "business_name", "Write at most 100 characters."),
        ({"retain": 1}, "retain", "There is no such setting. There are: business_name"),
        ({"erasing": "x"}, "erasing", "There is no such setting."),
    ],
)
def test_a_wrong_value_is_refused_in_plain_words_and_nothing_is_set(
    store: Store, given: dict[str, Any], name: str, words: str
) -> None:
    with pytest.raises(Rejected) as refused:
        put(store, **{"business_name": "New", **given})
    assert words in refused.value.facts["fields"][name]  # type: ignore[index]
    assert held(store).business_name == ""


def test_odd_texts_are_kept_as_both_databases_can(store: Store) -> None:
    put(store, business_name="nul \x00 and \ud800")
    assert held(store).business_name == "nul � and �"


def test_a_stored_value_that_no_longer_fits_is_the_default(store: Store) -> None:
    with store.write() as conn:
        insert_many(conn, settings, [{"name": "retain_raw", "value": "x", "at": NOW}])
        insert_many(conn, settings, [{"name": "language", "value": "es", "at": NOW}])
    assert (held(store).retain_raw, held(store).language) == (14, "es")


def test_other_rows_of_the_table_are_left_alone(store: Store) -> None:
    with store.write() as conn:
        insert_many(conn, settings, [{"name": "other", "value": 1, "at": NOW}])
        options.reset(conn, "other")
    put(store, language="pt")
    with store.read() as conn:
        assert set(conn.execute(sa.select(settings.c.name)).scalars()) == {"other", "language"}
