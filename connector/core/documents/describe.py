"""The JSON Schema for editors and the reference in docs/, both generated from the schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import Schema

from connector.core.documents import fields as f
from connector.core.documents.fields import json_of, title_of
from connector.core.documents.filters import FILTERS
from connector.core.documents.kinds import KINDS
from connector.core.documents.prose import AFTER, BEFORE
from connector.core.documents.prose_flow import TALKING
from connector.core.documents.prose_send import SENDING
from connector.core.documents.send_words import FAILURE
from connector.core.documents.words import ANSWERS, MESSAGE, NUMBER, PERSON, RECORD, REFERRAL


def schemas(root: Schema) -> Iterator[Schema]:
    """The schema and every one inside it, each once, in reading order."""
    seen: dict[str, Schema] = {}

    def visit(schema: Schema) -> None:
        if title_of(schema) in seen:
            return
        seen[title_of(schema)] = schema
        for field in schema.fields.values():
            for inner in _inner(field):
                visit(inner)
        for beside in getattr(schema, "beside", ()):
            visit(beside())

    visit(root)
    yield from seen.values()


def _inner(field: Any) -> Iterator[Schema]:
    if isinstance(field, f.Part):
        yield field.schema
    elif isinstance(field, f.Either):
        yield field.long()
    elif isinstance(field, f.Many | f.Pairs):
        yield from _inner(field.of)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of every kind of document we know."""
    roots = [kind.SCHEMA() for kind in KINDS.values()]
    defs = {title_of(schema): _object(schema) for root in roots for schema in schemas(root)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A document of the connector",
        "oneOf": [{"$ref": f"#/$defs/{title_of(root)}"} for root in roots],
        "$defs": defs,
    }


def _object(schema: Schema) -> dict[str, Any]:
    named = {field.data_key or name: field for name, field in schema.fields.items()}
    body: dict[str, Any] = {
        "type": "object",
        "description": (type(schema).__doc__ or "").strip(),
        "properties": {name: json_of(field) for name, field in named.items()},
        "additionalProperties": False,
        **getattr(schema, "json_extra", {}),
    }
    required = [name for name, field in named.items() if field.required]
    return body | ({"required": required} if required else {})


def reference() -> str:
    """docs/mapping-reference.md."""
    parts = [BEFORE]
    told = {title_of(schema): schema for kind in KINDS.values() for schema in schemas(kind.SCHEMA())}
    parts += [_words(schema) for schema in told.values()]
    parts += [_answers(), _filters(), AFTER, SENDING, TALKING]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _words(schema: Schema) -> str:
    title = _TITLES.get(title_of(schema), title_of(schema))
    rows = [
        f"## {title}",
        "",
        (type(schema).__doc__ or "").strip(),
        "",
        "| word | what it takes | for example |",
        "|---|---|---|",
    ]
    for name, field in schema.fields.items():
        meta: Mapping[str, Any] = field.metadata
        word = f"`{field.data_key or name}`" + (" (needed)" if field.required else "")
        example = f"`{meta['example']}`" if "example" in meta else ""
        rows.append(f"| {word} | {_cell(str(meta['about']) + _choices(field))} | {_cell(example)} |")
    return "\n".join(rows)


_TITLES = {
    "mapping": "A `mapping:` document",
    "when": "`when:`",
    "contact": "`contact:`",
    "rule": "A field's rule",
    "otherwise": "`else: {ask_again: ...}`",
    "then": "`then:`",
    "task": "`task:`",
    "handoff": "`handoff:`",
    "notify": "`notify:`",
    "saying": "`reply:` with more than a text",
    "saidfile": "`media:` in a reply",
    "saidlink": "`link:` in a reply",
    "saidform": "`form:` in a reply",
    "saidplace": "`location:` in a reply",
    "test": "`tests:`",
    "send": "A `send:` document",
    "sendwhen": "`when:` of a `send:` document",
    "change": "A field in `when:`",
    "to": "`to:`",
    "guard": "`guard:`",
    "quiet": "`quiet_hours:`",
    "goal": "`goal:`",
    "after": "`after:`",
    "step": "A step of `after:`",
    "sendtask": "`task:` in `after:`",
    "flow": "A `flow:` document",
    "start": "`start:` of a `flow:` document",
    "flowstep": "A step of a flow",
    "noanswer": "`no_answer:`",
    "again": "`ask_again:` of `no_answer:`",
    "notunderstood": "`not_understood:`",
    "always": "`always:`",
    "opener": "`reopen:` and `template:` of a flow",
    "media": "`media:`",
    "link": "`link:`",
    "place": "`location:` that is sent",
    "form": "`form:`",
    "saved": "`save:` with a guard",
    "flowrule": "A field's rule in a flow",
    "flowtask": "`task:` in a flow",
    "flownotify": "`notify:` in a flow",
    "flowhandoff": "`handoff:` in a flow",
    "flowtest": "`tests:` of a flow",
}


def _choices(field: Any) -> str:
    one = field.of if isinstance(field, f.Many | f.Pairs) else field
    return f" One of: {', '.join(f'`{w}`' for w in one.words)}." if isinstance(one, f.Word) else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _answers() -> str:
    rows = ["## Words in expressions", "", "| word | what it has |", "|---|---|"]
    rows += [f"| `answer` of a {kind} | {_names(names)} |" for kind, names in ANSWERS.items()]
    rows += [
        "| `answer.type` | the kind of message |",
        f"| `message` | {_names(tuple(MESSAGE))} |",
        f"| `contact` | {_names(tuple(PERSON))}: what we know; any other name is a field of the CRM record |",
        f"| `{'` `'.join(RECORD)}` | the fields of the record whose event sent the answered message, or sends one |",
        f"| `referral` | {_names(REFERRAL)}: of a click-to-WhatsApp ad |",
        f"| `number` | {_names(NUMBER)}: of ours |",
        "| `flow` | in a `flow:` document: what `save` and `remember` kept, by name |",
        "| `webhook` | in a `send:` document: what its link was called with, by name |",
        f"| `failure` | under `after: failed:`: {_names(FAILURE)} |",
        "| `now` | this moment |",
    ]
    return "\n".join(rows)


def _names(names: tuple[str, ...] | None) -> str:
    return " ".join(f"`{name}`" for name in names) if names else "each field of the form by its name"


def _filters() -> str:
    rows = ["## Filters", "", "| filter | gives |", "|---|---|"]
    rows += [
        f"| `{name}{'(...)' if known.takes[1] else ''}` | {_cell(known.about)} |" for name, known in FILTERS.items()
    ]
    return "\n".join(rows)
