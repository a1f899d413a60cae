"""`notify:` of mappings: each is one signed POST, repeated for a day, then a person's business.

The caller's id stays the same over all tries, so a receiver that keeps to the standard counts it once.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, Protocol

from connector.pipeline.drain import Stop, alone
from connector.ports import Account, Clock
from connector.store import notifications
from connector.store.engine import Store
from connector.store.notifications import Notification

KIND = "mapping.matched"
CALLS = 4  # webhooks at once; each hears its calls one after the other
WINDOW = 200  # rows read at a time
# Seconds before each new try: about a day in all (the specification's own schedule is of this shape).
WAITS = (5, 60, 300, 1800, 7200, 18_000, 28_800, 28_800)
AWAY = 30.0  # seconds the rest of a webhook's calls wait once it does not answer

Result = tuple[str, Mapping[str, Any], datetime | None]  # state, outcome, next_at


class Answer(Protocol):
    """What one call came to: `outcome` done, again or never."""

    @property
    def outcome(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def after(self) -> float | None: ...
    @property
    def away(self) -> bool: ...


class Caller(Protocol):
    """One webhook that can be called."""

    def call(self, id_: str, kind: str, at: datetime, data: Mapping[str, Any]) -> Answer: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Notifier:
    """Calls the webhooks of one CRM account's mappings; `webhook` knows them by name, None = there is none."""

    store: Store
    account: Account
    webhook: Callable[[str], Caller | None]
    clock: Clock

    def drain(self, stop: Stop) -> None:
        """Until nothing is due or `stop` says so; holds `notify:<account>`."""
        alone(self.store, f"notify:{self.account.id}", lambda: self._work(stop), self._more, stop)

    def _due(self, limit: int) -> list[Notification]:
        with self.store.read() as conn:
            return notifications.due(conn, self.account.id, self.clock.now(), limit)

    def _more(self) -> bool:
        return bool(self._due(1))

    def _work(self, stop: Stop) -> None:
        with ThreadPoolExecutor(CALLS, thread_name_prefix="notify") as pool:
            while not stop() and (rows := self._due(WINDOW)):
                mine: dict[str, list[Notification]] = defaultdict(list)
                for row in rows:
                    mine[row.webhook].append(row)
                list(pool.map(self._tell, mine, mine.values(), repeat(stop)))

    def _tell(self, name: str, rows: Sequence[Notification], stop: Stop) -> None:
        """The calls of one webhook; each is written down before the next is made."""
        caller = self.webhook(name)
        if caller is None:
            text = (
                f"There is no webhook named {name!r}. Make it: connector accounts add webhook --name {name} --url ..."
            )
            self._end({row.seq: ("review", {"text": text}, None) for row in rows})
            return
        try:
            for n, row in enumerate(rows):
                if stop():
                    return
                answer = caller.call(f"{row.event}_{row.seq}", KIND, row.at, self._data(row))
                self._end({row.seq: judge(answer, row.attempts, self.clock.now())})
                if answer.away:
                    self._postpone(rows[n + 1 :], answer.after)
                    return
        finally:
            caller.close()

    def _data(self, row: Notification) -> dict[str, Any]:
        return {"event": row.event, "crm": self.account.name, "values": dict(row.values)}

    def _end(self, results: Mapping[int, Result]) -> None:
        with self.store.write() as conn:
            notifications.end(conn, results, self.clock.now())

    def _postpone(self, rows: Sequence[Notification], after: float | None) -> None:
        until = self.clock.now() + timedelta(seconds=after or AWAY)
        with self.store.write() as conn:
            notifications.postpone(conn, [row.seq for row in rows], until)


def judge(answer: Answer, failed: int, now: datetime) -> Result:
    """What one answer makes of its row; `failed` tries came before it."""
    outcome = {"text": answer.text}
    if answer.outcome == "done":
        return "done", outcome, None
    if answer.outcome == "never" or failed >= len(WAITS):
        return "review", outcome, None
    return "new", outcome, now + timedelta(seconds=max(WAITS[failed], answer.after or 0))
