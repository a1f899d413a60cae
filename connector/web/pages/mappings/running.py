"""What runs of a flow: how many at each step, on which version; its link and QR code; moving to a version."""

from typing import Any

from flask import Response, abort, make_response, redirect, render_template, request, url_for

from connector import errors
from connector.core.documents import FlowDocument
from connector.pipeline.talks import flow_links
from connector.pipeline.views import conversations, reports
from connector.store import conversation_lists
from connector.web.auth import allows, needs, person
from connector.web.frame import given, t, toast
from connector.web.pages.mappings import screen
from connector.web.pages.mappings.flows import read_flow, tree_values
from connector.web.pages.mappings.known import document, house, known, number, refused

DAYS = 30


@screen.get("/<name>/running")
@needs("viewer")
def running(name: str) -> str:
    """The drawing with how many wait at each step, and how the last ones ended."""
    found = document(name)
    if found.kind != "flow":
        abort(404)
    flow = read_flow((found.live or found.newest).text)
    with house().store.read() as conn:
        steps = conversation_lists.at_steps(conn, name)
        versions = conversation_lists.on_versions(conn, name)
        ends = reports.ends(conn, name, house().clock.now(), DAYS)
    known_steps = set(flow.steps) if flow is not None else set()
    return render_template(
        "mappings/running.html", document=found, tab="running", flow=flow, steps=steps, versions=versions, ends=ends,
        live=found.live.n if found.live else 0, gone=[s for s in steps if s not in known_steps], days=DAYS,
        total=sum(steps.values()), may=allows(person().role, "publisher"), links=_links(flow),
        words=list(dict.fromkeys(w for s in flow.starts for w in s.says)) if flow else [],
        **tree_values(flow, counts=steps),
    )  # fmt: skip


def _links(flow: FlowDocument | None) -> dict[str, Any]:
    """The link of the word that was chosen, or why there is none."""
    if flow is None:
        return {"why": t("flows.not_read")}
    try:
        with house().store.read() as conn:
            return flow_links.link(conn, flow, word=given(request.args, "word", 200))
    except errors.GiveUp as error:
        return {"why": f"{error.message} {error.hint}".strip()}


@screen.get("/<name>/qr.svg")
@needs("viewer")
def qr(name: str) -> Response:
    """The QR code of the flow's link, as a file."""
    found = document(name)
    made = _links(read_flow((found.live or found.newest).text) if found.kind == "flow" else None)
    if "url" not in made:
        abort(404)
    answer = make_response(flow_links.qr_svg(made["url"]))
    answer.mimetype = "image/svg+xml"
    if "download" in request.args:
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.svg"'
    return answer


@screen.post("/<name>/move")
@needs("publisher")
def move(name: str) -> Response:
    """What runs goes on with the version that was asked for; each in its contact's turn."""
    found = document(name)
    to, step = number(request.form, "to"), given(request.form, "step", 100).strip()
    if found.kind != "flow" or not to:
        abort(404)
    try:
        done = conversations.move(
            house().store, known().library, name, to, person().name, house().clock.now(), step=step
        )  # fmt: skip
    except errors.GiveUp as error:
        return refused(error.message, error.hint or "")
    house().ring(*done["bells"])
    stays = ", ".join(f"{gone} {n}" for gone, n in sorted(done["stays"].items()))
    said = t("flows.moved", n=done["moved"]) + (f" {t('flows.stays', steps=stays)}" if stays else "")
    answer = make_response(redirect(url_for("mappings.running", name=name), 303))
    if "HX-Request" in request.headers:
        answer = make_response("", 200)
        answer.headers["HX-Reswap"] = "none"
        answer.headers.update(toast(said))
    return answer
