"""The whitelist: each node of Jinja's parse tree we allow, compiled to a closure; any other node is refused."""

from collections.abc import Callable
from math import isfinite
from typing import Any, ClassVar

from jinja2 import nodes

from connector.core.documents import comparisons
from connector.core.documents.comparing import is_number, shown, truthy
from connector.core.documents.filters import FILTERS
from connector.core.documents.findings import Problem, did_you_mean, listed
from connector.core.documents.words import ANSWERS, MAPPING, ROOTS, Run, Words

MAX_DEPTH = 50
_ARITHMETIC = "make a calculated field in the CRM and use that; texts are joined with `~`."
_BIGGEST = 10**15


class Refused(Exception):
    """A node that is not part of the language; `old` -> `new` mends it where we know how."""

    def __init__(self, message: str, code: str, hint: str = "", old: str = "", new: str = "") -> None:
        super().__init__(message)
        self.problem, self.old, self.new = Problem(message, code=code, hint=hint), old, new


class Compiler:
    """Compiles one expression and notes the paths it reads."""

    def __init__(self, words: Words = MAPPING) -> None:
        self.words = words
        self.paths: set[tuple[str, ...]] = set()
        self._depth = 0

    def compile(self, node: nodes.Node) -> Run:
        """The closure of one node. Raises Refused."""
        handler = self._HANDLERS.get(type(node))
        if handler is None:
            raise _refusal(node)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(
                "The expression is nested too deep.", "too_deep", "Split it over two fields or two conditions."
            )
        run = handler(self, node)
        self._depth -= 1
        return run

    # ---- values --------------------------------------------------------------------------------------------------
    def _const(self, node: Any) -> Run:
        constant = _allowed(node.value)
        return lambda _: constant

    def _text(self, node: Any) -> Run:
        text = node.data
        return lambda _: text

    def _negative(self, node: Any) -> Run:
        if not isinstance(node.node, nodes.Const) or not is_number(node.node.value):
            raise Refused("Arithmetic is not part of the language.", "arithmetic", f"Instead, {_ARITHMETIC}")
        constant = -_allowed(node.node.value)
        return lambda _: constant

    def _name(self, node: Any) -> Run:
        if node.name == "now":
            self.paths.add(("now",))
            return lambda s: s.now
        raise _unknown(self.words, node.name, alone=True)

    def _path(self, node: Any) -> Run:
        path = tuple(_steps(node))
        word, rest = path[0], path[1:]
        if any(step.startswith("_") for step in path):
            raise Refused(f"'{'.'.join(path)}' holds a name that starts with `_`.", "underscore")
        if word not in self.words.look:
            raise _unknown(self.words, word, alone=False, rest=".".join(rest))
        parts = self.words.parts.get(word)
        if parts and rest[0] not in parts:
            raise _part(word, rest, parts)
        self.paths.add(path)
        return self.words.look[word](rest)

    def _filter(self, node: Any) -> Run:
        if node.name not in FILTERS:
            meant = did_you_mean(node.name, FILTERS)
            raise Refused(f"There is no filter '{node.name}'.", "filter", meant or f"There are: {', '.join(FILTERS)}.")
        known = FILTERS[node.name]
        if (
            node.node is None
            or node.kwargs
            or node.dyn_args
            or node.dyn_kwargs
            or not known.takes[0] <= len(node.args) <= known.takes[1]
        ):
            raise Refused(f"The filter '{node.name}' takes {_count(known.takes)}.", "filter_argument")
        problem = (
            known.check(tuple(a.value if isinstance(a, nodes.Const) else None for a in node.args))
            if node.args
            else None
        )
        if problem:
            raise Refused(problem, problem.code, problem.hint)
        if node.name == "time_zone":
            self.paths.add(("contact", "time_zone"))  # it may ask for theirs
        inner, arguments, run = self.compile(node.node), tuple(self.compile(a) for a in node.args), known.run
        if not arguments:
            return lambda s: run(s, inner(s))
        return lambda s: run(s, inner(s), *[argument(s) for argument in arguments])

    def _concat(self, node: Any) -> Run:
        parts = tuple(self.compile(part) for part in node.nodes)
        return lambda s: "".join([shown(part(s)) for part in parts])

    # ---- conditions ----------------------------------------------------------------------------------------------
    def _either(self, node: Any) -> Run:
        test, first = self.compile(node.test), self.compile(node.expr1)
        second = self.compile(node.expr2) if node.expr2 is not None else (lambda _: None)
        return lambda s: first(s) if truthy(test(s)) else second(s)

    def _and(self, node: Any) -> Run:
        left, right = self.compile(node.left), self.compile(node.right)
        return lambda s: truthy(left(s)) and truthy(right(s))

    def _or(self, node: Any) -> Run:
        left, right = self.compile(node.left), self.compile(node.right)
        return lambda s: truthy(left(s)) or truthy(right(s))

    def _not(self, node: Any) -> Run:
        inner = self.compile(node.node)
        return lambda s: not truthy(inner(s))

    def _compare(self, node: Any) -> Run:
        steps = []
        left = node.expr
        for operand in node.ops:
            steps.append(self._comparison(left, operand.op, operand.expr))
            left = operand.expr
        if len(steps) == 1:
            return steps[0]
        every = tuple(steps)
        return lambda s: all(step(s) for step in every)

    def _comparison(self, left: nodes.Node, op: str, right: nodes.Node) -> Run:
        a = self.compile(left)
        if op in ("in", "notin"):
            return comparisons.inside(a, self._stack(right), negate=op == "notin")
        b = self.compile(right)
        if isinstance(right, nodes.Const) and comparisons.simple(right.value):
            return comparisons.with_constant(a, _from_crm(left), op, right.value)
        return comparisons.between(a, _from_crm(left), op, b, _from_crm(right))

    def _stack(self, node: nodes.Node) -> Run | list[Any]:
        """What stands after `in`; a list of constants as itself."""
        if not isinstance(node, nodes.List):
            return self.compile(node)
        items = tuple(self.compile(item) for item in node.items)
        constants = [_allowed(item.value) for item in node.items if isinstance(item, nodes.Const)]
        return constants if len(constants) == len(items) else lambda s: [item(s) for item in items]

    _HANDLERS: ClassVar[dict[type[nodes.Node], Callable[["Compiler", Any], Run]]] = {
        nodes.Const: _const, nodes.TemplateData: _text, nodes.Neg: _negative, nodes.Name: _name, nodes.Getattr: _path,
        nodes.Getitem: _path, nodes.Filter: _filter, nodes.Concat: _concat, nodes.CondExpr: _either, nodes.And: _and,
        nodes.Or: _or, nodes.Not: _not, nodes.Compare: _compare,
    }  # fmt: skip


def _from_crm(node: nodes.Node) -> bool:
    """Is it a value a program wrote (a CRM field, a constant), not what a customer typed?"""
    while isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter):
        if isinstance(node, nodes.Filter):
            return False
        node = node.node
    return not (isinstance(node, nodes.Name) and node.name in ("answer", "message"))


# ---- refusals ----------------------------------------------------------------------------------------------------
def _allowed(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        raise Refused("This number is too large.", "number")
    if is_number(value) and abs(value) > _BIGGEST:
        raise Refused("This number is too large.", "number", "Put it in quotes if it is an id.")
    if isinstance(value, str) and any(0xD800 <= ord(c) < 0xE000 or c == "\x00" for c in value):
        raise Refused("A text holds a character that no CRM takes.", "character")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise Refused("Only texts, numbers, true, false and none can stand here.", "expression")


def _steps(node: nodes.Node) -> list[str]:
    """answer.items.0 -> [answer, items, 0]."""
    steps: list[str] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            steps.append(node.attr)
        elif (
            isinstance(node, nodes.Getitem)
            and isinstance(node.arg, nodes.Const)
            and type(node.arg.value) is int
            and node.arg.value < 1000
        ):
            steps.append(str(node.arg.value))
        elif isinstance(node, nodes.Getitem):
            raise Refused(
                "Square brackets only make lists for `in`.", "expression", "Write the path with dots: answer.budget"
            )
        else:
            raise _refusal(node)
        node = node.node
    return [node.name, *reversed(steps)]


def _unknown(words: Words, word: str, *, alone: bool, rest: str = "") -> Refused:
    if word.startswith("_"):
        return Refused(f"'{word}' starts with `_`.", "underscore")
    if word in words.refused:
        return Refused(f"`{word}` ({words.refused[word]}) is not available in {words.place}.", "word")
    roots = words.roots
    if not alone:
        meant = did_you_mean(word, roots)
        new = meant[len("Did you mean '") : -2]
        hint = (
            meant
            or f"An expression begins with {listed(roots[:6])}, or names the record: deal, opportunity, record, ..."
        )
        return Refused(
            f"There is nothing called '{word}'.", "word", hint, f"{word}.{rest}", f"{new}.{rest}" if new else ""
        )
    if word in roots:
        part = next(iter(ANSWERS["text"] or ())) if word == "answer" else (words.parts.get(word) or ("name",))[-1]
        return Refused(f"`{word}` alone is not a value.", "word", f"Say which part, for example {word}.{part}")
    return Refused(f"'{word}' is a bare word.", "bare_word", f"Did you mean '{word}' in quotes?", word, f"'{word}'")


def _part(word: str, rest: tuple[str, ...], parts: tuple[str, ...]) -> Refused:
    meant = did_you_mean(rest[0], parts)
    hint = f"{meant} " if meant else ""
    return Refused(f"`{word}` has no '{rest[0]}'.", "word", f"{hint}It has {listed(parts)}.")


def _count(takes: tuple[int, int]) -> str:
    low, high = takes
    most = f"{low}" if low == high else f"{low} or {high}"
    return "no arguments" if high == 0 else f"{most} argument{'s' if high > 1 else ''}, without names"


def _refusal(node: nodes.Node) -> Refused:
    if isinstance(node, nodes.BinExpr | nodes.UnaryExpr):
        names = [n.name for n in node.find_all(nodes.Name) if n.name not in (*ROOTS, "flow", "webhook", "failure")]
        if names and not isinstance(node, nodes.Pos):
            return Refused(f"'{names[0]}' is a bare word.", "bare_word", "A text must stand in quotes.")
        return Refused("Arithmetic is not part of the language.", "arithmetic", f"Instead, {_ARITHMETIC}")
    message, hint = _REFUSALS.get(type(node), (f"`{type(node).__name__}` is not part of the language.", ""))
    return Refused(message, "call" if isinstance(node, nodes.Call) else "expression", hint)


_REFUSALS: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Call: ("Calls are not part of the language.", f"Use a filter: {', '.join(FILTERS)}."),
    nodes.Test: ("`is` is not part of the language.", "Compare with ==, for example answer.text == ''"),
    nodes.List: ("A list may stand only after `in`.", "Write for example: contact.country in ['CO', 'MX']"),
    nodes.Tuple: ("A list after `in` stands in square brackets.", "Write for example: contact.country in ['CO', 'MX']"),
    nodes.Dict: ("A map is not part of the language.", "Use `map:` under the field."),
    nodes.Getitem: ("Square brackets only make lists for `in`.", "Write the path with dots: answer.budget"),
}
