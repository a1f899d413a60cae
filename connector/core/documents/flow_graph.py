"""A flow as steps and ways between them: what is drawn, reached, never ends, outlives the window."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from connector.core.documents.flow_document import FlowDocument, FlowStep
from connector.core.window import WINDOW


@dataclass(frozen=True, slots=True)
class Way:
    """One way from a step to another. `by`: go answer if no_answer not_understood word."""

    start: str
    to: str
    by: str
    label: str = ""


def ways(document: FlowDocument) -> tuple[Way, ...]:
    """Every way, in the order of the steps; `words` and `not_understood` once, from the start of the flow ("")."""
    found = [way for step in document.steps.values() for way in ways_of(step)]
    if document.not_understood.go:
        found.append(Way("", document.not_understood.go, "not_understood"))
    found += [Way("", to, "word", word) for word, to in document.always.items()]
    return tuple(found)


def ways_of(step: FlowStep) -> list[Way]:
    """Where one step leads."""
    found = []
    if step.route is not None:
        found += [Way(step.name, to, step.route.by or "go", label) for label, to in step.route.ways]
    if step.no_answer is not None and step.answer is not None:
        found.append(Way(step.name, step.no_answer.then, "no_answer"))
    return found


def reached(document: FlowDocument) -> frozenset[str]:
    """The steps some customer may get to."""
    asks = any(step.answer is not None for step in document.steps.values())
    beginning = [document.first] + ([way.to for way in ways(document) if not way.start] if asks else [])
    return _from(beginning, _next(ways(document)))


def _next(all_: Iterable[Way]) -> dict[str, list[str]]:
    following: dict[str, list[str]] = {}
    for way in all_:
        if way.start:
            following.setdefault(way.start, []).append(way.to)
    return following


def _from(beginning: Iterable[str], following: Mapping[str, Iterable[str]]) -> frozenset[str]:
    seen: set[str] = set()
    left = list(beginning)
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += following.get(name, ())
    return frozenset(seen)


def endless(document: FlowDocument) -> list[str]:
    """Steps from which no answer ever leads to an end, in their order."""
    behind: dict[str, list[str]] = {}
    for way in ways(document):
        if way.start and way.by != "no_answer":
            behind.setdefault(way.to, []).append(way.start)
    ends = [name for name, step in document.steps.items() if step.route is None]
    good = _from(ends, behind)
    return [name for name in document.steps if name not in good]


def circles(document: FlowDocument) -> list[str]:
    """Steps in a circle that never waits, in their order: walked until the loop guard stops it."""
    still = {name for name, s in document.steps.items() if s.answer is None and s.wait is None and not _held(s)}
    inside = [way for way in ways(document) if way.start in still and way.to in still and way.by != "no_answer"]
    # what has no way on, or no way in, stands in no circle; taken away again and again only circles are left
    left = _pruned(_pruned(still, inside, ahead=True), inside, ahead=False)
    return [name for name in document.steps if name in left]


def _pruned(names: set[str], inside: Iterable[Way], *, ahead: bool) -> set[str]:
    """Without the steps from which (or to which) no way of these leads."""
    pairs = [(way.start, way.to) if ahead else (way.to, way.start) for way in inside]
    pairs = [(a, b) for a, b in pairs if a in names and b in names]
    count, behind = dict.fromkeys(names, 0), dict[str, list[str]]()
    for a, b in pairs:
        count[a] += 1
        behind.setdefault(b, []).append(a)
    gone = [name for name in names if not count[name]]
    left = set(names)
    while gone:
        name = gone.pop()
        left.discard(name)
        for a in behind.get(name, ()):
            count[a] -= 1
            if not count[a]:
                gone.append(a)
    return left


def _held(step: FlowStep) -> bool:
    return step.handoff is not None and step.route is not None


# ---- what is kept when ---------------------------------------------------------------------------------------------
# Sets of names are bits of an integer here, and every walk is bounded: a hostile text has thousands of steps and names.
_NAMES = re.compile(r"\bflow\.(\w+)")
_ROUNDS = 20  # times that one way is looked at; a flow that needs more is left alone


class _Bits:
    """The names that some step keeps, numbered."""

    def __init__(self, document: FlowDocument) -> None:
        names = dict.fromkeys(name for step in document.steps.values() for name, _ in step.keeps)
        self.number = {name: 1 << n for n, name in enumerate(names)}
        self.keeps = {name: self.of(k for k, _ in step.keeps) for name, step in document.steps.items()}

    def of(self, names: Iterable[str]) -> int:
        found = 0
        for name in names:
            found |= self.number.get(name, 0)
        return found

    def added(self, way: Way) -> int:
        """What is kept on this way: an answer that never came keeps nothing."""
        return self.keeps[way.start] if way.by != "no_answer" else 0


def known_at(document: FlowDocument) -> Callable[[str, str], bool]:
    """Is flow.<name> kept on every ordinary way to a step? Words and misunderstandings are not counted."""
    bits, leads = _Bits(document), _leads(document)
    known: dict[str, int] = {document.first: 0}
    left, rounds = deque([document.first]), _ROUNDS * len(document.steps)
    while left and rounds:
        name, rounds = left.popleft(), rounds - 1
        for way in leads.get(name, ()):
            after = known[name] | bits.added(way)
            before = known.get(way.to)
            if before is None or before & after != before:
                known[way.to] = after if before is None else before & after
                left.append(way.to)
    if left:
        return lambda *_: True
    return lambda step, name: step not in known or bool(known[step] & bits.number.get(name, 0))


def matters(document: FlowDocument) -> dict[str, frozenset[str]]:
    """{step: the flow.<name> whose value, kept before, still decides a way from there on}."""
    bits = _Bits(document)
    found = {name: bits.of(_read(step)) & ~bits.keeps[name] for name, step in document.steps.items()}
    behind: dict[str, list[Way]] = {}
    for way in ways(document):
        if way.start and way.to in found:
            behind.setdefault(way.to, []).append(way)
    left, rounds = deque(reversed(found)), _ROUNDS * len(found)
    while left and rounds:
        name, rounds = left.popleft(), rounds - 1
        for way in behind.get(name, ()):
            after = found[name] & ~bits.added(way)
            if after & ~found[way.start]:
                found[way.start] |= after
                left.append(way.start)
    always = 0
    for way in ways(document):
        always |= found.get(way.to, 0) if not way.start else 0
    watched = [name for name, bit in bits.number.items() if any(held & bit for held in found.values())]
    return {s: frozenset(n for n in watched if (held | always) & bits.number[n]) for s, held in found.items()}


def _leads(document: FlowDocument) -> dict[str, list[Way]]:
    found: dict[str, list[Way]] = {}
    for way in ways(document):
        if way.start and way.to in document.steps:
            found.setdefault(way.start, []).append(way)
    return found


def _read(step: FlowStep) -> list[str]:
    """The names that this step's own conditions look at."""
    route = step.route
    if route is None or route.by != "if":
        return []
    return [name for text, _ in route.ways for name in _NAMES.findall(text)]


# ---- the window ----------------------------------------------------------------------------------------------------
_LIMIT = timedelta(days=30)


def silence_at(document: FlowDocument) -> dict[str, timedelta]:
    """{step: the longest time since the customer's last message at which it may be reached}, at most 30 days."""
    longest = {way.to: timedelta() for way in ways(document) if not way.start} | {document.first: timedelta()}
    left, seen = deque(longest), dict.fromkeys(document.steps, 0)
    while left:
        step = document.steps.get(left.popleft())
        for to, then in _later(step, longest[step.name]) if step is not None else ():
            if to in seen and then > longest.get(to, timedelta(-1)):
                seen[to] += 1
                longest[to] = min(then, _LIMIT) if seen[to] < _ROUNDS else _LIMIT  # a circle of waits
                if longest[to] < _LIMIT or seen[to] <= _ROUNDS:
                    left.append(to)
    return longest


def _later(step: FlowStep, at: timedelta) -> list[tuple[str, timedelta]]:
    """Where the step leads, and how long the customer has been silent there."""
    found = []
    if step.route is not None:
        after = timedelta() if step.answer is not None else at + (step.wait or timedelta())
        if _held(step):
            after = timedelta()  # a person talks with them
        found += [(to, after) for _, to in step.route.ways]
    rule = step.no_answer
    if rule is not None and step.answer is not None:
        found.append((rule.then, at + rule.after * (2 if rule.again else 1)))
    return found


def too_late(document: FlowDocument) -> list[tuple[str, timedelta]]:
    """Steps that would speak when the window is closed, though no template reopens it."""
    if document.reopen is not None:
        return []
    silent = silence_at(document)
    return [
        (name, silent[name])
        for name, step in document.steps.items()
        if step.speaks and step.reopen is None and silent.get(name, timedelta()) >= WINDOW
    ]
