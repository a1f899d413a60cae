"""The list of sends, as the address asks for it: for its own page, and for whoever has just done something about it."""

from typing import Any

from flask import current_app, render_template, request, url_for

from connector.pipeline.sending import held
from connector.pipeline.views import sent
from connector.store import documents, send_lists, templates, waiting
from connector.store.send_lists import GROUPS
from connector.web.auth import allows, person
from connector.web.frame import given, house_of

SIZE = 50
FILTERS = ("group", "document", "number", "template", "q")
NOW = {"waiting": ("waiting", "ready", "in_flight"), "unknown": ("unknown",)}  # groups that are counted at this moment


def page() -> str:
    """One page of messages, newest first, as the address asks for it."""
    house, asked, before = house_of(current_app), wanted(), given(request.args, "before", 100)
    now, names = house.clock.now(), house.names()
    with house.store.read() as conn:
        found = sent.sends(
            conn, names, now, group=asked["group"], document=asked["document"], number=asked["number"],
            template=asked["template"], query=asked["q"], before=before, limit=SIZE,
        )  # fmt: skip
        counts = _counts(sent.summary(conn, now))
        live = documents.live(conn)
        senders = [one for one in waiting.senders(conn) if one.number]
        known = sorted({name for name, _ in templates.approved(conn)})
        held_back = held.listing(conn, names, now)
        open_ = send_lists.open_of(conn, asked["document"]) if asked["document"] else 0
    named = sorted({row.name for row in live if row.kind == "send"} | ({asked["document"]} - {""}))
    return render_template(
        "sends/index.html", rows=found.rows, older=here(asked, before=found.older) if found.older else "",
        newest=here(asked) if before else "", looked_back_to=found.looked_back_to, wanted=asked, groups=tuple(GROUPS),
        counts=counts, now_groups=tuple(NOW), names=named, senders=senders, templates=known, held=held_back, open=open_,
        live=here(asked, ".new", after=found.rows[0].id if found.rows else "0") if not (before or asked["q"]) else "",
        here=here, may=may, kept={name: value for name, value in asked.items() if value},
    )  # fmt: skip


def wanted() -> dict[str, str]:
    """The filters as the address has them; a group that is none is no filter."""
    found = {name: given(request.args, name, 600).strip() for name in FILTERS}
    return found | {"group": found["group"] if found["group"] in GROUPS else ""}


def here(asked: dict[str, str], view: str = ".index", **more: str) -> str:
    """The address of the list with these filters; "" leaves one out."""
    values: dict[str, Any] = {name: value for name, value in {**asked, **more}.items() if value}
    return url_for(f"sends{view}", **values)


def may(role: str) -> bool:
    """What a template shows only to those who may do it."""
    return allows(person().role, role)


def _counts(found: Any) -> dict[str, int]:
    """By group: what is open at this moment, and of what has ended the last 7 days, as last counted."""
    now = {group: sum(found["now"].get(state, 0) for state in states) for group, states in NOW.items()}
    return {**found["week"], **now}
