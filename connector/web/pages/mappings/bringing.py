"""Import: texts from files, checked first, then published or kept as drafts by a worker, all or none."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, make_response, render_template, request

from connector.pipeline.documents import publish, versions
from connector.pipeline.documents.publish import Verdict
from connector.store import audit, document_texts, tasks
from connector.web.auth import allows, needs, person
from connector.web.frame import given, t
from connector.web.pages.mappings import screen
from connector.web.pages.mappings.known import MOST, house, known, refused

FILES = 100
LARGEST = 1024 * 1024  # characters of all texts together: what the second step can send back
ENDS = (".yaml", ".yml", ".txt")


@dataclass(frozen=True, slots=True)
class Brought:
    """One text, and what we think of it."""

    path: str
    text: str
    name: str
    kind: str
    verdict: Verdict
    live: Any  # the live version of that name
    lines: list[dict[str, Any]]

    @property
    def same(self) -> bool:
        """It is live as it is."""
        return self.live is not None and self.live.text == self.text


@screen.get("/+import")
@needs("editor")
def bring() -> str:
    """Where files are chosen, or a text is pasted."""
    return render_template("mappings/import.html", brought=None, problem="")


@screen.post("/+import")
@needs("editor")
def check() -> Response:
    """What we think of each; nothing is kept yet."""
    texts = _texts()
    problem = "" if texts else t("mappings.nothing_brought")
    if len(texts) > FILES or sum(len(text) for _, text in texts) > LARGEST * 3 // 4:
        problem = t("mappings.too_many")
    if problem:
        return make_response(render_template("mappings/import.html", brought=None, problem=problem), 422)
    with house().store.read() as conn:
        there = {one.name: one.live for one in document_texts.overviews(conn)}
    brought = [_look(path, text, there) for path, text in texts]
    names = [one.name for one in brought]
    return make_response(
        render_template(
            "mappings/import.html", brought=brought, problem="",
            twins=sorted({n for n in names if n and names.count(n) > 1}),
            good=all(one.verdict.good for one in brought), may_publish=allows(person().role, "publisher"),
            base={one.name: publish.digest(one.live.text) for one in brought if one.live is not None},
        )
    )  # fmt: skip


def _texts() -> list[tuple[str, str]]:
    """(path, text) of the files, those inside an archive too, and of what was pasted."""
    found: list[tuple[str, str]] = []
    for file in request.files.getlist("files")[:FILES]:
        body = file.read(LARGEST + 1)
        if file.filename and body[:4] == b"PK\x03\x04":
            found += _unpacked(body)
        elif file.filename:
            found.append((file.filename[:200], body.decode("utf-8", "replace")))
    pasted = given(request.form, "pasted", MOST)
    return found + ([(t("mappings.pasted"), pasted)] if pasted.strip() else [])


def _unpacked(body: bytes) -> list[tuple[str, str]]:
    found, room = [], LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for entry in archive.infolist()[: FILES * 2]:
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    continue  # what nobody's tools make; one of them asks for memory as its own header says
                if entry.filename.lower().endswith(ENDS) and not entry.is_dir():
                    with archive.open(entry) as file:
                        text = file.read(min(MOST, room) + 1)
                    room -= len(text)
                    if room < 0:
                        abort(413)
                    found.append((entry.filename[:200], text.decode("utf-8", "replace")))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError, OSError, ValueError):
        return found
    return found


def _look(path: str, text: str, there: dict[str, Any]) -> Brought:
    verdict = publish.judge(text, known().fields, known().templates)
    kind, name = versions.named(text, verdict) or ("", "")
    live = there.get(name)
    return Brought(path, text, name, kind, verdict, live, versions.diff(live.text, text) if live else [])


@screen.post("/+import/take")
@needs("editor")
def take() -> Response:
    """A worker checks them against the CRM as it is now, and publishes all or none."""
    texts, state = request.form.getlist("text"), given(request.form, "state", 10)
    if not texts or len(texts) > FILES or state not in ("live", "draft"):
        abort(422)
    if state == "live" and not allows(person().role, "publisher"):
        return refused(t("frame.not_allowed_role", role=t("role.publisher")))
    base = {k.removeprefix("base:"): v[:100] for k, v in request.form.items() if k.startswith("base:")}
    args = {
        "texts": [text[:MOST].replace("\0", "") for text in texts],
        "base": base,
        "author": person().name,
        "state": state,
    }
    now = house().clock.now()
    with house().store.write() as conn:
        id_ = tasks.add(conn, "mappings.publish", args, person().name, now)
        audit.append(conn, person().name, "mapping.import", state, {"task": id_, "texts": len(texts)}, now)
    house().ring("task")
    return make_response(render_template("mappings/_imported.html", id=id_, task=None))


@screen.get("/+import/<id_>")
@needs("editor")
def taken(id_: str) -> str:
    """How far it is, then what became of each."""
    with house().store.read() as conn:
        task = tasks.get(conn, id_[:40])
    if task is None or task.kind != "mappings.publish" or "name" in task.args:
        abort(404)
    return render_template("mappings/_imported.html", id=id_, task=task)
