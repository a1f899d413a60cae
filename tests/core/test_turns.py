"""Whose a message is: the rule, exactly."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.core.contact import Answered
from connector.core.events import InboundMessage
from connector.core.turns import Running, Start, Turn, whose

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
RUNNING = Running(flow="lead", step="size", number="1", since=NOW)
DEMO = Start(flow="demo", priority=0, because="starts demo")


def message(**more: Any) -> InboundMessage:
    return InboundMessage(**{"id": "m", "number": "1", "type": "text", "text": "hello", "at": NOW} | more)


def told(**more: Any) -> Answered:
    return Answered(**{"send": "s", "at": NOW} | more)


def turn(event: InboundMessage | None = None, running: Running | None = RUNNING, **more: Any) -> Turn:
    given: dict[str, Any] = {"starts": (), "told": None, "bound": False, "named": frozenset()} | more
    starts, answered = given.pop("starts"), given.pop("told")
    return whose(event or message(), running, starts, answered, **given)


def test_the_conversation_that_runs_goes_before_a_starting_word_of_no_higher_rank() -> None:
    assert turn().does == "advance"


def test_a_flow_that_may_interrupt_begins() -> None:
    """Only those that outrank the one that runs are given."""
    assert turn(starts=[DEMO]) == Turn("begin", "demo", "starts demo")


def test_of_several_the_highest_priority_begins_then_the_first_name() -> None:
    starts = [DEMO, Start(flow="vip", priority=5, because="x"), Start(flow="avip", priority=5, because="y")]
    assert turn(running=None, starts=starts).flow == "avip"


@pytest.mark.parametrize(
    ("event", "more", "because"),
    [
        ({"text": "STOP"}, {"starts": [DEMO]}, "the person wrote STOP: nothing is said"),
        ({}, {"held": "a person talks", "starts": [DEMO]}, "a person talks"),
        ({"type": "edit"}, {}, "a message of type edit is no answer"),
        ({"group_id": "g"}, {}, "a message in a group is no answer"),
        ({"number": "2"}, {}, "it came to another number; lead runs on 1"),
        (
            {}, {"told": told(step="lead.size", by="earlier"), "bound": True},
            "lead.size was answered already by an earlier message",
        ),
        (
            {}, {"told": told(template="nps"), "named": frozenset({"nps"})},
            "it answers nps, which a mapping waits for",
        ),
        (
            {}, {"told": told(step="lead.first"), "bound": True, "named": frozenset({"lead.first"})},
            "it answers lead.first, which a mapping waits for",
        ),
        ({"at": NOW - timedelta(minutes=3)}, {}, "it was written before lead.size was asked"),
    ],
)  # fmt: skip
def test_nobody_s(event: dict[str, Any], more: dict[str, Any], because: str) -> None:
    assert turn(message(**event), **more) == Turn("", "", because)


@pytest.mark.parametrize(
    "more",
    [
        {"told": told(step="lead.size"), "bound": True},
        {"told": told(step="lead.size", by="earlier")},  # a correction in words goes on to the flow
        {"told": told(template="nps")},  # no mapping waits for it
        {"told": told(step="lead.first"), "bound": True},  # an old button: the flow says what it makes of it
    ],
)
def test_the_conversation_looks_at_it(more: dict[str, Any]) -> None:
    assert turn(**more).does == "advance"


def test_a_conversation_of_another_crm_account_is_left_alone() -> None:
    theirs = Running(flow="lead", step="size", number="1", since=NOW, theirs=True)
    assert turn(running=theirs, starts=[DEMO]) == Turn("", "", "lead runs for another CRM account")
