"""Truth back: what became of a send is told to the CRM, as its document's `after:` says, and to a waiting workflow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.core import changes as core_changes
from connector.core import documents as language
from connector.core.changes import Ask, Change, CompleteAction
from connector.core.contact import RecordRef, Setting
from connector.pipeline.documents.library import Library, Shelf
from connector.pipeline.drain import Stop, alone, log
from connector.pipeline.judging.judged import STATES
from connector.ports import Account, Clock
from connector.store import callbacks, conversations, telling
from connector.store.changes import WORKFLOW
from connector.store.engine import Store
from connector.store.plans import Moved
from connector.store.sends import RANKS

BATCH = 2000  # sends a transaction: a burst is told whole, so that the writer fills its calls
STEPS = ("sent", "delivered", "read")
WAITS = {"sent": RANKS["accepted"], "delivered": RANKS["delivered"]}  # from which rank on a workflow goes on


@dataclass(slots=True)
class Truth:
    """Tells one CRM account; one teller at a time. The ordinary writer carries it to the CRM, in batches."""

    store: Store
    account: Account
    library: Library
    clock: Clock

    def drain(self, stop: Stop) -> bool:
        """Until nothing is left to tell; True when the writer has something to do."""
        wrote = False

        def work() -> None:
            nonlocal wrote
            while not stop():
                found, made = self.step()
                wrote = wrote or made
                if not found:
                    return

        alone(self.store, f"truth:{self.account.id}", work, self.more, stop)
        return wrote

    def more(self) -> bool:
        with self.store.read() as conn:
            return bool(telling.waiting(conn, self.account.id, 1))

    def step(self) -> tuple[int, bool]:
        """One batch: (sends looked at, changes were made)."""
        with self.store.read() as conn:
            rows = telling.waiting(conn, self.account.id, BATCH)
            asked = callbacks.waiting(conn, self.account.id, [r.id for r in rows if r.callback])
            said = telling.answers(conn, [r.answered_by for r in rows if r.answered_by])
        if not rows:
            return 0, False
        waiting = {a.send: (a.callback, a.wait_for) for a in asked}
        shelf = self.library.shelf(self.account.name)
        made: list[dict[str, Any]] = []
        closed: list[str] = []
        for row in rows:
            made += [self._row(row, change) for change in self._safely(row, shelf)]
            done = completion(row, waiting.get(row.id), said.get(row.answered_by or ""))
            if done is not None:
                closed.append(done.callback)
                made.append(self._row(row, done))
        self._end_unsent(rows)
        try:
            with self.store.write() as conn:
                telling.tell(conn, self.account.id, rows, made)
                callbacks.complete(conn, self.account.id, closed)
        except Moved:  # one went on meanwhile: all of them are looked at again
            return len(rows), False
        return len(rows), bool(made)

    def _end_unsent(self, rows: Sequence[Any]) -> None:
        """A question that never came is waited for no longer. Before it counts as told, and in a transaction of its
        own: others take conversations before sends, and this one done twice is done once."""
        lost = {row.id: row.reason for row in rows if row.step and row.state in telling.ENDED}
        if lost:
            with self.store.write() as conn:
                conversations.unsent(conn, lost, self.clock.now())

    def _safely(self, row: Any, shelf: Shelf) -> Sequence[Change]:
        """One whose truth cannot be worked out goes to a person and keeps nobody waiting."""
        try:
            return list(self._changes(row, shelf))
        except Exception as error:  # noqa: BLE001 - stored as a question
            log.exception("what became of a send cannot be told", extra={"send": row.id})
            text = f"What became of the message {row.id} ({row.state}) cannot be told: {type(error).__name__}: {error}"
            return [Ask(why="truth", text=text[:500])] if row.event else []

    def _changes(self, row: Any, shelf: Shelf) -> Iterator[Change]:
        live = shelf.send(row.document)
        if live is None or not row.event:
            return
        settings = self.account.settings
        setting = Setting(
            account=self.account.name, number={"id": row.number}, locale=settings.get("locale"),
            time_zone=settings.get("time_zone") or "UTC", country=settings.get("country"),
        )  # fmt: skip
        failure = {"reason": row.reason, "code": row.code, "who": row.who}
        record, person = (RecordRef(*ref) if ref else None for ref in (row.record, row.person))
        for what in steps(row):
            yield from language.truth(
                live.document, what, row.context or {}, failure, record, person, row.ended_at or row.at, setting
            )

    def _row(self, row: Any, change: Change) -> dict[str, Any]:
        ref = change.record
        object_, record = (ref.object, ref.id) if ref else (change.object, "")
        if isinstance(change, CompleteAction):
            object_, record = WORKFLOW, change.callback
        return {
            "event": row.event, "account": self.account.id, "lane": row.lane or f"send:{row.id}", "object": object_,
            "record": record, "kind": change.kind, "body": core_changes.dump(change), "attempts": 0,
            # It waits from now on, not since its event came.
            "state": STATES[change.kind], "next_at": self.clock.now(),
        }  # fmt: skip


def steps(row: Any) -> Sequence[str]:
    """The steps of `after:` that were not told yet, in their order."""
    out = []
    if row.state in ("failed", "refused", "expired"):
        out = ["failed"] if row.told != RANKS["failed"] else []
    elif row.state != "cancelled":
        out = [name for name in STEPS if row.told < RANKS[name] <= row.rank]
    return [*out, *(["replied"] if row.answered_by and not row.told_reply else [])]


def completion(row: Any, waits: tuple[str, str] | None, answer: Mapping[str, Any] | None) -> CompleteAction | None:
    """What a workflow hears, once what it waits for has come or cannot come any more."""
    if waits is None:
        return None
    callback, wait_for = waits
    if row.state in telling.ENDED and not row.answered_by:
        values = {"state": row.state, "reason": row.reason, "error_code": row.code}
        return CompleteAction(callback=callback, ok=False, values=values)
    if row.answered_by:
        said = answer or {}
        given = said.get("answer") or {}
        reply = str(given.get("title") or said.get("text") or "")
        values = {"state": "replied", "reply": reply[:1000], "reply_id": str(given.get("id") or "")}
        return CompleteAction(callback=callback, values=values)
    if wait_for in WAITS and row.rank >= WAITS[wait_for]:
        return CompleteAction(callback=callback, values={"state": row.state})
    return None
