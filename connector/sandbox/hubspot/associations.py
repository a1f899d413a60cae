"""Which HubSpot record belongs to which: HubSpot's own association types, both directions kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connector.sandbox.hubspot.errors import Refused

# (from, to): the default type and its way back, then the primary ones (associations guide).
PAIRS: Mapping[tuple[str, str], tuple[int, int]] = {
    ("communications", "contacts"): (81, 82),
    ("communications", "tickets"): (83, 84),
    ("communications", "deals"): (85, 86),
    ("communications", "companies"): (87, 88),
    ("notes", "contacts"): (202, 201),
    ("notes", "companies"): (190, 189),
    ("notes", "deals"): (214, 213),
    ("notes", "tickets"): (228, 227),
    ("tasks", "contacts"): (204, 203),
    ("tasks", "companies"): (192, 191),
    ("tasks", "deals"): (216, 215),
    ("tasks", "tickets"): (230, 229),
    ("deals", "contacts"): (3, 4),
    ("deals", "companies"): (341, 342),
    ("deals", "tickets"): (27, 28),
    ("contacts", "companies"): (279, 280),
    ("tickets", "contacts"): (16, 15),
    ("tickets", "companies"): (339, 340),
}
PRIMARY = {("contacts", "companies"): (1, 2), ("deals", "companies"): (5, 6)}
LABELLED = {("deals", "contacts"): (71, 72)}  # the admin's own label
LABELS = {1: "Primary", 2: "Primary", 5: "Primary", 6: "Primary", 71: "Primary contact", 72: "Primary contact"}

DEFAULT: dict[tuple[str, str], int] = {}
BACK: dict[int, int] = {}
TARGET: dict[int, tuple[str, str]] = {}
for _table in (PAIRS, PRIMARY, LABELLED):
    for (_from, _to), (_there, _back) in _table.items():
        BACK |= {_there: _back, _back: _there}
        TARGET |= {_there: (_from, _to), _back: (_to, _from)}
for (_from, _to), (_there, _back) in PAIRS.items():
    DEFAULT |= {(_from, _to): _there, (_to, _from): _back}

Exists = Callable[[str, str], bool]
Planned = list[tuple[str, str, list[int]]]  # to object, to id, types


def category(type_id: int) -> str:
    """Whose type it is."""
    return "USER_DEFINED" if any(type_id in pair for pair in LABELLED.values()) else "HUBSPOT_DEFINED"


def shown(type_id: int) -> dict[str, Any]:
    """A type as a read of associations shows it."""
    return {"category": category(type_id), "typeId": type_id, "label": LABELS.get(type_id)}


def spec(type_id: int) -> dict[str, Any]:
    """A type as the API writes it."""
    return {"associationCategory": category(type_id), "associationTypeId": type_id}


def default_type(source: str, target: str) -> int:
    """The unlabelled type; Refused where there is none."""
    if (source, target) not in DEFAULT:
        raise Refused(f"No default association type is defined from {source} to {target}.")
    return DEFAULT[source, target]


class Associations:
    """`put` writes both directions; `of` lists one object's links in the order they were made."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str], dict[tuple[str, str], set[int]]] = {}

    def planned(self, kind: str, given: Any, exists: Exists) -> Planned:
        """What an `associations` array of a create asks for; Refused where a type or a record is wrong."""
        if given is not None and not isinstance(given, list):
            raise Refused("Invalid input JSON: associations must be an array")
        found: Planned = []
        for link in given or ():
            to = _id(link)
            types = self.types(kind, link.get("types"))
            target = TARGET[types[0]][1]
            if not exists(target, to):
                raise Refused(
                    f"Association target {target} {to} does not exist.", "OBJECT_NOT_FOUND", context={"id": [to]}
                )
            found.append((target, to, types))
        return found

    def types(self, kind: str, given: Any) -> list[int]:
        """The type ids of `types`, all leading from `kind` to one object; Refused otherwise."""
        named = given if isinstance(given, list) else []
        ids: list[int] = [one.get("associationTypeId", 0) for one in named if isinstance(one, dict)]
        wrong = [id for id in ids if TARGET.get(id, ("", ""))[0] != kind]
        if not ids or wrong or len({TARGET[id][1] for id in ids}) > 1:
            raise Refused(f"Invalid association types {wrong or ids} for an object of the type {kind}.")
        return ids

    def put(self, source: str, id: str, target: str, to: str, types: Sequence[int]) -> None:
        """Add types to a link."""
        self._links.setdefault((source, id), {}).setdefault((target, to), set()).update(types)
        self._links.setdefault((target, to), {}).setdefault((source, id), set()).update(BACK[t] for t in types)

    def cut(self, source: str, id: str, target: str, to: str) -> bool:
        """Remove a link; whether there was one."""
        self._links.get((target, to), {}).pop((source, id), None)
        return self._links.get((source, id), {}).pop((target, to), None) is not None

    def of(self, source: str, id: str, target: str) -> Iterator[tuple[str, list[int]]]:
        """(id, types) of everything of `target` linked to this record."""
        for (kind, to), types in self._links.get((source, id), {}).items():
            if kind == target:
                yield to, sorted(types)

    def move(self, kind: str, old: str, new: str) -> None:
        """A merge: the links of one record become another's."""
        for (target, to), types in list(self._links.get((kind, old), {}).items()):
            self.put(kind, new, target, to, list(types))
        self.drop(kind, old)

    def drop(self, kind: str, id: str) -> None:
        """A record is gone."""
        for other in self._links.pop((kind, id), {}):
            self._links.get(other, {}).pop((kind, id), None)


def _id(link: Any) -> str:
    to = link.get("to") if isinstance(link, dict) else None
    if not isinstance(to, dict) or not isinstance(to.get("id"), str | int):
        raise Refused("Invalid input JSON: an association needs to.id")
    return str(to["id"])
