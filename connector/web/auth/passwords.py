"""Passwords: argon2id with the library's own defaults, which it raises over the years."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from connector import errors

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1024  # characters; NIST SP 800-63B asks for 8 or more and for no rules of composition
# Each takes 64 MiB and a CPU; the threads that wait for it are those that take webhooks.
AT_ONCE, IN_LINE = 2, 6
_work, _line = threading.BoundedSemaphore(AT_ONCE), threading.BoundedSemaphore(IN_LINE)


@contextmanager
def _turn() -> Iterator[None]:
    """Raises Busy when too many are in line."""
    if not _line.acquire(blocking=False):
        raise errors.Busy("Too many sign in at this moment.", hint="Try again in a few seconds.", code="sign_in")
    try:
        with _work:
            yield
    finally:
        _line.release()


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobodys() -> str:
    """The hash that a stranger's try is checked against, so that it takes as long as anybody's."""
    return _hasher().hash("nobody has this password")


def hashed(password: str) -> str:
    """What is stored of a password. Raises Busy."""
    with _turn():
        return _hasher().hash(password[:LONGEST])


def right(stored: str, password: str) -> bool:
    """True when it is the password; a person without one is refused after the same work. Raises Busy."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        with _turn():
            _hasher().verify(stored or _nobodys(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)


def outdated(stored: str) -> bool:
    """True when the library has stronger defaults by now: the next sign-in hashes anew."""
    return _hasher().check_needs_rehash(stored)
