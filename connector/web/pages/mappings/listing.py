"""The list of documents, a new one, and the texts as files."""

import io
import re
import zipfile
from functools import lru_cache

from flask import Response, abort, make_response, redirect, render_template, request, url_for

from connector.pipeline.documents import versions
from connector.store import audit, document_lists, document_texts, documents
from connector.web.auth import needs, person
from connector.web.frame import given, t
from connector.web.pages.mappings import screen
from connector.web.pages.mappings.known import crm_account, crms, house, known, number
from connector.web.pages.mappings.starters import start

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")
_LINE = {word: re.compile(rf"^{word}:[ \t]*(.+)$", re.MULTILINE) for word in ("about", "crm")}
_REMARK = re.compile(r"\s#")  # one space: `\s+#` looks at a line of spaces once for each of them


@screen.get("/")
@needs("viewer")
def index() -> str:
    """Every document with what it did in the last days."""
    store, now = house().store, house().clock.now()
    with store.read() as conn:
        rows = document_lists.listing(conn, now)
        texts = {one.name: one for one in document_texts.overviews(conn)}
    kind, q = given(request.args, "kind", 20), given(request.args, "q", 100).strip()
    told = [(row, *heading(texts[row.name].text), texts[row.name]) for row in rows if row.name in texts]
    counts = {name: sum(row.kind == name for row, *_ in told) for name in ("mapping", "send", "flow")}
    wanted = [
        one for one in told
        if (not kind or one[0].kind == kind) and q.casefold() in " ".join((one[0].name, *one[1:3])).casefold()
    ]  # fmt: skip
    return render_template("mappings/list.html", rows=wanted, counts=counts, total=len(told), kind=kind, q=q)


@lru_cache(maxsize=1000)
def heading(text: str) -> tuple[str, str]:
    """(what it is about, its CRM account) without reading all of the text."""
    return _word(text, "about"), _word(text, "crm")


def _word(text: str, word: str) -> str:
    found = _LINE[word].search(text)
    value = _REMARK.split(found[1], 1)[0].strip() if found else ""
    return value[1:-1] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else value


# ---- a new one ---------------------------------------------------------------------------------------------------
@screen.get("/+new")
@needs("editor")
def new() -> str:
    """Which kind, about which template, in which CRM."""
    return _new({"kind": given(request.args, "kind", 20), "template": given(request.args, "template", 600)}, "")


def _new(filled: dict[str, str], problem: str) -> str:
    names = sorted({one.name for one in known().approved()})
    return render_template("mappings/new.html", filled=filled, problem=problem, crms=crms(), templates=names)


@screen.post("/+new")
@needs("editor")
def make() -> Response:
    """The first draft: a commented example that fits the account and the template."""
    filled = {name: given(request.form, name, 600).strip() for name in ("kind", "name", "crm", "template")}
    if not NAME.fullmatch(filled["name"]):
        return make_response(_new(filled, t("mappings.bad_name")), 422)
    if filled["kind"] not in ("mapping", "send", "flow"):
        abort(422)
    account = crm_account(filled["crm"])
    templates = [one for one in known().approved() if one.name == filled["template"]]
    if not templates and filled["kind"] == "send":
        return make_response(_new(filled, t("mappings.needs_template")), 422)
    starter, fields = house().manifests[account.kind].starter, known().of_crm(account.name)
    text = start(filled["kind"], filled["name"], account, starter, templates, fields)
    now, author = house().clock.now(), person().name
    made = versions.put(house().store, text, author, now, base=0, note="")
    if made.did != "saved":
        return make_response(_new(filled, t("mappings.name_taken")), 409)
    with house().store.write() as conn:
        audit.append(conn, author, "mapping.new", filled["name"], {"kind": filled["kind"]}, now)
    return make_response(redirect(url_for("mappings.edit", name=filled["name"]), 303))


# ---- as files ----------------------------------------------------------------------------------------------------
@screen.get("/+export")
@needs("viewer")
def export() -> Response:
    """Every live text in one archive."""
    with house().store.read() as conn:
        rows = documents.live(conn)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in rows:
            at = zipfile.ZipInfo(f"{row.name}.yaml", date_time=row.at.timetuple()[:6])
            archive.writestr(at, row.text, zipfile.ZIP_DEFLATED)
    name = f"mappings-{house().clock.now():%Y-%m-%d}.zip"
    return _file(packed.getvalue(), name, "application/zip")


@screen.get("/<name>/text")
@needs("viewer")
def text(name: str) -> Response:
    """One text as a file: a version, else the live one, else the newest."""
    n = number(request.args, "version")
    with house().store.read() as conn:
        if n:
            row = documents.get(conn, name, n)
        else:
            row = documents.live_version(conn, name) or documents.latest(conn, name)
    if row is None or not NAME.fullmatch(name):
        abort(404)
    return _file(row.text.encode(), f"{name}.yaml", "application/yaml")


def _file(body: bytes, name: str, kind: str) -> Response:
    answer = make_response(body)
    answer.headers["Content-Type"] = kind
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
