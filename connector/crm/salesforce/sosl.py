"""Phone searches in SOSL: the terms of a person, and how many persons fit one search."""

import re
from collections.abc import Iterator, Mapping, Sequence

from connector.core import phone
from connector.ports import ContactKey

ROOM = 3500  # over 4,000 characters Salesforce drops the ORs (SOSL reference, checked 2026-11)
KEYS = 25  # persons in one search: several objects share its rows
ROWS = 250  # an object's share; a full one may have been cut off
_RESERVED = re.compile(r"""([?&|!{}\[\]()^~*:\\"'+-])""")


def search_text(keys: Sequence[ContactKey], returning: Mapping[str, Sequence[str]]) -> str:
    """The search for these persons in all phone fields; converted leads are left out, their contacts are found."""
    terms = dict.fromkeys(term for key in keys for term in terms_for(key.phones))
    asked = (_returning(object, columns) for object, columns in returning.items())
    return f"FIND {{{' OR '.join(terms)}}} IN PHONE FIELDS RETURNING {', '.join(asked)}"


def _returning(object: str, columns: Sequence[str]) -> str:
    only = " WHERE IsConverted = false" if object == "Lead" else ""
    return f"{object}({', '.join(columns)}{only} LIMIT {ROWS})"


def terms_for(phones: Sequence[str]) -> list[str]:
    """SOSL terms of one person: each spelling whole, without plus, national, and national in the usual groups.

    How Salesforce cuts typed phones into words is not documented and no wildcard may stand first: so several terms.
    """
    terms: list[str] = []
    for spelling in phones:
        local = phone.national(spelling)
        groups = " ".join((local[:-8], local[-8:-4], local[-4:])) if len(local) >= 10 else f"{local[:-4]} {local[-4:]}"
        triple = f"{local[:3]} {local[3:6]} {local[6:]}"
        usual = " ".join(re.findall(r"[0-9]+", phone.written(spelling)))
        terms += [_phrase(spelling), spelling.lstrip("+"), local, _phrase(groups), _phrase(triple), _phrase(usual)]
    return [t for t in dict.fromkeys(terms) if len(t.strip('" ')) > 3]


def _phrase(text: str) -> str:
    return '"' + _RESERVED.sub(r"\\\1", " ".join(text.split())) + '"'


def few(keys: Sequence[ContactKey]) -> Iterator[list[ContactKey]]:
    """Groups of keys whose terms fit one search."""
    group: list[ContactKey] = []
    length = 0
    for key in keys:
        more = sum(len(t) + 4 for t in terms_for(key.phones))
        if group and (length + more > ROOM or len(group) >= KEYS):
            yield group
            group, length = [], 0
        group.append(key)
        length += more
    if group:
        yield group
