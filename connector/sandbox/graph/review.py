"""Templates as the business hands them in and Meta reviews them: create, edit, delete, and the webhooks that tell."""

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any

from connector.sandbox.graph.business import Business
from connector.sandbox.graph.errors import GraphError, TemplateRefused
from connector.sandbox.graph.template_rules import check, check_name
from connector.sandbox.graph.templates import Template
from connector.sandbox.graph.webhooks import Update

DAY = 86_400
NAME_FREE = 30 * DAY  # an approved template's name comes back then; template management page, checked 2026-09
STATUSES = (
    "APPROVED",
    "PENDING",
    "REJECTED",
    "PAUSED",
    "DISABLED",
    "IN_APPEAL",
    "LIMIT_EXCEEDED",
    "ARCHIVED",
    "DELETED",
    "PENDING_DELETION",
)
EVENTS = ("FLAGGED", "REINSTATED", "LOCKED", "UNARCHIVED")  # told, but no status a template has
EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
GONE = ("DELETED", "PENDING_DELETION")
MORE = ("reason", "other_info", "disable_info", "rejection_info")  # what a status webhook may carry beside it


class Review:
    """Every change of a template goes through here, whoever makes it."""

    def __init__(self, business: Business) -> None:
        self._business = business
        self._ids = itertools.count(2_689_556_908_129_000)

    def create(self, document: dict[str, Any]) -> Template:
        """A new one in review; raises GraphError."""
        name, language, category = check_name(document)
        parts = check(document, category)
        with self._business.lock:
            self._free(name, language)
            template: Template = {
                "id": str(next(self._ids)),
                "name": name,
                "language": language,
                "status": "PENDING",
                "category": category,
                "parameter_format": str(document.get("parameter_format", "POSITIONAL")).upper(),
                "components": parts,
                "quality_score": {"score": "UNKNOWN", "date": int(self._business.world.now())},
                "rejected_reason": "NONE",
            }
            self._business.state.templates[template["id"]] = template
        self._approve_later(template)
        return template

    def edit(self, template: Template, document: dict[str, Any]) -> None:
        """All components are replaced, and reviewed anew; raises GraphError."""
        if template["status"] not in EDITABLE:
            raise TemplateRefused(
                2388003, "Cannot be edited", f"A template that is {template['status']} stays as it is."
            )
        category = str(document.get("category", template["category"])).upper()
        if template["status"] == "APPROVED" and category != template["category"]:
            raise TemplateRefused(2388003, "Cannot be edited", "An approved template keeps its category.")
        parts = check({"parameter_format": template["parameter_format"], **document}, category)
        with self._business.lock:
            now, edited = self._business.world.now(), self._business.state.edited
            if template["status"] == "APPROVED" and now - edited.get(template["id"], float("-inf")) < DAY:
                raise TemplateRefused(2388003, "Cannot be edited", "An approved template is edited once in 24 hours.")
            edited[template["id"]] = now
            template.update(components=parts, category=category, status="PENDING")
        self._approve_later(template)

    def delete(self, name: str, id: str | None) -> None:
        """One language by its id, else every language; raises GraphError."""
        state = self._business.state
        with self._business.lock:
            found = [t for t in state.templates.values() if t["name"] == name and id in (None, t["id"])]
            if not found:
                raise TemplateRefused(2593002, "Template not found", f"There is no template named {name}.")
            for template in found:
                if template["status"] == "DISABLED":
                    raise GraphError(100, "A disabled template cannot be deleted.")
            for template in found:
                del state.templates[template["id"]]
                state.deleted[name, template["language"]] = self._business.world.now()

    def change(self, template: Template, fields: Mapping[str, Any]) -> Template:
        """What Meta does to a template: status, category, quality, each with its webhook; ValueError for another."""
        news = {name: value for name, value in fields.items() if name in TELL}
        wrong = [name for name in fields if name not in TELL and not (name in MORE and "status" in fields)]
        wrong += [name for name, value in news.items() if not isinstance(value, str) or not value]
        if wrong or news.get("status", "APPROVED") not in (*STATUSES, *EVENTS):
            raise ValueError(f"a template has no {(wrong or ['status'])[0]} like that; settable: {', '.join(TELL)}")
        more = {name: fields[name] for name in MORE if name in fields}
        with self._business.lock:
            updates = [TELL[name](template, value, more) for name, value in news.items()]
            for name, value in news.items():
                self._apply(template, name, value, more)
        self._business.deliver(updates)
        return template

    def _apply(self, template: Template, name: str, value: str, more: Mapping[str, Any]) -> None:
        if name == "quality":
            template["quality_score"] = {"score": value, "date": int(self._business.world.now())}
        elif name == "category":
            template.update(previous_category=template["category"], category=value)
        elif value in STATUSES:
            template.update(status=value, rejected_reason=more.get("reason", "NONE"))
            if value in GONE:
                self._business.state.templates.pop(template["id"], None)

    def _free(self, name: str, language: str) -> None:
        state, now = self._business.state, self._business.world.now()
        if any(t["name"] == name and t["language"] == language for t in state.templates.values()):
            raise TemplateRefused(2388024, "Content in this language already exists", f"{name} exists in {language}.")
        if now - state.deleted.get((name, language), float("-inf")) < NAME_FREE:
            words = f"{name} was deleted in {language} less than 30 days ago."
            raise TemplateRefused(2388023, "Message template language is being deleted", words)

    def _approve_later(self, template: Template) -> None:
        seconds = self._business.options.review_seconds
        if seconds >= 0:
            timer = threading.Timer(seconds, self._approve, (template,))
            timer.daemon = True
            timer.start()

    def _approve(self, template: Template) -> None:
        with self._business.lock:
            waits = self._business.state.templates.get(template["id"]) is template and template["status"] == "PENDING"
            if waits:
                self.change(template, {"status": "APPROVED"})


def _news(template: Template, field: str, **more: Any) -> Update:
    about = {
        "message_template_id": int(template["id"]),
        "message_template_name": template["name"],
        "message_template_language": template["language"].replace("_", "-"),  # webhooks write it so, sends do not
    }
    return Update(field, None, {**about, **more})


TELL: dict[str, Callable[[Template, str, Mapping[str, Any]], Update]] = {
    "status": lambda template, value, more: _news(
        template,
        "message_template_status_update",
        event=value,
        **{"reason": "NONE", "message_template_category": template["category"], **more},
    ),
    "category": lambda template, value, _: _news(
        template, "template_category_update", previous_category=template["category"], new_category=value
    ),
    "quality": lambda template, value, _: _news(
        template,
        "message_template_quality_update",
        previous_quality_score=template["quality_score"]["score"],
        new_quality_score=value,
    ),
}
