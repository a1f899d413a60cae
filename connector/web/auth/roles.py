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
