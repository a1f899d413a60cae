"""Send documents, cases and templates for the tests, with as little as each needs."""

from datetime import UTC, datetime
from typing import Any

from connector.core.contact import Contact, Record, RecordRef, Setting
from connector.core.documents import SendDocument, prepare, read
from connector.core.events import Event, RecordChanged
from connector.core.sending import Case, Prepared
from connector.core.template import Template

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)  # a Tuesday, 10:00 in Bogota
WHEN = "when: {deal.dealstage: {becomes: presentation}}\n"
TO = "to: {contact: deal.contact}\n"
WITH = 'with: {first_name: "{{ contact.firstname }}"}\n'
BODY = {"type": "BODY", "text": "Hello {{first_name}}, your quote."}
REPLIES = {
    "type": "BUTTONS",
    "buttons": [{"type": "QUICK_REPLY", "text": "Accept"}, {"type": "QUICK_REPLY", "text": "Question"}],
}


def text(*parts: str, when: str = WHEN, to: str = TO, values: str = WITH) -> str:
    """A whole document; `parts` are added to it."""
    return f"send: trial\ncrm: hubspot\n{when}{to}template: quote\n{values}{''.join(parts)}"


def document(*parts: str, **rest: str) -> SendDocument:
    found = read(text(*parts, **rest))
    assert isinstance(found, SendDocument)
    return found


def changed(field: str | None = "dealstage", value: str | None = "presentation", /, **rest: Any) -> RecordChanged:
    values = {"id": "e1", "at": NOW, "object": "deals", "record": "77", "what": "changed"} | rest
    return RecordChanged(field=field, value=value, **values)


def template(language: str = "es", /, *more: Any, **rest: Any) -> Template:
    values = {"name": "quote", "category": "utility", "format": "named", "components": (BODY, *more)} | rest
    return Template(language=language, **values)


def contact(**rest: Any) -> Contact:
    return Contact(**({"id": "c1", "name": "Ana Ruiz", "wa_id": "573001112222"} | rest))


def case(event: Event | None = None, /, **rest: Any) -> Case:
    """`deal` and `fields` are the fields of the two records, `who` our contact; the rest as in Case."""
    deal, fields = rest.pop("deal", {}), rest.pop("fields", {})
    values: dict[str, Any] = {
        "record": Record(object="deals", id="77", fields={"dealstage": "presentation"} | deal),
        "person": Record(
            object="contacts", id="1512", fields={"firstname": "Ana", "phone": "+57 300 111 2222"} | fields
        ),
        "contact": rest.pop("who", contact()),
        "setting": Setting(account="hubspot", time_zone="America/Bogota"),
        "created_at": NOW,
    }
    return Case(event=event or changed(), **(values | rest))


def prepared(
    made: SendDocument | None = None, at: Case | None = None, *templates: Template, now: datetime = NOW
) -> Prepared:
    return prepare(made or document(), at or case(), templates or [template()], now)


DEAL, PERSON = RecordRef("a1", "deals", "77"), RecordRef("a1", "contacts", "1512")
