"""Templates: what Meta has of each WhatsApp account, how it stands there, and which documents live on it."""

from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for

from connector import errors
from connector.core import template as language
from connector.pipeline.documents import template_use
from connector.pipeline.views import template_shelf
from connector.pipeline.views.template_shelf import Filled, Named
from connector.ports import Account
from connector.store import audit, tasks
from connector.web.auth import needs, person
from connector.web.frame import given, house_of, t
from connector.web.pages import templates_forms
from connector.web.pages.templates_named import library, may, named_one, sender_named, used, whatsapp

screen = Blueprint("templates", __name__, url_prefix="/templates")
screen.register_blueprint(templates_forms.screen)

SHOWN = 200  # names of one page; more are found by their names
STATES = ("approved", "pending", "trouble", "deleted")
GROUPS = {"APPROVED": "approved", "PENDING": "pending", "DELETED": "deleted"}


@screen.get("/")
@needs("viewer")
def index() -> str:
    """Every template by account and name."""
    house = house_of(current_app)
    senders = whatsapp()
    asked = {name: given(request.args, name, 200).strip() for name in ("q", "state", "account")}
    with house.store.read() as conn:
        uses = template_use.listing(conn, used(conn))
        found = template_shelf.named(conn, uses, house.clock.now())
        open_ = tasks.list_(conn, kinds=["templates.sync"], limit=5, open_=True)
    shown = [one for one in found if _fits(one, asked, {a.id: a.name for a in senders})]
    synced = {a.id: max((u.row.synced_at for u in uses if u.row.account == a.id and u.row.synced_at), default=None)
              for a in senders}  # fmt: skip
    return render_template(
        "templates/index.html", senders=senders, shelves=_by_account(shown[:SHOWN], senders), synced=synced,
        total=len(shown), most=SHOWN, asked=asked, states=STATES, any=bool(found), task=next(iter(open_), None),
        troubled=sum(one.troubled for one in found), may=may,
    )  # fmt: skip


@screen.post("/sync")
@needs("editor")
def sync() -> Any:
    """Reads them anew from Meta; a worker does it."""
    house, name = house_of(current_app), given(request.form, "account", 100)
    if name and not any(a.name == name for a in whatsapp()):
        abort(404)
    with house.store.write() as conn:
        task = tasks.add(conn, "templates.sync", {"account": name}, person().name, house.clock.now())
        audit.append(conn, person().name, "templates.sync", name, {}, house.clock.now())
    house.ring("task")
    if "HX-Request" in request.headers:
        return render_template("templates/_asked.html", task=task)
    return redirect(url_for("templates.index"), 303)


@screen.get("/done/<task>")
@needs("viewer")
def done(task: str) -> str:
    """What a task of templates came to."""
    with house_of(current_app).store.read() as conn:
        found = tasks.get(conn, task[:64].replace("\0", ""))
    if found is None or not found.kind.startswith("templates."):
        abort(404)
    part = "HX-Request" in request.headers
    return render_template("templates/_done.html" if part else "templates/done.html", task=found)


@screen.get("/<account>/<name>")
@needs("viewer")
def one(account: str, name: str) -> str:
    """One template in one language, with example values or a real person's."""
    house, sender = house_of(current_app), sender_named(account)
    with house.store.read() as conn:
        found = named_one(conn, sender, name)
        sources = template_shelf.sources(conn, name, found.sent_by)
    code = given(request.args, "language", 20)
    use = next((u for u in found.languages if u.row.language == code), found.languages[0])
    template = template_shelf.template_of(use.row)
    key = given(request.args, "with", 800)
    filled = _filled(template, key)
    values = language.fit_example(template) if not key else filled.values
    part = "HX-Request" in request.headers and "with" in request.args
    return render_template(
        "templates/_filled.html" if part else "templates/one.html",
        account=sender, named=found, use=use, row=use.row, drawn=language.draw(template, values), values=values,
        sources=sources, chosen=key, filled=filled, known=use.row.components is not None, may=may,
        editable=templates_forms.editable(template), others=_others(found),
    )  # fmt: skip


def _filled(template: language.Template, key: str) -> Filled:
    if not key:
        return Filled({})
    house = house_of(current_app)
    try:
        return template_shelf.filled(house.store, library(), house.accounts(), template, key)
    except errors.NotFound as error:
        return Filled({}, problem=error.message)


def _others(found: Named) -> list[language.Misfit]:
    """How its languages differ in what they take."""
    usable = [template_shelf.template_of(u.row) for u in found.languages if u.row.status == "APPROVED"]
    return language.compatible([one for one in usable if one.components])


def _fits(one: Named, asked: dict[str, str], names: dict[str, str]) -> bool:
    if asked["q"] and asked["q"].casefold() not in one.name.casefold():
        return False
    if asked["account"] and names.get(one.account) != asked["account"]:
        return False
    if asked["state"] == "trouble":
        return one.troubled
    if asked["state"]:
        return any(GROUPS.get(u.row.status) == asked["state"] for u in one.languages)
    return not one.gone or bool(one.sent_by)


def _by_account(found: list[Named], senders: list[Account]) -> list[tuple[Account, list[Named]]]:
    return [(a, [one for one in found if one.account == a.id]) for a in senders]


def words_of(status: str) -> str:
    """A template's status in words; Meta's own where we have none."""
    key = f"templates.status_{status}"
    from connector.web import words

    return t(key) if key in words.catalogue() else status.lower().replace("_", " ")


screen.app_template_global("template_status")(words_of)
