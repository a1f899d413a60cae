"""Documents, messages and contacts for the tests, with as little as each needs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.core.changes import Plan, SetField
from connector.core.contact import Answered, Contact, Record, RecordRef, Setting
from connector.core.documents import MappingDocument, evaluate, expressions, read
from connector.core.documents.words import Scope
from connector.core.events import InboundMessage

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
HEAD = "mapping: trial\ncrm: hubspot\nwhen: {answer_to: anything}\n"


@dataclass(frozen=True)
class Field:
    """One CRM field, as lint sees it."""

    name: str
    type: str = "text"
    label: str = ""
    writable: bool = True
    options: tuple[tuple[str, str], ...] = ()
    open_options: bool = False
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None


def document(rest: str, head: str = HEAD) -> MappingDocument:
    return read(head + rest)


def message(kind: str = "text", /, text: str = "", **rest: Any) -> InboundMessage:
    """A message of `kind`; for text and buttons the answer is made of `text` and `id`."""
    answer = rest.pop("answer", None)
    if answer is None:
        answer = {"text": text} if kind == "text" else {"id": rest.pop("id", text), "title": text}
    values = {"id": "wamid.A", "at": NOW, "number": "106540352242922", "wa_id": "573001112222"} | rest
    return InboundMessage(type=kind, text=text, answer=answer, **values)


def contact(*records: Record, **rest: Any) -> Contact:
    return Contact(**({"id": "c1", "name": "Ana Ruiz", "wa_id": "573001112222"} | rest), records=records)


def record(id_: str = "1512", object_: str = "contacts", /, **rest: Any) -> Record:
    """Keywords in small letters of Record, everything else a field."""
    own = {key: rest.pop(key) for key in ("modified", "humans", "owner") if key in rest}
    return Record(object=object_, id=id_, fields=rest, **own)


def setting(**rest: Any) -> Setting:
    return Setting(**({"account": "hubspot"} | rest))


def answered(**rest: Any) -> Answered:
    return Answered(**({"send": "s1", "at": NOW} | rest))


def deal(id_: str = "77", object_: str = "deals", /, **fields: Any) -> Answered:
    return answered(template="quote_ready", record=RecordRef("hubspot", object_, id_), record_fields=fields)


def plan(
    rest: str, event: InboundMessage | None = None, person: Contact | None = None, how: Setting | None = None
) -> Plan:
    return evaluate(event or message(text="hello"), person or contact(record()), document(rest), NOW, how or setting())


def written(made: Plan) -> dict[str, Any]:
    """{field: value} of all SetField changes."""
    return {c.field: c.value for c in made.changes if isinstance(c, SetField)}


def reason(made: Plan, field: str) -> Any:
    return next(r for r in made.reasons if r.field == field)


def scope(event: InboundMessage | None = None, how: Setting | None = None, /, **fields: Any) -> Scope:
    person = contact(record(**fields))
    return Scope(event or message(text="hello"), person, fields, how or setting(), NOW)


def value_of(text: str, at: Scope | None = None) -> Any:
    """What an expression gives."""
    return expressions.bare(text).run(at or scope())
