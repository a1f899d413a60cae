"""Where a broadcast's people come from, as an admin writes it: `csv`, `list Name`, `report Name`, `view Name`, SOQL."""

from dataclasses import dataclass
from typing import Any

KINDS = ("csv", "list", "report", "view", "query")
ANY = "any"  # of a document: whatever is chosen when it is sent
SAYS = "Write any, csv, list NAME, report NAME, view NAME, or query SELECT Id FROM ..."
LONGEST = 4000  # characters; SOQL itself allows 100,000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One audience. `value`: a name or an id of the CRM, or the text of a query; of a CSV its file."""

    kind: str
    value: str = ""
    object: str = ""  # the CRM's object; "" = the CRM's people
    upload: str = ""  # csv: uploads.id
    name: str = ""  # csv: the file's name

    def __str__(self) -> str:
        """As a person reads it."""
        return self.name or "CSV" if self.kind == "csv" else f"{self.kind} {self.value}".strip()

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("kind", "value", "object", "upload", "name")}


def parse(text: str) -> Source | None:
    """`list VIP customers`; None for `any`. A text without a kind is a list's name. Raises ValueError."""
    words = " ".join(text.split())
    kind, _, value = words.partition(" ")
    if words.lower() == ANY:
        return None
    if not words or len(words) > LONGEST:
        raise ValueError(SAYS)
    if words.upper().startswith("SELECT "):
        return Source(kind="query", value=words)
    if kind.lower() == "csv" and not value:
        return Source(kind="csv")
    if kind.lower() in KINDS[1:]:
        if not value:
            raise ValueError(f"'{kind}' names no {kind}. {SAYS}")
        return Source(kind=kind.lower(), value=value)
    return Source(kind="list", value=words)


def of_json(given: Any) -> Source:
    """What `as_json` made."""
    return Source(**given)
