"""What belongs to what: HubSpot's batch read of associations, all pages of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.crm.batch import at_once, chunks
from connector.crm.hubspot import client as hubspot
from connector.errors import NotFound
from connector.ports import Related

BATCH = 100
PAGES = 20
# HubSpot's own primary types: contact and company, deal and company, ticket and company (associations guide, 2026).
PRIMARY = frozenset({1, 2, 5, 6, 25, 26})
# A deal has no primary contact of HubSpot's own; an admin's label that begins with one of these words makes one.
WORDS = ("primary", "principal", "main")
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Associations:
    """`related` of the port, over one client."""

    client: hubspot.Client

    def of(self, name: str, ids: Sequence[str], to: str) -> dict[str, list[Related]]:
        """Every id with the records of object `to` it is associated with, the primary one first."""
        asked = dict.fromkeys(ids)
        if name == to:
            return {id_: [Related(to, id_, primary=True)] for id_ in asked}  # a contact is its own person
        found: dict[str, dict[str, bool]] = {id_: {} for id_ in asked}
        inputs: list[dict[str, str]] = [{"id": id_} for id_ in asked if id_.isascii() and id_.isdigit()]
        for _ in range(PAGES):
            answers = at_once(self._page(name, to), list(chunks(inputs, BATCH)))
            inputs = []
            for item in (item for answer in answers for item in answer.get("results") or []):
                id_ = str((item.get("from") or {}).get("id"))
                found.setdefault(id_, {}).update(_ends(item))
                if after := ((item.get("paging") or {}).get("next") or {}).get("after"):
                    inputs.append({"id": id_, "after": str(after)})
            if not inputs:
                break
        return {id_: _listed(found[id_], to) for id_ in asked}

    def _page(self, name: str, to: str) -> Callable[[Sequence[Mapping[str, str]]], Item]:
        def ask(inputs: Sequence[Mapping[str, str]]) -> Item:
            try:
                return self.client.post(hubspot.associations(name, to), {"inputs": list(inputs)})
            except NotFound:
                return {}  # HubSpot's answer when none of them has any

        return ask


def _ends(item: Item) -> dict[str, bool]:
    """Id of each associated record -> whether it is the primary one."""
    ends = [end for end in item.get("to") or [] if isinstance(end, dict)]
    return {str(end.get("toObjectId") or end.get("id")): any(map(_primary, _types(end))) for end in ends}


def _types(end: Item) -> list[Item]:
    return [one for one in end.get("associationTypes") or [] if isinstance(one, dict)]


def _primary(one: Item) -> bool:
    """One association type, `{category, typeId, label}`: primary by HubSpot's own type or by its label."""
    label = str(one.get("label") or "").casefold()
    return (one.get("category") == "HUBSPOT_DEFINED" and one.get("typeId") in PRIMARY) or label.startswith(WORDS)


def _listed(ends: Mapping[str, bool], to: str) -> list[Related]:
    return sorted((Related(to, id_, primary) for id_, primary in ends.items()), key=lambda one: not one.primary)
