"""The compiled documents: immutable, evaluated without ever seeing YAML again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connector.core.documents.conditions import Check
from connector.core.documents.rules import Rule
from connector.core.documents.tree import Map
from connector.core.documents.words import Run


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
    reply: Run | None = None
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
    sets: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()  # fields with an ask_again: their question awaits an answer as `<mapping>.<field>`
    tests: tuple[Test, ...] = ()
    early: tuple[Check, ...] = field(default=(), repr=False)
    late: tuple[Check, ...] = field(default=(), repr=False)
    rules: tuple[Rule, ...] = field(default=(), repr=False)
    actions: Actions = field(default=NOTHING, repr=False)
    tree: Map | None = field(default=None, repr=False, compare=False)  # places of the words, for lint


Document = MappingDocument  # send: and flow: join here
