"""CSV that a spreadsheet opens without running anything that stands in it."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# OWASP, CSV injection, checked 2026-11; the full-width forms are folded to the same characters by some programs.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
# Where another program may see the next cell begin: one that separates with ; or a tab does not know our quotes.
_INSIDE = re.compile(r"([;\t|\r\n][\s\"']{0,20})(?=[=+\-@＝＋－＠])")
_UNSEEN = re.compile(r"^[\s\u200b-\u200f\u2060\ufeff]+")
BOM = "\ufeff"  # without it Excel takes UTF-8 for the country's old code page
Cell = str | int | float | None


def cell(value: Cell) -> str:
    """A number as it is; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = _INSIDE.sub(r"\1'", value.replace("\0", ""))
    return f"'{text}" if _UNSEEN.sub("", text).startswith(STARTS) or text.startswith(STARTS) else text


def lines(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """CSV text, one piece for each row, the first with the mark that says UTF-8."""
    out = io.StringIO(newline="")
    out.write(BOM)
    write = csv.writer(out, lineterminator="\r\n").writerow
    for row in rows:
        write([cell(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
