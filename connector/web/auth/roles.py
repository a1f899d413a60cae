"""The four roles: each may do what those before it may."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# viewer: sees everything · editor: drafts, tries, settles reviews · publisher: publishes, retries, undoes, pauses
# sends · admin: accounts, people, tokens, settings, erases
ROLES = ("viewer", "editor", "publisher", "admin")
FRESH = timedelta(minutes=15)  # how long a shown password or code is enough for what is dangerous


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: a person with a session, or a token of the API. `name` is how the audit calls them."""

    id: str
    name: str
    role: str
    email: str = ""
    language: str = ""
    session: str = ""
    csrf: str = ""  # masked anew for every answer: what its forms carry
    proved_at: datetime | None = None  # when a password or a code was last shown
    enrol: bool = False  # first of all they set up a second factor
    scopes: tuple[str, ...] | None = None  # of a token; None = whatever its role may

    def fresh(self, now: datetime) -> bool:
        """They have shown lately that it is them."""
        return self.proved_at is not None and self.proved_at > now - FRESH


def allows(role: str, needed: str) -> bool:
    """True when `role` may do what `needed` may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def lesser(one: str, other: str) -> str:
    """Of two roles the one that may less."""
    return min(one, other, key=ROLES.index)


# Tasks that only an admin may hold up, and whose results only an admin sees; of every other kind a publisher may hold
# them up, and each person their own.
ADMINS = ("account.", "contact.", "sandbox.")


def role_of(kind: str) -> str:
    """Who may pause, resume and cancel anybody's task of this kind."""
    return "admin" if kind.startswith(ADMINS) else "publisher"


def may_hold(who: Person, kind: str, author: str) -> bool:
    """This person may pause, resume and cancel this task."""
    return allows(who.role, role_of(kind)) or (author == who.name and allows(who.role, "editor"))
