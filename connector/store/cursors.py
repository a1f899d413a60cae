"""Where a page ends and the next one begins: keys, never a number of rows, so that nothing is shown twice or missed."""

from typing import NamedTuple

from connector.core.text import clean

MOST = 1000  # rows of what has no pages
LARGEST = 2**62


class Cursor(NamedTuple):
    """Everything before this row: a number (seq, or milliseconds) and an id."""

    seq: int
    id: str

    def text(self) -> str:
        """As it stands in an address."""
        return f"{self.seq}.{self.id}"


START = Cursor(LARGEST, "zzzz")  # behind every id, in every collation


def read(text: str) -> Cursor:
    """The cursor again; what is no cursor is the start."""
    number, dot, id_ = text.partition(".")
    digits = number.removeprefix("-")
    if not dot or not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        return START
    return Cursor(max(-LARGEST, min(int(number), LARGEST)), clean(id_, 100))
