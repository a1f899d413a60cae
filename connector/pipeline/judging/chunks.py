"""Some lanes that are handled together: what is known of their contacts, and the CRM reads under way for them."""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field

from connector.core.contact import Record
from connector.pipeline.judging.judge import Desk
from connector.ports import ContactKey
from connector.store.plans import Work


@dataclass(slots=True)
class Chunk:
    """Some held lanes, what we know of their contacts, and the CRM read that is under way for them."""

    work: list[Work]
    held: ExitStack
    desk: Desk
    keys: dict[str, list[ContactKey]] = field(default_factory=dict)
    found: Future[dict[ContactKey, list[Record]]] | None = None
    records: Future[dict[tuple[str, str], Record]] | None = None  # those whose event sent what is answered


def split(work: Sequence[Work], sizes: tuple[int, ...]) -> list[list[Work]]:
    """Lanes that were interrupted before are worked in smaller company; in the end one lane, its first event only."""
    tries: dict[str, int] = {}
    for w in work:
        tries[w.lane] = max(tries.get(w.lane, 0), w.attempts)
    last = len(sizes) - 1
    parts: list[list[Work]] = []
    for level, size in enumerate(sizes):
        lanes = [lane for lane, n in tries.items() if min(n, last) == level]
        for i in range(0, len(lanes), size):
            some = set(lanes[i : i + size])
            part = [w for w in work if w.lane in some]
            parts.append(part[:1] if level == last else part)
    return parts
