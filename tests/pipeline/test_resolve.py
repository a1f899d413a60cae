"""A person answers what was in review: the message is judged once more, in its lane, and reaches the CRM."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.core import events as core
from connector.core.events import Resolved
from connector.pipeline.again import resolve
from connector.store import events as event_rows
from connector.store import resolving
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, tap, text, value, webhook
from tests.pipeline.test_journey import ANYTHING, SHARED, WEBINAR

LOGGED = ANYTHING + "log: message\n"


def whose(house: House) -> list[list[Any]]:
    with house.app.store.read() as conn:
        return resolving.whose(conn)


def in_review(house: House) -> list[int]:
    with house.app.store.read() as conn:
        found = event_rows.in_review(conn, 100)
    return [row.seq for event in found for row in house.rows(event.dedupe_key) if row.state == "review"]


def answer(house: House, choice: str, object: str = "contacts", seqs: list[int] | None = None) -> resolve.Answered:
    done = resolve.answer(
        house.app.store, in_review(house) if seqs is None else seqs, choice, "Bea", datetime.now(UTC), object
    )
    house.bell.ring(*done.bells)
    house.settle()
    return done


@pytest.fixture
def shared(house: House) -> House:
    """One phone, two HubSpot contacts, two messages."""
    house.publish(LOGGED)
    house.deliver(replies(text(SHARED, "who am I", id="wamid.two")))
    house.settle()
    house.deliver(replies(text(SHARED, "hello?", id="wamid.three")))
    house.settle()
    return house


def test_the_chosen_record_is_linked_and_what_was_held_goes_on(shared: House) -> None:
    (mine,) = whose(shared)
    assert len(mine) == 2
    record = sorted(mine[0].body["choices"])[0]
    other = sorted(mine[0].body["choices"])[1]
    done = answer(shared, record)
    assert (done.answered, len(done.events), done.left) == (2, 2, [])
    assert shared.hubspot(record)["whatsapp_last_answer"] == "hello?"
    assert not shared.hubspot(other).get("whatsapp_last_answer")
    assert shared.counts()["review"] == 0
    told = shared.fields("wamid.two")
    assert told["contact"][0] == "written"
    assert "Bea: contacts" in shared.why("wamid.two")["documents"][0]["fields"][0]["because"]
    assert {shared.why(id_)["state"] for id_ in done.events} == {"done"}
    shared.deliver(replies(text(SHARED, "again", id="wamid.four")))
    shared.settle()
    assert shared.hubspot(record)["whatsapp_last_answer"] == "again"
    assert shared.counts()["review"] == 0


def test_the_whatsapp_id_is_stamped_on_the_chosen_record(shared: House) -> None:
    record = whose(shared)[0][0].body["choices"][0]
    answer(shared, record)
    assert shared.hubspot(record)["whatsapp_id"] == SHARED


def test_neither_of_them_is_a_new_record(shared: House) -> None:
    choices = whose(shared)[0][0].body["choices"]
    answer(shared, "create")
    made = [r for r in shared.sandbox.records("hubspot", "contacts") if r["properties"].get("whatsapp_id") == SHARED]
    assert len(made) == 1
    assert made[0]["id"] not in choices
    assert made[0]["properties"]["whatsapp_last_answer"] == "hello?"
    assert shared.counts()["review"] == 0


def test_an_answer_counts_once(shared: House) -> None:
    seqs, record = in_review(shared), whose(shared)[0][0].body["choices"][0]

    def one(_: int) -> int:
        return resolve.answer(shared.app.store, seqs, record, "Bea", datetime.now(UTC), "contacts").answered

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 2
    shared.settle()
    assert len(shared.sandbox.records("hubspot", "communications")) == 2
    assert answer(shared, record, seqs=seqs).answered == 0


def test_a_record_that_is_gone_is_asked_about_again(shared: House) -> None:
    answer(shared, "999999999")
    assert shared.counts()["review"] == 2
    assert shared.counts()["waiting"] == 0


def test_nobody_matches_and_a_person_says_create(house: House) -> None:
    new = "573209998877"
    house.publish(ANYTHING.replace("if_missing: create", "if_missing: review"))
    house.deliver(webhook(value(text(new, "soy nueva", id="wamid.new"), names={new: "Rosa Nueva"})))
    house.settle()
    assert house.counts()["review"] == 1
    answer(house, "create")
    made = [r for r in house.sandbox.records("hubspot", "contacts") if r["properties"].get("whatsapp_id") == new]
    assert [r["properties"]["whatsapp_last_answer"] for r in made] == ["soy nueva"]


@pytest.fixture
def puzzled(house: House) -> House:
    """A tap that no map knows."""
    house.publish(WEBINAR)
    invite = house.sent_template(ANA, "webinar_invite_v2")
    house.deliver(replies(tap(ANA, "perhaps", "Quizás", id="wamid.perhaps", context=invite)))
    house.settle()
    assert house.fields("wamid.perhaps")["lifecyclestage"][0] == "review"
    return house


def test_a_record_is_no_answer_to_what_was_not_understood(puzzled: House) -> None:
    assert answer(puzzled, "1512").left
    assert puzzled.counts()["review"] == 1


def test_dismissed_questions_are_refused_and_nothing_is_written(puzzled: House) -> None:
    with puzzled.app.store.write() as conn:
        assert resolving.dismiss(conn, in_review_of(conn, puzzled), "Bea: nothing to do", datetime.now(UTC)) == 1
    puzzled.settle()
    assert puzzled.counts()["review"] == 0
    assert puzzled.fields("wamid.perhaps")["lifecyclestage"][0] == "refused"


def in_review_of(conn: Any, house: House) -> list[int]:
    return [row.seq for row in house.rows("wamid.perhaps") if row.state == "review"]


def test_the_event_can_be_stored_and_read_again() -> None:
    word = Resolved(id="r", ask="e", choice="1512", object="contacts", documents=("a", "b"), by="Bea")
    assert core.load(word.kind, core.dump(word)) == word
    assert core.load("Resolved", {"id": "r", "ask": "e", "choice": "skip"}) == Resolved(id="r", ask="e", choice="skip")
