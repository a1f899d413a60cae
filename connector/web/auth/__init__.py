"""Who is here and what they may do: sessions, roles, passwords, forged forms."""

from connector.web.auth.gate import PROVE, anyone, guard, needs, person, signed_in_with
from connector.web.auth.roles import ROLES, Person, allows

__all__ = ["PROVE", "ROLES", "Person", "allows", "anyone", "guard", "needs", "person", "signed_in_with"]
