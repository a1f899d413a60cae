"""The words of the language as the editor completes them, out of the schema itself."""

from functools import cache
from typing import Any

from connector.core.documents.describe import schemas
from connector.core.documents.fields import Many, Pairs, Word, title_of
from connector.core.documents.kinds import KINDS
from connector.core.documents.words import ANSWERS, MESSAGE, PERSON, RECORD


@cache
def language_words() -> list[dict[str, Any]]:
    """{word, about, of, values}: `of` is the part it stands in."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for kind in KINDS.values():
        for schema in schemas(kind.SCHEMA()):
            for name, field in schema.fields.items():
                word, of = field.data_key or name, title_of(schema)
                inner = field.of if isinstance(field, Many | Pairs) else field
                values = list(inner.words) if isinstance(inner, Word) else []
                about = str(field.metadata.get("about", ""))
                found[word, of] = {"word": word, "about": about, "of": of, "values": values}
    return [*found.values(), *_reads()]


def _reads() -> list[dict[str, Any]]:
    answers = dict.fromkeys(name for names in ANSWERS.values() for name in names or ())
    parts = (("answer", answers), ("message", MESSAGE), ("contact", PERSON))
    words = [f"{root}.{name}" for root, names in parts for name in names]
    return [{"word": word, "about": "", "of": "expression", "values": []} for word in [*words, *RECORD, "now"]]
