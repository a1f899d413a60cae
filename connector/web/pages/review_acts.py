"""What a person does about what is in review: each act is audited, and answers with the page as it is then."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.errors import GiveUp
from connector.pipeline.again import making, resolve
from connector.pipeline.again.retry import retry
from connector.pipeline.documents import schema, versions
from connector.pipeline.documents.publish import templates_of
from connector.pipeline.judging.resolved import CREATE
from connector.store import audit, changes, documents, events, holding, resolving, review, tasks
from connector.web.auth import allows, needs, person
from connector.web.frame import given, house_of, t, toast
from connector.web.house import House

screen = Blueprint("acts", __name__)

Answer = Response | tuple[str, int, dict[str, str]]
ID = 200  # characters of an id
REJUDGE = "review.rejudge"


# ---- answers that were not understood ----------------------------------------------------------------------------
@screen.post("/<key>/map")
@needs("editor")
def add(key: str) -> Answer:
    """The answer goes into the map, with a test: as a draft, or live at once, and the messages are judged again."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    value, group = given(request.form, "value", 500).strip(), _group(house, key)
    if not value:
        return done(t("review.no_value"), "bad", 422)
    with house.store.read() as conn:
        last = documents.latest(conn, group.document)
    if last is None:
        return done(t("review.no_document", name=group.document), "bad", 422)
    live = "publish" in request.form and allows(person().role, "publisher") and last.state == "live"
    try:
        made = making.extend_map(last.text, group.field, group.answer, value)
    except GiveUp as error:
        return done(f"{error.message} {error.hint}".strip(), "bad", 422)
    kept = versions.put(
        house.store, made["text"], person().name, now, base=last.n, state="live" if live else "draft",
        note=t("review.map_note", answer=group.answer, value=value), fields=schema.look(house.store),
        templates=templates_of(house.store, house.accounts()),
    )  # fmt: skip
    if kept.did not in ("saved", "published", "unchanged"):
        return done(kept.why, "bad", 422)
    detail = {"document": group.document, "field": group.field, "answer": group.answer, "value": value}
    _note(house, "document.publish" if live else "document.draft", group.document, detail | {"version": kept.version})
    if not live:
        return done(t("review.drafted", name=group.document, version=kept.version))
    return done(t("review.published", n=_judged_again(house, group), name=group.document, version=kept.version))


@screen.post("/<key>/again")
@needs("publisher")
def again(key: str) -> Answer:
    """The map is longer by now: a worker judges the messages of one group once more."""
    house = house_of(current_app)
    return done(t("review.judged", n=_judged_again(house, _group(house, key))))


@screen.get("/again/<task>")
@needs("viewer")
def judging(task: str) -> str:
    """How far a worker came with it; asked until it has ended."""
    with house_of(current_app).store.read() as conn:
        found = tasks.get(conn, task[:ID])
    if found is None or found.kind != REJUDGE:
        abort(404)
    return render_template("review/_judging.html", again=found)


def last_judged(conn: Any) -> tasks.Task | None:
    """The newest such work, while somebody may want to know what became of it."""
    newest = next(iter(tasks.list_(conn, kinds=[REJUDGE], limit=1)), None)
    return tasks.get(conn, newest.id) if newest is not None else None


def _judged_again(house: House, group: review.Group) -> int:
    """Asks a worker; how many messages wait for it."""
    now, account = house.clock.now(), house.names().get(group.account, "")
    with house.store.write() as conn:
        ids = list(dict.fromkeys(event for _, event in reversed(review.of_group(conn, group.key))))
        tasks.add(conn, REJUDGE, {"events": ids, "account": account}, person().name, now)
        detail = {"document": group.document, "field": group.field, "answer": group.answer, "events": len(ids)}
        audit.append(conn, person().name, "review.again", group.key, detail, now)
    house.ring("task")
    return len(ids)


# ---- whose record is it? -----------------------------------------------------------------------------------------
@screen.post("/whose")
@needs("editor")
def whose() -> Answer:
    """A person says which record is this contact's; what was held goes on."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    account, lane = given(request.form, "account", ID), given(request.form, "lane", ID)
    choice, object_ = given(request.form, "choice", ID).strip(), given(request.form, "object", ID)
    if not choice:
        return done(t("review.no_choice"), "bad", 422)
    with house.store.read() as conn:
        seqs = resolving.whose_of(conn, account, lane)
    if choice == "skip":
        with house.store.write() as conn:
            n = resolving.dismiss(conn, seqs, t("review.dismissed_by", who=person().name), now)
        bells: Sequence[str] = ()
    else:
        found = resolve.answer(house.store, seqs, choice, person().name, now, "" if choice == CREATE else object_)
        n, bells = found.answered, sorted(found.bells)
    _note(house, "review.whose", lane, {"choice": choice, "object": object_, "account": account, "questions": n})
    house.ring(*bells)
    return done(t("review.answered", n=n), "good" if n else "bad")


# ---- groups in bulk ----------------------------------------------------------------------------------------------
@screen.post("/<key>/retry")
@needs("publisher")
def once_more(key: str) -> Answer:
    """Everything of one group goes to the CRM again."""
    house = house_of(current_app)
    with house.store.read() as conn:
        ids = list(dict.fromkeys(event for _, event in review.of_group(conn, key)))
    return _retried(house, ids, key)


@screen.post("/<key>/dismiss")
@needs("editor")
def dismiss(key: str) -> Answer:
    """Nothing more is to be done about any of one group."""
    house = house_of(current_app)
    with house.store.write() as conn:
        seqs = [seq for seq, _ in review.of_group(conn, key)]
        n = resolving.dismiss(conn, seqs, t("review.dismissed_by", who=person().name), house.clock.now())
        audit.append(conn, person().name, "review.dismiss", key, {"changes": n}, house.clock.now())
    return done(t("review.dismissed", n=n), "good" if n else "bad")


@screen.post("/events/<event>/<act>")
@needs("editor")
def event_act(event: str, act: str) -> Answer:
    """One dead event: once more, or no more."""
    house, now = house_of(current_app), house_of(current_app).clock.now()
    if act == "retry" and allows(person().role, "publisher"):
        return _retried(house, [event], event)
    if act != "dismiss":
        abort(403 if act == "retry" else 404, "publisher" if act == "retry" else None)
    with house.store.write() as conn:
        n = sum(changes.dismiss(conn, row.id, now) for row in events.get(conn, event[:ID]))
        audit.append(conn, person().name, "review.dismiss", event, {"rows": n}, now)
    return done(t("review.dismissed", n=n), "good" if n else "bad")


def _retried(house: House, ids: Sequence[str], what: str) -> Answer:
    found = retry(house.store, ids, house.clock.now())
    n = found["changes"] + found["plans"] + found["sends"]
    sums = {name: found[name] for name in ("changes", "plans", "sends", "left")}
    _note(house, "review.retry", what, sums | {"events": len(ids)})
    house.ring(*found["bells"])
    left = " ".join(dict.fromkeys(why for one in found["events"] for why in one["left"]))[:400]
    return done(t("review.retried", n=n) + (f" {left}" if left else ""), "good" if n else "bad")


# ---- messages that may have been sent ----------------------------------------------------------------------------
@screen.post("/sends/<send>/arrived")
@needs("editor")
def arrived(send: str) -> Answer:
    """A person has seen it in the chat."""
    return _settled(send, "arrived")


@screen.post("/sends/<send>/again")
@needs("publisher")
def resend(send: str) -> Answer:
    """A person has looked, and it is not there: it goes out once more."""
    return _settled(send, "again")


@screen.post("/sends/<send>/close")
@needs("editor")
def close(send: str) -> Answer:
    """It is not sent again, whatever became of it."""
    return _settled(send, "close")


def _settled(send: str, act: str) -> Answer:
    house, now = house_of(current_app), house_of(current_app).clock.now()
    reason = t("review.settled_by", who=person().name)
    with house.store.write() as conn:
        if act == "arrived":
            n = int(resolving.arrived(conn, send[:ID], reason, now))
        elif act == "again":
            n = int(holding.send_again(conn, send[:ID], now))
        else:
            n = holding.cancel(conn, "send", send[:ID], reason, now)
        number = resolving.number_of(conn, send[:ID])
        audit.append(conn, person().name, f"send.{act}", send, {"done": n}, now)
    if act == "again" and n:
        house.ring(f"send:{number}")
    return done(t(f"review.send_{act}") if n else t("review.send_moved"), "good" if n else "bad")


# ---- shared ------------------------------------------------------------------------------------------------------
def _group(house: House, key: str) -> review.Group:
    """404 when all of it was answered meanwhile."""
    with house.store.read() as conn:
        found = next((group for group in review.questions(conn).groups if group.key == key), None)
    if found is None:
        abort(404)
    return found


def _note(house: House, action: str, what: str, detail: dict[str, Any]) -> None:
    with house.store.write() as conn:
        audit.append(conn, person().name, action, what, detail, house.clock.now())


def done(words: str, kind: str = "good", status: int = 200) -> Answer:
    """The page as it is now, in the tab where the person was, with what was done in passing."""
    current_app.extensions.pop("review.count", None)
    if "HX-Request" in request.headers:
        return str(current_app.view_functions["review.index"]()), status, toast(words, kind)
    if status >= 400:
        abort(status, words)
    return redirect(url_for("review.index", tab=given(request.form, "tab", 20)), 303)
