"""Shadows: beside the live version, with the same inputs and in its transaction; they write and hurt nothing."""

# ruff: noqa: F811 - fixtures

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from connector.core import documents as language
from connector.pipeline.documents import shadow, versions
from connector.store import documents as rows
from connector.store import shadows
from connector.store.tables import shadows as table
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.street import Street, lane, street  # noqa: F401 - fixtures
from tests.pipeline.test_journey import ANYTHING
from tests.pipeline.test_outbound_guards import quoted
from tests.pipeline.test_outbound_hubspot import DEAL, QUOTE

SHOUTS = ANYTHING.replace("{{ answer.text }}", "{{ answer.text | upper }}")
EARLY = datetime(2026, 1, 1, tzinfo=UTC)


def begin(house: House, text: str) -> Any:
    made = shadow.start(house.app.store, text, "ana@x.co", EARLY)
    assert made.did == "shadowed", made
    return made


def say(house: House, *words: str) -> None:
    house.deliver(replies(*(text(ANA, one, id=f"wamid.{one}") for one in words)))
    house.settle()


def kept(house: House) -> list[Any]:
    with house.app.store.read() as conn:
        return list(conn.execute(sa.select(table).order_by(table.c.event)).all())


def test_a_shadow_says_what_it_would_do_and_does_nothing(house: House) -> None:
    house.publish(ANYTHING)
    begin(house, SHOUTS)
    say(house, "hello", "WORLD")
    assert house.hubspot("1512")["whatsapp_last_answer"] == "WORLD"
    found = shadow.report(house.app.store, "every-text")
    assert found is not None
    assert (found["version"], found["running"], found["events"], found["differing"]) == (2, True, 2, 1)
    assert found["by"] == {"whatsapp_last_answer": 1}
    (example,) = found["examples"]
    assert (example["id"], example["message"]) == ("wamid.hello", "hello")
    assert example["live"]["fields"]["whatsapp_last_answer"]["value"] == "hello"
    assert example["shadow"]["fields"]["whatsapp_last_answer"]["value"] == "HELLO"
    assert len(house.rows("wamid.hello")) == len(
        [r for r in house.rows("wamid.hello") if r.body.get("value") != "HELLO"]
    )
    house.counts()


def test_what_only_one_of_them_is_about(house: House) -> None:
    house.publish(ANYTHING.replace("type: text", "type: text, says: [hello]"))
    begin(house, ANYTHING.replace("type: text", "type: text, says: [bye]"))
    say(house, "hello", "bye", "neither")
    found = shadow.report(house.app.store, "every-text")
    assert found is not None
    assert (found["events"], found["differing"], found["by"]) == (2, 2, {"matched": 2})
    assert sorted((e["live"]["matched"], e["shadow"]["matched"]) for e in found["examples"]) == [
        (False, True),
        (True, False),
    ]


def test_a_document_that_was_never_live_and_a_field_another_one_took(house: House) -> None:
    house.publish(ANYTHING)
    begin(house, SHOUTS.replace("every-text", "zz-later").replace("  whatsapp", "  lastname: x\n  whatsapp"))
    say(house, "hello")
    found = shadow.report(house.app.store, "zz-later")
    assert found is not None
    side = found["examples"][0]["shadow"]
    assert side["fields"] == {
        "lastname": {"outcome": "write", "value": "x"},
        "whatsapp_last_answer": {"outcome": "keep"},
    }


def test_nothing_is_kept_without_a_shadow(house: House) -> None:
    house.publish(ANYTHING)
    say(house, "hello")
    assert kept(house) == []
    assert shadow.report(house.app.store, "every-text") is None


@pytest.mark.parametrize("where", ["judge", "text", "store"])
def test_a_shadow_that_fails_hurts_nobody(house: House, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    house.publish(ANYTHING)
    begin(house, SHOUTS)
    if where == "judge":
        monkeypatch.setattr(shadow, "_judged", lambda *a, **k: 1 / 0)
    elif where == "store":
        monkeypatch.setattr(shadow.keep, "__defaults__", (lambda conn, made: shadows.add(conn, [{"event": None}]),))
    else:
        with house.app.store.write() as conn:
            conn.execute(sa.text("UPDATE document_versions SET text = 'no: [document' WHERE state = 'shadow'"))
    say(house, "hello")
    assert house.hubspot("1512")["whatsapp_last_answer"] == "hello"
    assert kept(house) == []
    house.counts()


def test_one_at_most_and_what_goes_live_ends_it(house: House) -> None:
    store = house.app.store
    house.publish(ANYTHING)
    begin(house, SHOUTS)
    begin(house, SHOUTS.replace("upper", "lower"))
    assert [v["state"] for v in versions.history(store, "every-text")] == ["shadow", "draft", "live"]
    versions.put(store, SHOUTS, "ben", EARLY, base=3, state="live")
    assert [v["state"] for v in versions.history(store, "every-text")] == ["live", "draft", "draft", "retired"]
    begin(house, ANYTHING)
    versions.switch_off(store, "every-text", "ben", EARLY)
    assert [v["state"] for v in versions.history(store, "every-text")][:2] == ["draft", "off"]
    begin(house, ANYTHING)
    assert shadow.stop(store, "every-text")
    assert not shadow.stop(store, "every-text")
    say(house, "hello")
    assert kept(house) == []


def test_a_shadow_with_mistakes_or_failing_tests_does_not_start(house: House) -> None:
    wrong = shadow.start(house.app.store, SHOUTS.replace("upper", "uper"), "ana", EARLY)
    fails = ANYTHING + "tests:\n  - {given: {answer.text: a}, expect: {whatsapp_last_answer: b}}\n"
    assert (wrong.did, shadow.start(house.app.store, fails, "ana", EARLY).did) == ("refused", "refused")
    with house.app.store.read() as conn:
        assert rows.shadows(conn) == []


def test_old_rows_are_forgotten(house: House) -> None:
    house.publish(ANYTHING)
    begin(house, SHOUTS)
    say(house, "hello")
    house.app.tidy(lambda: False)
    assert len(kept(house)) == 1
    with house.app.store.write() as conn:
        assert shadows.prune(conn, datetime.now(UTC) + shadows.KEEP) == 1


def test_a_send_document_beside_the_live_one(street: Street) -> None:
    street.publish(QUOTE)
    begin(street, QUOTE.replace("presentationscheduled", "contractsent"))
    quoted(street)
    street.move("hubspot", "deals", DEAL, dealstage="contractsent")
    street.settle()
    assert [row.version for row in street.sends] == [1]
    found = shadow.report(street.app.store, "quote-ready")
    assert found is not None
    assert (found["events"], found["differing"], found["by"]) == (2, 2, {"matched": 2})
    assert sorted(e["message"] for e in found["examples"]) == ["contractsent", "presentationscheduled"]
    assert language.read(QUOTE).name == "quote-ready"
    street.healthy()
