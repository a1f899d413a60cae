"""Settings, Links: addresses that fire one document each, and addresses that documents notify."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, render_template, request

from connector import errors, webhooks
from connector.pipeline.triggers import links as trigger_links
from connector.ports import Account
from connector.store import accounts, audit, documents
from connector.web.auth import allows, needs, person
from connector.web.frame import given, house_of, t, toast

screen = Blueprint("links", __name__, url_prefix="/settings/links")
CALLED = webhooks.MANIFEST.kind  # what we call: notify:


@screen.get("/")
@needs("viewer")
def index() -> str:
    """Both kinds."""
    return _shown()


@screen.post("/")
@needs("admin", fresh=True)
def add() -> Any:
    """A link for a document; its secret is shown once."""
    house, document = house_of(current_app), given(request.form, "document", 100).strip()
    secret = webhooks.standard.new_secret()
    try:
        crm = trigger_links.crm_of(house.store, document)
        link = trigger_links.make(
            house.store, house.keyring, document, crm, secret, house.clock.now(), _noted("link.add")
        )
    except errors.GiveUp as error:
        return _shown(problem=str(error)), 422
    return _shown(secret=secret, secret_of=_address(link))


@screen.post("/<link>/rotate")
@needs("admin", fresh=True)
def rotate(link: str) -> Any:
    """A new secret, shown once; the old one is good for a day."""
    house, found, secret = house_of(current_app), _one(link, webhooks.LINK), webhooks.standard.new_secret()
    trigger_links.rotate(house.store, house.keyring, found, secret, house.clock.now(), _noted("link.rotate"))
    return _shown(secret=secret, secret_of=_address(found))


@screen.post("/<link>/revoke")
@needs("admin")
def revoke(link: str) -> Any:
    """Its calls are refused from now on."""
    house, found = house_of(current_app), _one(link, webhooks.LINK)
    trigger_links.revoke(house.store, found, _noted("link.revoke"))
    return _shown(), 200, toast(t("links.ended"))


@screen.post("/called")
@needs("admin")
def add_called() -> Any:
    """An address that documents may notify; its signing secret is shown once."""
    house = house_of(current_app)
    name, url = given(request.form, "name", 64).strip(), given(request.form, "url", 2000).strip()
    secret = webhooks.standard.new_secret()
    try:
        if not accounts.usable_name(name):
            raise errors.Rejected(t("links.bad_name"))
        webhooks.validate(url, secret)
        with house.store.write() as conn:
            if accounts.get(conn, house.keyring, name) is not None:
                raise errors.Rejected(t("links.name_taken", name=name))
            made = accounts.add(conn, house.keyring, CALLED, name, {"url": url}, {"secret": secret}, house.clock.now())
            audit.append(conn, person().name, "webhook.add", name, {"url": url}, house.clock.now())
    except errors.ConnectorError as error:
        if isinstance(error, errors.TryAgain):
            raise
        return _shown(problem=str(error), typed=request.form), 422
    return _shown(secret=secret, secret_of=made.name)


@screen.post("/called/<name>/remove")
@needs("admin")
def remove_called(name: str) -> Any:
    """Forgets it; documents that notify it have their notifications in review."""
    house, found = house_of(current_app), _one(name, CALLED)
    with house.store.write() as conn:
        accounts.delete(conn, found.id)
        audit.append(conn, person().name, "webhook.remove", found.name, {}, house.clock.now())
    return _shown(), 200, toast(t("links.removed", name=found.name))


def _one(name: str, kind: str) -> Account:
    with house_of(current_app).store.read() as conn:
        found = accounts.get(conn, house_of(current_app).keyring, name)
    return found if found is not None and found.kind == kind else abort(404)


def _noted(action: str) -> trigger_links.Noted:
    """Writes the audit in the transaction of the change."""
    who, now = person().name, house_of(current_app).clock.now()

    def note(conn: Any, link: Account) -> None:
        audit.append(conn, who, action, str(link.settings.get("document", "")), {"link": link.name}, now)

    return note


def _address(link: Account) -> str:
    return f"{house_of(current_app).public_url}/hooks/link/{link.name}"


def _shown_url(called: Account) -> str:
    """All of it for an admin: with many services whoever knows the address may post there."""
    url = str(called.settings.get("url", ""))
    return url if allows(person().role, "admin") else f"https://{urlsplit(url).hostname or ''}/…"


def _shown(**more: Any) -> str:
    house = house_of(current_app)
    everyone = house.accounts()
    with house.store.read() as conn:
        sends = [row.name for row in documents.live(conn) if row.kind == "send" and "webhook:" in row.text]
    filled = {
        "links": [(a, _address(a)) for a in everyone if a.kind == webhooks.LINK],
        "called": [(a, _shown_url(a)) for a in everyone if a.kind == CALLED],
        "documents": sends,
        **more,
    }
    return render_template("settings/links.html", part="HX-Request" in request.headers, **filled)
