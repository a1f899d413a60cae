"""A `flow:` in the editor: its drawing, the phone that walks it, every path walked by machine. Nothing is sent."""

import json
from typing import Any

from flask import Response, make_response, render_template, request

from connector import errors
from connector.core import documents as language
from connector.core.documents import FlowDocument
from connector.core.documents.flow_drawing import draw
from connector.core.documents.flow_paths import Leg
from connector.core.documents.flow_phone import BACK, BEGIN, LONGEST, MOST, Line, play, with_test
from connector.core.documents.flow_simulate import Simulation, simulate
from connector.core.documents.trials import options_of
from connector.core.message.draw import draw as bubble_of
from connector.core.template.drawn import draw as bubble_of_template
from connector.web.auth import needs
from connector.web.frame import given, t, toast
from connector.web.pages.mappings import screen
from connector.web.pages.mappings.known import MOST as LARGEST
from connector.web.pages.mappings.known import document, known

SAID = 64 * 1024  # characters of a whole conversation
KINDS = ("tap", "text", "media", "location", "contact", "reaction", BEGIN, BACK)
ASKED = 8  # values of the contact that the phone asks for
LEGS = 400  # lines of the paths that a page shows


def is_flow(text: str) -> bool:
    """Does the text say that it is a flow, however wrong it may be otherwise?"""
    found = language.kind_and_name(text)
    return found is not None and found[0] == "flow"


def read_flow(text: str) -> FlowDocument | None:
    """The flow of a text; None where it cannot be read."""
    try:
        found = language.read(text)
    except errors.BadDocument:
        return None
    return found if isinstance(found, FlowDocument) else None


def tree_values(flow: FlowDocument | None, **more: Any) -> dict[str, Any]:
    """What the drawing's template needs. `walked`: names; `counts`: {step: a number beside it}."""
    return {"drawing": draw(flow) if flow is not None else None, "walked": (), "now_at": "", "counts": {}, **more}


def tree(text: str) -> Response:
    """The drawing of a text; the page keeps the one it has where the text cannot be read just now."""
    flow = read_flow(text)
    if flow is None:
        answer = make_response(render_template("mappings/_broken.html", problem=""))
        answer.headers["HX-Retarget"] = "#form-problem"
        return answer
    return make_response(render_template("mappings/_tree.html", again=True, **tree_values(flow)))


# ---- the phone -----------------------------------------------------------------------------------------------------
def phone(name: str, text: str) -> Response:
    """One more thing that the customer does, and all that came before; a test of it goes into the text."""
    flow = read_flow(text)
    if flow is None:
        return make_response(render_template("mappings/_walk.html", name=name, flow=None))
    said, facts = _said(), _facts(flow)
    options = options_of(known().fields(flow))
    made, problem = None, ""
    if given(request.form, "make", 10):
        try:
            made = with_test(flow, said, options, facts)
        except errors.GiveUp as error:
            problem = f"{error.message} {error.hint}".strip()
    played = play(flow, said, options, facts)
    shown = [(line, _bubble(flow, line)) for line in played.lines]
    names = [f"contact.{one}" for one in sorted(flow.reads)[:ASKED]]
    part = render_template(
        "mappings/_walk.html", name=name, flow=flow, played=played, lines=shown, kept=json.dumps(played.said),
        made=made, problem=problem, names=names, facts=facts, full=len(played.said) >= MOST,
        **tree_values(flow, walked=frozenset(played.walked), now_at=played.step),
    )  # fmt: skip
    answer = make_response(part)
    if made is not None:
        answer.headers.update(toast(t("flows.test_made")))
    return answer


def _said() -> list[Any]:
    """What the page kept, and the one thing that was just done."""
    try:
        kept = json.loads(given(request.form, "said", SAID) or "[]")
        new = json.loads(given(request.form, "do", LONGEST * 2) or "null")
    except (ValueError, RecursionError):
        return []
    found = [one for one in (kept if isinstance(kept, list) else []) if _fits(one)][:MOST]
    if given(request.form, "back", 10):
        return found[:-1]
    typed = given(request.form, "say", LONGEST).strip()
    if new is None and typed and given(request.form, "send", 10):
        new = {"text": typed}
    return [*found, new][:MOST] if _fits(new) else found


def _fits(one: Any) -> bool:
    """A word of a test, or one thing of a kind we know."""
    if isinstance(one, str):
        return 0 < len(one) <= LONGEST
    if not isinstance(one, dict) or len(one) != 1:
        return False
    kind, what = next(iter(one.items()))
    return kind in KINDS and isinstance(what, str) and len(what) <= LONGEST


def _facts(flow: FlowDocument) -> dict[str, str]:
    """What the customer's record holds, as it was typed beside the phone."""
    names = {f"contact.{one}" for one in flow.reads}
    found = {key.removeprefix("v:"): given(request.form, key, 500).strip() for key in request.form if key[:2] == "v:"}
    return {key: value for key, value in found.items() if value and key in names}


def _bubble(flow: FlowDocument, line: Line) -> Any:
    """What the phone draws of one line of ours."""
    if line.template:
        made = next((one for one in known().templates(flow) or () if one.name == line.template), None)
        return bubble_of_template(made, {}) if made is not None else None
    return bubble_of(line.message) if line.message else None


# ---- every path ----------------------------------------------------------------------------------------------------
@screen.post("/<name>/paths")
@needs("viewer")
def paths(name: str) -> str:
    """The flow walked by machine: how many paths go through each step, and what is wrong with where they end."""
    document(name)
    flow = read_flow(given(request.form, "text", LARGEST))
    if flow is None:
        return render_template("mappings/_paths.html", found=None)
    found = simulate(flow, schema=known().fields(flow), templates=known().templates(flow))
    covered = [step for step, n in found.coverage.items() if n]
    legs = list(_legs(found))
    return render_template(
        "mappings/_paths.html", found=found, covered=covered, legs=legs[:LEGS], more=max(0, len(legs) - LEGS),
        **tree_values(flow, walked=frozenset(covered), counts=found.coverage, tested=found.tested),
    )  # fmt: skip


def _legs(found: Simulation) -> list[tuple[int, Leg]]:
    """Every leg with its depth, in reading order."""
    out: list[tuple[int, Leg]] = []
    todo = [(0, leg) for leg in reversed(found.legs)]
    while todo:
        depth, leg = todo.pop()
        out.append((depth, leg))
        todo += [(depth + 1, inner) for inner in reversed(leg.legs)]
    return out
