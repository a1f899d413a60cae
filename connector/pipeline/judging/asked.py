"""What a question is about: the document that asks it, and the answer it could not read; kept beside the question."""

from collections.abc import Sequence
from typing import Any

from connector.core.changes import Ask, Plan
from connector.core.text import clean

LONGEST = 200  # characters of an answer by which questions are grouped


def about(plans: Sequence[Plan], ordinals: Sequence[Sequence[int | None]]) -> dict[int, dict[str, Any]]:
    """{ordinal of a question: {"document", "answer"}}; `answer` is what the field's rule looked at."""
    found: dict[int, dict[str, Any]] = {}
    for plan, places in zip(plans, ordinals, strict=True):
        answers = {r.change: r.from_ for r in plan.reasons if r.change is not None}
        for n, (change, place) in enumerate(zip(plan.changes, places, strict=True)):
            if isinstance(change, Ask) and place is not None:
                answer = answers.get(n)
                found[place] = {"document": plan.document} | (
                    {"answer": clean(str(answer), LONGEST)} if answer is not None else {}
                )
    return found
