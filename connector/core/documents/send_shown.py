"""One message as a person who tries a `send:` document sees it: every gate, the text with its values, the buttons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core.documents.comparing import shown
from connector.core.documents.document import SendDocument
from connector.core.documents.send_gates import fitting, language_of
from connector.core.documents.send_prepare import gates_of, prepare
from connector.core.documents.send_trials import Given, carried_out
from connector.core.documents.send_words import scope_of
from connector.core.sending import Case, Prepared
from connector.core.template import Template, labels, preview

Json = dict[str, Any]


def show(document: SendDocument, case: Case, templates: Sequence[Template], now: datetime) -> Json:
    """What would be sent now, or what stops it; the text is shown in either case, as far as it is known."""
    prepared = prepare(document, case, templates, now)
    scope = scope_of(document, case, now)
    values = {key: shown(e.run(scope)) for key, e in document.values.items()}
    named = [t for t in templates if t.name == document.template]
    template = next(iter(fitting(named, prepared.language or language_of(document, scope))), None)
    gates = [
        {
            "gate": name, "state": stop.state if stop else "passed", "code": stop.code if stop else "",
            "reason": stop.reason if stop else "", "until": _iso(stop.until) if stop else None,
        }
        for name, stop in gates_of(document, case, templates, now)
    ]  # fmt: skip
    return _told(document, prepared, values, template) | {"gates": gates}


def show_sample(
    document: SendDocument, given: Mapping[str, Any], templates: Sequence[Template] | None = None
) -> tuple[bool, str, Json | None]:
    """The same of a made-up case, in the words of `given`: (it starts, why not, what would be sent).

    Without `templates` one that fits is made up. Raises ValueError for a time that is none."""
    one = Given(document, given)
    run = carried_out(document, one, templates)
    if run.prepared.state == "no_match":
        return False, run.prepared.reason, None
    case = one.case()
    return True, "every condition holds", show(document, case, templates or one.templates(case), one.now)


def _told(document: SendDocument, prepared: Prepared, values: Mapping[str, str], template: Template | None) -> Json:
    ids = document.buttons
    buttons = labels(template) if template is not None else []
    return {
        "state": prepared.state, "code": prepared.code, "reason": prepared.reason, "until": _iso(prepared.until),
        "to": prepared.to, "template": document.template, "language": template.language if template else "",
        "category": prepared.category, "text": preview(template, values) if template else "", "values": dict(values),
        "buttons": [{"label": label, "id": ids[n] if n < len(ids) else label} for n, label in enumerate(buttons)],
    }  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
