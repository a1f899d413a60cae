"""A CRM that is down for two hours and then there again: nothing is lost, and everything is written in order.

In such a run the waits between two tries are as short as the two hours are: a minute is a third of a second.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from tests.chaos.stand_ins import CRMS
from tests.chaos.steps import Scene, step

FASTER = 180.0  # times
HOURS = 2.0
KINDS = ("down", "5xx", "drop_before", "429")


def brisk() -> None:
    """In our processes: the waits after a failed call are so much shorter."""
    from connector.core import retry
    from connector.pipeline.drain import SETTLE  # so long a request may still be under way, whatever time it is

    real: Callable[..., datetime | None] = retry.next_try

    @wraps(real)
    def next_try(attempt: int, now: datetime, **more: Any) -> datetime | None:
        until = real(attempt, now, **more)
        wait = (until - now).total_seconds() if until else 0.0
        least = min(wait, SETTLE) if more.get("after") else 0.0
        return until and now + timedelta(seconds=max(wait / FASTER, least))

    retry.next_try = next_try


@step("crm_down", f"CRMs down for {HOURS:.0f} hours, {FASTER:.0f} times as fast", altered=(f"{__name__}:brisk",))
def crm_down(scene: Scene) -> None:
    """One of them, or both; in one of the ways in which servers are down."""
    box, dice = scene.rig.sandbox, scene.dice
    names = dice.choice([(crm,) for crm in CRMS] + [CRMS])
    kind = dice.choice(KINDS)
    for name in names:
        box.down[name] = kind
    box.changed()
    scene.count(f"{' and '.join(names)}: {kind}")

    def back() -> None:
        for name in names:
            box.down.pop(name, None)
        box.changed()
        scene.recovers("a CRM came back")

    scene.until(0, back, HOURS * 3600 / FASTER)
