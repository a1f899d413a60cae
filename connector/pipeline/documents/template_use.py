"""Templates with the live documents that use each: what they send, and what they take an answer to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.core.documents import MappingDocument, SendDocument
from connector.pipeline.documents.library import Library
from connector.store import documents as document_rows
from connector.store import templates

STOPPED = ("PAUSED", "REJECTED", "DISABLED", "IN_APPEAL", "DELETED")  # cannot be sent


@dataclass(frozen=True, slots=True)
class Use:
    """One template as Meta last showed it, and the live documents about it."""

    row: Any  # account name language status category quality reason components at synced_at ...
    sent_by: tuple[str, ...]
    answered_in: tuple[str, ...]

    @property
    def troubled(self) -> bool:
        """Meta has stopped it though live documents send it."""
        return bool(self.sent_by) and self.row.status in STOPPED


class Uses:
    """Which live document uses which template; documents are read anew only after a publish."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._generation = -1
        self._known: dict[str, tuple[set[str], set[str]]] = {}

    def of(self, conn: Any, crms: Mapping[str, str]) -> dict[str, tuple[set[str], set[str]]]:
        """{template: (documents that send it, documents that take its answers)}; `crms` are the CRM accounts' names."""
        generation = document_rows.generation(conn)
        if generation != self._generation:
            self._known = self._read(crms)
            self._generation = generation
        return self._known

    def _read(self, crms: Mapping[str, str]) -> dict[str, tuple[set[str], set[str]]]:
        found: dict[str, tuple[set[str], set[str]]] = {}
        for name in crms.values():
            shelf = self._library.shelf(name)
            for live in shelf.live:
                for template in _answered(live.document):
                    found.setdefault(template, (set(), set()))[1].add(live.document.name)
            for sending in shelf.sends:
                for template in _sent(sending.document):
                    found.setdefault(template, (set(), set()))[0].add(sending.document.name)
        return found


def _answered(document: MappingDocument) -> frozenset[str]:
    return frozenset(document.answer_to or ())


def _sent(document: SendDocument) -> frozenset[str]:
    return frozenset({document.template} - {""})


def listing(
    conn: Any, used: Mapping[str, tuple[set[str], set[str]]], account: str = "", name: str = ""
) -> list[Use]:  # fmt: skip
    """Every template by name and language; of one account, or of one name, where these are given."""
    none: tuple[set[str], set[str]] = (set(), set())
    out = []
    for row in templates.rows(conn, account, [name] if name else ()):
        sent, answered = used.get(row.name, none)
        out.append(Use(row, tuple(sorted(sent)), tuple(sorted(answered))))
    return out
