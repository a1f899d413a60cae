"""Expressions: Jinja's parser, our own whitelist, compiled to closures (documents.md, Expressions).

Jinja only parses; nothing of its runtime is used, so there is no sandbox to break out of.
"""

from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes

from connector.core.documents import mending
from connector.core.documents.comparing import shown
from connector.core.documents.compiling import Compiler, Refused
from connector.core.documents.findings import Problem
from connector.core.documents.words import MAPPING, Run, Words

MAX_LENGTH = 4096  # characters; the longest WhatsApp text
_ENVIRONMENT = Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701 - parses only, renders nothing
_BROKEN = (TemplateSyntaxError, ValueError, OverflowError, RecursionError, TypeError, AttributeError, IndexError)


class BadExpression(ValueError):
    """Carries the Problem with its code, hint and, where we know it, the mended text."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: `run(scope)` gives its value, `paths` are the dotted paths it reads."""

    text: str
    run: Run
    paths: frozenset[tuple[str, ...]] = frozenset()
    constant: bool = False

    def reads(self, *words: str) -> bool:
        """Does it look at any of these words?"""
        return any(path[0] in words for path in self.paths)


def bare(text: str, words: Words = MAPPING) -> Expression:
    """An expression as it stands after `from:` or in `only_if:`, with or without `{{ }}` around it."""
    inner = text.strip()
    if inner.startswith("{{") and inner.endswith("}}") and inner.count("{{") == 1:
        inner = inner[2:-2].strip()
    if not inner:
        raise BadExpression(Problem("Here stands nothing.", code="empty", hint="Write for example: answer.text"))
    found = _parse("{{ " + inner + " }}", inner, words)
    if len(found) != 1 or isinstance(found[0], nodes.TemplateData):
        raise BadExpression(
            Problem("This must be one expression.", code="expression", hint="Write for example: answer.text")
        )
    compiler = Compiler(words)
    run = _compiled(compiler, found[0], inner)
    return Expression(inner, run, frozenset(compiler.paths), isinstance(found[0], nodes.Const))


def value(text: str, words: Words = MAPPING) -> Expression:
    """A text with any number of `{{ }}` in it; one that is nothing but a `{{ }}` keeps its type."""
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return Expression(text, lambda _: text, constant=True)
    stripped = text.strip()
    parts = _parse(stripped if stripped.startswith("{{") and stripped.endswith("}}") else text, text, words)
    compiler = Compiler(words)
    runs = [_compiled(compiler, part, text) for part in parts]
    return Expression(text, runs[0] if len(runs) == 1 else _joined(runs), frozenset(compiler.paths))


def _joined(runs: list[Run]) -> Run:
    steps = tuple(runs)
    return lambda s: "".join([shown(run(s)) for run in steps])


def _parse(source: str, text: str, words: Words) -> list[nodes.Expr]:
    """The parts of the one output node that we allow."""
    if len(source) > MAX_LENGTH:
        raise BadExpression(Problem(f"The text has over {MAX_LENGTH:,} characters.", code="too_long"))
    for opening, what in (("{%", "Statements"), ("{#", "Remarks")):
        if opening in source:
            hint = (
                "Use `a if b else c` inside {{ }}, or a second mapping."
                if opening == "{%"
                else "Delete it; a remark is `# ...` on its own line."
            )
            raise BadExpression(
                Problem(f"{what} (`{opening} ... `) are not part of the language.", code="statement", hint=hint)
            )
    try:
        body = _ENVIRONMENT.parse(source).body
    except _BROKEN as error:
        raise _explained(text, error, words) from None
    if any(not isinstance(node, nodes.Output) for node in body):
        raise BadExpression(Problem("Only `{{ }}` may stand in a text.", code="statement"))
    return [part for node in body if isinstance(node, nodes.Output) for part in node.nodes]


def _compiled(compiler: Compiler, node: nodes.Expr, text: str) -> Run:
    try:
        return compiler.compile(node)
    except Refused as refused:
        raise _mended(text, refused, compiler.words) from None
    except RecursionError:
        raise BadExpression(Problem("The expression is nested too deep.", code="too_deep")) from None


def _explained(text: str, error: Exception, words: Words) -> BadExpression:
    said = str(getattr(error, "message", None) or "it is not complete").rstrip(".")
    hint = "Quote texts, and compare with == != < <= > >= in."
    return _mended(text, Refused(f"This expression cannot be read: {said}.", "expression", hint), words)


def _mended(text: str, refused: Refused, words: Words) -> BadExpression:
    """The problem in the admin's words when a known slip explains it; only rewritings that can be read are shown."""
    problem, old, new = refused.problem, refused.old, refused.new
    for slip in mending.SLIPS:
        mended = mending.inside_braces(text, slip.mend)
        if mended != text and reads(mended, words):
            meant = problem.hint if slip.code == problem.code else ""
            return BadExpression(Problem(slip.message, code=slip.code, hint=meant, old=text, new=mended))
    if old and new:
        mended = mending.inside_braces(text, lambda part: mending.replaced(part, old, new))
        if mended != text and reads(mended, words):
            return BadExpression(Problem(problem, code=problem.code, hint=problem.hint, old=text, new=mended))
    return BadExpression(problem)


@lru_cache(maxsize=256)
def reads(text: str, words: Words = MAPPING) -> bool:
    """Is this a right expression (or text with expressions)?"""
    source = text if "{{" in text else "{{ " + text + " }}"
    try:
        body = _ENVIRONMENT.parse(source).body
        for node in body:
            for part in node.nodes if isinstance(node, nodes.Output) else ():
                Compiler(words).compile(part)
    except (*_BROKEN, Refused):
        return False
    return all(isinstance(node, nodes.Output) for node in body)
