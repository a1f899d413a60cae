"""Faults on request: what a network and a vendor do to a caller on a bad day, the same way every time for one seed."""

import random
import re
import threading
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

KINDS = {
    "drop_before": "the connection is closed and nothing was done",
    "drop_after": "the work is done, then the connection is closed without an answer",
    "delay": "the work is done, the answer comes `ms` milliseconds late",
    "429": "the service's own refusal of too many requests",
    "5xx": "503 with a page of HTML, nothing was done",
    "half": "the work is done, half of the answer comes, then the connection is closed",
    "expired": "the service's own refusal of a token",
    "down": "the connection is reset and nothing was done",
    "reset_after": "the work is done, then the connection is reset without an answer",
    "error": "WhatsApp's own refusal with `code` (80007, 131056, ...), nothing was done",
}
STATUS = "STATUS "  # a route that begins so is about the statuses of sent messages: STATUS /graph/<wa_id>/<status>
STATUS_KINDS = {
    "lost": "the status never comes",
    "delay": "it comes `ms` milliseconds later, so maybe after its successors",
    "twice": "it comes twice",
    "failed": "`failed` with `code` comes in its place, and nothing after it",
}
FIELDS = {"route", "kind", "rate", "seed", "times", "after", "ms", "code"}


class FaultError(ValueError):
    """A fault that cannot be read; the text says which and why."""


@dataclass
class Fault:
    """One fault. `route` is a glob on "METHOD /path"; `after` is the first match it may strike, from 1."""

    route: str
    kind: str
    rate: float = 1.0
    seed: int = 0
    times: int | None = None
    after: int = 0
    ms: float = 1000.0
    code: int = 130429
    seen: int = 0
    struck: int = 0
    _glob: re.Pattern[str] = field(init=False, repr=False)
    _dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._glob = re.compile(translate(self.route))
        self._dice = random.Random(self.seed)  # noqa: S311 - dice, not secrets

    def strikes(self, line: str) -> bool:
        """Whether it strikes this request; counts it either way."""
        if not self._glob.match(line):
            return False
        self.seen += 1
        hit = self._dice.random() < self.rate
        if not hit or self.seen < self.after or (self.times is not None and self.struck >= self.times):
            return False
        self.struck += 1
        return True

    def shown(self) -> dict[str, Any]:
        """As JSON, with how often it matched and struck."""
        return {name: getattr(self, name) for name in sorted(FIELDS | {"seen", "struck"})}


class Faults:
    """The list in force. Delays add up; of the other kinds the first that strikes counts."""

    def __init__(self) -> None:
        self._list: list[Fault] = []
        self._lock = threading.Lock()

    def replace(self, documents: object) -> list[dict[str, Any]]:
        """Put a new list in force; raises FaultError and keeps the old one when any of it cannot be read."""
        if not isinstance(documents, list):
            raise FaultError("faults are a JSON list of objects")
        faults = [_read(n, document) for n, document in enumerate(documents)]
        with self._lock:
            self._list = faults
        return self.shown()

    def shown(self) -> list[dict[str, Any]]:
        """The list as JSON."""
        with self._lock:
            return [fault.shown() for fault in self._list]

    def strike(self, method: str, path: str) -> tuple[Fault | None, float]:
        """(fault, seconds of delay) for one request or status; None when only a delay, or nothing, strikes."""
        if not self._list:
            return None, 0.0
        line, delay = f"{method} {path}", 0.0
        about_status = line.startswith(STATUS)
        with self._lock:
            for fault in self._list:
                if fault.route.startswith(STATUS) == about_status and fault.strikes(line):
                    if fault.kind != "delay":
                        return fault, delay
                    delay += fault.ms / 1000
        return None, delay


def _read(n: int, document: object) -> Fault:
    if not isinstance(document, dict):
        raise FaultError(f"fault {n} is not an object")
    unknown = set(document) - FIELDS - {"seen", "struck"}
    if unknown:
        raise FaultError(f"fault {n} has {sorted(unknown)}; a fault has {sorted(FIELDS)}")
    fields = {name: value for name, value in document.items() if name in FIELDS and value is not None}
    fields["kind"] = str(fields.get("kind"))
    _check_numbers(n, fields)
    kinds = STATUS_KINDS if fields.get("route", "*").startswith(STATUS) else KINDS
    if fields["kind"] not in kinds:
        raise FaultError(f"fault {n} has the kind {fields['kind']!r}; kinds are {', '.join(kinds)}")
    return Fault(**{"route": "*", **fields})


def _check_numbers(n: int, fields: dict[str, Any]) -> None:
    if not isinstance(fields.get("route", ""), str):
        raise FaultError(f'fault {n}: route is a glob on "METHOD /path"')
    wrong = [key for key in ("rate", "ms") if not _is(fields.get(key, 0), int | float)]
    wrong += [key for key in ("seed", "times", "after", "code") if not _is(fields.get(key, 0), int)]
    if wrong or not 0 <= fields.get("rate", 1) <= 1 or fields.get("ms", 0) < 0:
        raise FaultError(
            f"fault {n}: rate is 0 to 1, ms is not negative, seed, times, after and code are whole numbers"
        )


def _is(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
