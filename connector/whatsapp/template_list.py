"""Templates as Graph lists them: which fields are asked for, and how many at a time."""

from collections.abc import Mapping
from typing import Any

from connector.core.template import Template
from connector.whatsapp.templates import language
from connector.whatsapp.values import ID, Json, part, parts, text

# checked 2026-09; a page of 100 is the most that is sure to be answered in one piece
FIELDS = ",".join(
    (
        "id",
        "name",
        "language",
        "status",
        "category",
        "sub_category",
        "previous_category",
        "correct_category",
        "parameter_format",
        "components",
        "quality_score",
        "rejected_reason",
        "last_updated_time",
        "health_status",
    )
)
PAGE = 100
MOST_PAGES = 500  # a verified business has at most 6,000 names, each in some languages


def read_template(item: Json) -> Template:
    """One element of the list."""
    reason = text(item, "rejected_reason")
    return Template(
        id=text(item, "id"),
        name=text(item, "name", 512),
        language=language(text(item, "language")),
        status=text(item, "status") or "PENDING",
        category=text(item, "category").lower(),
        previous_category=text(item, "previous_category").lower(),
        format=text(item, "parameter_format").lower() or "positional",
        components=tuple(parts(item, "components")),
        quality=text(part(item, "quality_score"), "score"),
        reason="" if reason == "NONE" else reason,
    )


def submitted(body: Mapping[str, Any], answer: Mapping[str, Any]) -> Template:
    """A template just sent for review: what was asked for, with the id, status and category Meta gave it."""
    theirs = {key: answer[key] for key in ("id", "status", "category") if text(answer, key, ID)}
    return read_template({"status": "PENDING", **body, **theirs})
