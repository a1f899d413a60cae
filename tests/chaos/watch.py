"""Opt-outs, watched from outside: what had been tried for a person at the moment when their opt-out was there to see.

A claim and an opt-out meet in the database, so neither clocks nor ledgers can tell which came first. One query sees
one moment: an attempt that it does not see beside an opt-out that it sees was committed after that opt-out.
"""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa

from connector.errors import StoreDown
from connector.store.tables import consents, contact_keys, send_attempts, sends
from tests.chaos.rig import Rig

LOOK = 0.02  # seconds between two looks


@dataclass(slots=True)
class Watch:
    """`with Watch(rig) as watch:`; `after()` tells in the end what was tried in spite of an opt-out."""

    rig: Rig
    before: dict[str, int] = field(default_factory=dict)  # wa_id: attempts, when the opt-out was first seen
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def after(self) -> dict[str, int]:
        """{wa_id: attempts that began after the opt-out}."""
        now = self._attempts(())
        return {who: now[who] - n for who, n in self.before.items() if now[who] != n}

    def _run(self) -> None:
        while not self._stop.wait(LOOK):
            try:
                self.before |= self._attempts(self.before)
            except StoreDown:
                continue

    def _attempts(self, known: Collection[str]) -> dict[str, int]:
        """{wa_id of who opted out: attempts of messages to them}, without those that are known."""
        k, s = contact_keys.c, sends.c
        mine = sa.select(sa.func.count()).select_from(send_attempts.join(sends, s.id == send_attempts.c.send))
        mine = mine.where(s.to == sa.literal("+") + k.value)
        query = sa.select(k.value, mine.scalar_subquery()).distinct()
        query = query.join(consents, consents.c.contact == k.contact)
        query = query.where(k.kind == "wa_id", consents.c.state == "opted_out", k.value.not_in(list(known)))
        with self.rig.app.store.read() as conn:
            return {who: int(n) for who, n in conn.execute(query).all()}
