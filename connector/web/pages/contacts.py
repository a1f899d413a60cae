"""Contacts: who wrote last, and all that is known of one person, with their timeline."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.pipeline.views import people
from connector.pipeline.views.people import Known, Link
from connector.ports import Account
from connector.web.auth import needs
from connector.web.frame import given, house_of
from connector.web.house import House
from connector.web.pages import contact_acts

screen = Blueprint("contacts", __name__, url_prefix="/contacts")
screen.register_blueprint(contact_acts.screen)
PAGE, LINES = 50, 40
CURSOR = 200  # characters


@screen.get("/")
@needs("viewer")
def index() -> str:
    """A page, who wrote last first; or whom the typed words and digits mean."""
    house, typed = house_of(current_app), given(request.args, "q", 200).strip()
    before = given(request.args, "before", CURSOR)
    with house.store.read() as conn:
        found = people.contacts(conn, house.names(), house.clock.now(), query=typed, before=before, limit=PAGE)
    return render_template(
        "contacts/index.html", part="HX-Request" in request.headers, rows=found.rows, typed=typed,
        older=url_for(".index", before=found.older) if found.older else "",
        newer=url_for(".index") if before else "", page_of=_page_of(house),
    )  # fmt: skip


@screen.get("/<contact>")
@needs("viewer")
def one(contact: str) -> str | Response:
    """One person; a contact that was merged away leads to who goes on."""
    house = house_of(current_app)
    known, line = _known(house, contact), _timeline(house, contact)
    if known.who.id != contact:
        return redirect(url_for(".one", contact=known.who.id))
    return render_template(
        "contacts/one.html", known=known, page_of=_page_of(house), confirm=contact_acts.said_name(known),
        **contact_acts.consent_values(known), **line,
    )  # fmt: skip


@screen.get("/<contact>/timeline")
@needs("viewer")
def timeline(contact: str) -> str:
    """The next lines further down."""
    return render_template("contacts/_timeline.html", **_timeline(house_of(current_app), contact))


def _known(house: House, contact: str) -> Known:
    with house.store.read() as conn:
        found = people.contact(conn, house.names(), house.clock.now(), contact[:CURSOR])
    return found if found is not None else abort(404)


def _timeline(house: House, contact: str) -> dict[str, Any]:
    before = given(request.args, "before", CURSOR)
    with house.store.read() as conn:
        found = people.timeline_of(conn, house.names(), house.clock.now(), contact[:CURSOR], before=before, limit=LINES)
    older = url_for("contacts.timeline", contact=contact, before=found.older) if found.older else ""
    return {"lines": found.rows, "older": older, "first": not before}


def _page_of(house: House) -> Any:
    """A function that tells a link's page in its CRM, "" where there is none."""
    accounts: Mapping[str, Account] = {account.id: account for account in house.accounts()}

    def page(link: Link) -> str:
        account = accounts.get(link.account_id)
        made = house.manifests.get(account.kind) if account else None
        return made.record_url(account.settings, link.object, link.record) if account and made else ""

    return page
