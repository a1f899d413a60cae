"""`flow:` compiled: immutable steps, walked without ever seeing YAML again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connector.core.documents.coerce import Coerce, Kind
from connector.core.documents.conditions import Check
from connector.core.documents.rules import Rule
from connector.core.documents.tree import Map
from connector.core.documents.words import Run

EXPIRES = timedelta(hours=23)  # inside the 24 h window, so that the last step may still speak
Said = str | Mapping[str, Any]  # one thing that a test's customer does


@dataclass(frozen=True, slots=True)
class FlowTest:
    """One test: what the customer says, in order, and what must come of it."""

    name: str
    line: int
    say: tuple[Said, ...]
    given: Mapping[str, Any]
    expect: Mapping[str, str]

    __test__ = False


@dataclass(frozen=True, slots=True)
class Start:
    """One way a conversation begins. `late` checks look at the CRM record."""

    early: tuple[Check, ...] = field(repr=False)
    late: tuple[Check, ...] = field(repr=False)
    says: tuple[str, ...] = ()
    answer_to: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    referral: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opener:
    """A template that may be sent when the window is closed."""

    template: str
    language: Run | None = field(default=None, repr=False)
    values: tuple[tuple[str, Run], ...] = field(default=(), repr=False)
    buttons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """`no_answer:`: after how long, whether it is asked again (None = no; a message of its own, or the question)."""

    after: timedelta
    again: bool
    text: "Speech | None" = field(default=None, repr=False)
    then: str = ""  # a step


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """`not_understood:`: how often it is asked again, and the step after that ("" = a person is told)."""

    times: int = 2
    go: str = ""


Speech = Callable[[Any], str]  # scope -> the text in the conversation's language


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step takes as its answer. `wants`: choice text media location form contact anything."""

    wants: str
    ids: tuple[str, ...] = ()  # of buttons and rows
    labels: Mapping[str, str] = field(default_factory=dict)  # folded id or title -> id
    titles: Mapping[str, str] = field(default_factory=dict)  # id -> its title, in the first language
    coerce: Coerce | None = field(default=None, repr=False)
    kind: Kind | None = field(default=None, repr=False)
    as_: str = ""
    name: str = ""  # the CRM field that is saved, for its options


@dataclass(frozen=True, slots=True)
class Route:
    """`go:`: where to. `by` is how it is decided: "" (always) answer if; `ways` are (label, step)."""

    by: str = ""
    ways: tuple[tuple[str, str], ...] = ()
    pick: Callable[[Any], tuple[str, str]] | None = field(default=None, repr=False)  # scope -> step, because


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step; one that waits does its work once the answer is understood.

    `bodies` makes the neutral messages, or the question alone with other words when it is asked again.
    """

    name: str
    type: str = ""  # of its message: text buttons list image ... template; "" = it says nothing
    bodies: Callable[[Any, str | None], list[dict[str, Any]]] | None = field(default=None, repr=False)
    opener: Opener | None = None  # `template:`
    reopen: Opener | None = None  # the step's own, else the flow's
    answer: Answer | None = None
    ask_again: Speech | None = field(default=None, repr=False)
    no_answer: NoAnswer | None = None
    wait: timedelta | None = None
    rules: tuple[Rule, ...] = field(default=(), repr=False)
    keeps: tuple[tuple[str, Run], ...] = field(default=(), repr=False)  # remembered as flow.<name>
    log: str = "none"
    consent: tuple[tuple[str, str], ...] = ()
    task: tuple[Run, str, Run | None] | None = field(default=None, repr=False)  # title, owner, text
    notify: tuple[str, tuple[tuple[str, Run], ...]] | None = field(default=None, repr=False)
    handoff: tuple[Run, str] | None = field(default=None, repr=False)  # text, who
    route: Route | None = None
    end: str = ""
    start: str = ""  # another flow

    @property
    def speaks(self) -> bool:
        """Does it say something that needs an open window?"""
        return self.bodies is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDocument:
    """`flow:` compiled. `reads` are fields of the contact's record, `record_reads` those of `deal.*` etc."""

    name: str
    crm: str
    text: str = field(repr=False)
    kind: str = "flow"
    about: str = ""
    priority: int = 0  # a flow interrupts only one of lower priority
    objects: tuple[str, ...] = ()
    find_by: tuple[str, ...] = ("whatsapp", "phone")
    if_missing: str = "create"
    if_several: str = "review"
    starts: tuple[Start, ...] = ()
    answer_to: frozenset[str] = frozenset()  # templates and steps whose answers start it
    expires: timedelta = EXPIRES
    steps: Mapping[str, FlowStep] = field(default_factory=dict)
    first: str = ""
    reopen: Opener | None = None
    not_understood: NotUnderstood = NotUnderstood()
    always: Mapping[str, str] = field(default_factory=dict)  # folded word -> step
    language: Run | None = field(default=None, repr=False)
    languages: tuple[str, ...] = ()  # the first is the one when nothing else fits
    asks: tuple[str, ...] = ()  # steps that wait for an answer: `<flow>.<step>`
    templates: tuple[str, ...] = ()  # templates that it may send
    flows: tuple[str, ...] = ()  # flows that it starts
    reads: frozenset[str] = frozenset()
    record_reads: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    tests: tuple[FlowTest, ...] = ()
    tree: Map | None = field(default=None, repr=False, compare=False)
