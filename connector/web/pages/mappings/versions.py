"""Versions: what was saved, by whom; published, compared, put back, switched off and on, shadowed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, abort, make_response, render_template, request, url_for

from connector.pipeline.documents import shadow as shadowing
from connector.pipeline.documents import versions
from connector.pipeline.documents.versions import Made
from connector.store import audit, documents, tasks
from connector.web.auth import allows, needs, person
from connector.web.frame import given, t, toast
from connector.web.pages.mappings import screen
from connector.web.pages.mappings.editing import saved
from connector.web.pages.mappings.known import MOST, document, house, known, live_digest, number, refused


@screen.get("/<name>/versions")
@needs("viewer")
def history(name: str) -> str:
    """Every version, and what differs between two of them."""
    found, all_ = document(name), versions.history(house().store, name)
    a, b = number(request.args, "a"), number(request.args, "b")
    numbers = [one["version"] for one in all_]
    after = b if b in numbers else numbers[0]
    before = a if a in numbers else _before(all_, after)
    return render_template(
        "mappings/versions.html", document=found, versions=all_, before=before, after=after, tab="versions",
        lines=versions.compare(house().store, name, before, after) or [], shadow=shadowing.report(house().store, name),
        may=allows(person().role, "publisher"),
    )  # fmt: skip


def _before(all_: Sequence[Mapping[str, Any]], after: int) -> int:
    """The newest earlier version that says something else."""
    text = next(one["text"] for one in all_ if one["version"] == after)
    earlier = [one["version"] for one in all_ if one["version"] < after]
    other = (one["version"] for one in all_ if one["version"] < after and one["text"] != text)
    return next(other, earlier[0] if earlier else after)


# ---- publishing --------------------------------------------------------------------------------------------------
@screen.post("/<name>/publish")
@needs("publisher")
def put_live(name: str) -> Response:
    """A worker checks the text against the CRM as it is now, tests it, and publishes it."""
    text, seen = given(request.form, "text", MOST), given(request.form, "live", 100)
    declared = versions.named(text)
    if declared is None or declared[1] != name:
        return make_response(render_template("mappings/_publishing.html", problem=t("mappings.other_name", name=name)))
    args = {"texts": [text], "base": {name: seen}, "author": person().name, "name": name}
    with house().store.write() as conn:
        id_ = tasks.add(conn, "mappings.publish", args, person().name, house().clock.now())
        audit.append(conn, person().name, "mapping.publish", name, {"task": id_}, house().clock.now())
    house().ring("task")
    return make_response(render_template("mappings/_publishing.html", name=name, id=id_))


@screen.get("/<name>/publish/<id_>")
@needs("viewer")
def publishing(name: str, id_: str) -> Response:
    """How far it is; at the end what is wrong, or the new head of the page."""
    with house().store.read() as conn:
        task = tasks.get(conn, id_[:40])
    if task is None or task.kind != "mappings.publish" or task.args.get("name") != name:
        abort(404)
    told = {"name": name, "id": id_, "task": task}
    if task.state != "done":
        return make_response(render_template("mappings/_publishing.html", **told))
    did = task.result["documents"][0] if task.result["documents"] else {}
    found = document(name)
    answer = make_response(render_template("mappings/_publishing.html", did=did, document=found, **told))
    if did.get("did") in ("published", "unchanged"):
        news = {"version": found.newest.n, "live": live_digest(found)}
        answer.headers["HX-Trigger"] = json.dumps({"mapping:saved": news})
    return answer


# ---- one click ---------------------------------------------------------------------------------------------------
@screen.post("/<name>/back")
@needs("publisher")
def back(name: str) -> Response:
    """An earlier version works again, as a new one."""
    n = number(request.form, "version") or abort(422)
    made = versions.roll_back(
        house().store, name, n, person().name, house().clock.now(), fields=known().fields,
        templates=known().templates,
    )  # fmt: skip
    return _done(name, made, "mapping.rollback", t("mappings.rolled_back", n=n))


@screen.post("/<name>/off")
@needs("publisher")
def off(name: str) -> Response:
    """It does nothing any more."""
    made = versions.switch_off(house().store, name, person().name, house().clock.now())
    return _done(name, made, "mapping.off", t("mappings.is_off"))


@screen.post("/<name>/on")
@needs("publisher")
def on(name: str) -> Response:
    """The version that was switched off goes on from now."""
    made = versions.switch_on(
        house().store, name, person().name, house().clock.now(), fields=known().fields, templates=known().templates
    )
    return _done(name, made, "mapping.on", t("mappings.is_on"))


@screen.post("/<name>/shadow")
@needs("publisher")
def shadow(name: str) -> Response:
    """A text judges beside the live one, and writes nothing."""
    text, base = given(request.form, "text", MOST), number(request.form, "base")
    declared = versions.named(text)
    if declared is None or declared[1] != name:
        return refused(t("mappings.other_name", name=name))
    made = versions.put(
        house().store, text, person().name, house().clock.now(), base=base,
        state="shadow", fields=known().fields, templates=known().templates,
    )  # fmt: skip
    return _done(name, made, "mapping.shadow", t("mappings.shadow_on"))


@screen.post("/<name>/shadow/end")
@needs("publisher")
def end_shadow(name: str) -> Response:
    """The shadow is a draft again."""
    with house().store.write() as conn:
        ended = documents.end_shadow(conn, name)
    made = Made(name, "ended" if ended else "missing", why=t("mappings.no_shadow"))
    return _done(name, made, "mapping.shadow_end", t("mappings.shadow_off"))


GOOD = ("published", "shadowed", "unchanged", "off", "on", "ended", "saved")


def _done(name: str, made: Made, action: str, said: str) -> Response:
    if made.did not in GOOD:
        return refused(made.why)
    if made.did != "unchanged":
        with house().store.write() as conn:
            audit.append(conn, person().name, action, name, {"version": made.version}, house().clock.now())
    if given(request.form, "from", 10) == "editor":
        return saved(name, made.version, said)
    answer = make_response("", 200, toast(said))
    answer.headers["HX-Redirect"] = url_for("mappings.history", name=name)
    if given(request.form, "from", 10) == "list":
        answer.headers["HX-Redirect"] = url_for("mappings.index")
    return answer
