"""Review: what needs a person, in groups, each solved by one act; and how much of it there is, for the rail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, current_app, render_template, request

from connector import errors
from connector.pipeline.views import reviewing
from connector.store import catalogue, facts, resolving, templates
from connector.store import review as rows
from connector.web.auth import needs
from connector.web.frame import given, house_of
from connector.web.house import House
from connector.web.pages import review_acts
from connector.web.pages.one_event import may

screen = Blueprint("review", __name__, url_prefix="/review")
screen.register_blueprint(review_acts.screen)

TABS = ("answers", "people", "questions", "refused", "sends", "templates", "dead", "accounts")
STOPPED = ("PAUSED", "DISABLED")  # by Meta; nothing of such a template is sent
KEPT = timedelta(seconds=5)  # that the rail's number is not counted anew


@screen.get("/")
@needs("viewer")
def index() -> str:
    """One tab; the first that holds something unless one is asked for."""
    house = house_of(current_app)
    names = house.names()
    with house.store.read() as conn:
        found = reviewing.load(conn, names, house.clock.now())
        people = [_person(some, names) for some in resolving.whose(conn)]
        faces = facts.faces(conn, {one["lane"] for one in people})
        owners = resolving.owners(conn, {(one["account_id"], id_) for one in people for id_ in one["choices"]})
        stopped = [row for row in templates.rows(conn) if row.status in STOPPED]
        options = _options(conn, found.answers)
        again = review_acts.last_judged(conn)
    counts = {
        "answers": _sum(found.answers), "people": len(people), "questions": _sum(found.questions),
        "refused": _sum(found.refused), "sends": len(found.unknown), "templates": len(stopped),
        "dead": len(found.dead_events) + len(found.dead_plans) + len(found.dead_deliveries),
        "accounts": len(found.accounts),
    }  # fmt: skip
    tab = given(request.values, "tab", 20)
    tab = tab if tab in TABS else next((name for name in TABS if counts[name]), TABS[0])
    return render_template(
        "review/index.html", tab=tab, tabs=TABS, counts=counts, found=found, people=people, faces=faces, owners=owners,
        stopped=stopped, options=options, names=names, may=may, again=again,
    )  # fmt: skip


def _sum(groups: Sequence[reviewing.Group]) -> int:
    return sum(group.count for group in groups)


def _person(some: Sequence[Any], names: Mapping[str, str]) -> dict[str, Any]:
    """One contact whose record is not known; the newest question speaks."""
    newest = some[0]
    choices = dict.fromkeys(str(id_) for row in some for id_ in row.body.get("choices", []))
    return {
        "lane": newest.lane, "account_id": newest.account, "account": names.get(newest.account, ""),
        "object": newest.object, "text": newest.body.get("text", ""), "choices": list(choices), "count": len(some),
        "why": newest.body.get("why", ""), "event": newest.event,
    }  # fmt: skip


def _options(conn: Any, groups: Sequence[reviewing.Group]) -> dict[str, list[tuple[str, str]]]:
    """{group: the values the CRM knows for its field}, as last read; one query for each CRM."""
    known = {name: catalogue.of_account(conn, name) for name in {group.account for group in groups}}
    found: dict[str, list[tuple[str, str]]] = {}
    for group in groups:
        fields = known[group.account].get(group.object) or []
        name = group.field.rpartition(".")[2]
        mine = next((one for one in fields if one["name"] == name), None)
        found[group.key] = [(str(v), str(label)) for v, label in (mine or {}).get("options", [])]
    return found


# ---- the number in the rail --------------------------------------------------------------------------------------
@dataclass(slots=True)
class Counted:
    """What was counted last, and until when that is good enough."""

    until: datetime | None = None
    n: int = 0


@screen.app_context_processor
def rail() -> dict[str, Callable[[], int]]:
    """What base.html shows beside Review."""
    return {"open_reviews": lambda: open_reviews(current_app._get_current_object())}  # type: ignore[attr-defined]


def open_reviews(app: Flask) -> int:
    """How much needs a person; a page is not refused because that cannot be counted."""
    house, kept = house_of(app), app.extensions.setdefault("review.count", Counted())
    now = house.clock.now()
    if kept.until is None or now >= kept.until:
        try:
            kept.n, kept.until = _counted(house), now + KEPT
        except errors.StoreDown:
            return 0
    return int(kept.n)


def _counted(house: House) -> int:
    with house.store.read() as conn:
        return sum(rows.counts(conn).values()) + len(rows.held_accounts(conn))
