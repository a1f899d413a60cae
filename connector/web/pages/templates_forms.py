"""Templates: made, edited, deleted. Checked while they are typed by the checks that the command line uses."""

from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for

from connector.core import template as language
from connector.core.template import draft as drafts
from connector.core.template import limits
from connector.core.template.draft import Button, Draft
from connector.pipeline.views import template_shelf
from connector.ports import Account
from connector.store import audit, tasks
from connector.web.auth import needs, person
from connector.web.frame import given, house_of, t, toast
from connector.web.pages.templates_named import named_one, sender_named, whatsapp

screen = Blueprint("forms", __name__)

TEXT = 8000  # characters of one field that are taken; Meta's own limits are told beside it
LANGUAGES = ("es", "es_MX", "es_ES", "es_AR", "pt_BR", "pt_PT", "en", "en_US", "en_GB", "fr", "de", "it")
BLANK = ("URL", "PHONE_NUMBER", "COPY_CODE")


@screen.get("/new")
@needs("publisher")
def new() -> str:
    """An empty form, or one that begins with another template's contents (?like=NAME&language=CODE)."""
    senders = whatsapp()
    account = next((a for a in senders if a.name == request.args.get("account")), senders[0] if senders else abort(404))
    return _shown(account, Draft(language="es"), edit=False, fresh=True)


@screen.get("/<account>/<name>/edit")
@needs("publisher")
def edit(account: str, name: str) -> str:
    """The form of a template that is there; 404 where no form can show all of it."""
    sender = sender_named(account)
    found = _known(sender, name, given(request.args, "language", 20))
    made = drafts.from_template(found)
    return _shown(sender, made if made is not None else abort(404), edit=True, fresh=True)


@screen.post("/draft")
@needs("publisher")
def draft() -> str:
    """As it stands now: the preview and what is wrong; with `whole`, `add` or `remove` the form too."""
    sender, made = sender_named(given(request.form, "account", 100)), _draft()
    whole = any(name in request.form for name in ("whole", "add", "remove"))
    if request.form.get("add") in drafts.KINDS and len(made.buttons) < limits.BUTTONS:
        made = _with(made, (*made.buttons, Button(request.form["add"])))
    if request.form.get("remove", "").isdecimal():
        n = int(request.form["remove"])
        made = _with(made, tuple(b for i, b in enumerate(made.buttons) if i != n))
    edit_ = bool(request.form.get("edit"))
    if whole:
        return _part("templates/_form.html", sender, made, edit_, fresh=False)
    shown = set(request.form.getlist("shown"))
    return _part("templates/_live.html", sender, made, edit_, fresh=False, redraw=shown != set(made.parameters))


@screen.post("/submit")
@needs("publisher")
def submit() -> Any:
    """Handed to Meta for review, once its rules let it through; a worker does it."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    sender, made, edit_ = sender_named(given(request.form, "account", 100)), _draft(), bool(request.form.get("edit"))
    if edit_:
        _known(sender, made.name, made.language)
    body = drafts.to_graph(made)
    if language.rules(body):
        if "HX-Request" in request.headers:
            return (
                _part("templates/_form.html", sender, made, edit_, fresh=False),
                422,
                toast(t("templates.look"), "bad"),
            )
        return _shown(sender, made, edit=edit_, fresh=False), 422
    kind = "templates.edit" if edit_ else "templates.create"
    args = {"account": sender.name, "template": body, "name": made.name, "language": made.language}
    with house.store.write() as conn:
        task = tasks.add(conn, kind, args, person().name, now)
        audit.append(conn, person().name, kind, made.name, {"account": sender.name, "language": made.language}, now)
    house.ring("task")
    return _asked(task)


@screen.post("/<account>/<name>/delete")
@needs("publisher")
def delete(account: str, name: str) -> Any:
    """One language, or all; its name has to be typed."""
    house, now, sender = house_of(current_app), house_of(current_app).clock.now(), sender_named(account)
    code = given(request.form, "language", 20)
    if given(request.form, "confirm", 600).strip() != name:
        abort(422, t("templates.name_differs", name=name))
    args = {"account": sender.name, "name": name} | ({"language": code} if code else {})
    with house.store.write() as conn:
        task = tasks.add(conn, "templates.delete", args, person().name, now)
        audit.append(conn, person().name, "templates.delete", name, {"account": sender.name, "language": code}, now)
    house.ring("task")
    return _asked(task)


# ---- the form ----------------------------------------------------------------------------------------------------
def editable(template: language.Template) -> bool:
    """A form shows all of it, and Meta takes changes of it now."""
    return template.status in ("APPROVED", "REJECTED", "PAUSED") and drafts.from_template(template) is not None


def _draft() -> Draft:
    """The fields as they were typed."""
    form = request.form
    fields = ("name", "language", "header_text", "header_example", "footer")
    text: dict[str, Any] = {name: given(form, name, TEXT).strip() for name in fields}
    body = given(form, "body", TEXT).replace("\r\n", "\n")
    minutes = given(form, "minutes", 10).strip()
    header, category = form.get("header", ""), form.get("category", "")
    made = Draft(
        **text, body=body.strip(),
        header=header if header in drafts.HEADERS else "", buttons=_buttons(),
        category=category if category in limits.CATEGORIES else "utility",
        minutes=int(minutes) if minutes.isascii() and minutes.isdecimal() else None, advice=bool(form.get("advice")),
    )  # fmt: skip
    examples = {name: given(form, f"example.{name}", TEXT).strip() for name in made.parameters}
    return _with(made, made.buttons, examples)


def _with(made: Draft, buttons: tuple[Button, ...], examples: dict[str, str] | None = None) -> Draft:
    from dataclasses import replace

    return replace(made, buttons=buttons, examples=made.examples if examples is None else examples)


def _buttons() -> tuple[Button, ...]:
    found = []
    for n in range(limits.BUTTONS):
        kind = request.form.get(f"button.{n}.kind", "")
        if kind in drafts.KINDS:
            rest = (given(request.form, f"button.{n}.{name}", TEXT).strip() for name in ("label", "value", "example"))
            found.append(Button(kind, *rest))
    return tuple(found)


def _part(name: str, sender: Account, made: Draft, edit_: bool, *, fresh: bool, redraw: bool = False) -> str:
    """`fresh`: nothing was typed yet, so nothing is wrong yet."""
    body = drafts.to_graph(made)
    template = language.from_graph(body)
    return render_template(
        name, account=sender, draft=made, edit=edit_, redraw=redraw, senders=whatsapp(), languages=LANGUAGES,
        wrong=[] if fresh else language.rules(body), fresh=fresh, headers=drafts.HEADERS, kinds=drafts.KINDS,
        categories=limits.CATEGORIES, limits=limits,
        drawn=language.draw(template, {**made.examples, **_header_values(made)}),
    )  # fmt: skip


def _header_values(made: Draft) -> dict[str, str]:
    from connector.core.template.model import placeholders

    return {f"header.{name}": made.header_example for name in placeholders(made.header_text)}


def _shown(sender: Account, made: Draft, *, edit: bool, fresh: bool) -> str:
    return _part("templates/edit.html", sender, made, edit, fresh=fresh)


def _asked(task: str) -> Any:
    if "HX-Request" in request.headers:
        return render_template("templates/_asked.html", task=task)
    return redirect(url_for("templates.done", task=task), 303)


def _known(sender: Account, name: str, code: str) -> language.Template:
    """A template Meta has; 404 when it has none."""
    with house_of(current_app).store.read() as conn:
        found = named_one(conn, sender, name)
    use = next((u for u in found.languages if u.row.language == code), found.languages[0])
    return template_shelf.template_of(use.row)
