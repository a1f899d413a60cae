"""Takes one person's rows out of a CSV: the row stays, so that the others keep their numbers, and says nothing."""

import codecs
import re
from collections.abc import Collection, Iterable, Iterator

from connector.core.redact import GONE
from connector.core.sheet import DELIMITERS

NATIONAL = 9  # digits of a number without its country from which on it can hardly be somebody else's
_CELLS = re.compile(f"[{re.escape(DELIMITERS)}]")
_NOT_DIGITS = re.compile(r"[^0-9]")


def names(line: str, ids: Collection[str]) -> bool:
    """One of these (phones as digits, user ids, e-mails) stands in a row, however the phone is written."""
    if any(one in line for one in ids):
        return True
    phones = [one for one in ids if one.isascii() and one.isdigit()]
    for cell in _CELLS.split(line):
        digits = _NOT_DIGITS.sub("", cell).lstrip("0")
        if len(digits) >= NATIONAL and any(phone.endswith(digits) for phone in phones):
            return True
    return False


def any_names(parts: Iterable[bytes], encoding: str, ids: Collection[str]) -> bool:
    """Some row of the file is theirs."""
    return any(names(line, ids) for line in _lines(parts, encoding))


def without(parts: Iterable[bytes], encoding: str, ids: Collection[str]) -> Iterator[bytes]:
    """The same file with the rows of this person emptied."""
    encoder = codecs.getincrementalencoder(encoding)("replace")
    for line in _lines(parts, encoding):
        yield encoder.encode(_emptied(line) if names(line, ids) else line)


def _lines(parts: Iterable[bytes], encoding: str) -> Iterator[str]:
    """With their ends."""
    decoder, held = codecs.getincrementaldecoder(encoding)("replace"), ""
    for part in parts:
        *whole, held = (held + decoder.decode(part)).split("\n")
        yield from (f"{line}\n" for line in whole)
    if held := held + decoder.decode(b"", final=True):
        yield held


def _emptied(line: str) -> str:
    separators = "".join(_CELLS.findall(line))
    return GONE + separators + line[len(line.rstrip("\r\n")) :]
