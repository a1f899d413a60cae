"""Answers become outcomes: gathered, and written down in batches beside the claims, whatever else goes wrong."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from connector import errors
from connector.pipeline.drain import log
from connector.pipeline.sending import receipts
from connector.pipeline.sending.pacing import Pace
from connector.ports import Clock, Receipt
from connector.store import accounts, contacts, journaling, outcomes, parks
from connector.store.engine import Store
from connector.store.sending import Started

SPAN = 0.02  # seconds answers are gathered before they are written down together ...
MOST = 100  # ... or so many
TRIES, PAUSE = 5, 1.0  # how often, and seconds between, to write answers down while the database is away
DOUBTFUL = frozenset({"unknown", "not_sent"})  # outcomes after which messages go one at a time
SILENT = 10  # of them in a row
REST = 2.0  # seconds a number rests then; one message asks afterwards whether all is well again
Answer = tuple[Started, Receipt]


class Recorder:
    """`with Recorder(...) as recorder`: a thread of its own writes down what `put` brings; the end waits for it.

    `open` messages were announced with `expect` and are not written down yet."""

    def __init__(self, store: Store, number: str, clock: Clock, monotonic: Callable[[], float], pace: Pace) -> None:
        self.store, self.number, self.clock, self.pace = store, number, clock, pace
        self.open = 0
        self.failed = False
        self._silent = 0
        self._monotonic = monotonic
        self._answers: SimpleQueue[Answer | None] = SimpleQueue()  # None: the end
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="record")

    def expect(self, n: int) -> None:
        """So many more requests are about to leave."""
        with self._changed:
            self.open += n

    def put(self, one: Started, receipt: Receipt) -> None:
        """What one request came to; from any thread. Silence is heard at once, before it is written down."""
        self._silent = self._silent + 1 if receipt.outcome in DOUBTFUL else 0
        if self._silent >= SILENT:
            self.pace.trouble = True
        self._answers.put((one, receipt))

    def wait(self, seconds: float) -> None:
        """Until something was written down, at most so long."""
        with self._changed:
            self._changed.wait(seconds)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answers.put(None)
        self._thread.join()

    # ---- the thread ----------------------------------------------------------------------------------------------
    def _run(self) -> None:
        ended = False
        while not ended:
            answers, ended = self._gather()
            if answers:
                self._keep(answers)

    def _gather(self) -> tuple[list[Answer], bool]:
        """The next answer and those that come soon after it; True = it was the end."""
        found: list[Answer] = []
        end: float | None = None
        while len(found) < MOST:
            try:
                answer = self._answers.get(timeout=None if end is None else max(0.0, end - self._monotonic()))
            except Empty:
                break
            if answer is None:
                return found, True
            found.append(answer)
            end = self._monotonic() + SPAN if end is None else end
        return found, False

    def _keep(self, answers: Sequence[Answer]) -> None:
        """A row that cannot be written down stays in flight, and is unknown to the next holder of the number."""
        try:
            self._record(answers)
        except Exception as error:  # noqa: BLE001 - the last line of defence of a thread
            log.exception("%d outcomes of %s could not be written down", len(answers), self.number)
            if len(answers) > 1 and not isinstance(error, errors.StoreDown):
                for answer in answers:  # the others' words must not be lost with one
                    self._keep([answer])
                return
            self.failed = True
        with self._changed:
            self.open -= len(answers)
            self._changed.notify_all()

    def _record(self, answers: Sequence[Answer]) -> None:
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
            self.pace.trouble = False
        elif "not_sent" in outcomes_:
            self.pace.trouble = True
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
            journaling.came_back(self.store, results, now)

    def _rests(self, conn: Any, answers: Sequence[Answer], now: datetime) -> dict[receipts.Place, receipts.Rest]:
        """Parks what must rest: once for the answers of one burst, however many they are."""
        places = {p for one, r in answers if r.outcome != "accepted" and (p := receipts.place_of(one, r))}
        found = self._silence(answers, now)
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

    def _silence(self, answers: Sequence[Answer], now: datetime) -> dict[receipts.Place, receipts.Rest]:
        """Many in a row that may have been sent: the number rests, or all that waits would become unknown."""
        text = next((receipt.text for _, receipt in answers if receipt.outcome == "unknown"), None)
        if text is None or self._silent < (1 if self.pace.trouble else SILENT):
            return {}
        place = ("number", self.number)
        return {place: receipts.Rest(place, now + timedelta(seconds=REST), text)}

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


def _opt_out(one: Started, now: datetime) -> dict[str, Any]:
    return {
        "contact": one.lane, "category": "marketing", "state": "opted_out", "how": "131050", "at": now,
        "evidence": one.id, "event": None,
    }  # fmt: skip
