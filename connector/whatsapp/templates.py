"""Template webhooks: status, quality, category and text as Meta sees them."""

from collections.abc import Callable

from connector.core.events import Event, TemplateUpdate
from connector.whatsapp.scope import Scope
from connector.whatsapp.values import LINE, Json, ShapeError, fingerprint, need, part, say, text, time

Read = tuple[str, str, str]  # what, value, reason


def language(code: str) -> str:
    """Webhooks write en-US where sends need en_US."""
    return code.replace("-", "_")


def read_status(value: Json) -> Read:
    if "new_quality_score" in value:  # Meta's own example puts quality under this field's name
        return read_quality(value)
    info, other = part(value, "rejection_info"), part(value, "other_info")
    reason = text(value, "reason", LINE)
    words = (
        text(info, "reason", LINE),
        text(info, "recommendation", LINE),
        text(other, "description", LINE) or text(other, "title", LINE),
    )
    disabled = say(disabled=text(part(value, "disable_info"), "disable_date"))
    details = " ".join(filter(None, (*words, disabled))) or ("" if reason == "NONE" else reason)
    return "status", need(value, "event", "template"), details


def read_quality(value: Json) -> Read:
    return "quality", need(value, "new_quality_score", "template"), say(was=text(value, "previous_quality_score"))


def read_components(value: Json) -> Read:
    return "components", "", text(value, "message_template_element", LINE)


def read_category(value: Json) -> Read:
    """Announced a day before (`new_category` is then still the present one), or done."""
    if "correct_category" not in value:
        return "category", need(value, "new_category", "template"), say(was=text(value, "previous_category"))
    due = time(value, "category_update_timestamp")
    reason = say(now=text(value, "new_category"), changes=due.isoformat() if due else "")
    return "correct_category", need(value, "correct_category", "template"), reason


def read_detection(value: Json) -> Read:
    return "correct_category", need(value, "correct_category", "template"), say(now=text(value, "category"))


READERS: dict[str, Callable[[Json], Read]] = {
    "message_template_status_update": read_status,
    "message_template_quality_update": read_quality,
    "message_template_components_update": read_components,
    "template_category_update": read_category,
    "template_correct_category_detection": read_detection,
}


def read_template(value: Json, scope: Scope) -> list[Event]:
    """One template change; Meta gives it no id, so its content and the entry's time are its key."""
    what, new, reason = READERS[scope.field](value)
    name, key = text(value, "message_template_name", 512), text(value, "message_template_id")
    if not name and not key:
        raise ShapeError("it names no template")
    return [
        TemplateUpdate(
            id=f"{scope.field}:{fingerprint(value, scope.entry.get('time'), scope.owner)}",
            at=time(scope.entry, "time"),
            raw=value,
            what=what,
            template_id=key,
            name=name,
            language=language(text(value, "message_template_language")),
            value=new,
            reason=reason,
        )
    ]
