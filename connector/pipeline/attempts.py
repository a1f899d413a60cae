"""How often a plan was begun, and what follows from it: counted before the work, tried again later, dead in the end."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from connector import errors
from connector.core import retry
from connector.pipeline.drain import log
from connector.ports import Clock
from connector.store import events as event_rows
from connector.store import plans
from connector.store.engine import Store
from connector.store.plans import Work


@dataclass(frozen=True, slots=True)
class Attempts:
    """The book of plans that both journeys keep alike: replies that are judged, and events that set off messages."""

    store: Store
    clock: Clock

    def count(self, work: Sequence[Work]) -> None:
        """Committed before the work, so that a row that kills its worker is known."""
        with self.store.write() as conn:
            plans.count_attempt(conn, work)

    def uncount(self, work: Sequence[Work]) -> None:
        """Nothing was learned about these: the attempt does not count, if the database hears it."""
        with suppress(errors.StoreDown), self.store.write() as conn:
            plans.count_attempt(conn, work, -1)

    def bury(self, work: Sequence[Work]) -> list[Work]:
        """Without those that were begun too often and never came to an end."""
        dead = [w for w in work if w.attempts >= plans.MAX_STARTS]
        if dead:
            with self.store.write() as conn:
                for w in dead:
                    log.error("an event is dead after %d attempts", w.attempts, extra={"event": w.event})
                    plans.bury(conn, w, f"Handling this was begun {w.attempts} times and never came to an end.")
                event_rows.settle(conn, [w.event for w in dead])
        return [w for w in work if w.attempts < plans.MAX_STARTS]

    def postpone(self, work: Work, error: str) -> None:
        """Again later; after the last try it is dead, shown to a person, and its lane goes on."""
        until = retry.next_try(work.attempts + 1, self.clock.now(), base=1.0, cap=30.0, jitter=0.0)
        with self.store.write() as conn:
            if work.attempts + 1 >= plans.MAX_ATTEMPTS or until is None:
                plans.bury(conn, work, error)
                event_rows.settle(conn, [work.event])
            else:
                plans.postpone(conn, work, until, error)
