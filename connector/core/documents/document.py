"""The compiled documents: immutable, evaluated without ever seeing YAML again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connector.core.documents.conditions import Check
from connector.core.documents.expressions import Expression
from connector.core.documents.flow_document import FlowDocument
from connector.core.documents.rules import Rule
from connector.core.documents.tree import Map
from connector.core.documents.words import Run
from connector.core.goals import Goal
from connector.core.quiet import QuietHours
from connector.core.schedule import DateRule, Every


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a document, as it was written."""

    name: str
    line: int
    given: Mapping[str, Any]
    expect: Mapping[str, str]

    __test__ = False  # not one of pytest's


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What happens beside the fields; None = nothing."""

    log: str = "none"
    consent: tuple[tuple[str, str], ...] = ()
    task: tuple[Run, str, Run | None] | None = None  # title, owner, text
    reply: Run | None = None  # gives a neutral message, or None
    attach: bool = False  # the file of the message goes on the record
    start: str | None = None
    handoff: tuple[Run, str] | None = None  # text, who
    notify: tuple[str, tuple[tuple[str, Run], ...]] | None = None


NOTHING = Actions()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingDocument:
    """`mapping:` compiled. `reads` are fields of the contact's record, `record_reads` those of `deal.*` etc."""

    name: str
    crm: str
    text: str = field(repr=False)
    kind: str = "mapping"
    about: str = ""
    objects: tuple[str, ...] = ()  # () = the CRM's default object
    find_by: tuple[str, ...] = ("whatsapp", "phone")
    if_missing: str = "review"
    if_several: str = "review"
    answer_to: frozenset[str] | None = None  # None = anything
    within: timedelta = timedelta(hours=24)
    number: tuple[str, ...] = ()
    types: tuple[str, ...] = ()  # () = all
    reads: frozenset[str] = frozenset()
    record_reads: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()  # record words used: deal, record, ...
    sets: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()  # fields with an ask_again: their question awaits an answer as `<mapping>.<field>`
    tests: tuple[Test, ...] = ()
    early: tuple[Check, ...] = field(default=(), repr=False)
    late: tuple[Check, ...] = field(default=(), repr=False)
    rules: tuple[Rule, ...] = field(default=(), repr=False)
    actions: Actions = field(default=NOTHING, repr=False)
    tree: Map | None = field(default=None, repr=False, compare=False)  # places of the words, for lint


@dataclass(frozen=True, slots=True)
class Watch:
    """One field that starts a send. `how`: becomes changes is created; `value`: the values, one is enough."""

    field: str
    how: str
    value: tuple[str, ...] = ()
    word: str = ""

    def __str__(self) -> str:
        """As it stands in the document."""
        if self.how in ("created", "changes"):
            return f"{self.word}.{self.field} {self.how}" if self.how == "changes" else f"{self.word}.created"
        return f"{self.word}.{self.field} {self.how} {' or '.join(self.value)}"


@dataclass(frozen=True, slots=True)
class AtMost:
    """`at_most: 1 per 7 days`."""

    count: int
    window: timedelta

    def __str__(self) -> str:
        return f"{self.count} per {self.window.days} days" if self.window.days else f"{self.count} per {self.window}"

    def reached(self, sent_at: Iterable[datetime], now: datetime) -> str:
        """When the last one was sent and what the limit is, in words; "" while one more is allowed."""
        recent = sorted(at for at in sent_at if at > now - self.window)
        return f"on {recent[-1]:%Y-%m-%d}; at_most says {self}" if len(recent) >= self.count else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the CRM learns of one thing that became of the message (`after:`)."""

    sets: tuple[tuple[str, str, Run], ...] = ()  # word ("" = the contact's own field), field, value
    clear: tuple[tuple[str, str], ...] = ()
    task: tuple[Run | None, str, Run | None] | None = None  # title, owner, text
    log: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDocument:
    """`send:` compiled. `reads` are fields of the recipient's record, `record_reads` of the record that starts it."""

    name: str
    crm: str
    text: str = field(repr=False)
    kind: str = "send"
    about: str = ""
    sender: str = ""  # account name of our number; "" = the only one
    words: tuple[str, ...] = ()  # record words used, the starting one first
    word: str = ""  # whose record starts it; "" = no record does
    watches: tuple[Watch, ...] = ()  # any of them fires; with a date, a time or a link all `is` must hold
    webhook: str | None = None
    date: DateRule | None = None
    every: Every | None = None
    segment: str = ""  # a broadcast: whose people get it (core/audience.py); "" = no broadcast
    at: datetime | None = None  # when it begins by itself: a wall clock, in the account's zone
    own_changes: bool = False
    reads: frozenset[str] = frozenset()
    record_reads: frozenset[str] = frozenset()
    recipient: str = "contact"  # record contact contacts call
    template: str = ""
    consent: str = ""  # "" = by category; opted_in not_opted_out
    at_most: AtMost | None = None
    give_up_after: timedelta | None = None
    quiet: QuietHours | None = None
    buttons: tuple[str, ...] = ()
    goal: Goal | None = None
    sets: tuple[str, ...] = ()  # every field `after:` sets or clears, as written
    tests: tuple[Test, ...] = ()
    phone: tuple[Expression, ...] = field(default=(), repr=False)
    language: Expression | None = field(default=None, repr=False)
    values: Mapping[str, Expression] = field(default_factory=dict, repr=False)  # `with:`
    only_if: tuple[Check, ...] = field(default=(), repr=False)
    cancel_if: Expression | None = field(default=None, repr=False)
    after: Mapping[str, Step] = field(default_factory=dict, repr=False)
    keeps: frozenset[tuple[str, ...]] = field(default=frozenset(), repr=False)  # paths `after:` reads
    tree: Map | None = field(default=None, repr=False, compare=False)

    @property
    def conditions(self) -> tuple[Watch, ...]:
        """The `is` that only narrow what a date, a time or a link starts."""
        timed = self.date is not None or self.every is not None or self.webhook is not None
        return tuple(w for w in self.watches if w.how == "is") if timed else ()

    @property
    def triggers(self) -> tuple[Watch, ...]:
        """The watches of which any one starts it."""
        narrows = self.conditions
        return tuple(w for w in self.watches if w not in narrows)


Document = MappingDocument | SendDocument | FlowDocument
