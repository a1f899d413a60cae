"""A template picked in a CRM's workflow: the document that the call stands for. What was called stays a value."""

import json
from collections.abc import Mapping

from connector.core import documents as language
from connector.core.documents import SendDocument
from connector.core.events import TriggerCalled

PREFIX = "workflow."  # of the names of such documents: none of an admin's own
PEOPLE = ("contact", "lead")
OWN = ("phone",)  # words of a call that are no parameter of the template


def document_of(event: TriggerCalled, crm: str, objects: Mapping[str, str]) -> SendDocument | None:
    """The document of a call that names a template; also for whoever prepares or tells its send later."""
    if not event.template:
        return None
    found = language.read(text_of(event, crm, objects))
    return found if isinstance(found, SendDocument) else None


def text_of(event: TriggerCalled, crm: str, objects: Mapping[str, str]) -> str:
    """The call as a document. Its values are named (`webhook.p0`), never written into an expression."""
    name, _, spoken = event.template.partition(":")
    word = next((word for word, object_ in objects.items() if object_ == event.object), "record")
    to: dict[str, str] = {}
    if event.record:
        to["contact"] = word if word in PEOPLE else f"{word}.contact"
    if event.values.get("phone") or not event.record:
        to["phone"] = "webhook.phone"
    filled = {key: f"{{{{ webhook.{path} }}}}" for key, path in names(event).items()}
    parts: dict[str, object] = {"send": f"{PREFIX}{name}", "crm": crm, "when": {"webhook": f"{PREFIX}{name}"}, "to": to}
    parts |= {"template": name} | ({"language": spoken} if spoken else {}) | ({"with": filled} if filled else {})
    return json.dumps(parts, ensure_ascii=False)  # JSON is YAML: no value of the call can change its form


def names(event: TriggerCalled) -> dict[str, str]:
    """{parameter of the template: the plain name it has in the document}."""
    return {key: f"p{n}" for n, key in enumerate(sorted(set(event.values) - set(OWN)))}


def values(event: TriggerCalled) -> dict[str, object]:
    """What the document reads as `webhook.*`."""
    if not event.template:
        return dict(event.values)
    given = {name: event.values[key] for key, name in names(event).items()}
    return given | {key: event.values[key] for key in OWN if key in event.values}
