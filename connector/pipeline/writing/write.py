"""Changes become CRM writes: one writer per account, merged per record, full batches, a few calls at once."""

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connector import errors
from connector.core.contact import Contact, RecordRef
from connector.pipeline.drain import SETTLE, Stop, alone, log, of_one_row, park_account, parked
from connector.pipeline.writing import attaching, own
from connector.pipeline.writing.came_back import Done, later, result, waits_for_record
from connector.pipeline.writing.fencing import Mark
from connector.pipeline.writing.lots import (
    ALONE,
    Lot,
    Target,
    activity_change,
    activity_kind,
    cut,
    file_change,
    is_file,
    record_change,
)
from connector.ports import CRM, Account, ActionDone, Clock, fence
from connector.store import changes as change_rows
from connector.store import contacts, journaling, own_writes, parks, restored
from connector.store.changes import Row
from connector.store.engine import Store

CALLS = 4  # calls at once, on disjoint records (architecture 5)
WINDOW = 4000  # rows read at a time
MOST_STARTS = 10  # a row that was in flight whenever its writer died, so often, goes to a person
TRIES, PAUSE = 5, 1.0  # how often, and seconds between, to write outcomes down while the database is away


@dataclass(slots=True)
class Writer:
    """Writes one CRM account's changes; holds `account:<id>` while it does."""

    store: Store
    account: Account
    crm: CRM
    clock: Clock
    watching: Callable[[], own.Watched] = frozenset  # fields whose changes set off messages
    _busy: set[Target] = field(default_factory=set)
    _error: errors.ConnectorError | None = None
    _restored: restored.Window | None = None

    def drain(self, stop: Stop) -> None:
        """Writes until nothing is due, the account is parked, or `stop` says so."""
        alone(self.store, self._lock, lambda: self._work(stop), self._more, stop)

    @property
    def _lock(self) -> str:
        return f"account:{self.account.id}"

    def _ours(self) -> bool:
        """False once the lock was lost: another writer may be at work already."""
        return self.store.locks.still_held([self._lock])

    def _more(self) -> bool:
        now = self.clock.now()
        if parked(self.store, self.account.id, now):
            return False
        with self.store.read() as conn:
            return bool(change_rows.due(conn, self.account.id, now, WINDOW))

    def _work(self, stop: Stop) -> None:
        if parked(self.store, self.account.id, self.clock.now()):
            return
        self._busy.clear()
        self._error = None
        with self.store.read() as conn:
            self._restored = restored.window(conn)
        self._recover()
        lots: deque[Lot] = deque()
        running: dict[Future[Done], Lot] = {}
        with ThreadPoolExecutor(CALLS, thread_name_prefix="write") as pool:
            while True:
                while len(running) < CALLS and self._goes_on(stop):
                    lot = self._next_lot(lots)
                    if lot is None:
                        break
                    people = self._people(lot)
                    running[pool.submit(self._carry_out, lot, people)] = lot
                if not running:
                    break
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                self._record([(running.pop(f), f.result()) for f in ended])
        if self._error is not None:
            log.warning("%s: %s", self.account.name, self._error)
            park_account(self.store, self.account.id, self._error, self.clock.now())

    def _goes_on(self, stop: Stop) -> bool:
        return self._error is None and not stop() and self._ours()

    def _recover(self) -> None:
        """Rows in flight are ownerless, as we hold the account; a dead owner's request may be under way for SETTLE."""
        with self.store.write() as conn:
            before = self.clock.now() - timedelta(seconds=SETTLE)
            change_rows.recover(conn, self.account.id, before, most=MOST_STARTS)

    # ---- claim ---------------------------------------------------------------------------------------------------
    def _next_lot(self, lots: deque[Lot]) -> Lot | None:
        """The next lot whose rows are ours: compare-and-set new -> in_flight."""
        if not lots:
            with self.store.read() as conn:
                rows = change_rows.due(conn, self.account.id, self.clock.now(), WINDOW)
            lots.extend(cut([r for r in rows if r.target not in self._busy], self.crm.can.batch))
        while lots:
            lot = lots.popleft()
            with self.store.write() as conn:
                began = self.clock.now()
                taken = change_rows.start(conn, [r.seq for r in lot.all_rows()], began)
                taken -= self._leave(conn, lot, taken)
                if not lot.known:
                    taken -= change_rows.let_go(conn, [r for r in lot.all_rows() if r.seq in taken])
                told = attaching.sort(self.store, conn, [r for r in lot.all_rows() if r.seq in taken], self.clock.now())
                taken -= told.ended.keys()
                lot.files = told.files
                mine = self._own(lot, taken)
                own_writes.begin(conn, self.account.id, mine, self.clock.now())
                journaling.wrote(self.store, self.account.id, mine, self.clock.now())
            lot.rows = {t: kept for t, rows in lot.rows.items() if (kept := [r for r in rows if r.seq in taken])}
            if lot.rows:
                lot.mark = Mark([row.seq for row in lot.all_rows()], began)
                self._busy.update(lot.rows)
                return lot
        return None

    def _leave(self, conn: Any, lot: Lot, taken: Collection[int]) -> set[int]:
        """Rows of a record of which somebody else has taken others: their values must not pass each other. It may be
        a writer whose lock was lost without its knowing, or we are that writer."""
        split = (rows for rows in lot.rows.values() if any(row.seq not in taken for row in rows))
        ours = [row.seq for rows in split for row in rows if row.seq in taken]
        change_rows.give_back(conn, ours)
        return set(ours)

    def _own(self, lot: Lot, seqs: Collection[int] | None = None) -> Sequence[own_writes.Written]:
        watching = self.watching()
        rows = (row for row in lot.all_rows() if seqs is None or row.seq in seqs)
        return own.told(rows, watching) if watching else ()

    def _people(self, lot: Lot) -> dict[str, Contact]:
        """A newcomer's name and phone; known records need none."""
        if lot.known:
            return {}
        with self.store.read() as conn:
            return contacts.load(conn, [lane for _, lane in lot.rows])

    # ---- carry out, in a thread of the pool: no database here, but for marking rows anew at the fence ------------
    def _carry_out(self, lot: Lot, people: Mapping[str, Contact]) -> Done:
        done = Done()
        try:
            if lot.object == change_rows.WORKFLOW:
                self._complete(lot, done)
                return done
            self._fields(lot, people, done)
            self._activities(lot, done)
        except fence.Late:
            self._not_now(lot, done)
        except Exception as error:  # noqa: BLE001 - a fault in one record must not hold the others
            if isinstance(error, errors.ConnectorError) and not of_one_row(error):
                self._put_back(lot, done, error)
            else:
                self._poisoned(lot, people, done, error)
        return done

    def _fields(self, lot: Lot, people: Mapping[str, Contact], done: Done) -> None:
        wanted = {
            t: rows for t, all_rows in lot.rows.items() if (rows := [r for r in all_rows if r.kind == "SetField"])
        }
        if not lot.known:  # somebody with only timeline entries must exist first
            wanted = {t: wanted.get(t, []) for t in lot.rows}
        if not wanted:
            return
        asked = [record_change(lot, target, rows, people) for target, rows in wanted.items()]
        with self._fenced(lot, [row for rows in wanted.values() for row in rows], done):
            outcomes = self.crm.write(asked)
        for (target, rows), outcome in zip(wanted.items(), outcomes, strict=True):
            if outcome.record and not target[0] and outcome.state == "done":
                done.created[target[1]] = (lot.object, outcome.record)
            latest = {str(row.body["field"]): row.body.get("value") for row in rows}
            for row in rows:
                name = str(row.body["field"])
                if name in outcome.refused and row.body.get("value") != latest[name]:
                    done.results[row.seq] = ("new", {}, None)  # not the value that was refused: its turn comes now
                    done.unburn.append(row.seq)
                else:
                    done.results[row.seq] = result(row, outcome, outcome.refused.get(name), self.clock.now())

    def _activities(self, lot: Lot, done: Done) -> None:
        by_kind: dict[str, list[tuple[Row, str]]] = {}
        for target, rows in lot.rows.items():
            record = target[1] if target[0] else done.created.get(target[1], ("", ""))[1]
            for row in rows:
                if row.kind == "SetField":
                    continue
                if record and is_file(row):
                    self._attach(lot, row, record, done)
                elif record:
                    by_kind.setdefault(activity_kind(row), []).append((row, record))
                else:
                    done.results[row.seq] = waits_for_record(rows, done)
        size, again = self.crm.can.batch, self.crm.can.repeatable
        for kind, pairs in by_kind.items():
            for i in range(0, len(pairs), size):
                part = pairs[i : i + size]
                asked = [
                    activity_change(lot.object, kind, row, record, look=self._there(row) and kind not in again)
                    for row, record in part
                ]
                with self._fenced(lot, [row for row, _ in part], done):
                    outcomes = self.crm.write(asked)
                for (row, _), outcome in zip(part, outcomes, strict=True):
                    done.results[row.seq] = result(row, outcome, None, self.clock.now())

    def _attach(self, lot: Lot, row: Row, record: str, done: Done) -> None:
        """One file at a time: each may be large."""
        file = lot.files[str(row.body["file"])]
        with self._fenced(lot, [row], done):
            (outcome,) = self.crm.attach([file_change(lot.object, row, record, file, look=self._there(row))])
        done.results[row.seq] = result(row, outcome, None, self.clock.now())

    def _there(self, row: Row) -> bool:
        """It may be on the record already: it was tried, or its event is of the time before a restore."""
        return row.attempts > 0 or (self._restored is not None and self._restored.made(row.event))

    def _complete(self, lot: Lot, done: Done) -> None:
        """Workflows that waited for us go on."""
        rows = lot.all_rows()
        asked = [
            ActionDone(
                id=str(row.seq), callback=row.record, ok=row.body.get("ok", True), values=row.body.get("values", {})
            )
            for row in rows
        ]
        with self._fenced(lot, rows, done):
            outcomes = self.crm.complete(asked)
        for row, outcome in zip(rows, outcomes, strict=True):
            done.results[row.seq] = result(row, outcome, None, self.clock.now())

    def _fenced(self, lot: Lot, rows: Sequence[Row], done: Done) -> AbstractContextManager[None]:
        """Around one call for these rows."""
        assert lot.mark is not None
        return lot.mark.fenced(self.store, self.clock, {row.seq for row in rows}, done.doubtful)

    def _not_now(self, lot: Lot, done: Done) -> None:
        """Rows that may be in other hands, or were too slow: those that are ours yet are taken anew, at once.

        An attempt is burned, twice at most, where a request had left: it is looked for what it may have made."""
        left = [row for row in lot.all_rows() if row.seq not in done.results]
        done.results |= {row.seq: ("new", {}, None) for row in left}
        done.unburn += [row.seq for row in left if row.seq not in done.doubtful or row.attempts >= ALONE]

    def _put_back(self, lot: Lot, done: Done, error: errors.ConnectorError) -> None:
        """The whole call failed: what has no outcome yet waits.

        A call that surely did nothing burns no attempt. One that may have done something burns two at most: from the
        first on it is looked for what was made, from the second on a record goes alone. An hour without the CRM says
        nothing about the rows that were in hand."""
        done.error = error
        left = [row for row in lot.all_rows() if row.seq not in done.results]
        done.results |= {row.seq: ("new", {"text": error.message}, None) for row in left}
        surely = not (isinstance(error, errors.Unreachable) and error.sent)
        done.unburn += [row.seq for row in left if surely or row.attempts >= ALONE]

    def _poisoned(self, lot: Lot, people: Mapping[str, Contact], done: Done, error: Exception) -> None:
        """Redo record by record; the culprit keeps its error and goes to review in the end."""
        log.exception("writing %d records to %s failed", len(lot.rows), self.account.name)
        if len(lot.rows) > 1:
            for target, rows in lot.rows.items():
                left = [r for r in rows if r.seq not in done.results]
                part = Lot(lot.object, lot.known, {target: left}, lot.files, lot.mark)
                if done.error is not None:  # the CRM wants no more calls now
                    self._put_back(part, done, done.error)
                    continue
                one = self._carry_out(part, people) if part.rows[target] else Done()
                done.results |= one.results
                done.created |= one.created
                done.unburn += one.unburn
                done.error = one.error
            return
        left = [r for r in lot.all_rows() if r.seq not in done.results]
        if isinstance(error, errors.GiveUp):
            done.results |= {r.seq: ("review", {"text": error.message, "code": error.code}, None) for r in left}
        else:
            text = f"{type(error).__name__}: {error}"[:500]
            done.results |= {r.seq: later(r, {"text": text}, None, self.clock.now()) for r in left}

    # ---- record --------------------------------------------------------------------------------------------------
    def _record(self, ended: Sequence[tuple[Lot, Done]]) -> None:
        """Writes down what has come back; the CRM has done it, so a database that is away is asked again."""
        for left in range(TRIES - 1, -1, -1):
            try:
                self._record_once(ended)
                break
            except errors.StoreDown:
                if not left:
                    raise
                time.sleep(PAUSE)
        for lot, done in ended:
            self._busy.difference_update(lot.rows)
            self._error = self._error or done.error

    def _record_once(self, ended: Sequence[tuple[Lot, Done]]) -> None:
        """One transaction: outcomes, links, record ids of newcomers. Without the lock only what is surely done."""
        now = self.clock.now()
        marks = {seq: lot.mark.at for lot, _ in ended if lot.mark for seq in lot.mark.seqs}
        results = {seq: result for _, done in ended for seq, result in done.results.items()}
        if not self._ours():
            results = {seq: result for seq, result in results.items() if result[0] == "done"}
        with self.store.write() as conn:
            change_rows.unburn(conn, [seq for _, done in ended for seq in done.unburn if seq in results], marks)
            change_rows.end(conn, results, now, self.account.id, marks)
            own_writes.end(conn, self.account.id, [one for lot, _ in ended for one in self._own(lot)], now)
            created = self._created(conn, ended)
            links = {lane: RecordRef(self.account.id, *found) for lane, found in created.items()}
            contacts.link(conn, links, dict.fromkeys(links, "created"), now)
            change_rows.resolve_records(conn, self.account.id, created)
            if all(done.error is None for _, done in ended):
                parks.clear(conn, "account", self.account.id, now)

    def _created(self, conn: Any, ended: Sequence[tuple[Lot, Done]]) -> dict[str, tuple[str, str]]:
        """The records just made, by the contact that goes on; who was merged into one with a record has that one."""
        made = {lane: found for _, done in ended for lane, found in done.created.items()}
        heirs = contacts.heirs(conn, list(made))
        linked = contacts.links(conn, self.account.id, list(heirs.values()))
        own = {lane: found for lane, found in made.items() if lane not in heirs}
        return own | {heir: made[lane] for lane, heir in heirs.items() if heir not in linked and heir not in own}
