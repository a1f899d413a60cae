"""What the API does: the same as the console's buttons; each change is noted in the audit under the token's name."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import fields, validate
from werkzeug.exceptions import Forbidden

from connector import errors
from connector.pipeline.again import retry
from connector.pipeline.documents import publish, schema, versions
from connector.pipeline.intake.imports import import_sends
from connector.store import audit, holding, send_lists, tasks
from connector.web.api.calls import Call, Strict, found, text
from connector.web.auth import person
from connector.web.auth.roles import may_hold, role_of
from connector.web.house import House

Values = dict[str, Any]
TEXT = 256 * 1024  # characters of a document
MESSAGES = 1000  # of one call
TASK = "task"  # the bell
SINCE = validate.Regexp(r"\d{1,4}[mhd]\Z|\d{4}-\d\d-\d\dT[0-9:.+Z-]{4,32}\Z", error="Write 7d, 12h, or an ISO time.")


class Keys(Strict):
    """Which events."""

    keys = fields.List(text(200, required=True), required=True, validate=validate.Length(1, 200))


class Undo(Strict):
    """Whether to look only."""

    dry = fields.Boolean(load_default=False)


class Text(Strict):
    """One document."""

    text = text(TEXT, required=True)


class Publish(Strict):
    """Documents, all or none; `base` is {name: digest} of the live texts they are based on."""

    texts = fields.List(text(TEXT, required=True), required=True, validate=validate.Length(1, 200))
    base = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    state = text(one_of=("live", "draft", "shadow"))
    force = fields.Boolean(load_default=False)


class Messages(Strict):
    """Messages another tool sent, as `connector sends import` takes them."""

    messages = fields.List(fields.Dict(), required=True, validate=validate.Length(1, MESSAGES))


class Reason(Strict):
    """Why."""

    reason = text(300)


class Replay(Strict):
    """Past replies judged again; nothing is written without `apply`."""

    since = fields.String(required=True, validate=SINCE)
    document = text(100)
    version = fields.Integer(load_default=None, allow_none=True)
    text = text(TEXT)
    apply = fields.Boolean(load_default=False)


class Account(Strict):
    """Which account; none = every one."""

    account = text(64)


def retry_events(house: House, given: Values) -> Any:
    """Refused, dead or reviewed once more."""
    done = retry.retry(house.store, given["keys"], house.clock.now())
    house.ring(*done.pop("bells"))
    _note(house, "events.retry", ", ".join(given["keys"][:5]), {"n": len(given["keys"])})
    return done


def undo_event(house: House, given: Values, id: str) -> Any:
    """A worker takes back what the event wrote, where it is still ours."""
    return _task(house, "event.undo", {"event": id, "dry": given["dry"]}, id)


def check_document(house: House, given: Values) -> Any:
    """Findings and tests of a text, by the CRM's fields and templates as last read."""
    senders = [a for a in house.accounts() if a.kind == "whatsapp"]
    templates = publish.templates_of(house.store, senders)
    verdict = publish.judge(given["text"], schema.look(house.store), templates)
    return {
        "good": verdict.good,
        "name": verdict.document.name if verdict.document else None,
        "findings": [{**publish.as_json("", f), "severity": f.severity} for f in verdict.findings],
        "tests": [{"name": t.name, "line": t.line, "passed": t.passed, "message": t.message} for t in verdict.tests],
    }


def publish_documents(house: House, given: Values) -> Any:
    """Checked against the live CRM and its templates, tested and published by a worker."""
    args = {**given, "state": given["state"] or "live", "author": person().name}
    return _task(house, "mappings.publish", args, "")


def retire_document(house: House, given: Values, name: str) -> Any:
    """Takes a document out of service; its versions stay."""
    del given
    made = versions.switch_off(house.store, name, person().name, house.clock.now())
    _note(house, "document.off", name, {})
    return {"name": made.name, "did": made.did, "why": made.why}


def add_sent(house: House, given: Values) -> Any:
    """Messages another tool sent: `answer_to` then knows what a reply answers."""
    done = import_sends(house.store, given["messages"], house.clock.now())
    _note(house, "sends.import", "", {"new": done.new, "known": done.known, "refused": len(done.refused)})
    return {"new": done.new, "known": done.known, "refused": [{"row": n, "why": why} for n, why in done.refused]}


def cancel_send(house: House, given: Values, id: str) -> Any:
    """One message that has not left yet."""
    with house.store.write() as conn:
        found(send_lists.one(conn, id, house.clock.now()), "send")
        n = holding.cancel(conn, "send", id, given["reason"], house.clock.now())
        audit.append(conn, person().name, "send.cancel", id, {"cancelled": n}, house.clock.now())
    return {"cancelled": n}


def replay_events(house: House, given: Values) -> Any:
    """A worker judges past replies again."""
    args: dict[str, Any] = {"since": given["since"], "apply": given["apply"]}
    if given["text"]:
        args["document"] = {"text": given["text"]}
    elif given["document"]:
        args["document"] = {"name": given["document"]} | ({"version": given["version"]} if given["version"] else {})
    return _task(house, "replay", args, given["document"])


def sync_templates(house: House, given: Values) -> Any:
    """A worker reads the templates anew."""
    return _task(house, "templates.sync", {"account": given["account"]} if given["account"] else {}, given["account"])


def run_doctor(house: House, given: Values) -> Any:
    """A worker checks every promise."""
    del given
    return _task(house, "doctor", {}, "")


def _wish(what: str) -> Callable[..., Any]:
    def do(house: House, given: Values, id: str) -> Any:
        del given
        now = house.clock.now()
        with house.store.write() as conn:
            task = found(tasks.get(conn, id), "task")
            if not may_hold(person(), task.kind, task.author):
                raise Forbidden(role_of(task.kind))
            done = tasks.wish(conn, id, what, now)
            audit.append(conn, person().name, f"task.{what}", id, {"done": done}, now)
        if not done:
            raise errors.Rejected(f"It is too late, or too early, to {what} this task.", code="state")
        house.ring(TASK)
        return {"id": id, "wish": what}

    do.__name__ = f"{what}_task"
    return do


def _task(house: House, kind: str, args: Mapping[str, Any], about: str) -> dict[str, str]:
    """A worker does it; its id, to ask for under /tasks."""
    now = house.clock.now()
    with house.store.write() as conn:
        id_ = tasks.add(conn, kind, args, person().name, now)
        audit.append(conn, person().name, f"task.{kind}", about, {"task": id_}, now)
    house.ring(TASK)
    return {"task": id_}


def _note(house: House, action: str, object_: str, detail: Mapping[str, Any]) -> None:
    with house.store.write() as conn:
        audit.append(conn, person().name, action, object_, detail, house.clock.now())


CALLS = (
    Call("POST", "/events/retry", "publisher", "events", "Give events another chance", retry_events, Keys),
    Call(
        "POST",
        "/events/<id>/undo",
        "publisher",
        "events",
        "Take back what an event wrote",
        undo_event,
        Undo,
        status=202,
    ),
    Call("POST", "/documents/check", "viewer", "read", "Findings and tests of a text", check_document, Text),
    Call(
        "POST",
        "/documents",
        "publisher",
        "documents",
        "Check, test and publish",
        publish_documents,
        Publish,
        status=202,
    ),
    Call("POST", "/documents/<name>/off", "publisher", "documents", "Take out of service", retire_document),
    Call("POST", "/sent", "publisher", "sends", "Make messages known that another tool sent", add_sent, Messages),
    Call("POST", "/sends/<id>/cancel", "publisher", "sends", "Cancel what has not left yet", cancel_send, Reason),
    Call("POST", "/replay", "publisher", "events", "Judge past replies again", replay_events, Replay, status=202),
    Call(
        "POST",
        "/templates/sync",
        "editor",
        "documents",
        "Read the templates anew",
        sync_templates,
        Account,
        status=202,
    ),
    Call("POST", "/doctor", "editor", "read", "Check every promise", run_doctor, status=202),
    Call("POST", "/tasks/<id>/pause", "publisher", "tasks", "Pause a task", _wish("pause")),
    Call("POST", "/tasks/<id>/resume", "publisher", "tasks", "Let a task go on", _wish("resume")),
    Call("POST", "/tasks/<id>/cancel", "publisher", "tasks", "End a task", _wish("cancel")),
)
