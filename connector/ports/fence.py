"""The fence: what must be asked right before a request leaves. Whoever has work in hand sets the question, and the
adapter asks it at the wire: after all waiting, connecting and serialising, where nothing lies between it and the bytes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Question = Callable[[], None]  # returns: it may leave; raises Late: it must not
_question: ContextVar[Question | None] = ContextVar("fence", default=None)


class Late(Exception):
    """The request did not leave: what it is for may be in other hands by now. No ConnectorError, so that no adapter
    takes it for an answer of its CRM."""


@contextmanager
def asked(question: Question | None) -> Iterator[None]:
    """Every request made inside asks first; None: the ones inside need not (a token, which is nobody's work)."""
    before = _question.set(question)
    try:
        yield
    finally:
        _question.reset(before)


def ask() -> None:
    """For adapters, as the last thing before bytes leave. Nobody asked outside `asked`."""
    question = _question.get()
    if question is not None:
        question()
