"""The editor: the text and its form side by side, checked as it is written."""

import json
from typing import Any

from flask import Response, jsonify, make_response, render_template, request

from connector import errors
from connector.core.documents import forms
from connector.core.documents.filters import FILTERS
from connector.core.template import labels, slots
from connector.core.template.slots import needs as needs_of
from connector.pipeline.documents import publish, versions
from connector.ports import Field
from connector.store import audit, document_texts, documents
from connector.web.auth import allows, needs, person
from connector.web.frame import given, t, toast
from connector.web.pages.mappings import screen
from connector.web.pages.mappings.flows import is_flow, read_flow, tree, tree_values
from connector.web.pages.mappings.known import (
    MOST,
    crms,
    document,
    house,
    known,
    live_digest,
    number,
    options_of,
    refused,
)
from connector.web.pages.mappings.words import language_words

MANY = 200  # options of one field that the editor completes


@screen.get("/<name>")
@needs("viewer")
def edit(name: str) -> str:
    """The editor, with the newest text or the version that was asked for."""
    found, n = document(name), number(request.args, "version")
    row = found.newest
    if n and n != row.n:
        with house().store.read() as conn:
            row = documents.get(conn, name, n) or row
    return render_template(
        "mappings/edit.html", document=found, row=row, text=row.text, base=found.newest.n, tab="edit",
        live=live_digest(found), may=allows(person().role, "editor"), may_publish=allows(person().role, "publisher"),
        **(_flow_values(row.text) if found.kind == "flow" else form_values(row.text)),
    )  # fmt: skip


def _flow_values(text: str) -> dict[str, Any]:
    """A flow is drawn where others have a form."""
    flow = read_flow(text)
    return {"form": None, "templates": [], "flow_crm": flow.crm if flow else "", **tree_values(flow)}


@screen.post("/lint")
@needs("viewer")
def lint() -> Response:
    """What is wrong with a text, and how its tests come out; fields and templates as last read."""
    verdict = publish.judge(given(request.form, "text", MOST), known().fields, known().templates)
    return jsonify(
        findings=[publish.as_json(f.path, f) | {"severity": f.severity} for f in verdict.findings],
        tests=[{"name": x.name, "line": x.line, "passed": x.passed, "message": x.message} for x in verdict.tests],
        good=verdict.good,
    )


# ---- the form ----------------------------------------------------------------------------------------------------
@screen.post("/form")
@needs("viewer")
def form() -> Response:
    """The form of a text; with `cell` or `add`, after that one change, which the text takes over."""
    text = given(request.form, "text", MOST)
    if is_flow(text):
        return tree(text)
    problem, made = "", text
    try:
        made = _changed(text)
    except errors.GiveUp as error:
        problem = f"{error.message} {error.hint}".strip()
    values = form_values(made)
    if values["form"] is None:  # the page keeps the form it has, and says so
        answer = make_response(render_template("mappings/_broken.html", problem=problem))
        answer.headers["HX-Retarget"] = "#form-problem"
        return answer
    told = {"made": made if made != text else None, "problem": problem, "again": True}
    return make_response(render_template("mappings/_form.html", **told, **values))


def _changed(text: str) -> str:
    what, name = given(request.form, "add", 120), given(request.form, "name", 200)
    if what:
        return forms.add(text, what, name, given(request.form, "value", forms.MOST))
    cell = given(request.form, "cell", 600)
    return forms.change(text, forms.path_of(cell), given(request.form, "value", forms.MOST)) if cell else text


def form_values(text: str) -> dict[str, Any]:
    """What the form's template needs beside the text."""
    made = forms.form_of(text)
    fields = known().of_crm(made.at("crm")) if made else {}
    templates = {one.name: one for one in reversed(known().approved())}
    about = _about(made) if made else ""
    template = templates.get(about)
    return {
        "form": made, "fields": fields, "templates": sorted(templates), "template": template,
        "buttons": buttons_of(about, template), "crms": [a.name for a in crms()],
        "needs": [need.key for need in needs_of(slots(template))] if template is not None else [],
        "field_of": lambda name: options_of(fields, name), "cell": lambda *path: json.dumps(path, ensure_ascii=False),
        "same": lambda names: [(name, name) for name in names],
    }  # fmt: skip


def _about(form: forms.Form) -> str:
    """The template a document is about."""
    return form.at("template") if form.kind == "send" else next(iter(form.many("when", "answer_to")), "")


def buttons_of(name: str, template: Any) -> list[tuple[str, str]]:
    """(id, label) of a template's quick replies: the ids that the live `send:` documents give them, else b1, b2, ..."""
    shown = labels(template) if template is not None else []
    for account in crms():
        for one in known().library.shelf(account.name).sends:
            if one.document.template == name and one.document.buttons:
                ids = one.document.buttons
                return [(ids[n], label) for n, label in enumerate(shown) if n < len(ids)] or [(i, i) for i in ids]
    return [(f"b{n}", label) for n, label in enumerate(shown, 1)]


@screen.get("/words")
@needs("viewer")
def words() -> Response:
    """What the editor completes: fields of a CRM account, templates, the words of the language."""
    fields = known().of_crm(given(request.args, "crm", 100))
    told = [_told(object_, one) for object_, some in fields.items() for one in some]
    found = {one.name: one for one in reversed(known().approved())}
    templates = sorted(found)
    return jsonify(
        fields=told, templates=templates, words=language_words(), filters={n: f.about for n, f in FILTERS.items()},
        buttons={name: [i for i, _ in buttons_of(name, found[name])] for name in templates},
        crms=[a.name for a in crms()],
    )  # fmt: skip


def _told(object_: str, one: Field) -> dict[str, Any]:
    options = [value for value, _ in one.options[:MANY]]
    return {"object": object_, "name": one.name, "label": one.label, "type": one.type, "options": options}


# ---- saving ------------------------------------------------------------------------------------------------------
@screen.post("/<name>/draft")
@needs("editor")
def save(name: str) -> Response:
    """Saves a draft over the version its author had seen; somebody else's newer one is shown instead."""
    text, base = given(request.form, "text", MOST), number(request.form, "base")
    now, author = house().clock.now(), person().name
    declared = versions.named(text)
    if declared is None or declared[1] != name:
        return refused(t("mappings.other_name", name=name))
    made = versions.put(house().store, text, author, now, base=base)
    if made.did == "conflict":
        assert made.other is not None
        lines = versions.diff(made.other["text"], text)
        return make_response(render_template("mappings/_conflict.html", made=made, lines=lines, name=name), 409)
    if made.did == "saved":
        with house().store.write() as conn:
            audit.append(conn, author, "mapping.draft", name, {"version": made.version}, now)
    return saved(name, made.version, t("mappings.saved", n=made.version or 0))


def saved(name: str, version: int | None, said: str) -> Response:
    """The head of the page anew; the page learns which version it stands on."""
    with house().store.read() as conn:
        found = document_texts.overviews(conn, name)[0]
    answer = make_response(render_template("mappings/_head.html", document=found, part=True))
    told = json.loads(toast(said)["HX-Trigger"]) | {"mapping:saved": {"version": version}}
    answer.headers["HX-Trigger"] = json.dumps(told, ensure_ascii=True)
    return answer
