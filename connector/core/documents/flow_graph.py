"""A flow as steps and ways between them: what is drawn, reached, never ends, outlives the window."""

import re
from collections.abc import Iterable, Mapping
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
    """Steps in a circle that never waits: walked until the loop guard stops it."""
    still = {name for name, s in document.steps.items() if s.answer is None and s.wait is None and not _held(s)}
    following = _next(way for way in ways(document) if way.start in still and way.to in still and way.by != "no_answer")
    return [name for name in document.steps if name in _from(following.get(name, ()), following)]


def _held(step: FlowStep) -> bool:
    return step.handoff is not None and step.route is not None


# ---- what is kept when ---------------------------------------------------------------------------------------------
def known_at(document: FlowDocument) -> dict[str, frozenset[str]]:
    """{step: the flow.<name> that is kept on every ordinary way to it}; words and misunderstandings are not counted."""
    keeps = {name: frozenset(k for k, _ in step.keeps) for name, step in document.steps.items()}
    everything = frozenset[str]().union(*keeps.values())
    known = dict.fromkeys(document.steps, everything)
    known[document.first] = frozenset()
    order = [way for way in ways(document) if way.start]
    changed = True
    while changed:
        changed = False
        for way in order:
            own = keeps[way.start] if way.by != "no_answer" else frozenset()
            after = known.get(way.to, frozenset()) & (known[way.start] | own)
            if way.to in known and after != known[way.to]:
                known[way.to], changed = after, True
    return known


_NAMES = re.compile(r"\bflow\.(\w+)")


def matters(document: FlowDocument) -> dict[str, frozenset[str]]:
    """{step: the flow.<name> whose value, kept before, still decides a way from there on}."""
    reads = {name: frozenset(_read(step)) for name, step in document.steps.items()}
    keeps = {name: frozenset(k for k, _ in step.keeps) for name, step in document.steps.items()}
    found = {name: reads[name] - keeps[name] for name in document.steps}
    order = [way for way in reversed(ways(document)) if way.to in found]
    anywhere = [way.to for way in order if not way.start]
    changed = True
    while changed:
        changed = False
        for way in order:
            own = keeps.get(way.start, frozenset()) if way.by != "no_answer" else frozenset()
            after = found[way.to] - own
            if way.start and not after <= found[way.start]:
                found[way.start], changed = found[way.start] | after, True
    always = frozenset[str]().union(*(found[name] for name in anywhere))
    return {name: names | always for name, names in found.items()}


def _read(step: FlowStep) -> list[str]:
    """The names that this step's own conditions look at."""
    route = step.route
    if route is None or route.by != "if":
        return []
    return [name for text, _ in route.ways for name in _NAMES.findall(text)]


# ---- the window ----------------------------------------------------------------------------------------------------
def silence_at(document: FlowDocument) -> dict[str, timedelta]:
    """{step: the longest time since the customer's last message at which it may be reached}, capped at 30 days."""
    longest = {way.to: timedelta() for way in ways(document) if not way.start} | {document.first: timedelta()}
    limit = timedelta(days=30)
    for _ in range(len(document.steps) + 1):
        before = dict(longest)
        for step in document.steps.values():
            at = longest.get(step.name)
            if at is None:
                continue
            for to, then in _later(step, at):
                if to in document.steps and then > longest.get(to, timedelta(-1)):
                    longest[to] = min(then, limit)
        if before == longest:
            break
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
