"""The four roles: each may do what those before it may."""

from dataclasses import dataclass

# viewer: sees everything · editor: drafts, tries, settles reviews · publisher: publishes, retries, undoes, pauses
# sends · admin: accounts, people, tokens, settings, erases
ROLES = ("viewer", "editor", "publisher", "admin")


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


def allows(role: str, needed: str) -> bool:
    """True when `role` may do what `needed` may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


# Tasks that only an admin may hold up, and whose results only an admin sees; of every other kind a publisher may hold
# them up, and each person their own.
ADMINS = ("account.", "contact.", "sandbox.")


def role_of(kind: str) -> str:
    """Who may pause, resume and cancel anybody's task of this kind."""
    return "admin" if kind.startswith(ADMINS) else "publisher"


def may_hold(who: Person, kind: str, author: str) -> bool:
    """This person may pause, resume and cancel this task."""
    return allows(who.role, role_of(kind)) or (author == who.name and allows(who.role, "editor"))
