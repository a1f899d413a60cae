"""What is done about one person: consent set by hand, everything given to them, everything erased."""

import json
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request, url_for

from connector import errors
from connector.pipeline.people import consents, privacy
from connector.pipeline.views import people
from connector.pipeline.views.people import Known
from connector.store import audit, contacts, tasks
from connector.web.auth import needs, person
from connector.web.frame import given, house_of, t, toast
from connector.web.house import House

screen = Blueprint("acts", __name__, url_prefix="/<contact>")
ERASE = "contact.erase"
LONGEST = 64  # characters of an id
REASON = 500


def said_name(known: Known) -> str:
    """What is typed to confirm that this person is meant."""
    return known.who.phone or known.who.user_id or known.who.id


@screen.post("/consent")
@needs("editor")
def consent(contact: str) -> Any:
    """Consent as somebody heard it elsewhere, with what proves it."""
    house, known = house_of(current_app), _known(contact)
    category, state = given(request.form, "category", 40), given(request.form, "state", 40)
    reason = given(request.form, "reason", REASON).strip()
    if category not in consents.CATEGORIES or state not in consents.STATES:
        abort(400)
    if not reason:
        return _consents(known, t("contacts.reason_missing"), {"category": category, "state": state}), 422
    accounts, now = house.accounts(), house.clock.now()
    kept = [a.id for a in accounts if a.settings.get(consents.FIELD) and a.kind in _crms(house)]
    receiver = next((a.id for a in accounts if a.kind not in _crms(house)), accounts[0].id if accounts else "")
    with house.store.write() as conn:
        found = contacts.load(conn, [known.who.id])[known.who.id]
        consents.by_hand(conn, found, category, state, f"{person().name}: {reason}", receiver, kept, now)
        detail = {"category": category, "state": state, "reason": reason}
        audit.append(conn, person().name, "contact.consent", known.who.id, detail, now)
    if kept:
        house.ring(*(f"handle:{account}" for account in kept))
    return _consents(_known(contact)), 200, toast(t("frame.saved"))


@screen.post("/export")
@needs("admin", fresh=True)
def export(contact: str) -> Response:
    """Everything that is stored about them, as a file. A POST: it is noted that somebody took it."""
    house, known = house_of(current_app), _known(contact)
    found = privacy.export(house.store, known.who.id)
    with house.store.write() as conn:
        audit.append(conn, person().name, "contact.export", known.who.id, None, house.clock.now())
    body = json.dumps(found, ensure_ascii=False, indent=2, default=str).encode("utf-8", "replace")
    answer = make_response(body)
    answer.headers["Content-Type"] = "application/json; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="contact-{known.who.id[:LONGEST]}.json"'
    return answer


@screen.post("/erase")
@needs("admin", fresh=True)
def erase(contact: str) -> Any:
    """Asks a worker to erase them, once the phone was typed: there is no way back."""
    house, known = house_of(current_app), _known(contact)
    if "".join(given(request.form, "sure", 200).split()) != said_name(known):
        raise errors.Rejected(t("contacts.erase_not"), hint=said_name(known))
    now = house.clock.now()
    with house.store.write() as conn:
        task = tasks.add(conn, ERASE, {"contact": known.who.id}, person().name, now)
        audit.append(conn, person().name, "contact.erase_ask", known.who.id, {"task": task}, now)
    house.ring("task")
    return redirect(url_for(".erasing", contact=known.who.id, task=task), 303)


@screen.get("/erase/<task>")
@needs("admin")
def erasing(contact: str, task: str) -> str:
    """How far it came, and at the end what went."""
    return render_template("contacts/erasing.html", task=_task(contact, task), contact=contact)


@screen.get("/erase/<task>/done")
@needs("admin")
def erased(contact: str, task: str) -> str:
    """What was removed, by table."""
    found = _task(contact, task)
    if found.state != "done":
        abort(404)
    return render_template("contacts/_erased.html", counts=sorted((found.result or {}).items()))


def _task(contact: str, task: str) -> tasks.Task:
    with house_of(current_app).store.read() as conn:
        found = tasks.get(conn, task[:LONGEST])
    if found is None or found.kind != ERASE or found.args.get("contact") != contact:
        abort(404)
    return found


def _crms(house: House) -> set[str]:
    return {kind for kind, made in house.manifests.items() if made.crm}


def _known(contact: str) -> Known:
    house = house_of(current_app)
    with house.store.read() as conn:
        found = people.contact(conn, house.names(), house.clock.now(), contact[: 2 * LONGEST])
    return found if found is not None else abort(404)


def consent_values(known: Known) -> dict[str, Any]:
    """What the part about consent shows: the newest word of each category, and what may be set."""
    newest: dict[str, people.Consent] = {}
    for fact in known.history:
        newest.setdefault(fact.category, fact)
    return {"newest": newest, "categories": consents.CATEGORIES, "states": consents.STATES, "problem": "", "typed": {}}


def _consents(known: Known, problem: str = "", typed: dict[str, str] | None = None) -> str:
    more = consent_values(known) | {"problem": problem, "typed": typed or {}}
    return render_template("contacts/_consents.html", known=known, **more)
