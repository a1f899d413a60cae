"""Ready sends become requests, each at most once: paced, through the last gates, written down before they leave."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.pipeline.drain import Stop, alone, log
from connector.pipeline.preparing import gates
from connector.pipeline.sending import unknown
from connector.pipeline.sending.pacing import Pace
from connector.pipeline.sending.recording import Recorder
from connector.ports import Clock, Messenger, OutboundMessage, Receipt, fence
from connector.store import findings, gate_facts, holding, journaling, media, parks, sending
from connector.store import templates as template_rows
from connector.store.engine import Store
from connector.store.findings import Finding
from connector.store.gate_facts import Facts
from connector.store.sending import Started

IDLE = 0.25  # seconds between two looks at `stop`, and for new work, while answers are awaited
WRONG_CLOCK = timedelta(seconds=30)
# A request leaves so soon after its gates or not at all. A computer that slept, or a process that was stopped: the
# number is in other hands by now, and the person may have written STOP.
STALE = timedelta(seconds=15)
SLEPT = "This computer stood still just before it was sent: looked at again."
REACH = 500  # rows of a claim after one that mostly set rows aside: what rests must not hold back what is behind it
NOTE = 30.0  # seconds between two notes that a backlog moves
FOR_EVER = timedelta(days=36500)


@dataclass(slots=True)
class Sender:
    """Sends what is ready of one number; holds `number:<id>` while it does."""

    store: Store
    number: str  # phone_number_id
    messenger: Messenger
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    wrong_clock: timedelta = WRONG_CLOCK
    threads: int | None = None  # requests at once; None = as many as the number's throughput asks for
    uploads: bool = False  # files wait to be uploaded: the bell `upload:<number>`
    _halted: bool = False
    _account: str = ""
    _noted: float = 0.0
    _reach: int = 0  # rows to look at, beyond those there is room for
    _contracts: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)

    def drain(self, stop: Stop) -> None:
        """Sends until nothing is due, the number rests, or `stop` says so; then waits for the answers."""
        alone(self.store, self._lock, lambda: self._work(stop), self._more, stop)

    @property
    def _lock(self) -> str:
        return f"number:{self.number}"

    def _more(self) -> bool:
        now = self.clock.now()
        if self._halted:
            return False
        with self.store.read() as conn:
            rows = sending.due(conn, self.number, now, 1)
            return bool(rows) and not sending.rests(conn, self.number, rows[0].account, now)

    def _work(self, stop: Stop) -> None:
        now = self.clock.now()
        self._halted = self._clock_is_wrong(now)
        if self._halted:
            return
        self._carry_out(stop)
        unknown.recover(self.store, self.number, now)
        unknown.settle(self.store, self.number, now)
        with self.store.read() as conn:
            pace = Pace(sending.throughput(conn, self.number), self.monotonic, self.threads)
            pace.trouble = parks.tries(conn, "number", self.number) > 0
        recorder = Recorder(self.store, self.number, self.clock, self.monotonic, pace)
        with recorder, ThreadPoolExecutor(pace.threads, thread_name_prefix="send") as pool:
            self._loop(pool, pace, recorder, stop)

    def _loop(self, pool: ThreadPoolExecutor, pace: Pace, recorder: Recorder, stop: Stop) -> None:
        """Claims whenever there is room; while answers are awaited, what comes new is found within IDLE."""
        look = 0.0  # when the next look for work makes sense
        while True:
            goes_on = not stop() and not recorder.failed and self.store.locks.still_held([self._lock])
            if not goes_on and not recorder.open:
                return
            wait = max(pace.wait(recorder.open), look - self.monotonic()) if goes_on else IDLE
            if wait > 0:
                recorder.wait(min(wait, IDLE))
                continue
            began = self.clock.now()
            started, found = self._claim(pace, recorder.open)
            recorder.expect(len(started))
            for one in started:
                pool.submit(self._send, one, recorder, began)
            if not found:
                look = self.monotonic() + IDLE
                if not recorder.open:
                    return

    def _carry_out(self, stop: Stop) -> None:
        """What a person cancelled by the thousand."""
        while not stop():
            with self.store.write() as conn:
                if not holding.carry_out(conn, self.clock.now()):
                    return

    # ---- claim ---------------------------------------------------------------------------------------------------
    def _claim(self, pace: Pace, running: int) -> tuple[list[Started], bool]:
        """What may leave now, in flight and written down; and whether more may be due."""
        now, room = self.clock.now(), pace.room(running)
        with self.store.read() as conn:
            reach = max(room, self._reach)
            rows = sending.due(conn, self.number, now, reach + 1)
            if not rows or sending.rests(conn, self.number, rows[0].account, now):
                return [], False
        self._account = rows[0].account
        with self.store.write() as conn:
            facts = gate_facts.look(conn, self.number, rows[:reach], now)
            verdict = gates.Desk(facts, now, self._contract(conn, facts)).judge(room)
            sending.move(conn, verdict.moves, now)
            media.want(conn, self.number, verdict.files, now)
            self._stop_documents(conn, verdict, now)
            self._reach = REACH if len(verdict.moves) > len(verdict.go) else 0
            if len(rows) > room:
                self._note_backlog(conn, pace, now)
            go = verdict.go[: pace.take(len(verdict.go))]
            self.uploads |= bool(verdict.files)
            now = self.clock.now()  # the time of the grant, after all waiting
            started = sending.start(conn, go, now, facts.files)
            journaling.leaving(self.store, conn, started, now)
            return started, True

    def _contract(self, conn: Any, facts: Facts) -> Callable[[str, str], str]:
        """What a template takes now; read again only when its row has changed."""

        def now_(name: str, language: str) -> str:
            at, known = facts.templates[name, language].at, self._contracts.get((name, language))
            if known is None or known[0] != at:
                found = [t for t in template_rows.known(conn, self._account, [name]) if t.language == language]
                known = self._contracts[name, language] = (at, gates.contract(found[0]) if found else "")
            return known[1]

        return now_

    def _stop_documents(self, conn: Any, verdict: gates.Verdict, now: datetime) -> None:
        """A document whose template cannot be used as it was planned rests until a person has looked."""
        found = [Finding(**one) for one in gates.findings(verdict.broken)]
        for one in found:
            parks.park(conn, "document", one.document, now + FOR_EVER, one.message)
        findings.raise_(conn, found, now)

    def _note_backlog(self, conn: Any, pace: Pace, now: datetime) -> None:
        """Who asks why a message waits reads that the queue moves; the note ends by itself."""
        if self.monotonic() - self._noted > NOTE:
            self._noted = self.monotonic()
            until, words = now + timedelta(seconds=4 * NOTE), f"Waits its turn: {pace.per_second} messages a second."
            parks.park(conn, "pace", self.number, until, words)

    # ---- the request, in a thread of the pool: no database here --------------------------------------------------
    def _send(self, one: Started, recorder: Recorder, began: datetime) -> None:
        message = OutboundMessage(to=one.to or None, user_id=one.user_id, body=one.body, files=one.files)

        def question() -> None:
            if self.clock.now() - began > STALE:
                raise fence.Late

        try:
            with fence.asked(question):
                fence.ask()  # before anything is made of it; and again by the messenger, before it leaves
                receipt = self.messenger.send(message, one.id)
        except fence.Late:
            receipt = Receipt(outcome="again", text=SLEPT, who="you")
        except Exception as error:  # noqa: BLE001 - it must not happen; if it does, the request may have left
            log.exception("sending failed", extra={"send": one.id})
            receipt = Receipt(outcome="unknown", text=f"Sending it failed: {type(error).__name__}.", who="you")
        recorder.put(one, receipt)

    # ---- clock ---------------------------------------------------------------------------------------------------
    def _clock_is_wrong(self, now: datetime) -> bool:
        """Times decide over windows, quiet hours and pace: with a clock far off the database's nothing is sent."""
        with self.store.read() as conn:
            theirs = sending.database_time(conn)
        if theirs is None or abs(self.clock.now() - theirs) < self.wrong_clock:
            return False
        off = abs(now - theirs).total_seconds()
        words = f"The clock of this computer is {off:.0f} s off the database's: no messages are sent."
        with self.store.write() as conn:
            findings.raise_(conn, [Finding("clock_off", self.number, words, "Set the clock (NTP).")], now)
        return True
