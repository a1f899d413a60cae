"""A small honest part of SOQL: SELECT fields or COUNT() FROM one object, WHERE, ORDER BY, LIMIT, OFFSET."""

import re
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.salesforce.compare import Test, among, checked_column, compared, joined, like, malformed, reader
from connector.sandbox.salesforce.errors import refuse
from connector.sandbox.salesforce.store import Store

LONGEST = 100_000  # characters of a query
TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<date>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?)"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w.]*)|(?P<sign><=|>=|!=|<>|[=<>(),]))""",
    re.ASCII,
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass
class Query:
    """A query that was read. `sharp` holds the values an indexed field must have, where the WHERE says so."""

    object: str
    columns: list[str] = field(default_factory=list)
    counts: bool = False
    test: Test | None = None
    sharp: tuple[str, list[Any]] | None = None
    order: list[tuple[str, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0


class Reader:
    """A recursive descent over the tokens of one query, or of the WHERE inside a search."""

    def __init__(self, store: Store, text: str) -> None:
        if len(text) > LONGEST:
            raise refuse("QUERY_TOO_COMPLICATED", "The query is too long")
        self._store, self._schema = store, store.schema
        self._tokens = _split(text)
        self._at = 0
        self._object = ""
        self._sharp: tuple[str, list[Any]] | None = None

    def query(self) -> Query:
        """The whole query; Refused when any of it cannot be read."""
        self._need("SELECT")
        columns = self._columns()
        self._need("FROM")
        found = Query(self.object_name())
        found.counts = columns == ["count()"]
        found.columns = [] if found.counts else [self._column(name) for name in columns]
        self.rest(found)
        if self._at < len(self._tokens):
            raise malformed(f"unexpected token: '{self._tokens[self._at][1]}'")
        return found

    def object_name(self, name: str = "") -> str:
        """The object that what follows is about."""
        given = name or self._name()
        found = next((o for o in self._schema.objects if o.lower() == given.lower()), None)
        if found is None:
            raise refuse("INVALID_TYPE", f"sObject type '{given}' is not supported.")
        self._object = found
        return found

    def rest(self, found: Query) -> None:
        """WHERE, ORDER BY, LIMIT and OFFSET, in this order."""
        if self._take("WHERE"):
            found.test = self._either()
            found.sharp = self._sharp
        if self._take("ORDER"):
            self._need("BY")
            found.order = [self._ordered()]
            while self._take(","):
                found.order.append(self._ordered())
        if self._take("LIMIT"):
            found.limit = int(self._number())
        if self._take("OFFSET"):
            found.offset = int(self._number())

    # ---- conditions ----
    def _either(self, deep: bool = False) -> Test:
        first = self._one()
        word = "AND" if self._peek("AND") else "OR" if self._peek("OR") else ""
        tests = [first]
        if word == "OR" or deep:
            self._sharp = None
        while word and self._take(word):
            kept = self._sharp
            tests.append(self._one())
            self._sharp = kept or self._sharp if word == "AND" and not deep else None
        if self._peek("AND") or self._peek("OR"):
            raise malformed(f"unexpected token: '{self._tokens[self._at][1]}': AND and OR need brackets between them")
        return tests[0] if len(tests) == 1 else joined(word, tests)

    def _one(self) -> Test:
        if self._take("NOT"):
            inner = self._one()
            self._sharp = None
            return lambda row: not inner(row)
        if self._take("("):
            inner = self._either(deep=True)
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        name = self._column(self._name())
        read = reader(self._store, self._object, name)
        if self._take("NOT"):
            self._need("IN")
            outside = among(self._list())
            return lambda row: not outside(read(row))
        if self._take("IN"):
            listed = self._list()
            self._sharpen(name, listed)
            holds = among(listed)
            return lambda row: holds(read(row))
        if self._take("LIKE"):
            return like(read, str(self._value()))
        sign = self._sign()
        value = self._value()
        if sign == "=":
            self._sharpen(name, [value])
        return compared(read, sign, value)

    def _sharpen(self, name: str, values: list[Any]) -> None:
        known = self._schema.get(self._object, name)
        if self._sharp is None and (name == "Id" or (known and known.indexed)) and None not in values:
            self._sharp = (name, values)

    def _list(self) -> list[Any]:
        self._need("(")
        found = [self._value()]
        while self._take(","):
            found.append(self._value())
        self._need(")")
        return found

    # ---- words ----
    def _columns(self) -> list[str]:
        found = [self._name()]
        if found[0].lower() == "count" and self._take("("):
            self._need(")")
            return ["count()"]
        while self._take(","):
            found.append(self._name())
        return found

    def _column(self, name: str) -> str:
        return checked_column(self._schema, self._object, name)

    def _ordered(self) -> tuple[str, bool]:
        name, down = self._column(self._name()), False
        if self._take("DESC"):
            down = True
        else:
            self._take("ASC")
        if self._take("NULLS"):
            self._name()
        return name, down

    def _peek(self, word: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][1].upper() == word and self._kind() != "text"

    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, word: str) -> bool:
        found = self._peek(word)
        self._at += found
        return found

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise malformed(f"unexpected token: '{self._next()}', expecting '{word}'")

    def _next(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else "<EOF>"

    def _word(self, *kinds: str) -> str:
        if self._at >= len(self._tokens) or self._kind() not in kinds:
            raise malformed(f"unexpected token: '{self._next()}'")
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _name(self) -> str:
        return self._word("name")

    def _sign(self) -> str:
        return self._word("sign")

    def _number(self) -> float:
        return float(self._word("number"))

    def _value(self) -> Any:
        kind = self._kind() if self._at < len(self._tokens) else ""
        word = self._word("text", "date", "number", "name")
        if kind == "text":
            return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), word[1:-1])
        if kind == "number":
            return float(word)
        if kind == "name":
            if word.lower() not in ("true", "false", "null"):
                raise malformed(f"unexpected token: '{word}'")
            return {"true": True, "false": False, "null": None}[word.lower()]
        return word


def _split(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise malformed(f"unexpected token: '{text[at : at + 20]}'")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found
