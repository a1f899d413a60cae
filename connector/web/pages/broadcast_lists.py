"""The lists, reports and views of people that a CRM has: a worker asks it, the form of a new broadcast offers them."""

from flask import Blueprint, current_app, render_template, request

from connector.core import audience
from connector.core import documents as language
from connector.core.documents import SendDocument
from connector.store import documents, tasks
from connector.web.auth import needs, person
from connector.web.frame import given, house_of

screen = Blueprint("lists", __name__, url_prefix="/broadcasts/lists")
KIND = "broadcast.lists"
NAMED = ("list", "report", "view")
TEMPLATE = "broadcasts/_lists.html"


@screen.post("")
@needs("editor")
def find() -> str:
    """Asks for those whose name begins with what is typed."""
    house = house_of(current_app)
    kind, name = given(request.form, "kind", 20), given(request.form, "document", 600)
    with house.store.read() as conn:
        row = documents.live_version(conn, name) if name else None
    document = language.read(row.text) if row is not None else None
    if kind not in NAMED or not isinstance(document, SendDocument):
        return render_template(TEMPLATE, task=None, id="")
    args = {"crm": document.crm, "kind": kind, "text": given(request.form, "value", audience.LONGEST).strip()[:200]}
    with house.store.write() as conn:
        id_ = tasks.add(conn, KIND, args, person().name, house.clock.now())
    house.ring("task")
    return render_template(TEMPLATE, task=None, id=id_)


@screen.get("/<id_>")
@needs("editor")
def found(id_: str) -> str:
    """What the CRM has, once the worker knows."""
    with house_of(current_app).store.read() as conn:
        task = tasks.get(conn, id_[:64])
    if task is None or task.kind != KIND:
        return render_template(TEMPLATE, task=None, id="")
    return render_template(TEMPLATE, task=task, id=id_)
