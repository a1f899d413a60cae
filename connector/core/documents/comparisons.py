"""Comparisons as closures; the common ones, with a constant on the right, are prepared once."""

from collections.abc import Callable
from typing import Any

from connector.core.documents.comparing import ORDER, empty, fold, is_number, number_of, ordered, same, shown
from connector.core.documents.words import Run, Scope

Test = Callable[[Scope], bool]


def simple(constant: Any) -> bool:
    """Can `with_constant` take it? Numbers, and texts that are more than spaces."""
    return is_number(constant) or (isinstance(constant, str) and not empty(constant))


def with_constant(a: Run, crm: bool, op: str, constant: Any) -> Test:
    """`contact.amount >= 500`, `answer.id == 'yes'`."""
    if is_number(constant):
        return _with_number(a, crm, op, constant)
    if op in ("eq", "ne"):
        return _with_text(a, constant, negate=op == "ne")
    return between(a, crm, op, lambda _: constant, False)


def _with_number(a: Run, crm: bool, op: str, constant: float) -> Test:
    holds = ORDER[op]
    return lambda s: (number := _number(s, a(s), crm)) is not None and holds(number, constant)


def _number(s: Scope, value: Any, crm: bool) -> float | int | None:
    """The value as a number; when it is none, the note says so."""
    number = number_of(value, s.setting.locale, crm)
    if number is None:
        s.notes.append(_odd(value))
    return number


def _odd(value: Any) -> str:
    return f'"{shown(value)[:60]}" is not a number' if shown(value) else "there is nothing to compare with the number"


def _with_text(a: Run, text: str, *, negate: bool) -> Test:
    """Our side is folded once."""
    folded = fold(text)

    def test(s: Scope) -> bool:
        value = a(s)
        if isinstance(value, str):
            return (value == text or fold(value) == folded) is not negate
        return compare(s, value, True, "ne" if negate else "eq", text, True)

    return test


def between(a: Run, a_crm: bool, op: str, b: Run, b_crm: bool) -> Test:
    """Two values that are known only with the message."""
    return lambda s: compare(s, a(s), a_crm, op, b(s), b_crm)


def compare(s: Scope, a: Any, a_crm: bool, op: str, b: Any, b_crm: bool) -> bool:
    """A number on one side makes a number of the other; when that fails it is false, and the note says why."""
    if is_number(a) or is_number(b):
        first = _number(s, a, a_crm)
        second = _number(s, b, b_crm)
        if first is None or second is None:
            return False  # of != too: nothing can be said
        return ORDER[op](first, second)
    return same(a, b) is (op == "eq") if op in ("eq", "ne") else ordered(op, a, b)


# ---- in ----------------------------------------------------------------------------------------------------------
def inside(a: Run, stack: Run | list[Any], *, negate: bool) -> Test:
    """`in` and `not in`: one of a list, or a part of a text."""
    if callable(stack):
        return lambda s: _within(s, a(s), stack(s)) is not negate
    if not all(isinstance(item, str) and not empty(item) for item in stack):
        return lambda s: _within(s, a(s), stack) is not negate
    exact, folded = frozenset(stack), frozenset(map(fold, stack))

    def test(s: Scope) -> bool:
        value = a(s)
        if isinstance(value, str):
            return (value in exact or fold(value) in folded) is not negate
        return _within(s, value, stack) is not negate

    return test


def _within(s: Scope, needle: Any, stack: Any) -> bool:
    if isinstance(stack, list | tuple):
        return any(compare(s, needle, True, "eq", item, True) for item in stack)
    part = fold(shown(needle))
    return bool(part) and part in fold(shown(stack))
