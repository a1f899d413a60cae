"""What the pages of templates share: whose they are, which documents use them, one of them by its name."""

from typing import Any

from flask import abort, current_app

from connector.pipeline.documents import template_use
from connector.pipeline.documents.library import Library
from connector.pipeline.documents.template_use import Uses
from connector.pipeline.views import template_shelf
from connector.pipeline.views.template_shelf import Named
from connector.ports import Account
from connector.web.auth import allows, person
from connector.web.frame import house_of


def may(role: str) -> bool:
    """What a template shows only to those who may do it."""
    return allows(person().role, role)


def whatsapp() -> list[Account]:
    """The WhatsApp accounts, by name."""
    return sorted((a for a in house_of(current_app).accounts() if a.kind == "whatsapp"), key=lambda a: a.name)


def sender_named(name: str) -> Account:
    """The WhatsApp account of this name; 404 when there is none."""
    return next((a for a in whatsapp() if a.name == name), None) or abort(404)


def library() -> Library:
    """This process's documents, read again after a publish."""
    made: Library = current_app.extensions.setdefault("templates.library", Library(house_of(current_app).store))
    return made


def used(conn: Any) -> dict[str, tuple[set[str], set[str]]]:
    """Which live document uses which template."""
    uses: Uses = current_app.extensions.setdefault("templates.uses", Uses(library()))
    return uses.of(conn, house_of(current_app).names())


def named_one(conn: Any, sender: Account, name: str) -> Named:
    """All languages of one template; 404 when nobody has heard of it."""
    uses = [u for u in template_use.listing(conn, used(conn), sender.id, name) if u.row.name == name]
    found = template_shelf.named(conn, uses, house_of(current_app).clock.now())
    return found[0] if found else abort(404)
