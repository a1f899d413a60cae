"""A query that an admin wrote, taken apart: one object, one WHERE; whatever is more is refused.

Only the object and the conditions are kept: which fields are read, the order and the pages are ours. Salesforce's query
resource can only read, so this guards against queries that mean something else than "these people", not against harm.
"""

import re
from dataclasses import dataclass

from connector.errors import Rejected

PEOPLE = ("Contact", "Lead")
MOST = 2000  # a LIMIT up to which the order matters and one page is enough (SOQL reference, query batch size)
_WORD = re.compile(r"[A-Za-z_]+")
_CLAUSES = ("FROM", "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL", "UPDATE")
_REFUSED = {
    "GROUP": "GROUP BY counts people and does not name them", "HAVING": "HAVING counts people and does not name them",
    "FOR": "FOR VIEW and FOR UPDATE change what they read", "UPDATE": "UPDATE changes what it reads",
    "ALL": "ALL ROWS reads deleted people too", "OFFSET": "OFFSET leaves people out", "WITH": "WITH is not read here",
}  # fmt: skip
HINT = "Write for example SELECT Id FROM Contact WHERE MailingCountry = 'Colombia'"


@dataclass(frozen=True, slots=True)
class People:
    """What a query asks for."""

    object: str
    where: str = ""  # without the word
    scope: str = ""  # USING SCOPE ...
    order: str = ""  # with LIMIT only
    limit: int = 0  # 0 = all


def parse(text: str) -> People:
    """The people of a SELECT. Raises Rejected with what is not taken."""
    clauses = _clauses(text)
    for word, why in _REFUSED.items():
        if word in clauses:
            raise Rejected(f"The query has {word}: {why}.", hint=HINT, code="soql")
    object_ = clauses.get("FROM", "").strip()
    if object_ not in PEOPLE:
        known = next((name for name in PEOPLE if name.lower() == object_.lower()), "")
        if not known:
            said = f"FROM {object_[:60]}" if object_ else "no FROM"
            raise Rejected(f"The query has {said}: people are Contact or Lead.", hint=HINT, code="soql")
        object_ = known
    limit = clauses.get("LIMIT", "").strip()
    if limit and not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST):
        hint = f"Write LIMIT 1 to {MOST}, or leave it out for all."
        raise Rejected(f"The query has LIMIT {limit[:20]}.", hint=hint, code="soql")
    order = clauses.get("ORDER", "").strip()
    if order and not re.fullmatch(r"BY [A-Za-z0-9_., ]+", " ".join(order.split()), re.IGNORECASE):
        raise Rejected("The query's ORDER BY is not read here.", hint="Name fields only, or leave it out.", code="soql")
    scope = " ".join(clauses.get("USING", "").split())
    if scope and not re.fullmatch(r"SCOPE [A-Za-z_]+", scope, re.IGNORECASE):
        raise Rejected("The query's USING is not read here.", hint=HINT, code="soql")
    where = clauses.get("WHERE", "").strip()
    return People(object_, where, scope, order if limit else "", int(limit or 0))


def _clauses(text: str) -> dict[str, str]:
    """{clause: what follows it}, outside of quotes and parentheses; each once. SELECT's own list is left out."""
    text = text.strip().rstrip(";").strip()
    if not re.match(r"SELECT\s", text, re.IGNORECASE):
        raise Rejected("A query begins with SELECT.", hint=HINT, code="soql")
    marks: list[tuple[str, int, int]] = []
    depth, at = 0, 0
    while at < len(text):
        char = text[at]
        if char == "'":
            at = _end_of_text(text, at)
            continue
        if char == ";":
            raise Rejected("A query is one statement, without ';'.", hint=HINT, code="soql")
        depth += (char == "(") - (char == ")")
        if depth < 0:
            raise Rejected("The query has a ')' without its '('.", hint=HINT, code="soql")
        word = _WORD.match(text, at)
        if word is None:
            at += 1
            continue
        begins = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_.:")
        ends = text[word.end() : word.end() + 1]
        if begins and depth == 0 and word[0].upper() in _CLAUSES and not (ends.isalnum() or ends in ("_", ".")):
            marks.append((word[0].upper(), at, word.end()))
        at = word.end()
    if depth:
        raise Rejected("The query has a '(' without its ')'.", hint=HINT, code="soql")
    found: dict[str, str] = {}
    for n, (word_, _, after) in enumerate(marks):
        end = marks[n + 1][1] if n + 1 < len(marks) else len(text)
        if word_ in found:
            raise Rejected(f"The query has {word_} twice.", hint=HINT, code="soql")
        found[word_] = text[after:end]
    return found


def _end_of_text(text: str, at: int) -> int:
    """Behind a text in quotes; \\' is a quote inside."""
    at += 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "'":
            return at + 1
        else:
            at += 1
    raise Rejected("The query has a text whose quote is never closed.", hint=HINT, code="soql")
