"""Retry, undo and people in the CRM, in any order: every promise holds, and nobody's value is written over."""

import random
from datetime import UTC, datetime

import pytest

from connector.store import doctor
from tests.pipeline.conftest import ANA, House
from tests.pipeline.messages import replies, text
from tests.pipeline.test_journey import ANYTHING
from tests.pipeline.test_retry import again, refuse
from tests.pipeline.test_undo import edit, run
from tests.pipeline.test_write import drain, plan

pytestmark = pytest.mark.long  # make test-long

FIELD = "whatsapp_last_answer"
STEPS = 14


class Life:
    """One house, and what a die says happens to it."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.chance, self.keys = house, random.Random(seed), list[str]()

    def say(self) -> None:
        key = f"wamid.{len(self.keys)}"
        self.keys.append(key)
        self.house.deliver(replies(text(ANA, f"said {self.chance.randrange(3)}", id=key)))
        plan(self.house)

    def write(self) -> None:
        drain(self.house, refuse if self.chance.random() < 0.5 else None)

    def retry(self) -> None:
        again(self.house, *self.chance.sample(self.keys, min(2, len(self.keys))))

    def undo(self) -> None:
        """What a person typed stands, whatever is undone or done again."""
        self.settle()
        stood = self.house.hubspot("1512").get(FIELD) or ""
        run(self.house, self.chance.choice(self.keys), again=self.chance.random() < 0.3)
        self.settle()
        assert not stood.startswith("typed") or self.house.hubspot("1512").get(FIELD) == stood

    def type(self) -> None:
        edit(self.house, **{FIELD: f"typed {self.chance.randrange(3)}"})

    def settle(self) -> None:
        self.house.settle()

    def step(self) -> None:
        acts = [self.say, self.say, self.write, self.retry, self.undo, self.type, self.settle]
        (self.chance.choice(acts) if self.keys else self.say)()
        with self.house.app.store.read() as conn:
            assert doctor.findings(conn, datetime.now(UTC)) == []


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order(house: House, seed: int) -> None:
    house.publish(ANYTHING)
    life = Life(house, seed)
    for _ in range(STEPS):
        life.step()
    life.retry()
    life.settle()
    house.counts()
