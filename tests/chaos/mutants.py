"""`python -m tests.chaos.mutants NAMES ARGS...`: the command line with one promise broken: the rig must see it.

`hasty` breaks nothing: a run would take a minute longer without it.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from tests.chaos import mutants_networked

BETWEEN = 0.25  # seconds
PATIENCE = 3.0  # seconds a claim waits for a STOP
LOOK = 0.05  # seconds between two looks at the consents


def unique() -> None:
    """Nothing is known already; the rig has taken the UNIQUE key off the table."""
    from connector.store import events

    def known_keys(conn: sa.Connection, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        return set()

    events.known_keys = known_keys


def thrice() -> None:
    """The control: three writers for one call, and time between looking and taking. Alone it does no harm."""
    from rq import Queue

    from connector.pipeline.judging.beside import Beside
    from connector.store import changes

    enqueue, look, make = Queue.enqueue_many, changes.due, Beside.__init__

    def beside(self: Beside, work: Callable[[], None]) -> None:
        def three() -> None:
            writers = [threading.Thread(target=work) for _ in range(3)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()

        make(self, three)

    def enqueue_many(self: Queue, jobs: list[Any], *args: Any, **more: Any) -> Any:
        return enqueue(self, [*jobs] * 3, *args, **more)

    def due(*args: Any, **more: Any) -> list[changes.Row]:
        rows = look(*args, **more)
        time.sleep(BETWEEN)
        return rows

    Queue.enqueue_many, changes.due = enqueue_many, due  # type: ignore[method-assign]
    Beside.__init__ = beside  # type: ignore[method-assign]


def compare_and_set() -> None:
    """A CRM account is granted to every writer, and rows are taken whatever their state; bells ring thrice."""
    thrice()
    from connector.store import changes, locks, plans
    from connector.store.bulk import in_chunks, insert_many
    from connector.store.tables import changes as rows

    really, held_still = locks._Locks.hold, locks._Locks.still_held

    @contextmanager
    def hold(self: Any, names: Sequence[str]) -> Iterator[frozenset[str]]:
        granted = frozenset(name for name in names if name.startswith("account:"))
        with really(self, [name for name in names if name not in granted]) as held:
            yield granted | held

    def still_held(self: Any, names: Iterable[str]) -> bool:
        return held_still(self, [name for name in names if not name.startswith("account:")])

    def start(conn: sa.Connection, seqs: Sequence[int], now: datetime) -> set[int]:
        for chunk in in_chunks(list(seqs)):
            query = sa.update(rows).where(rows.c.seq.in_(chunk))
            conn.execute(query.values(state="in_flight", started_at=now, attempts=rows.c.attempts + 1))
        return set(seqs)

    def finish(conn: sa.Connection, done: Sequence[Any], made: Sequence[dict[str, Any]], now: datetime) -> None:
        for work, body in done:
            mine = sa.and_(plans.plans.c.event == work.event, plans.plans.c.account == work.account)
            conn.execute(sa.update(plans.plans).where(mine).values(state="done", body=body, done_at=now, next_at=None))
        insert_many(conn, rows, list(made))

    locks._Locks.hold = hold  # type: ignore[method-assign,assignment] # broken on purpose
    locks._Locks.still_held = still_held  # type: ignore[method-assign] # broken on purpose
    changes.start, plans.finish = start, finish


def commit_before_200() -> None:
    """The answer does not wait for the commit."""
    import json

    from connector.ids import new_id
    from connector.store import intake
    from connector.store.tables import to_ms

    def submit(
        self: intake.Intake, account: str, headers: Mapping[str, str], body: bytes, received_at: datetime
    ) -> None:
        self._enqueue(intake._Waiting((new_id(), account, to_ms(received_at), json.dumps({}), body)))

    intake.Intake.submit = submit  # type: ignore[method-assign] # broken on purpose


# ---- sends -------------------------------------------------------------------------------------------------------
def hasty() -> None:
    """What waits a minute waits seconds: a send that may have been sent (the stand-in answers within one), and a
    person whom WhatsApp wants to be left alone (the stand-in does not mean it)."""
    from connector.core import pace
    from connector.pipeline.sending import receipts, unknown

    receipts.LOOK = unknown.LOOK = timedelta(seconds=3)
    pace.backoff = lambda tries: timedelta(seconds=2)


def two_senders() -> None:
    """A number is granted to every worker, and sends are taken whatever their state; bells ring thrice."""
    thrice()
    from connector.store import gate_facts, locks, sending
    from connector.store.bulk import insert_many
    from connector.store.tables import send_attempts, sends

    really, held_still, look = locks._Locks.hold, locks._Locks.still_held, sending.due

    @contextmanager
    def hold(self: Any, names: Sequence[str]) -> Iterator[frozenset[str]]:
        granted = frozenset(name for name in names if name.startswith("number:"))
        with really(self, [name for name in names if name not in granted]) as held:
            yield granted | held

    def still_held(self: Any, names: Iterable[str]) -> bool:
        return held_still(self, [name for name in names if not name.startswith("number:")])

    def due(*args: Any, **more: Any) -> list[Any]:
        rows = look(*args, **more)
        time.sleep(BETWEEN)
        return rows

    def start(conn: sa.Connection, rows: Sequence[Any], now: datetime, ids: Any = None) -> list[sending.Started]:
        query = sa.update(sends).where(sends.c.id.in_([row.id for row in rows]))
        query = query.values(state="in_flight", started_at=now, attempts=sends.c.attempts + 1, next_at=None)
        taken = {row.id: row for row in conn.execute(query.returning(sends.c.id, sends.c.attempts, sends.c.body))}
        started = [
            sending.Started(
                r.id, taken[r.id].attempts, r.number, r.account, r.crm, r.lane, r.to, r.user_id, r.template,
                r.category, taken[r.id].body,
            )
            for r in rows
        ]  # fmt: skip
        tried = [{"send": s.id, "n": s.n, "lane": s.lane, "number": s.number, "started_at": now} for s in started]
        insert_many(conn, send_attempts, tried)
        return started

    locks._Locks.hold = hold  # type: ignore[method-assign,assignment] # broken on purpose
    locks._Locks.still_held = still_held  # type: ignore[method-assign] # broken on purpose
    sending.due, sending.start, gate_facts._still_ready = due, start, lambda _, rows: list(rows)


def unknown() -> None:
    """What was in flight when its process died is simply sent again."""
    from connector.store import outcomes
    from connector.store.tables import in_state, sends

    def lose(conn: sa.Connection, number: str, before: datetime, look_at: datetime) -> int:
        mine = sa.and_(in_state(sends, "in_flight"), sends.c.number == number, sends.c.started_at < before)
        return conn.execute(sa.update(sends).where(mine).values(state="ready", next_at=before)).rowcount

    outcomes.lose = lose


def consent_lock() -> None:
    """A claim reads consent without holding the contact; meanwhile somebody writes STOP, if anybody does."""
    from connector.store import gate_facts

    consents = gate_facts._consents

    def read(*args: Any) -> dict[str, dict[str, str]]:
        found, until = consents(*args), time.monotonic() + PATIENCE
        while consents(*args) == found and time.monotonic() < until:
            time.sleep(LOOK)
        time.sleep(BETWEEN)  # so that the opt-out is there to see before the attempt is (tests.chaos.watch)
        return found

    gate_facts._lock, gate_facts._consents = lambda *_: {}, read


# ---- what stood still, or was not there --------------------------------------------------------------------------
def zombie() -> None:
    """A process believes in its locks for ever, and takes and finishes rows whatever became of them meanwhile.

    While nobody stands still it does no harm: the locks themselves work."""
    from connector.store import changes, locks
    from connector.store.bulk import in_chunks
    from connector.store.tables import changes as rows

    def start(conn: sa.Connection, seqs: Sequence[int], now: datetime) -> set[int]:
        for chunk in in_chunks(list(seqs)):
            query = sa.update(rows).where(rows.c.seq.in_(chunk))
            conn.execute(query.values(state="in_flight", started_at=now, attempts=rows.c.attempts + 1))
        return set(seqs)

    locks._Locks.still_held = lambda *_: True  # type: ignore[method-assign]
    changes.start = start
    unfenced()


def dawdling() -> None:
    """The control: a request that is ready to leave takes its time, in which its process may be stopped."""
    from connector.ports import fence

    ask = fence.ask

    def late() -> None:
        time.sleep(BETWEEN)
        ask()

    fence.ask = late


def unfenced() -> None:
    """What is ready to leave leaves, whatever became of its rows meanwhile."""
    from connector.ports import fence

    fence.ask = lambda: time.sleep(BETWEEN)


def redis_needed() -> None:
    """Without Redis a worker waits for it."""
    from connector.jobs import Bells

    Bells.drain_all = lambda _: None  # type: ignore[method-assign]


def clock_blind() -> None:
    """Whatever the database's clock says, it is sent."""
    from connector.pipeline.sending.send import Sender

    Sender._clock_is_wrong = lambda *_: False  # type: ignore[method-assign]


MUTANTS: Mapping[str, Callable[[], None]] = {
    "thrice": thrice,
    "unique": unique,
    "compare_and_set": compare_and_set,
    "commit_before_200": commit_before_200,
    "two_senders": two_senders,
    "unknown": unknown,
    "consent_lock": consent_lock,
    "zombie": zombie,
    "dawdling": dawdling,
    "unfenced": unfenced,
    "redis_needed": redis_needed,
    "clock_blind": clock_blind,
    **mutants_networked.MUTANTS,
}


def alter(names: str) -> None:
    """Breaks or changes this process; what a step needs in the processes stands beside the step, as module:function."""
    for name in names.split(","):
        module, _, function = name.rpartition(":")
        change: Callable[[], None] = (
            getattr(import_module(module), function) if module else {**MUTANTS, "hasty": hasty}[name]
        )
        change()


if __name__ == "__main__":
    alter(sys.argv.pop(1))
    from connector.cli import main

    main()
