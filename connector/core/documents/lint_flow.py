"""A `flow:` document as a whole: steps nobody reaches, circles, the window, what is read before it is kept."""

import re
from collections.abc import Iterator, Sequence

from connector.core.consent import stop_word
from connector.core.documents import flow_graph as graph
from connector.core.documents.comparing import fold, length
from connector.core.documents.findings import Finding, Problem
from connector.core.documents.flow_document import FlowDocument
from connector.core.documents.flow_step import INLINE
from connector.core.documents.flow_written import at, steps_in
from connector.core.documents.lint_fields import Path, Schema, Wrong
from connector.core.documents.lint_flow_fields import fields, templates_there
from connector.core.documents.lint_flow_labels import languages, too_long
from connector.core.documents.load import finding
from connector.core.documents.tree import Map, Text, walk
from connector.core.template import Template
from connector.core.window import WINDOW

_SAID_FIRST = (("ask",), ("say",), ("ask_again",), ("buttons",), ("list",))
_READS = re.compile(r"\bflow\.([A-Za-z_]\w*)(?!\w)(\s*\|\s*default)?")


def lint(document: FlowDocument, tree: Map, schema: Schema, templates: Sequence[Template] | None) -> Iterator[Wrong]:
    """Everything wrong with the flow as a whole, and with what it says of the CRM and the templates."""
    yield from _unreachable(document)
    yield from _circles(document)
    yield from _window(document)
    yield from too_long(tree)
    yield from languages(document, tree)
    yield from _early(document, tree)
    yield from _stops(tree)
    if schema:
        yield from fields(document, tree, schema)
    if templates is not None:
        yield from templates_there(document, tree, templates)


def path_of(step: str) -> Path:
    """Where a step stands in the text."""
    owner, dot, _ = step.partition(f".{INLINE}")
    if not dot:
        return "steps", step
    return ("always", INLINE, "then") if owner == "always" else ("steps", owner, INLINE, "then")


# ---- several flows -------------------------------------------------------------------------------------------------
def same_start(flows: Sequence[FlowDocument]) -> Iterator[Finding]:
    """Two flows that one word or button starts: only one of them does."""
    for index, later in enumerate(flows):
        for first in flows[:index]:
            shared = sorted(_begins(first) & _begins(later)) if first.crm == later.crm else []
            if shared and later.tree is not None:
                wins = later.name if later.priority > first.priority else first.name
                said = f"{' '.join(shared[0]).strip()!r} starts {first.name} too; there {wins} wins."
                hint = "Use another word, or give one of them a higher `priority`."
                yield finding(later.text, later.tree, ("start",), Problem(said, code="start", hint=hint), "warning")


def _begins(document: FlowDocument) -> set[tuple[str, str]]:
    """(word, "") and (template, button id) that start it, where nothing else narrows it."""
    found = set()
    for start in document.starts:
        if len(start.early) + len(start.late) <= 2 + bool(start.answer_to) + bool(start.ids):
            found |= {(fold(word), "") for word in start.says if not start.answer_to and not start.ids}
            found |= {(name, id_) for name in start.answer_to for id_ in start.ids or ("",)}
    return found


# ---- ways ----------------------------------------------------------------------------------------------------------
def _unreachable(document: FlowDocument) -> Iterator[Wrong]:
    there = graph.reached(document)
    for name in document.steps:
        if name not in there and not name.endswith(f".{INLINE}"):
            hint = f"Add go: {name} to the step before it, or delete it."
            yield path_of(name), Problem(f"No way leads to the step '{name}'.", code="unreachable", hint=hint), "error"


def _circles(document: FlowDocument) -> Iterator[Wrong]:
    for name in graph.circles(document):
        said = f"'{name}' stands in a circle in which nobody is asked: it would go round for ever."
        yield path_of(name), Problem(said, code="loop", hint="Ask something in it, or let one step end."), "error"
        return
    for name in graph.endless(document):
        said = f"From '{name}' no answer leads to an end: a loop without an exit."
        yield (
            path_of(name),
            Problem(said, code="loop", hint="Give one of its answers a way to a step with `end:`."),
            "error",
        )
        return


def _window(document: FlowDocument) -> Iterator[Wrong]:
    if document.expires > WINDOW and document.reopen is None:
        said = f"The flow lasts {length(document.expires)}, longer than the 24 hours in which a step may simply speak."
        hint = "Add reopen: name-of-a-template, or write expires: 20 hours"
        yield ("expires",), Problem(said, code="window", hint=hint), "error"
    for name, silent in graph.too_late(document):
        said = (
            f"'{name}' may speak {length(silent)} after the customer's last message, when only a template may be sent."
        )
        hint = "Add to the step reopen: name-of-a-template, or shorten the waits before it."
        yield path_of(name), Problem(said, code="window", hint=hint), "error"
    for step in document.steps.values():
        if step.wait is not None and step.wait >= document.expires:
            said = f"It waits {length(step.wait)}, but the flow expires after {length(document.expires)}."
            hint = f"Write for example expires: {length(step.wait * 2)}"
            yield (*path_of(step.name), "wait"), Problem(said, code="window", hint=hint), "error"


# ---- words and what they read --------------------------------------------------------------------------------------
def _stops(tree: Map) -> Iterator[Wrong]:
    """Words that opt out wherever they are written."""
    words = at(tree, ("always", "words"))
    for word in words.items if isinstance(words, Map) else ():
        if stop_word(word) == "opted_out":
            said = f"'{word}' is a STOP word: it opts the customer out, always."
            yield ("always", "words", word), Problem(said, code="stop_word", hint="Use another word."), "error"


def _early(document: FlowDocument, tree: Map) -> Iterator[Wrong]:
    """`flow.x` on a way on which nothing has kept it yet."""
    known, there = graph.known_at(document), graph.reached(document)
    for path, step in steps_in(tree):
        name = str(path[1]) if len(path) == 2 else f"{path[1] if path[0] == 'steps' else 'always'}.{INLINE}"
        if name not in there:
            continue
        own = {k for k, _ in document.steps[name].keeps}
        for where, node in walk(step, path):
            if not isinstance(node, Text) or "flow." not in node.value or (len(path) == 2 and INLINE in where):
                continue
            said = where[2:3] in _SAID_FIRST  # before the step's own answer
            for found in _READS.finditer(node.value) if _is_expression(where, node.value) else ():
                if not found[2] and not known(name, found[1]) and (said or found[1] not in own):
                    what = f"On some way to '{name}' nothing has kept 'flow.{found[1]}' yet: it is empty there."
                    hint = f"Ask for it before, or write {{{{ flow.{found[1]} | default('...') }}}}"
                    yield where, Problem(what, code="early", hint=hint), "warning"


def _is_expression(path: Path, text: str) -> bool:
    return "{{" in text or path[-1] in ("if", "from")
