"""CRM events become sends: which documents fire, one read for a burst, to whom, prepared, stored once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from connector import errors
from connector.core import events
from connector.pipeline.attempts import Attempts
from connector.pipeline.documents.library import Library
from connector.pipeline.drain import Stop, log, of_one_row, park_account, parked
from connector.pipeline.triggers.claim import Claim
from connector.ports import CRM, Account, Clock
from connector.store import events as event_rows
from connector.store import figures, parks, plans
from connector.store.engine import Store
from connector.store.plans import Work

JOURNEY = "trigger"
LANES = 100  # lanes a claim
MOST = 200  # plans a claim: one round of CRM reads, one transaction
SKIPPED = 5000  # lanes a drain sets aside before it looks at them anew: each is a parameter of every claim


@dataclass(slots=True)
class Trigger:
    """Judges one CRM account's events by its live send: documents."""

    store: Store
    account: Account
    crm: CRM
    library: Library
    clock: Clock
    _skip: set[str] = field(default_factory=set)  # lanes set aside in this drain
    _ready: set[str] = field(default_factory=set)

    @property
    def attempts(self) -> Attempts:
        return Attempts(self.store, self.clock)

    def drain(self, stop: Stop) -> tuple[str, ...]:
        """Until nothing is due, the account is parked, or `stop` says so; the numbers that now have ready sends."""
        self._skip.clear()
        self._ready.clear()
        try:
            while not stop() and not parked(self.store, self.account.id, self.clock.now()):
                if not self._step():
                    break
        except errors.StoreDown:
            raise
        except errors.ConnectorError as error:
            log.warning("%s: %s", self.account.name, error)
            park_account(self.store, self.account.id, error, self.clock.now())
        return tuple(sorted(self._ready))

    def _step(self) -> bool:
        """One claim; False when nothing is due."""
        now = self.clock.now()
        if len(self._skip) > SKIPPED:
            self._skip.clear()
        with self.store.read() as conn:
            lanes = plans.due_lanes(conn, self.account.id, now, MOST, skip=sorted(self._skip), journey=JOURNEY)[:LANES]
        if not lanes:
            return False
        names = {self._lock(lane): lane for lane in lanes}
        with self.store.locks.hold(list(names)) as held:
            ours = [names[name] for name in held]
            self._skip.update(set(lanes) - set(ours))
            with self.store.read() as conn:
                work = plans.take(conn, self.account.id, ours, now, MOST, JOURNEY) if ours else []
            for part in _split(self.attempts.bury(work)):
                self._work(part)
        return True

    def _lock(self, lane: str) -> str:
        return f"lane:{self.account.id}:{lane}"

    def _work(self, part: list[Work]) -> None:
        """Some events together. The attempt is committed before: a row that kills its worker is soon alone."""
        self.attempts.count(part)
        try:
            self._make(part)
        except Exception as error:
            if not of_one_row(error) and not isinstance(error, plans.Moved):
                self.attempts.uncount(part)
                raise
            if len(part) == 1:
                self._fail(part[0], error)
            else:
                log.exception("a batch of %d events failed; each is tried alone", len(part))
                self._one_by_one(part)

    def _one_by_one(self, part: Sequence[Work]) -> None:
        """The culprit holds its own lane only; who could not be tried has lost no attempt."""
        left = list(part)
        try:
            while left:
                if left[0].lane in self._skip:
                    self.attempts.uncount(left[:1])
                else:
                    self._alone(left[0])
                left.pop(0)
        finally:
            self.attempts.uncount(left)

    def _alone(self, one: Work) -> None:
        try:
            self._make([one])
        except Exception as error:
            if not of_one_row(error) and not isinstance(error, plans.Moved):
                raise
            self._fail(one, error)

    def _make(self, part: Sequence[Work]) -> None:
        """Judges, reads, prepares and stores."""
        claim = Claim(self.store, self.account, self.crm, self.library.shelf(self.account.name), self.clock.now())
        claim.judge([(work, events.load(work.kind, work.payload)) for work in part])
        claim.gather()
        claim.prepare()
        if not self.store.locks.still_held(self._lock(work.lane) for work in part):
            log.warning("%s: the locks were lost; %d events are looked at anew", self.account.name, len(part))
            self._skip.update(work.lane for work in part)
            self.attempts.uncount(part)
            return
        now = self.clock.now()
        with self.store.write() as conn:
            self._ready |= claim.commit(conn, now)
            event_rows.settle(conn, [work.event for work in part])
            parks.clear(conn, "account", self.account.id, now)
            figures.matched(conn, claim.matched, now)

    def _fail(self, work: Work, error: Exception) -> None:
        self._skip.add(work.lane)
        if isinstance(error, plans.Moved):  # somebody was quicker
            self.attempts.uncount([work])
            return
        log.error("an event cannot be judged", exc_info=error, extra={"event": work.event})
        self.attempts.postpone(work, f"{type(error).__name__}: {error}"[:500])


def _split(work: Sequence[Work]) -> list[list[Work]]:
    """What was never tried goes together; a lane that was interrupted before goes alone, its first event only."""
    tried = {w.lane for w in work if w.attempts}
    fresh = [w for w in work if w.lane not in tried]
    first = {w.lane: w for w in reversed(work) if w.lane in tried}
    return [part for part in (fresh, *([w] for w in first.values())) if part]
