"""A small honest part of SOSL: FIND {words} IN PHONE FIELDS RETURNING Contact(Id, Name WHERE ... LIMIT n), Lead(...).

Words of a phone are what stands between brackets, spaces and signs; a term must equal a word, a phrase in quotes
several words in a row. `*` and `?` stand in the middle or at the end. Reserved characters must be escaped
(SOSL reference).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from connector.sandbox.salesforce.compare import checked_column
from connector.sandbox.salesforce.errors import Refused, refuse
from connector.sandbox.salesforce.soql import Query, Reader
from connector.sandbox.salesforce.store import WORD, Row, Store

RESERVED = set("?&|!{}[]()^~*:\\\"'+-")
SHORTEST = 2  # characters of a term
LONGEST = 10_000  # characters; over ORS_DROPPED the logical operators are removed
ORS_DROPPED = 4000
MOST, MOST_OF_ONE = 2000, 250
SHAPE = re.compile(r"\s*FIND\s*\{(?P<terms>(?:\\.|[^\\}])*)\}(?:\s+IN\s+(?P<group>\w+)\s+FIELDS)?"
                   r"(?:\s+RETURNING\s+(?P<returning>.+))?\s*", re.I | re.S)  # fmt: skip
RETURNED = re.compile(r"\s*(\w+)\s*(?:\(((?:[^()']|'(?:[^'\\]|\\.)*'|\([^()]*\))*)\))?\s*(?:,|$)")
ALL = ("PHONE", "EMAIL", "NAME")


def malformed(message: str) -> Refused:
    """A search that cannot be read."""
    return refuse("MALFORMED_SEARCH", message)


@dataclass(frozen=True)
class Term:
    """Words in a row; each may end in or hold wildcards."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """One object of RETURNING."""

    object: str
    columns: tuple[str, ...]
    query: Query


def run(store: Store, text: str, since: float | None) -> list[tuple[Row, Sequence[str]]]:
    """Rows with the columns to show. `since`: rows created later are not in the index yet."""
    if len(text) > LONGEST:
        raise refuse("SEARCH_TOO_LONG", "The search is too long")
    shape = SHAPE.fullmatch(text)
    if shape is None:
        raise malformed("expecting FIND {...} IN ... FIELDS RETURNING ...")
    group = (shape["group"] or "ALL").upper()
    if group not in (*ALL, "ALL"):
        raise malformed(f"unexpected token: '{group}'")
    alternatives = read_terms(shape["terms"], len(text) > ORS_DROPPED)
    wanted = list(_returning(store, shape["returning"] or "Contact"))
    share = MOST if len(wanted) == 1 else min(MOST // len(wanted), MOST_OF_ONE)
    return [
        (row, one.columns)
        for one in wanted
        for row in _found(store, one, alternatives, ALL if group == "ALL" else (group,), share, since)
    ]


# ---- terms ----
def read_terms(text: str, drops: bool) -> list[list[Term]]:
    """OR of ANDs; when the search is too long its operators are dropped and every term must match."""
    alternatives: list[list[Term]] = [[]]
    for kind, value in _tokens(text):
        if kind == "or":
            if not drops:
                alternatives.append([])
        elif kind != "and":
            alternatives[-1].append(_term(value))
    if not all(alternatives):
        raise malformed("a term is missing beside AND or OR")
    return alternatives


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r'"((?:\\.|[^"\\])*)"|((?:\\.|[^\s"\\])+)', text):
        phrase, plain = match.groups()
        if phrase is None and plain in ("OR", "AND"):
            yield plain.lower(), ""
        else:
            yield "term", _unescaped(phrase if phrase is not None else plain)


def _unescaped(text: str) -> str:
    out, at = "", 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
            out += text[at] if text[at] not in "*?" else " "
        elif char in RESERVED - set("*?"):
            raise malformed(f"the reserved character {char} must be escaped")
        else:
            out += char
        at += 1
    return out


def _term(text: str) -> Term:
    words = tuple(re.findall(r"[\w*?]+", text.lower()))
    if any(word[0] in "*?" for word in words):
        raise malformed("a wildcard cannot stand first")
    if len("".join(words)) < SHORTEST:
        raise malformed("search term must be longer than one character: " + text)
    return Term(words)


# ---- rows ----
def _returning(store: Store, text: str) -> Iterator[Wanted]:
    at = 0
    while at < len(text):
        match = RETURNED.match(text, at)
        if match is None:
            raise malformed(f"unexpected token: '{text[at : at + 20]}'")
        at = match.end()
        name, inner = match[1], match[2] or ""
        split = re.split(r"\s+(?=(?:WHERE|ORDER|LIMIT|OFFSET)\b)", inner.strip(), maxsplit=1, flags=re.I)
        reader = Reader(store, split[1] if len(split) > 1 else "")
        query = Query(reader.object_name(name))
        reader.rest(query)
        columns = [one.strip() for one in split[0].split(",") if one.strip()] or ["Id"]
        yield Wanted(query.object, tuple(checked_column(store.schema, query.object, one) for one in columns), query)


def _found(
    store: Store, wanted: Wanted, alternatives: list[list[Term]], groups: Sequence[str], share: int, since: float | None
) -> Iterator[Row]:
    limit = min(share, wanted.query.limit if wanted.query.limit is not None else share)
    rows = {id: row for terms in alternatives for id, row in _matching(store, wanted.object, terms, groups)}
    for row in sorted(rows.values(), key=lambda row: row.id):
        if limit <= 0:
            return
        if (since is None or row.created <= since) and (wanted.query.test is None or wanted.query.test(row)):
            limit -= 1
            yield row


def _matching(store: Store, object: str, terms: list[Term], groups: Sequence[str]) -> Iterator[tuple[str, Row]]:
    for id in _candidates(store, object, terms[0].words[0], groups):
        row = store.get(object, id)
        if row and not row.deleted and all(_holds(store, row, term, groups) for term in terms):
            yield id, row


def _candidates(store: Store, object: str, word: str, groups: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for group in groups:
        words = store.words(object, group)
        if "*" in word or "?" in word:
            found.update(id for known, ids in words.items() if fnmatchcase(known, word) for id in ids)
        else:
            found.update(words.get(word, ()))
    return found


def _holds(store: Store, row: Row, term: Term, groups: Sequence[str]) -> bool:
    for name, group in store.schema.shape(row.object).searched:
        if group in groups and row.values.get(name):
            words = WORD.findall(str(row.values[name]).lower())
            if any(_at(words[n:], term.words) for n in range(len(words))):
                return True
    return False


def _at(words: Sequence[str], wanted: Sequence[str]) -> bool:
    return len(words) >= len(wanted) and all(fnmatchcase(w, p) for w, p in zip(words, wanted, strict=False))
