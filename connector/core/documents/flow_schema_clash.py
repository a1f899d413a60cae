"""Words of a step that cannot stand together, each with what to do."""

from collections.abc import Callable
from typing import Any


def _several(data: dict[str, Any], *words: str) -> bool:
    return sum(word in data for word in words) > 1


def _asks(data: dict[str, Any]) -> bool:
    """Does the step wait for an answer?"""
    template = data.get("template")
    return "ask" in data or data.get("contact") == "ask" or bool(isinstance(template, dict) and template.get("buttons"))


_BESIDE = ("buttons", "list", "form", "link", "contact")
CLASHES: tuple[tuple[Callable[[dict[str, Any]], bool], str, str], ...] = (
    (lambda d: not d, "The step does nothing.", "Write for example {say: Thank you!, end: done}"),
    (lambda d: "say" in d and "ask" in d, "`say` and `ask` cannot stand together.", "Put all words into `ask`."),
    (
        lambda d: any(w in d for w in ("buttons", "list", "form")) and "ask" not in d,
        "Buttons, a list and a form belong to a question.",
        "Write the words above them as `ask:`",
    ),
    (
        lambda d: _several(d, *_BESIDE) or (d.get("location") == "ask" and any(w in d for w in _BESIDE)),
        "One message takes only one of buttons, list, form, link, location and contact.",
        "Make a second step.",
    ),
    (
        lambda d: (d.get("location") == "ask" or d.get("contact") == "ask") and "ask" not in d,
        "It does not say what to write above the button.",
        "Add for example ask: Where shall we deliver?",
    ),
    (lambda d: "link" in d and "say" not in d, "A link needs words above its button.", "Add say: Start here"),
    (
        lambda d: "template" in d and any(w in d for w in ("say", "ask", "media", "link", "location")),
        "A template is the whole message.",
        "Put the text into a step of its own.",
    ),
    (
        lambda d: ("header" in d or "footer" in d) and not any(w in d for w in ("buttons", "list", "form", "link")),
        "A plain text has no header and footer.",
        "Delete them, or add buttons.",
    ),
    (lambda d: "button" in d and "list" not in d, "`button` is what opens a `list`.", "Did you mean 'buttons'?"),
    (
        lambda d: any(w in d for w in ("as_", "save", "remember", "ask_again", "no_answer")) and not _asks(d),
        "`as`, `save`, `remember`, `ask_again` and `no_answer` need a question.",
        "Write `ask:` instead of `say:`; a value that is known stands under `set:`.",
    ),
    (
        lambda d: "as_" in d and any(w in d for w in (*_BESIDE[:3], "location", "contact", "template")),
        "`as` is for an answer in words.",
        "Delete `as`: the buttons say what can be answered.",
    ),
    (lambda d: "wait" in d and _asks(d), "A step waits for an answer or a time.", "Make a second step with `wait`."),
    (
        lambda d: ("min" in d or "max" in d) and d.get("as_") not in ("integer", "number"),
        "`min` and `max` need a number.",
        "Add: as: integer",
    ),
    (lambda d: "min" in d and "max" in d and d["min"] > d["max"], "`min` is greater than `max`.", "Exchange the two."),
    (lambda d: "options" in d and d.get("as_") != "choice", "`options` needs `as: choice`.", "Add: as: choice"),
    (lambda d: "time_zone" in d and d.get("as_") != "date", "`time_zone` needs `as: date`.", "Add: as: date"),
    (lambda d: _several(d, "go", "end", "start"), "A step goes on, ends or starts another flow.", "Keep one of them."),
    (
        lambda d: not any(w in d for w in ("go", "end", "start", "handoff")),
        "The step is a dead end: it does not say what comes next.",
        "Add go: name-of-a-step, or end: done",
    ),
)  # fmt: skip
