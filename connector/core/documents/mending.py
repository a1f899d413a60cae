"""Slips in expressions that come from other tools' languages, each with its mended text."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_QUOTED = re.compile(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")
_OPERAND = r"(?:'[^']*'|\"[^\"]*\"|[\w.]+)"
_CONTAINS = re.compile(
    rf"({_OPERAND})\s+(does not contain|not contains|contains|includes)\s+({_OPERAND})", re.IGNORECASE
)
_METHOD = re.compile(r"\.(lower|upper|trim|strip|title)\(\)")
_RIGHT = re.compile(
    r"(==|!=)(\s*)((?!and\b|or\b|not\b)[^\s'\"=<>|(){}\[\]~][^'\"=<>|(){}\[\]~]*?)(?=\s*(?:$|\}\}|\)|\b(?:and|or|if|else)\b))"
)
_NUMBER_OR_WORD = re.compile(r"-?\d+(?:\.\d+)?|true|false|none|now|\w+(?:\.\w+)+", re.IGNORECASE)
_BRACED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_CURLY = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'"})


@dataclass(frozen=True, slots=True)
class Slip:
    """`mend(text)` is the text without the slip, the same text when it does not hold one."""

    code: str
    message: str
    mend: Callable[[str], str]


def inside_braces(text: str, mend: Callable[[str], str]) -> str:
    """Mends only what stands between `{{` and `}}`, or all of a text that has none."""
    return _BRACED.sub(lambda found: mend(found[0]), text) if "{{" in text else mend(text)


def outside_quotes(text: str, change: Callable[[str], str]) -> str:
    """Changes only what does not stand in quotes."""
    parts = _QUOTED.split(text)
    return "".join(part if n % 2 else change(part) for n, part in enumerate(parts))


def replaced(text: str, old: str, new: str) -> str:
    """The word `old` replaced wherever it stands alone, outside quotes."""
    pattern = re.compile(rf"(?<![\w.'\"]){re.escape(old)}(?![\w'\"(])")
    return outside_quotes(text, lambda part: pattern.sub(lambda _: new, part))


def _all(*steps: tuple[str, str]) -> Callable[[str], str]:
    compiled = [(re.compile(pattern), new) for pattern, new in steps]

    def change(part: str) -> str:
        for pattern, new in compiled:
            part = pattern.sub(new, part)
        return part

    return lambda text: outside_quotes(text, change)


def _contains(text: str) -> str:
    def turned(found: re.Match[str]) -> str:
        negated = "not" in found[2].casefold()
        needle = found[3] if found[3][0] in "'\"" or "." in found[3] else f"'{found[3]}'"
        return f"{needle} {'not in' if negated else 'in'} {found[1]}"

    return _CONTAINS.sub(turned, text)


def _quote_right(text: str) -> str:
    def quoted(found: re.Match[str]) -> str:
        word = found[3].strip()
        return found[0] if _NUMBER_OR_WORD.fullmatch(word) else f"{found[1]}{found[2] or ' '}'{word}'"

    return _RIGHT.sub(quoted, text)


def _filters(text: str) -> str:
    """`.lower()` -> ` | lower`."""

    def piped(found: re.Match[str]) -> str:
        return f" | {'trim' if found[1] == 'strip' else found[1]}"

    return outside_quotes(text, lambda part: _METHOD.sub(piped, part))


_SIGNS = (
    (r"&&", " and "),
    (r"\|\|", " or "),
    (r"\bAND\b", "and"),
    (r"\bOR\b", "or"),
    (r"\bNOT\b", "not"),
    (r"!(?!=)", "not "),
    (r" {2,}", " "),
)
_EQUALS = ((r"===", "=="), (r"!==", "!="), (r"<>", "!="), (r"(?<![=!<>])=(?!=)", "=="))


def _everything(text: str) -> str:
    """Several slips in one expression."""
    return _quote_right(_contains(_all(*_EQUALS, *_SIGNS)(text.translate(_CURLY))))


SLIPS: tuple[Slip, ...] = (
    Slip("equals", "`=` does not compare; write `==`.", _all(*_EQUALS)),
    Slip("and_or", "Write `and`, `or`, `not` as small words.", _all(*_SIGNS)),
    Slip("contains", "`contains` is written with `in`: the part first.", _contains),
    Slip("curly_quotes", "These quotes are typographic; write straight ones.", lambda text: text.translate(_CURLY)),
    Slip("none", "Nothing is written `none`.", _all((r"\b(?:null|NULL|nil|None)\b", "none"))),
    Slip("call", "Calls are not part of the language; a filter does it.", _filters),
    Slip("bare_word", "A text must stand in quotes.", _quote_right),
    Slip("expression", "This is not how a comparison is written.", _everything),
)  # fmt: skip
