"""The CRM's fields, read from the CRM, kept in `catalogue`, used by lint and by `if_further`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from connector.core.documents import Document
from connector.ports import CRM, Account, Field
from connector.store import catalogue
from connector.store.engine import Store
from connector.store.events import USUAL


def refresh(store: Store, account: Account, crm: CRM, objects: Iterable[str], now: datetime) -> dict[str, list[Field]]:
    """Reads the fields of these objects from the CRM and keeps them."""
    found = {name: crm.fields(name) for name in dict.fromkeys((crm.can.object, *objects))}
    with store.write() as conn:
        for name, fields in found.items():
            catalogue.put(conn, account.id, name, [asdict(f) for f in fields], now)
    return found


def known(store: Store, account: Account, objects: Sequence[str]) -> dict[str, list[Field]] | None:
    """The fields as last read; None when this account's were never read."""
    with store.read() as conn:
        bodies = {name: catalogue.get(conn, account.id, name) for name in objects}
    found = {name: [_field(entry) for entry in body] for name, body in bodies.items() if body}
    return found or None


def look(store: Store) -> Callable[[Document], dict[str, list[Field]] | None]:
    """Looks the fields of a document's CRM up as last read, by the account's name; no CRM is asked."""

    def fields(document: Document) -> dict[str, list[Field]] | None:
        with store.read() as conn:
            bodies = catalogue.of_account(conn, document.crm)
        found = {name: [_field(entry) for entry in bodies[name]] for name in sorted(bodies, key=_usual)}
        return found or None

    return fields


def _usual(object_: str) -> tuple[int, str]:
    """A contact's own object first: lint takes the first where the document names none."""
    return (USUAL.index(object_) if object_ in USUAL else len(USUAL), object_)


def _field(entry: Mapping[str, Any]) -> Field:
    options = tuple((str(value), str(label)) for value, label in entry["options"])
    return Field(**{**entry, "options": options, "rules": tuple(entry["rules"])})
