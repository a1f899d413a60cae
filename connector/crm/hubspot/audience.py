"""HubSpot's lists (segments): found by name or id, their members a page at a time, with the fields that are asked for.

A page is read by the record ids of the membership page, so a member who is gone meanwhile is left out.
"""

from collections.abc import Sequence
from typing import Any

from connector.core.audience import Source
from connector.crm.hubspot.client import Client, lists
from connector.crm.hubspot.find import CONTACTS, Finder
from connector.errors import NotFound, Rejected
from connector.ports import Audience, Page

CONTACT_TYPE = "0-1"
MEMBERS = 250  # of one page; lists API, memberships, checked 2026-11
SHOWN = 100  # lists of a search
SEP = "|"


class Audiences:
    """`audiences` and `audience` of the port."""

    def __init__(self, client: Client, finder: Finder) -> None:
        self._client, self._finder = client, finder

    def named(self, kind: str, text: str) -> list[Audience]:
        """Lists of contacts whose name has this in it."""
        if kind != "list":
            return []
        body: dict[str, Any] = {
            "query": text[:200], "count": SHOWN, "offset": 0, "objectTypeId": CONTACT_TYPE,
            "additionalProperties": ["hs_list_size"],
        }  # fmt: skip
        found = self._client.post(lists("search"), body).get("lists") or []
        return [
            Audience("list", str(one.get("listId")), str(one.get("name") or ""), _size(one))
            for one in found
            if one.get("objectTypeId") in (None, CONTACT_TYPE)
        ]

    def page(self, source: Source, fields: Sequence[str], after: str) -> Page:
        """The members of one list. Raises NotFound, Rejected for a list that is not of contacts."""
        if source.kind != "list":
            raise Rejected(f"HubSpot has no {source.kind}.", hint="Name a list, or give a CSV.", code="audience")
        id_, _, cursor = after.partition(SEP)
        size = None
        if not id_:
            id_, size = self._list(source.value)
        query = {"limit": str(MEMBERS)} | ({"after": cursor} if cursor else {})
        answer = self._client.get(lists(id_, "memberships"), **query)
        ids = [str(one.get("recordId")) for one in answer.get("results") or []]
        read = {str(item["id"]): item for item in self._finder.read(CONTACTS, ids, fields)} if ids else {}
        records = tuple(self._finder.record(CONTACTS, read[i], fields) for i in dict.fromkeys(ids) if i in read)
        then = str(((answer.get("paging") or {}).get("next") or {}).get("after") or "")
        return Page(records, after=f"{id_}{SEP}{then}" if then else "", total=size)

    def _list(self, wanted: str) -> tuple[str, int | None]:
        """(its id, how many members) of an id or a name; a list of companies or deals is none of people."""
        is_id = wanted.isascii() and wanted.isdigit()
        path = lists(wanted) if is_id else lists("object-type-id", CONTACT_TYPE, "name", wanted)
        try:
            found = self._client.get(path).get("list") or {}
        except NotFound:
            found = {}
        if not found.get("listId"):
            hint = "CRM, Segments (Lists) shows their names."
            raise NotFound(f"HubSpot has no list {wanted[:80]!r} of contacts.", hint=hint, code="audience")
        if str(found.get("objectTypeId") or CONTACT_TYPE) != CONTACT_TYPE:
            name = str(found.get("name") or wanted)[:80]
            raise Rejected(
                f"The list {name!r} is not one of contacts.", hint="Name a list of contacts.", code="audience"
            )
        return str(found["listId"]), _size(found)


def _size(found: Any) -> int | None:
    given = found.get("size", (found.get("additionalProperties") or {}).get("hs_list_size"))
    return int(given) if str(given or "").isdigit() else None
