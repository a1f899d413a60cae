"""Templates as Graph lists them: which fields are asked for, and how many at a time."""

from collections.abc import Mapping
from typing import Any

from connector.core.template import Template, from_graph
from connector.whatsapp.values import Json, text, tidy

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


DEEPEST = 16  # levels of one template; a carousel's buttons lie 9 deep


def read_template(item: Json) -> Template:
    """One element of the list."""
    return from_graph(tidy(item, DEEPEST))


def submitted(body: Mapping[str, Any], answer: Json) -> Template:
    """A template just sent for review: what was asked for, with the id, status and category Meta gave it."""
    theirs = {key: text(answer, key) for key in ("id", "status", "category") if text(answer, key)}
    return read_template({"status": "PENDING", **body, **theirs})
