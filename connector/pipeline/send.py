"""Ready sends become requests, each at most once: paced, through the last gates, written down before they leave."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any

from connector import errors
from connector.pipeline import gates, receipts, unknown
from connector.pipeline.drain import Stop, alone, log
from connector.pipeline.pacing import Pace
from connector.ports import Clock, Messenger, OutboundMessage, Receipt
from connector.store import accounts, contacts, findings, outcomes, parks, sending
from connector.store import templates as template_rows
from connector.store.engine import Store
from connector.store.findings import Finding
from connector.store.sending import Facts, Started

SPAN = 0.02  # seconds results are gathered before they are written down together ...
MOST = 100  # ... or so many
IDLE = 0.25  # seconds between two looks at `stop` while nothing comes back
TRIES, PAUSE = 5, 1.0  # how often, and seconds between, to write results down while the database is away
WRONG_CLOCK = timedelta(seconds=30)
NOTE = 30.0  # seconds between two notes that a backlog moves
FOR_EVER = timedelta(days=36500)
Answer = tuple[Started, Receipt]


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
    _answers: "SimpleQueue[Answer]" = field(default_factory=SimpleQueue)
    _halted: bool = False
    _account: str = ""
    _noted: float = 0.0
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
        unknown.recover(self.store, self.number, now)
        unknown.settle(self.store, self.number, now)
        with self.store.read() as conn:
            pace = Pace(sending.throughput(conn, self.number), self.monotonic, self.threads)
            pace.trouble = parks.tries(conn, "number", self.number) > 0
        with ThreadPoolExecutor(pace.threads, thread_name_prefix="send") as pool:
            self._loop(pool, pace, stop)

    def _loop(self, pool: ThreadPoolExecutor, pace: Pace, stop: Stop) -> None:
        running, left = 0, True
        while True:
            left = left and not stop() and self.store.locks.still_held([self._lock])
            wait = pace.wait(running) if left else float("inf")
            if wait <= 0:
                started, left = self._claim(pace, running)
                for one in started:
                    pool.submit(self._send, one)
                running += len(started)
            elif running:
                answers = self._gather(min(wait, IDLE))
                if answers:
                    running -= len(answers)
                    self._record(answers, pace)
                    left = left or self._more()
            elif left:
                time.sleep(min(wait, IDLE))
            else:
                return

    # ---- claim ---------------------------------------------------------------------------------------------------
    def _claim(self, pace: Pace, running: int) -> tuple[list[Started], bool]:
        """What may leave now, in flight and written down; and whether more may be due."""
        now, room = self.clock.now(), pace.room(running)
        with self.store.read() as conn:
            rows = sending.due(conn, self.number, now, 2 * room + 1)
            if not rows or sending.rests(conn, self.number, rows[0].account, now):
                return [], False
        self._account = rows[0].account
        with self.store.write() as conn:
            facts = sending.look(conn, self.number, rows, now)
            verdict = gates.Desk(facts, now, self._contract(conn, facts)).judge(room)
            go = verdict.go[: pace.take(len(verdict.go))]
            sending.move(conn, verdict.moves, now)
            self._stop_documents(conn, verdict, now)
            if len(rows) > room:
                self._note_backlog(conn, pace, now)
            return sending.start(conn, go, now), True

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
    def _send(self, one: Started) -> None:
        message = OutboundMessage(to=one.to or None, user_id=one.user_id, body=one.body)
        try:
            receipt = self.messenger.send(message, one.id)
        except Exception as error:  # noqa: BLE001 - it must not happen; if it does, the request may have left
            log.exception("sending %s failed", one.id)
            receipt = Receipt(outcome="unknown", text=f"Sending it failed: {type(error).__name__}.", who="you")
        self._answers.put((one, receipt))

    # ---- record --------------------------------------------------------------------------------------------------
    def _gather(self, wait: float) -> list[Answer]:
        """The first answer within `wait` seconds, and those that come soon after it."""
        found: list[Answer] = []
        end = self.monotonic() + wait
        while len(found) < MOST:
            try:
                found.append(self._answers.get(timeout=max(0.0, end - self.monotonic())))
            except Empty:
                break
            if len(found) == 1:
                end = self.monotonic() + SPAN
        return found

    def _record(self, answers: Sequence[Answer], pace: Pace) -> None:
        """Writes down what has come back; a database that is away is asked again: WhatsApp has these messages."""
        for left in range(TRIES - 1, -1, -1):
            try:
                self._record_once(answers)
                break
            except errors.StoreDown:
                if not left:
                    raise
                time.sleep(PAUSE)
        outcomes_ = {receipt.outcome for _, receipt in answers}
        if "accepted" in outcomes_:
            pace.trouble = False
        elif outcomes_ & {"unknown", "not_sent"}:
            pace.trouble = True
        self._learn([answer for answer in answers if answer[1].outcome == "accepted"])

    def _record_once(self, answers: Sequence[Answer]) -> None:
        now = self.clock.now()
        with self.store.write() as conn:
            rests = self._rests(conn, answers, now)
            results = []
            for one, receipt in answers:
                place = receipts.place_of(one, receipt)
                results.append(receipts.result(one, receipt, now, rests.get(place) if place else None))
            outcomes.record(conn, results, now)
            for one, receipt in answers:
                if receipts.asks_person(receipt):
                    accounts.ask_person(conn, one.account, receipt.text)
            contacts.opt(
                conn, [_opt_out(one, now) for one, r in answers if r.code == receipts.STOPPED_MARKETING and one.lane]
            )
            good = [one for one, receipt in answers if receipt.outcome == "accepted"]
            if good:
                parks.clear(conn, "number", self.number, now)
                parks.clear_many(conn, "contact", [one.lane for one in good if one.lane], now)

    def _rests(self, conn: Any, answers: Sequence[Answer], now: datetime) -> dict[receipts.Place, receipts.Rest]:
        """Parks what must rest: once for the answers of one burst, however many they are."""
        places = {p for one, r in answers if r.outcome != "accepted" and (p := receipts.place_of(one, r))}
        found = _silence(answers, self.number, now)
        if not places and not found:
            return {}
        tries = {place: parks.tries(conn, *place) for place in places | found.keys()}
        for one, receipt in answers:
            if receipt.outcome != "accepted" and (rest := receipts.rest_of(one, receipt, now, tries)):
                found.setdefault(rest.place, rest)
        for (scope, key), rest in found.items():
            if not parks.parked(conn, scope, [key], now):
                parks.park(conn, scope, key, rest.until, rest.reason, tries=tries[scope, key] + 1)
        return found

    def _learn(self, answers: Sequence[Answer]) -> None:
        """WhatsApp's own spelling of a phone, and the user id, are the contact's keys from now on."""
        given = {
            one.lane: {kind: v for kind, v in (("wa_id", r.wa_id), ("bsuid", r.user_id)) if v}
            for one, r in answers if one.lane
        }  # fmt: skip
        with self.store.read() as conn:
            fresh = outcomes.unheard(conn, {lane: keys for lane, keys in given.items() if keys})
        if fresh:
            with self.store.write() as conn:
                outcomes.learn(conn, fresh, self.clock.now())

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


def _silence(answers: Sequence[Answer], number: str, now: datetime) -> dict[receipts.Place, receipts.Rest]:
    """Nothing was accepted and some may have been sent: the number rests, or all that waits would become unknown."""
    kinds = {receipt.outcome for _, receipt in answers}
    if "accepted" in kinds or "unknown" not in kinds:
        return {}
    text = next(receipt.text for _, receipt in answers if receipt.outcome == "unknown")
    place = ("number", number)
    return {place: receipts.Rest(place, now + timedelta(seconds=2), text)}


def _opt_out(one: Started, now: datetime) -> dict[str, Any]:
    return {
        "contact": one.lane, "category": "marketing", "state": "opted_out", "how": "131050", "at": now,
        "evidence": one.id, "event": None,
    }  # fmt: skip
