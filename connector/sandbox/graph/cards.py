"""The cards of a carousel and the end of an offer: what a send fills into them, and how a phone shows it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connector.sandbox.graph.errors import GraphError

Document = dict[str, Any]
Check = Callable[[Document, Sequence[Document]], str]


def part_of(parts: Sequence[Document], kind: str) -> Document | None:
    """The component of this kind, whatever its case."""
    return next((part for part in parts if str(part.get("type", "")).lower() == kind), None)


def cards_of(template: Mapping[str, Any]) -> list[Document]:
    """A template's cards, each as a small template of its own."""
    found = part_of(template["components"], "carousel") or {}
    return [
        {**template, "components": [{**c, "type": str(c.get("type", "")).upper()} for c in card.get("components", [])]}
        for card in found.get("cards", [])
    ]


def check_cards(template: Document, parts: Sequence[Document], check: Check) -> None:
    """As many cards as the template has, each filled like a template; raises GraphError."""
    wanted, given = cards_of(template), (part_of(parts, "carousel") or {}).get("cards") or []
    if len(wanted) != len(given):
        raise GraphError(132012, f"carousel: the template has {len(wanted)} cards, {len(given)} were given")
    for n, (card, filled) in enumerate(zip(wanted, given, strict=True)):
        if not isinstance(filled, dict) or filled.get("card_index") != n:
            raise GraphError(131009, f"carousel: the card at place {n} does not say card_index {n}")
        check(card, [one for one in filled.get("components") or [] if isinstance(one, dict)])


def check_offer(template: Document, parts: Sequence[Document]) -> None:
    """An offer that ends says when; raises GraphError."""
    offer = (part_of(template["components"], "limited_time_offer") or {}).get("limited_time_offer") or {}
    if offer.get("has_expiration") is not True:
        return
    ends = ends_of(parts)
    if not isinstance(ends, int) or isinstance(ends, bool):
        raise GraphError(131008, "limited_time_offer: expiration_time_ms is mandatory")


def ends_of(parts: Sequence[Document]) -> Any:
    """Milliseconds since 1970, as they were sent."""
    given = ((part_of(parts, "limited_time_offer") or {}).get("parameters") or [{}])[0]
    return (given.get("limited_time_offer") or {}).get("expiration_time_ms") if isinstance(given, dict) else None


def filled(template: Document, parts: Sequence[Document]) -> Iterator[tuple[Document, list[Document]]]:
    """Each card with what the send put into it."""
    given = (part_of(parts, "carousel") or {}).get("cards") or []
    for card, one in zip(cards_of(template), given, strict=False):
        yield card, list(one.get("components") or [])
