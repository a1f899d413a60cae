"""What is wrong with a document, told so that the admin can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from connector.errors import BadDocument


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. `path` is dotted (set.city.map), `line` and `column` count from 1, `hint` is the remedy."""

    path: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    severity: str = "error"  # error | warning


class Problem(str):
    """A message that carries its code and hint through marshmallow; `old` -> `new` mends the line it stands on."""

    code: str
    hint: str
    old: str
    new: str

    def __new__(cls, message: str, *, code: str, hint: str = "", old: str = "", new: str = "") -> "Problem":
        self = super().__new__(cls, message)
        self.code, self.hint, self.old, self.new = code, hint, old, new
        return self


def refuse(findings: Iterable[Finding]) -> None:
    """Raises BadDocument for the first error, in the order of the lines; warnings alone raise nothing."""
    found = ordered(findings)
    first = next((f for f in found if f.severity == "error"), None)
    if first:
        raise BadDocument(
            first.message, path=first.path, line=first.line, column=first.column, hint=first.hint, code=first.code,
            findings=found,
        )  # fmt: skip


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """In reading order, each once."""
    return sorted(dict.fromkeys(findings), key=lambda f: (f.line, f.column, f.severity, f.path, f.code))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean 'firstname'?`, or nothing when no known word is near."""
    names = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold()[:100], names, n=1, cutoff=0.65)
    return f"Did you mean '{names[near[0]]}'?" if near else ""


def listed(words: Iterable[str]) -> str:
    """`a, b or c` for a sentence."""
    *rest, last = list(words) or [""]
    return f"{', '.join(rest)} or {last}" if rest else last
