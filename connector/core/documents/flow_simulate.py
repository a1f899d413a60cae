"""A flow walked by machine: every path, what it covers, and what is wrong with where it ends."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.core.documents.findings import Finding, Problem, ordered
from connector.core.documents.flow_document import FlowDocument
from connector.core.documents.flow_graph import reached
from connector.core.documents.flow_paths import Leg, Machine
from connector.core.documents.flow_samples import contacts
from connector.core.documents.flow_trials import play
from connector.core.documents.lint import check
from connector.core.documents.lint_fields import Schema
from connector.core.documents.lint_flow import path_of
from connector.core.documents.load import finding
from connector.core.documents.trials import options_of, run_tests
from connector.core.template import Template

_BAD = {
    "window": "It ends because the window is closed.", "loop": "It goes in a circle.",
    "nowhere": "It ends because no way fits.", "moved": "It comes to a step that is not there.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Simulation:
    """All that was walked. `coverage`: how many paths go through each step; `tested`: steps the file's tests reach."""

    flow: str
    legs: tuple[Leg, ...]
    coverage: Mapping[str, int]
    tested: frozenset[str]
    paths: int
    moves: int
    whole: bool  # False: stopped at MOVES or DEEP
    findings: tuple[Finding, ...]


def simulate(
    document: FlowDocument, *, schema: Schema | None = None, templates: Sequence[Template] | None = None
) -> Simulation:
    """Every path of the flow, bounded; findings of the text, of the paths and of the tests."""
    options = options_of(schema)
    machine = Machine(document, options)
    legs = [machine.begin({})]
    coverage, paths = covered(document, legs)
    for name, value in contacts(machine.known):
        if all(coverage[step] for step in reached(document)):
            break
        legs.append(machine.begin({f"contact.{name}": value}, f"contact.{name} is {value}"))
        coverage, paths = covered(document, legs)
    findings = [
        *check(document.text, schema=schema, templates=templates),
        *_ends(document, legs), *_uncovered(document, coverage, machine.whole), *_failed(document, schema),
    ]  # fmt: skip
    return Simulation(
        document.name, tuple(legs), coverage, tested(document, options), paths, machine.moves, machine.whole,
        tuple(ordered(findings)),
    )  # fmt: skip


def covered(document: FlowDocument, legs: Sequence[Leg]) -> tuple[dict[str, int], int]:
    """({step: paths through it}, paths)."""
    count = dict.fromkeys(document.steps, 0)

    def visit(leg: Leg) -> int:
        below = sum(visit(inner) for inner in leg.legs) or 1
        for name in set(leg.steps):
            count[name] += below
        return below

    return count, sum(visit(leg) for leg in legs)


def _ends(document: FlowDocument, legs: Sequence[Leg]) -> Iterator[Finding]:
    """Paths that stop where nobody wanted it; each place once."""
    told: set[tuple[str, str]] = set()

    def visit(leg: Leg, before: tuple[str, ...]) -> Iterator[Finding]:
        way = (*before, leg.said)
        step = leg.steps[-1] if leg.steps else ""
        if leg.end in _BAD and (step, leg.end) not in told:
            told.add((step, leg.end))
            yield _finding(document, step, f"{_BAD[leg.end]} The way: {' > '.join(way)}.", leg.end)
        for inner in leg.legs:
            yield from visit(inner, way)

    for leg in legs:
        yield from visit(leg, ())


def _uncovered(document: FlowDocument, coverage: Mapping[str, int], whole: bool) -> Iterator[Finding]:
    there = reached(document)
    for name, count in coverage.items():
        if not count and name in there and whole:
            yield _finding(document, name, f"No path that was walked comes to '{name}'.", "uncovered")


def _failed(document: FlowDocument, schema: Schema | None) -> Iterator[Finding]:
    for result in run_tests(document, schema):
        if not result.passed:
            said = f"The test {result.name!r} fails: {result.message}"
            yield Finding("tests", result.line, 1, "test", said, "Mend the flow, or what the test expects.")


def _finding(document: FlowDocument, step: str, said: str, code: str) -> Finding:
    assert document.tree is not None
    hint = (
        "Add a way, a template that reopens it, or shorten the waits."
        if code != "uncovered"
        else "Look at its conditions."
    )
    return finding(document.text, document.tree, path_of(step), Problem(said, code=code, hint=hint), "warning")


def tested(document: FlowDocument, options: Mapping[str, Any]) -> frozenset[str]:
    """The steps that the document's own tests walk."""
    found: set[str] = set()
    for test in document.tests:
        try:
            found.update(name for move in play(document, test.say, test.given, options).moves for name in move.walked)
        except ValueError:
            continue
    return frozenset(found)


def drawn(simulation: Simulation) -> Iterator[str]:
    """The tree of paths, one line each."""

    def visit(leg: Leg, deep: int) -> Iterator[str]:
        where = " > ".join(leg.steps)
        after = f"ends: {leg.end}" if leg.end else f"{leg.waits} waits" if leg.waits not in leg.steps[-1:] else ""
        told = " ".join(part for part in (f"-> {where}" if where else "", f"({after})" if after else "") if part)
        yield f"{'  ' * deep}{leg.said} {told}{' (as above)' if leg.again else ''}".rstrip()
        for inner in leg.legs:
            yield from visit(inner, deep + 1)

    for leg in simulation.legs:
        yield from visit(leg, 0)


def as_json(simulation: Simulation) -> dict[str, Any]:
    """JSON-ready, findings left to the caller."""

    def leg_of(leg: Leg) -> dict[str, Any]:
        told = {"said": leg.said, "steps": list(leg.steps), "waits": leg.waits, "end": leg.end, "because": leg.because}
        return told | {"again": leg.again, "legs": [leg_of(inner) for inner in leg.legs]}

    return {
        "flow": simulation.flow, "paths": simulation.paths, "moves": simulation.moves, "whole": simulation.whole,
        "coverage": dict(simulation.coverage), "tested": sorted(simulation.tested),
        "tree": [leg_of(leg) for leg in simulation.legs],
    }  # fmt: skip
