"""Regular chores: each by one process at a time, rung for by the clock; one that fails is told and comes again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector import errors
from connector.pipeline.drain import Stop, log
from connector.ports import Account, Clock
from connector.store import chores as rows
from connector.store.engine import Store


@dataclass(frozen=True, slots=True)
class Chore:
    """`run` does all of it, or as much as it can; what is left comes with the next time."""

    every: timedelta
    run: Callable[[Stop], None]


@dataclass(frozen=True, slots=True)
class Chores:
    """`do(stop)` does what is due."""

    store: Store
    clock: Clock
    all: Mapping[str, Chore]

    def due(self) -> list[str]:
        with self.store.read() as conn:
            return rows.due(conn, {name: chore.every for name, chore in self.all.items()}, self.clock.now())

    def do(self, stop: Stop) -> None:
        for name in self.due():
            if stop():
                return
            with self.store.locks.hold([f"chore:{name}"]) as held:
                if held and self._begin(name):
                    self._run(name, stop)

    def _begin(self, name: str) -> bool:
        with self.store.write() as conn:
            return rows.begin(conn, name, self.all[name].every, self.clock.now())

    def _run(self, name: str, stop: Stop) -> None:
        try:
            self.all[name].run(stop)
        except errors.ConnectorError as error:
            log.warning("%s: %s", name, error)
        except Exception:  # noqa: BLE001 - one chore must not keep the others from their turn
            log.exception("%s failed", name)


def each(accounts: Sequence[Account], do: Callable[[Account], None], stop: Stop) -> None:
    """Does it for every account that works; one that is down keeps nobody from their turn."""
    for account in accounts:
        if stop():
            return
        if account.state != "ok":
            continue
        try:
            do(account)
        except errors.StoreDown:
            raise
        except errors.ConnectorError as error:
            log.warning("%s: %s", account.name, error)
        except Exception:  # noqa: BLE001 - as _run above
            log.exception("%s: a chore failed", account.name)
