"""One event judged by another version, or made a test of a document. No CRM is asked, and none is written to."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for

from connector.core import documents as language
from connector.errors import BadDocument, GiveUp
from connector.pipeline.again import making, trying
from connector.pipeline.documents import schema, versions
from connector.pipeline.documents.library import Library
from connector.pipeline.documents.publish import templates_of
from connector.ports import Account
from connector.store import audit, documents
from connector.web.auth import needs, person
from connector.web.frame import given, house_of, t
from connector.web.house import House
from connector.web.pages.one_event import Answer, explained, may

screen = Blueprint("acts", __name__)

NAME = 200  # characters of a document's name


@screen.get("/try")
@needs("editor")
def try_(event: str) -> str:
    """What a stored version, or a draft, would make of this event, beside what was written."""
    house = house_of(current_app)
    told = explained(house, event)
    name, n = given(request.args, "document", NAME), given(request.args, "version", 9)
    with house.store.read() as conn:
        names = _names(conn, told)
        name = name if name in names else next(iter(names), "")
        stored = documents.versions(conn, name) if name else []
    version = next((v for v in stored if str(v.n) == n), next(iter(stored), None))
    found, problem = _tried(house, told, version.text) if version is not None else (None, "")
    return render_template(
        "activity/try.html", told=told, names=names, name=name, stored=stored, version=version, found=found,
        problem=problem, rows=_beside(told, name, found) if found else [], may=may,
    )  # fmt: skip


def _names(conn: Any, told: Mapping[str, Any]) -> list[str]:
    """The documents that could judge it, those that did first."""
    kind = "mapping" if told["kind"] == "InboundMessage" else "send"
    matched = [one["name"] for one in told["documents"] if one["matched"]]
    every = [row.name for row in documents.every(conn) if row.kind == kind]
    return list(dict.fromkeys([*(name for name in matched if name in every), *every]))


def _tried(house: House, told: Mapping[str, Any], text: str) -> tuple[dict[str, Any] | None, str]:
    """(what it would do, "") or (None, why that cannot be told)."""
    account = account_of(house, text)
    if account is None:
        return None, t("why.no_crm")
    try:
        found = trying.from_memory(
            house.store, Library(house.store), account, {"event": told["event"], "text": text},
            fields=schema.look(house.store), templates=templates_of(house.store, house.accounts()),
        )  # fmt: skip
    except GiveUp as error:
        return None, f"{error.message} {error.hint}".strip()
    return found, ""


def account_of(house: House, text: str) -> Account | None:
    """The CRM account a document names; of a text that cannot be read, any: it is only told what is wrong."""
    crms = [a for a in house.accounts() if a.kind in house.manifests and house.manifests[a.kind].crm]
    try:
        name = language.read(text).crm
    except BadDocument:
        return next(iter(crms), None)
    return next((account for account in crms if account.name == name), None)


def _beside(told: Mapping[str, Any], name: str, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """{field, then, would} of every field either of them speaks of; `same` when both come to the same."""
    then = {f["field"]: f for one in told["documents"] if one["name"] == name and one["matched"] for f in one["fields"]}
    would = {f["field"]: f for f in found["fields"]}
    rows = []
    for field in dict.fromkeys([*would, *then]):
        one, other = then.get(field), would.get(field)
        same = one is not None and other is not None and _told(one) == _told(other)
        rows.append({"field": field, "then": one, "would": other, "same": same})
    return rows


def _told(field: Mapping[str, Any]) -> tuple[str, str]:
    written = {"waiting": "written", "refused": "written"}
    return str(field["value"]), written.get(field["outcome"], field["outcome"])


# ---- a test ------------------------------------------------------------------------------------------------------
@screen.get("/test")
@needs("editor")
def test(event: str) -> str:
    """The lines that would be added to a document, to be looked at before they are saved."""
    house = house_of(current_app)
    told = explained(house, event)
    name = given(request.args, "document", NAME)
    with house.store.read() as conn:
        names = _names(conn, told)
        name = name if name in names else next(iter(names), "")
        last = documents.latest(conn, name) if name else None
    made, problem = _made(house, told, name, last) if last is not None else (None, "")
    lines = difference(last.text, made["text"]) if made is not None and last is not None else []
    return render_template(
        "activity/test.html", told=told, names=names, name=name, last=last, made=made, problem=problem, lines=lines
    )


@screen.post("/test")
@needs("editor")
def keep_test(event: str) -> Answer | str:
    """Saves the document with the test as a draft, and goes to the editor."""
    house = house_of(current_app)
    told = explained(house, event)
    name, base = given(request.form, "document", NAME), given(request.form, "base", 9)
    with house.store.read() as conn:
        last = documents.latest(conn, name)
    if last is None:
        abort(404)
    made, problem = _made(house, told, name, last)
    if made is None:
        return render_template("activity/test.html", told=told, names=[name], name=name, last=last, problem=problem)
    now = house.clock.now()
    kept = versions.put(
        house.store, made["text"], person().name, now, base=int(base) if base.isdecimal() else None,
        note=t("why.test_note", name=made["name"]),
    )  # fmt: skip
    if kept.did == "conflict":
        return render_template("activity/test.html", told=told, names=[name], name=name, last=last, problem=kept.why)
    with house.store.write() as conn:
        audit.append(conn, person().name, "document.draft", name, {"test": made["name"], "version": kept.version}, now)
    return redirect(editor_of(name), 303)


def _made(house: House, told: Mapping[str, Any], name: str, last: Any) -> tuple[dict[str, Any] | None, str]:
    account = account_of(house, last.text)
    if account is None:
        return None, t("why.no_crm")
    try:
        args = {"event": told["event"], "document": name, "version": last.n}
        return making.make_test(house.store, Library(house.store), account, args), ""
    except GiveUp as error:
        return None, f"{error.message} {error.hint}".strip()


def difference(before: str, after: str) -> Sequence[str]:
    """What is added, as `parts/_macros.html` draws it."""
    signs = {"same": " ", "gone": "-", "new": "+", "skip": "@@"}
    return [signs[line["kind"]] + str(line["text"]) for line in versions.diff(before, after)]


def editor_of(name: str) -> str:
    """Where a document is edited."""
    return url_for("mappings.index") + name
