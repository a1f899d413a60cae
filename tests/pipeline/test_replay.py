"""Replay with `apply`: once is enough, twice does no harm, and what is being handled is left to its handler."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from connector import errors
from connector.pipeline.again import replay
from connector.store.tables import changes, consents, plans
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_journey import ANYTHING

START = datetime(2026, 1, 2, tzinfo=UTC)


def run(house: House, *, apply: bool = True) -> list[dict[str, Any]]:
    account = house.app.account("hubspot")
    assert account is not None
    app = house.app
    return list(replay.Replay(app.store, account, app.crm(account), app.library, app.clock, None, apply).run(START))


def entries(house: House) -> int:
    return len(house.sandbox.records("hubspot", "communications"))


def test_a_replay_writes_what_a_late_document_would_have_written(house: House) -> None:
    house.deliver(*(replies(text(ANA, f"m{n}", id=f"wamid.r{n}")) for n in range(3)))
    house.settle()
    house.publish(ANYTHING + "log: message\n")
    assert [w["then"] for w in run(house, apply=False)] == ["m0", "m1", "m2"]
    house.settle()
    assert entries(house) == 0
    run(house)
    house.settle()
    assert house.hubspot("1512")["whatsapp_last_answer"] == "m2"
    assert entries(house) == 3
    assert house.counts()["done"] == 3


def test_a_second_replay_repeats_no_timeline_entry(house: House) -> None:
    house.publish(ANYTHING + "log: message\n")
    house.deliver(*(replies(text(ANA, f"m{n}", id=f"wamid.r{n}")) for n in range(3)))
    house.settle()
    assert entries(house) == 3
    for _ in range(2):
        run(house)
        run(house)
        house.settle()
    assert entries(house) == 3
    assert house.hubspot("1512")["whatsapp_last_answer"] == "m2"
    assert house.counts()["done"] == 3


def test_a_reply_that_is_still_to_be_handled_is_left_alone(house: House) -> None:
    house.publish(ANYTHING + "log: message\n")
    house.deliver(replies(text(ANA, "waits", id="wamid.waits")))
    house.unpack()
    assert run(house) == []
    house.settle()
    assert house.fields("wamid.waits")["whatsapp_last_answer"] == ("written", "waits")
    assert entries(house) == 1


def test_contacts_in_other_hands_are_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PATIENCE", 0.0)
    house.publish(ANYTHING)
    house.deliver(replies(text(ANA, "m", id="wamid.m")))
    house.settle()
    with house.app.store.read() as conn:
        row = conn.execute(sa.select(plans.c.account, plans.c.lane)).first()
        before = conn.execute(sa.select(sa.func.count()).select_from(changes)).scalar_one()
    assert row is not None
    account = house.app.account("hubspot")
    assert account is not None
    with house.app.store.locks.hold([f"lane:{account.id}:{row.lane}"]), pytest.raises(errors.TryAgain):
        run(house)
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(changes)).scalar_one() == before


def test_an_old_consent_is_not_put_over_a_newer_stop(house: House) -> None:
    house.deliver(replies(text(ANA, "yes please", id="wamid.yes")), replies(text(ANA, "STOP", id="wamid.stop")))
    house.settle()
    house.publish(ANYTHING.replace("set:", "consent: {all: opted_in}\nset:"))
    assert run(house)
    house.settle()
    with house.app.store.read() as conn:
        assert conn.execute(sa.select(consents.c.state)).scalars().all() == ["opted_out"]
