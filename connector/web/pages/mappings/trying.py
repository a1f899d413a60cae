"""Try it: what a text, saved or not, makes of a made-up answer or of something that happened. Nothing is written."""

import re
from typing import Any

from flask import Response, render_template, request

from connector import errors
from connector.core import documents as language
from connector.core import message
from connector.core.documents import Document, MappingDocument, SendDocument, forms
from connector.core.documents.comparing import shown
from connector.core.documents.trials import Given
from connector.core.documents.words import ANSWERS
from connector.pipeline.again import trying
from connector.pipeline.views import activity
from connector.ports import Account
from connector.store import tasks
from connector.web.auth import needs, person
from connector.web.frame import given, t
from connector.web.pages.mappings import screen
from connector.web.pages.mappings.editing import buttons_of
from connector.web.pages.mappings.flows import is_flow, phone
from connector.web.pages.mappings.known import MOST, crms, document, house, known, options_of

KINDS = ("button", "list", "text", "form", "media", "location", "contact", "order", "reaction")
SHOWN = 14  # values of the contact and the record that the sample asks for
EVENTS = 8


@screen.post("/<name>/try")
@needs("viewer")
def attempt(name: str) -> str | Response:
    """The sample's fields and what comes of them; with `event`, of that event as our rows remember it."""
    text, event = given(request.form, "text", MOST), given(request.form, "event", 200)
    if is_flow(text):
        return phone(name, text)
    read = _read(text)
    asked = _asked(read) if read is not None else {}
    facts = _given(asked)
    result, problem = None, ""
    try:
        if event and read is not None:
            result = _past(text, event, _account(read))
        else:
            result = trying.sample(text, facts, fields=known().fields, templates=known().templates)
    except errors.ConnectorError as error:
        problem = f"{error.message} {error.hint}".strip()
    return render_template(
        "mappings/_try.html", name=name, result=_spoken(result), problem=problem, asked=asked, facts=facts, event=event,
        said=_said(facts, asked) if not event else (result or {}).get("message"), read=read, task=None,
    )  # fmt: skip


def _read(text: str) -> Document | None:
    try:
        return language.read(text)
    except errors.BadDocument:
        return None


def _account(read: Document) -> Account:
    found = next((a for a in crms() if a.name == read.crm), None)
    if found is None:
        raise errors.NotFound(t("mappings.no_account", name=read.crm), code="account")
    return found


def _past(text: str, event: str, account: Account) -> dict[str, Any]:
    args = {"event": event, "text": text}
    return trying.from_memory(
        house().store, known().library, account, args, fields=known().fields, templates=known().templates
    )


# ---- a sample ----------------------------------------------------------------------------------------------------
def _asked(read: Document) -> dict[str, Any]:
    """What a sample of this document can say: kinds of answers, buttons, values of the contact and the record."""
    fields = known().fields(read) or {}
    first = {} if "asked" in request.form else _first(read)
    if isinstance(read, MappingDocument):
        names = [f"contact.{n}" if "." not in n else n for n in dict.fromkeys((*read.sets, *sorted(read.reads)))]
        names += [f"{read.words[0] if read.words else 'record'}.{n}" for n in sorted(read.record_reads)]
        kinds = read.types or KINDS
        taken = given(request.form, "type", 20) or first.pop("type", "")
        kind = taken if taken in kinds else kinds[0]
        told = {"kinds": kinds, "kind": kind, "buttons": _buttons(read), "answers": _answers(read, kind)}
    else:
        names = [f"contact.{n}" for n in sorted(read.reads)]
        word = read.word if isinstance(read, SendDocument) else ""
        names += [f"{word or 'record'}.{n}" for n in sorted(read.record_reads)]
        told = {"kinds": (), "kind": "", "buttons": [], "answers": ()}
    more = [*first, *(k.removeprefix("v:") for k in request.form if k.startswith("v:"))]
    names = [*names[:SHOWN], *(k for k in more if not k.startswith("answer.") and k not in names)][: 2 * SHOWN]
    values = [(n, options_of(fields, n.removeprefix("contact."))) for n in dict.fromkeys(names)]
    return told | {"values": values, "first": first}


def _first(read: Document) -> dict[str, str]:
    """What the document's own first test gives: what its author had in mind."""
    if not read.tests:
        return {}
    facts = {key: shown(value)[:2000] for key, value in read.tests[0].given.items()}
    if isinstance(read, MappingDocument):
        facts.setdefault("type", Given(read, read.tests[0].given).event().type)
    return facts


def _buttons(read: MappingDocument) -> list[tuple[str, str]]:
    """What can be tapped: the answers that the document's own maps know, and the template's buttons."""
    template = next(iter(sorted(read.answer_to or ())), "")
    found = next((one for one in known().approved() if one.name == template), None)
    form = forms.form_of(read.text)
    maps = [row.map for row in form.sets if row.map and "answer.id" in row.values.get("from", "")] if form else []
    own, labels = dict.fromkeys(key for one in maps for key in one), dict(buttons_of(template, found))
    if own and not any(key in labels for key in own):
        return [(key, key) for key in own]
    return list((labels | {key: labels.get(key, key) for key in own}).items())


def _answers(read: MappingDocument, kind: str) -> tuple[str, ...]:
    """The parts of an answer of this kind that the document looks at, or might."""
    names = ANSWERS[kind]
    if names is None:
        return tuple(sorted(n for n in set(_ANSWER.findall(read.text)) if n not in _COMMON))
    return {"button": ("id", "title"), "list": ("id", "title")}.get(kind, names[:4])


_ANSWER = re.compile(r"\banswer\.([A-Za-z0-9_]+)")
_COMMON = {n for names in ANSWERS.values() for n in names or ()} | {"type"}


def _given(asked: dict[str, Any]) -> dict[str, str]:
    """The facts of the sample in the words of a test."""
    posted = {key.removeprefix("v:"): given(request.form, key, 2000) for key in request.form if key.startswith("v:")}
    facts = {key: value for key, value in (asked.get("first", {}) | posted).items() if value.strip()}
    if not asked.get("kinds"):
        return facts
    kind, labels = asked["kind"], dict(asked["buttons"])
    allowed = {f"answer.{n}" for n in asked["answers"]}
    facts = {k: v for k, v in facts.items() if not k.startswith("answer.") or k in allowed}
    if not any(k.startswith("answer.") for k in facts):
        facts |= _stand_in(kind, asked)
    if kind in ("button", "list") and "answer.title" not in facts and facts.get("answer.id") in labels:
        facts["answer.title"] = labels[facts["answer.id"]]
    return facts | {"type": kind}


def _stand_in(kind: str, asked: dict[str, Any]) -> dict[str, str]:
    """Something to begin with: the first button, a short text."""
    if kind in ("button", "list"):
        id_, label = (asked["buttons"] or [("yes", "Yes")])[0]
        return {"answer.id": id_, "answer.title": label}
    stand = {"text": "9", "media": "image", "location": "4.711", "contact": "Ana Ruiz", "order": "120.50"}
    name = next(iter(asked["answers"]), "")
    return {f"answer.{name}": stand.get(kind, "1")} if name else {}


def _said(facts: dict[str, str], asked: dict[str, Any]) -> dict[str, Any] | None:
    """The customer's bubble."""
    if not asked.get("kinds"):
        return None
    answer = {k.removeprefix("answer."): v for k, v in facts.items() if k.startswith("answer.")}
    return {"type": asked["kind"], "text": answer.get("title") or answer.get("text") or "", "answer": answer}


# ---- what happened -----------------------------------------------------------------------------------------------
@screen.get("/<name>/events")
@needs("viewer")
def events(name: str) -> str:
    """The latest events of this document, or those that fit what was typed."""
    found, q = document(name), given(request.args, "q", 200).strip()
    with house().store.read() as conn:
        names, now = house().names(), house().clock.now()
        mine = {"query": q} if q else {"document": name}
        lines = activity.activity(conn, names, now, limit=EVENTS, **mine).rows
        others = not lines and not q
        if others:
            way = "in" if found.kind == "mapping" else "out"
            lines = activity.activity(conn, names, now, limit=EVENTS, direction=way).rows
    return render_template("mappings/_events.html", lines=lines, others=others, q=q)


@screen.post("/<name>/try/live")
@needs("editor")
def live(name: str) -> str:
    """The same event with what the CRM says now: a worker asks it."""
    text, event = given(request.form, "text", MOST), given(request.form, "event", 200)
    args = {"text": text, "event": event, "name": name}
    with house().store.write() as conn:
        task = tasks.add(conn, "mappings.try", args, person().name, house().clock.now())
    house().ring("task")
    return render_template("mappings/_try_live.html", name=name, id=task, task=None)


@screen.get("/<name>/try/live/<id_>")
@needs("viewer")
def live_result(name: str, id_: str) -> str:
    """How far it is, then what came of it."""
    with house().store.read() as conn:
        task = tasks.get(conn, id_[:40])
    if task is None or task.kind != "mappings.try" or task.args.get("name") != name:
        return render_template("mappings/_try_live.html", name=name, id="", task=None)
    return render_template("mappings/_try_live.html", name=name, id=id_, task=task, result=_spoken(task.result))


def _spoken(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """The buttons of a template stand under its text, so not in it too."""
    if result is not None:
        result["drawn"] = [message.draw(one) for one in result.get("messages", ())]
    for sent in (result or {}).get("sends", ()):
        shown_, _, last = sent["text"].rpartition("\n")
        if sent["buttons"] and last == " ".join(f"[{one['label']}]" for one in sent["buttons"]):
            sent["text"] = shown_
    return result
