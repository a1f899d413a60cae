"""Search by phone: few requests within HubSpot's limits, and the check that a hit really is that subscriber. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.core import phone
from connector.ports import ContactKey

BODY = 3000  # characters of a search request (docs: search the CRM)
LISTED = 100  # values of one IN
PAGE = 200
PAGES = 5
# Where a contact's numbers stand as typed, and HubSpot's own searchable forms, which hold national digits only.
TYPED = ("phone", "mobilephone", "hs_whatsapp_phone_number")
SEARCHABLE = ("hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number")


def request(keys: Sequence[ContactKey], after: str | None = None) -> dict[str, Any]:
    """One search for every spelling of every key: five OR groups of one IN filter, the most groups HubSpot takes."""
    spelled = list(dict.fromkeys(number for key in keys for number in key.phones))
    national = list(dict.fromkeys(phone.national(number) for number in spelled))
    groups = [_group(name, spelled) for name in TYPED] + [_group(name, national) for name in SEARCHABLE]
    body: dict[str, Any] = {"filterGroups": groups, "properties": [TYPED[0]], "limit": PAGE}
    return body | {"after": after} if after else body


def _group(name: str, values: list[str]) -> dict[str, Any]:
    return {"filters": [{"propertyName": name, "operator": "IN", "values": values}]}


def packed(keys: Sequence[ContactKey]) -> Iterator[list[ContactKey]]:
    """The keys in groups whose search stays within HubSpot's body limit."""
    group: list[ContactKey] = []
    for key in keys:
        if group and not _fits([*group, key]):
            yield group
            group = []
        group.append(key)
    if group:
        yield group


def _fits(keys: Sequence[ContactKey]) -> bool:
    room = len(json.dumps(request(keys, after="0" * 12))) <= BODY
    return room and sum(len(key.phones) for key in keys) <= LISTED


def numbers(properties: Mapping[str, Any], country: str | None) -> frozenset[str]:
    """Every E.164 spelling of the numbers a record holds; `country` reads those without a country code."""
    return frozenset(spelling for name in TYPED for spelling in _spellings(str(properties.get(name) or ""), country))


def _spellings(text: str, country: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    read = phone.e164(text, country) or (None if country else phone.e164("+" + text.lstrip("+")))
    return phone.spellings(read) if read else ()
