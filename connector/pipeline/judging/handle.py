"""Events become plans: lanes in order, one CRM read for many contacts, evaluation, one transaction for many plans."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector import errors
from connector.core.contact import Record, RecordRef
from connector.pipeline.attempts import Attempts
from connector.pipeline.documents import shadow
from connector.pipeline.documents.library import Library, Shelf
from connector.pipeline.drain import Stop, log, of_one_row, park_account, parked
from connector.pipeline.judging import answered as answering
from connector.pipeline.judging import conversing, resolved
from connector.pipeline.judging.chunks import Chunk, split
from connector.pipeline.judging.judge import Desk
from connector.pipeline.judging.judged import Judged
from connector.pipeline.people import consents
from connector.pipeline.people.lookup import Here, contact_key, find, read_records, union
from connector.ports import CRM, Account, Clock, ContactKey
from connector.store import changes as change_rows
from connector.store import contacts, figures, parks, plans, sends
from connector.store import events as event_rows
from connector.store.engine import Store
from connector.store.plans import Work

LANES = 100  # lanes a chunk at least (a CRM with larger write batches gets more): one CRM read call, one transaction
AHEAD = 4  # chunks whose CRM read is under way at once
SKIPPED = 5000  # lanes a drain sets aside before it looks at them anew: each is a parameter of every claim
# Lanes worked together after one, and after more attempts: an interrupted row is soon alone (docs/decisions/0005).
FEW = (12, 1)
Part = tuple[list[Work], ExitStack]  # events that are worked together, and what is let go after them
Shape = tuple[tuple[str, ...], tuple[str, ...]]  # objects, find_by


@dataclass(slots=True)
class Handler:
    """Makes the plans of one CRM account."""

    store: Store
    account: Account
    crm: CRM
    library: Library
    clock: Clock
    wrote: Callable[[], None]  # there is something to write: ring the writer's bell
    spoke: Callable[[set[str]], None] = lambda _: None  # these numbers have something to say
    _skip: set[str] = field(default_factory=set)  # lanes set aside in this drain
    _mine: set[str] = field(default_factory=set)  # lanes held now

    @property
    def attempts(self) -> Attempts:
        return Attempts(self.store, self.clock)

    @property
    def lanes(self) -> int:
        return max(LANES, self.crm.can.batch)

    def drain(self, stop: Stop) -> None:
        """Handles until nothing is due, the account is parked, or `stop` says so."""
        if parked(self.store, self.account.id, self.clock.now()):
            return
        self._skip.clear()
        ahead: deque[Chunk] = deque()
        parts: deque[Part] = deque()
        with ThreadPoolExecutor(AHEAD, thread_name_prefix="find") as pool:
            try:
                while True:
                    while len(ahead) < AHEAD and not stop():
                        if parts:
                            ahead.extend(self._begin(pool, *parts.popleft()))
                            continue
                        claimed = self._claim()
                        if claimed is None:
                            break
                        parts.extend(claimed)
                    if not ahead:
                        return
                    with ahead[0].held:
                        if self._finish(ahead[0]):
                            self.wrote()
                    ahead.popleft()
            except errors.ConnectorError as error:
                self._give_back(error, ahead)
            finally:
                for held in [*(chunk.held for chunk in ahead), *(held for _, held in parts)]:
                    held.close()

    def _give_back(self, error: errors.ConnectorError, ahead: Sequence[Chunk]) -> None:
        """The CRM or the database does not answer: burn no attempt; park the account for the former."""
        for part in ahead:
            self.attempts.uncount(part.work)
        if isinstance(error, errors.StoreDown):
            raise error
        log.warning("%s: %s", self.account.name, error)
        park_account(self.store, self.account.id, error, self.clock.now())

    # ---- claim ---------------------------------------------------------------------------------------------------
    def _claim(self) -> list[Part] | None:
        """Takes due lanes, cut into what is worked together; None when nothing is due."""
        now = self.clock.now()
        if len(self._skip) > SKIPPED:
            self._skip.clear()
        with self.store.read() as conn:
            skip = sorted(self._mine | self._skip)
            lanes = plans.due_lanes(conn, self.account.id, now, self.lanes * 2, skip=skip)[: self.lanes]
        if not lanes:
            return None
        with ExitStack() as held:
            names = {self._lock(lane): lane for lane in lanes}
            ours = [names[n] for n in held.enter_context(self.store.locks.hold(list(names)))]
            self._skip.update(set(lanes) - set(ours))
            with self.store.read() as conn:
                work = plans.take(conn, self.account.id, ours, now, self.lanes * 4) if ours else []
            parts: list[Part] = [(part, ExitStack()) for part in split(self.attempts.bury(work), (self.lanes, *FEW))]
            if parts:
                self._mine.update(ours)
                held.callback(self._mine.difference_update, ours)
                parts[-1][1].push(held.pop_all())  # the last one lets the lanes go
        return parts

    def _lock(self, lane: str) -> str:
        return f"lane:{self.account.id}:{lane}"

    def _begin(self, pool: ThreadPoolExecutor, part: list[Work], held: ExitStack) -> list[Chunk]:
        """One chunk under way; rows that cannot even be read are worked one by one at once.

        The attempt is counted only now: who dies takes the blame for AHEAD chunks, not for all that was claimed."""
        self.attempts.count(part)
        try:
            return [self._start(pool, part, held, self.clock.now())]
        except Exception as error:
            with held:
                if of_one_row(error):
                    if self._one_by_one(part):
                        self.wrote()
                    return []
                self.attempts.uncount(part)
                raise

    def _start(self, pool: Executor, work: list[Work], held: ExitStack, now: datetime) -> Chunk:
        """Reads what the database knows (our own pending changes first), then asks the CRM."""
        shelf = self.library.shelf(self.account.name)
        chunk = Chunk(work, held, self._desk(work, shelf, now))
        chunk.keys = {lane: self._keys(chunk.desk, lane, shapes) for lane, shapes in chunk.desk.shapes().items()}
        keys = [key for lane in chunk.keys.values() for key in lane]
        if keys:
            fields = sorted(chunk.desk.reads() | set(self.crm.can.identity.values()))
            chunk.found = pool.submit(find, self.crm, keys, fields)
        reads = chunk.desk.record_reads()
        if reads:
            chunk.records = pool.submit(read_records, self.crm, reads)
        return chunk

    def _desk(self, work: Sequence[Work], shelf: Shelf, now: datetime) -> Desk:
        lanes = sorted({w.lane for w in work})
        with self.store.read() as conn:
            inbound = resolved.messages(conn, work)
            timers = resolved.timers(work)
            people = contacts.load(conn, lanes)
            linked = contacts.links(conn, self.account.id, lanes) | resolved.chosen(self.account.id, inbound)
            known = sends.by_wamid(conn, [e.context_id for _, e, _ in inbound if e.context_id])
            oldest = min((w.received_at for w, _, word in inbound if word), default=now)
            waiting = sends.awaiting(conn, lanes, min(oldest, now) - shelf.longest) if shelf.awaited else {}
            records = {ref.id for ref in linked.values()} | answering.records(known, waiting)
            mark = change_rows.newest(conn)
            pending = change_rows.pending_values(conn, self.account.id, lanes, sorted(records))
            talks = conversing.load(conn, self.account, shelf, self.library, lanes, now)
        desk = Desk(
            self.account, self.crm.can, self.library.options, shelf, now, people, linked, pending, mark,
            self.library.fields, talks,
        )  # fmt: skip
        for w in work:
            if w.event in timers:
                desk.add_timer(w, timers[w.event])
        for w, event, word in inbound:
            desk.add(w, event, known, waiting, word)
        desk.cases.sort(key=lambda case: case.work.seq)
        return desk

    def _keys(self, desk: Desk, lane: str, shapes: Sequence[Shape]) -> list[ContactKey]:
        person, linked = desk.people[lane], desk.linked.get(lane)
        keys = []
        for objects, find_by in shapes:
            objects = objects or (self.crm.can.object,)
            record = (linked.object, linked.id) if linked and linked.object in objects else None
            keys.append(contact_key(person, objects, find_by, record))
        return keys

    # ---- finish --------------------------------------------------------------------------------------------------
    def _finish(self, chunk: Chunk) -> bool:
        """Evaluates and stores one chunk; one that fails is redone singly. True when there is something to write."""
        try:
            return self._finish_all(chunk)
        except Exception as error:
            if not of_one_row(error):
                raise
            return self._one_by_one(chunk.work)

    def _finish_all(self, chunk: Chunk) -> bool:
        found = chunk.found.result() if chunk.found else {}
        if chunk.records:
            chunk.desk.know(chunk.records.result())
        records = {lane: union(found, keys) for lane, keys in chunk.keys.items()}
        with ExitStack() as held:
            chunk.work[:] = self._settle_records(chunk, records, held)
            if not self.store.locks.still_held(self._lock(w.lane) for w in chunk.work):
                log.warning("%s: the locks were lost; %d events are looked at anew", self.account.name, len(chunk.work))
                self.attempts.uncount(chunk.work)
                return False
            return self._store(chunk.desk, chunk.work) if chunk.work else False

    def _settle_records(self, chunk: Chunk, records: dict[str, tuple[Record, ...]], held: ExitStack) -> list[Work]:
        """Holds the records; a lane whose record is in other hands, or has changes we did not see, is set aside."""
        desk = chunk.desk
        ids = {r.id: lane for lane, found in records.items() for r in found}
        mine: dict[str, str] = {}
        aside: set[str] = set()
        for lane, found in records.items():
            for record in found:
                if mine.setdefault(record.id, lane) != lane:
                    aside.add(lane)
        names = {f"record:{self.account.id}:{i}": i for i in ids}
        got = {names[n] for n in held.enter_context(self.store.locks.hold(sorted(names)))} if names else set()
        waiting = self._unseen(desk, list(ids)) if ids else set()
        for lane, found in records.items():
            if any(r.id not in got or r.id in waiting for r in found):
                aside.add(lane)
        self._set_aside(desk, aside, records, waiting)
        for lane in records.keys() - aside:
            desk.meet(lane, records[lane])
        self._skip.update(aside)
        return [w for w in chunk.work if w.lane not in aside]

    def _unseen(self, desk: Desk, records: Sequence[str]) -> set[str]:
        """Records for which a change was stored that the desk does not know: what we read of them may be old."""
        known = {row.seq for row in desk.pending}
        with self.store.read() as conn:
            rows = change_rows.touched(conn, self.account.id, records, after=desk.mark)
        return {record for seq, record in rows if seq not in known}

    def _set_aside(
        self, desk: Desk, lanes: set[str], records: dict[str, tuple[Record, ...]], waiting: set[str]
    ) -> None:
        if not lanes:
            return
        links = {
            lane: RecordRef(self.account.id, records[lane][0].object, records[lane][0].id)
            for lane in lanes
            if len(records[lane]) == 1 and records[lane][0].id in waiting and desk.is_new(lane, records[lane][0])
        }
        with self.store.write() as conn:
            contacts.link(conn, links, {lane: records[lane][0].found_by for lane in links}, self.clock.now())
            plans.count_attempt(conn, [c.work for c in desk.cases if c.work.lane in lanes], -1)

    def _store(self, desk: Desk, work: Sequence[Work]) -> bool:
        """Evaluates these events in order and commits their plans, changes and links in one transaction."""
        wanted = {w.event for w in work}
        judged = desk.judge([case for case in desk.cases if case.work.event in wanted])
        rest = [w for w in work if w.event not in {j.work.event for j in judged}]
        now = self.clock.now()
        rows = self._rows(desk, judged, rest, now)
        shades = [
            row for j in judged if j.shades for row in shadow.as_rows(j.work.event, j.work.account, j.shades, now)
        ]
        with self.store.write() as conn:
            plans.finish(
                conn,
                [(j.work, j.body) for j in judged] + [(w, []) for w in rest],
                rows,
                now,
            )
            said = conversing.store(conn, desk.talks, judged, self.account, desk.setting(), now)
            contacts.link(conn, desk.new_links(), desk.found_by(), now)
            contacts.opt(conn, [row for j in judged for row in j.consents(now)])
            sends.mark_answered(conn, {j.answered: j.first for j in judged if j.answered})
            event_rows.settle(conn, [w.event for w in work])
            parks.clear(conn, "account", self.account.id, now)
            figures.matched(conn, (p.document for j in judged for p in j.plans if p.matched), now)
            shadow.keep(conn, shades)
        desk.accept()
        if said:
            self.spoke(conversing.numbers(said))
        return any(row["kind"] in change_rows.WRITTEN for row in rows)

    def _rows(self, desk: Desk, judged: Sequence[Judged], rest: Sequence[Work], now: datetime) -> list[dict[str, Any]]:
        """The change rows of these events; consent goes on the CRM's own field too, behind each one's others."""
        out = []
        for work, mine, said in [(j.work, j.rows(now), j.consents(now)) for j in judged] + [(w, [], []) for w in rest]:
            kept = consents.to_crm(work, self.account, desk.linked, said)
            out += mine + [row | {"ordinal": len(mine) + n} for n, row in enumerate(kept)]
        return out

    def _one_by_one(self, work: list[Work]) -> bool:
        """A batch failed: each event with a CRM read and a transaction of its own; the culprit holds its own lane only.

        What is dealt with leaves `work`, so that an error gives the others back."""
        log.exception("a batch of %d events failed; each is tried alone", len(work))
        wrote = False
        untried: list[Work] = []
        try:
            while work:
                if work[0].lane in self._skip:
                    untried.append(work[0])
                else:
                    wrote = self._try(work[0], untried) or wrote
                work.pop(0)
        finally:
            self.attempts.uncount(untried)
        return wrote

    def _try(self, one: Work, untried: list[Work]) -> bool:
        """One event alone; its lane waits behind it when it cannot be done now."""
        try:
            return self._finish_all(self._start(Here(), [one], ExitStack(), self.clock.now()))
        except plans.Moved:
            self._skip.add(one.lane)
            untried.append(one)
        except Exception as error:
            if not of_one_row(error):
                raise
            self._skip.add(one.lane)
            self.attempts.postpone(one, f"{type(error).__name__}: {error}"[:500])
        return False
