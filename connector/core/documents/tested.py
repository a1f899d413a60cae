"""What the tests of every kind of document share: times as they are written, and when a value is as expected."""

from datetime import UTC, datetime
from typing import Any

from connector.core.documents.comparing import fold, shown
from connector.core.documents.fields import YesNo
from connector.core.documents.numbers import plain_number


def moment_of(value: Any) -> datetime:
    """The time; UTC where it does not say. Raises ValueError."""
    moment = datetime.fromisoformat(shown(value).strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def alike(wanted: str, found: str, words: bool) -> bool:
    """Numbers by their value, yes and no as true and false, our own words without case, anything else to the letter."""
    number = plain_number(wanted)
    if wanted == found or (number is not None and number == plain_number(found)):
        return True
    return (words and fold(wanted) == fold(found)) or _yes(wanted, found)


def _yes(wanted: str, found: str) -> bool:
    return wanted in YesNo.words and found == str(YesNo.words[wanted]).lower()
