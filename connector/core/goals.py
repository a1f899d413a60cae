"""What a message is meant to lead to: a field of a record becomes a value within a time after it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.core.canonical import canonical

LONGEST = timedelta(days=90)  # a message is asked about so long at most


@dataclass(frozen=True, slots=True)
class Goal:
    """`goal: {deal.dealstage: closedwon, within: 14 days}`; one of the values is enough."""

    word: str
    field: str
    values: tuple[str, ...]
    within: timedelta

    def __str__(self) -> str:
        """As people say it."""
        return f"{self.word}.{self.field} becomes {' or '.join(self.values)} within {_length(self.within)}"

    def meant(self, value: str | None) -> bool:
        """This value is what it is about, in any spelling."""
        return value is not None and canonical(value) in {canonical(one) for one in self.values}


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that has a goal: when it was made."""

    send: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """A field of a record came to a value of a goal."""

    record: str
    at: datetime


def reached(goal: Goal, moves: Iterable[Move], sent: Mapping[str, Sequence[Sent]]) -> dict[str, datetime]:
    """{message: when it reached its goal}. `sent`: {record: messages of this goal}.

    The last message before a move has it, and no other: one deal that is won counts once. A message counts once,
    for the first move after it."""
    found: dict[str, datetime] = {}
    for move in sorted(moves, key=lambda one: (one.at, one.record)):
        before = [one for one in sent.get(move.record, ()) if one.at <= move.at <= one.at + goal.within]
        if before:
            found.setdefault(max(before, key=lambda one: (one.at, one.send)).send, move.at)
    return found


def _length(of: timedelta) -> str:
    days, rest = divmod(int(of.total_seconds()), 86_400)
    if rest:
        return f"{rest // 3600 + days * 24} hours" if rest % 3600 == 0 else f"{int(of.total_seconds()) // 60} minutes"
    return f"{days} days" if days != 1 else "1 day"
