"""Passwords: argon2id with the library's own defaults, which it raises over the years."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1024  # characters; NIST SP 800-63B asks for 8 or more and for no rules of composition


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobodys() -> str:
    """The hash that a stranger's try is checked against, so that it takes as long as anybody's."""
    return _hasher().hash("nobody has this password")


def hashed(password: str) -> str:
    """What is stored of a password."""
    return _hasher().hash(password[:LONGEST])


def right(stored: str, password: str) -> bool:
    """True when it is the password; a person without one is refused after the same work."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(stored or _nobodys(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)


def outdated(stored: str) -> bool:
    """True when the library has stronger defaults by now: the next sign-in hashes anew."""
    return _hasher().check_needs_rehash(stored)
