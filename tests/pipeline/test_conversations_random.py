"""Random people, doubled and shuffled webhooks, two workers: a message takes one step at most, all is said once."""

# ruff: noqa: F811 - fixtures

import itertools
import random
import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connector.app import App
from connector.store.tables import conversations, plans
from tests.depth import examples
from tests.pipeline.flows import QUALIFY
from tests.pipeline.messages import message, replies, text
from tests.pipeline.street import Street, lane  # noqa: F401 - fixtures

pytestmark = pytest.mark.long  # make test-long

_people = itertools.count(573_100_000_000)
ACTS = st.sampled_from(["demo", "medium", "small", "old", "1500", "what?", "again", "STOP"])


def tap(wa_id: str, id_: str, context: str | None) -> dict[str, Any]:
    found = message(wa_id, "interactive", context=context)
    found["interactive"] = {"type": "button_reply", "button_reply": {"id": id_, "title": id_}}
    return found


def drain(street: Street, second: App) -> None:
    """Two workers at once, until there is nothing left to do."""
    for _ in range(40):
        names = street.app.bells()
        if not names:
            return
        workers = [threading.Thread(target=run, args=(app, list(names))) for app in (street.app, second)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    raise AssertionError(f"still busy: {street.app.bells()}")


def run(app: App, names: list[str]) -> None:
    for name in names:
        app.drain(name, stop=lambda: False)


@settings(
    max_examples=examples(3), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # each example is seconds of work: none is made smaller
)  # fmt: skip
@given(rounds=st.lists(st.lists(ACTS, min_size=1, max_size=4), min_size=2, max_size=4), seed=st.integers(0, 999))
def test_one_step_a_message(lane: Street, rounds: list[list[str]], seed: int) -> None:
    lane.publish(QUALIFY)
    wa_id, chance, bodies = str(next(_people)), random.Random(seed), []
    lane.customer(wa_id, text="hello")  # WhatsApp knows them too: its own window is open
    lane.settle()
    second = App(lane.app.config, lane.bell)
    try:
        for acts in rounds:
            said = [row for row in lane.sends if row.to == f"+{wa_id}" and row.step and row.wamid]
            fresh = [replies(act_of(wa_id, act, said)) for act in acts if act != "again" or not bodies]
            bodies += fresh
            doubled = [*fresh, *chance.sample(bodies, min(2, len(bodies)))]
            chance.shuffle(doubled)
            lane.deliver(*doubled)
            drain(lane, second)
    finally:
        second.close()
    check(lane, f"+{wa_id}")


def act_of(wa_id: str, act: str, said: list[Any]) -> dict[str, Any]:
    if act in ("medium", "small"):
        return tap(wa_id, act, said[-1].wamid if said else None)
    if act == "old":
        return tap(wa_id, "medium", said[0].wamid if said else None)
    return text(wa_id, act)


def check(street: Street, to: str) -> None:
    """What holds whatever happened."""
    mine = [row for row in street.sends if row.to == to]
    contact = {row.lane for row in mine}
    talks = [row for row in street.rows(conversations) if row.contact in contact]
    assert sum(row.ended_at is None for row in talks) <= 1
    assert {row.state for row in mine} <= {"accepted", "sent", "delivered", "read", "refused"}
    asked = [body for body in street.requests() if str(body.get("to")).lstrip("+") == to[1:]]
    assert len(asked) == sum(row.attempts for row in mine), "every message left once"
    answered = Counter(row.answered_by for row in mine if row.answered_by)
    assert all(n == 1 for n in answered.values()), "an answer is of one question"
    moves: Counter[tuple[str, str]] = Counter()
    for row in street.rows(plans):
        for body in row.body or ():
            told = body.get("flow") or {}
            if told.get("from") and told["from"] != told["to"]:
                moves[told["conversation"], told["from"]] += 1
    assert all(n == 1 for n in moves.values()), "no step was left twice"
    street.healthy()
