"""Who a record is about: contact roles, an account's contacts, and lookup fields.

A Contact is its own contact, a Lead too: the record itself is the person. The contacts of an opportunity's account are
not asked: who works there need not know of the deal.
"""

from collections.abc import Iterable, Mapping, Sequence

from connector.crm.salesforce.client import Client
from connector.crm.salesforce.find import batches, is_id, select
from connector.crm.salesforce.schema import Schema
from connector.ports import Related

PEOPLE = ("Contact", "Lead")
# Object -> the object of its contact roles, and the field there that names it (object reference v68).
ROLES = {
    "Opportunity": ("OpportunityContactRole", "OpportunityId"),
    "Account": ("AccountContactRole", "AccountId"),
    "Contract": ("ContractContactRole", "ContractId"),
}
# (object, to) -> the field of `to` that names it.
CHILDREN = {("Account", "Contact"): "AccountId"}
# References that lead to somebody else than the record is about.
OTHERS = frozenset({"MasterRecordId", "ReportsToId", "CreatedById", "LastModifiedById"})
Found = dict[str, dict[str, bool]]  # id (15 characters) -> related id -> primary


class Relations:
    """`related` of the port."""

    def __init__(self, client: Client, schema: Schema) -> None:
        self._client, self._schema = client, schema

    def of(self, object: str, ids: Sequence[str], to: str) -> dict[str, list[Related]]:
        """Every id is in the answer; the primary one stands first."""
        asked = [i for i in dict.fromkeys(ids) if is_id(i)]
        if object == to or (object in PEOPLE and to in PEOPLE):
            return {i: [Related(object, i, primary=True)] if i in asked else [] for i in ids}
        found: Found = {i[:15]: {} for i in asked}
        if asked:
            for way in (self._roles, self._children, self._lookups):
                way(object, asked, to, found)
        return {i: _listed(found.get(i[:15], {}), to) for i in ids}

    def _roles(self, object: str, ids: Sequence[str], to: str, found: Found) -> None:
        role, parent = ROLES.get(object, ("", ""))
        if to != "Contact" or not self._has(role, parent):
            return
        self._gather(role, parent, ["ContactId", "IsPrimary"], "ContactId", ids, found)

    def _children(self, object: str, ids: Sequence[str], to: str, found: Found) -> None:
        parent = CHILDREN.get((object, to), "")
        if self._has(to, parent):
            self._gather(to, parent, ["Id"], "Id", ids, found)

    def _gather(
        self, source: str, parent: str, columns: Sequence[str], to: str, ids: Iterable[str], found: Found
    ) -> None:
        for group in batches(ids):
            for row in self._client.query(select([*columns, parent], source, parent, group)):
                _note(found, str(row[parent]), row.get(to), primary=row.get("IsPrimary") is True)

    def _lookups(self, object: str, ids: Sequence[str], to: str, found: Found) -> None:
        """Lookup fields of the record itself, where no role told us."""
        left = [i for i in ids if not found[i[:15]]]
        names = self._references(object, to)
        if not left or not names:
            return
        prefix = str(self._schema.describe(to).get("keyPrefix") or "")
        own = f"{to.removesuffix('__c')}Id"
        for row in self._client.retrieve(object, left, ["Id", *names]):
            for name in names:
                if str(row.get(name) or "").startswith(prefix):
                    _note(found, str(row["Id"]), row.get(name), primary=name == own)

    def _references(self, object: str, to: str) -> list[str]:
        """The lookup fields of `object` that may name a record of `to`."""
        columns = self._schema.known(object)
        return [n for n, c in columns.items() if to in (c.get("referenceTo") or ()) and n not in OTHERS]

    def _has(self, object: str, name: str) -> bool:
        return bool(object and name) and name in self._schema.known(object)


def _note(found: Found, record: str, related: object, *, primary: bool) -> None:
    if related and record[:15] in found:
        seen = found[record[:15]]
        seen[str(related)] = seen.get(str(related), False) or primary


def _listed(seen: Mapping[str, bool], to: str) -> list[Related]:
    return sorted((Related(to, i, primary) for i, primary in seen.items()), key=lambda r: not r.primary)
