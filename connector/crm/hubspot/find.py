"""Reading records: by id in batches with merges followed, by our unique fields, by e-mail, by phone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.core.contact import Record
from connector.crm.batch import at_once, chunks
from connector.crm.hubspot import client as hubspot
from connector.crm.hubspot import search
from connector.crm.hubspot.faults import Refusal
from connector.crm.hubspot.properties import Properties, from_hubspot
from connector.errors import NotAllowed, NotFound
from connector.ports import ContactKey

BATCH = 100
CONTACTS = "contacts"  # the object that carries our unique fields and people's numbers
WA_ID, USER_ID, OWNER = "whatsapp_id", "whatsapp_user_id", "hubspot_owner_id"
ALWAYS = (WA_ID, USER_ID, OWNER, "lastmodifieddate", "hs_lastmodifieddate")
MERGED = "hs_merged_object_ids"  # on the record that goes on: the ids that went, joined by ;
EMAILS = ("email", "hs_additional_emails")
Item = Mapping[str, Any]
Found = dict[ContactKey, list[Record]]


@dataclass(frozen=True, slots=True)
class Finder:
    """`find` of the port, over one client."""

    client: hubspot.Client
    properties: Properties
    country: str | None

    def find(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> Found:
        """Every key with its records: linked ones by id, the rest by each way of its `find_by` until one hits."""
        found: Found = {key: [] for key in keys}
        found.update(self._linked([key for key in found if key.record], fields))
        ways: dict[str, Callable[[list[ContactKey], Sequence[str]], Found]] = {
            "whatsapp": self._by_whatsapp,
            "phone": self._by_phone,
            "email": self._by_email,
        }
        for step in range(max((len(key.find_by) for key in found), default=0)):
            for way, ask in ways.items():
                missing = [k for k, hits in found.items() if not hits and k.find_by[step : step + 1] == (way,)]
                missing = [k for k in missing if CONTACTS in k.objects]
                if missing:
                    found.update(ask(missing, fields))
        return found

    # ---- by id ---------------------------------------------------------------------------------------------------
    def _linked(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> Found:
        asked: dict[str, dict[str, list[ContactKey]]] = {}
        for key in keys:
            name, record = key.record or ("", "")
            asked.setdefault(name, {}).setdefault(record, []).append(key)
        found: Found = {}
        for name, by_id in asked.items():
            for id_, now in self.by_id(name, list(by_id), fields).items():
                found.update({key: [now] for key in by_id[id_]})
        return found

    def by_id(self, name: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        """Asked id -> the record it is now; `was` where HubSpot merged it into another. Who is gone is absent."""
        known = [id_ for id_ in dict.fromkeys(ids) if id_.isascii() and id_.isdigit()]
        found: dict[str, Record] = {}
        for item in self.read(name, known, [*fields, MERGED]):
            found[str(item["id"])] = record = self.record(name, item, fields)
            for went in str(item["properties"].get(MERGED) or "").split(";"):
                if went in known and went not in found:
                    found[went] = replace(record, was=went)
        missing = [id_ for id_ in known if id_ not in found]
        followed = at_once(lambda id_: self._follow(name, id_, fields), missing)
        found.update({id_: record for id_, record in zip(missing, followed, strict=True) if record})
        return {id_: record for id_, record in found.items() if id_ in known}

    def _follow(self, name: str, id_: str, fields: Sequence[str]) -> Record | None:
        """A batch leaves a merged id out; read alone, HubSpot answers with the record that goes on."""
        try:
            item = self.client.get(hubspot.objects(name, id_), properties=",".join(self.wanted(fields)))
        except NotFound:
            return None
        record = self.record(name, item, fields)
        return record if record.id == id_ else replace(record, was=id_)

    @staticmethod
    def wanted(fields: Sequence[str]) -> list[str]:
        """The properties to ask for: these, and those every record of ours is made of."""
        return list(dict.fromkeys([*fields, *ALWAYS]))

    def read(self, name: str, ids: Sequence[str], fields: Sequence[str], by: str | None = None) -> list[Item]:
        """The records that have these ids, or these values of the unique property `by`, in no particular order."""
        wanted = self.wanted([*fields, *([by] if by else [])])

        def ask(part: Sequence[str]) -> list[Item]:
            body: dict[str, Any] = {"properties": wanted, "inputs": [{"id": id_} for id_ in part]}
            answer = self.client.post(hubspot.objects(name, "batch", "read"), body | {"idProperty": by} if by else body)
            return list(answer.get("results") or [])

        answers = at_once(ask, list(chunks(list(dict.fromkeys(ids)), BATCH)))
        return [item for items in answers for item in items]

    def record(self, name: str, item: Item, fields: Sequence[str], found_by: str = "id") -> Record:
        """One item of an answer, its values by the types of the properties."""
        types, given = self.properties.of(name), item.get("properties") or {}
        kinds = {field: types[field].type if field in types else "text" for field in (*fields, WA_ID, USER_ID)}
        return Record(
            object=name,
            id=str(item["id"]),
            fields={field: from_hubspot(given.get(field), kind) for field, kind in kinds.items()},
            found_by=found_by,
            owner=given.get(OWNER) or None,
            modified=_moment(given.get("lastmodifieddate") or given.get("hs_lastmodifieddate")),
        )

    # ---- by what is unique ---------------------------------------------------------------------------------------
    def _by_whatsapp(self, keys: list[ContactKey], fields: Sequence[str]) -> Found:
        """By the BSUID first, which no other person ever gets; then by the wa_id."""
        found = self._by_ours(USER_ID, {key: key.user_id for key in keys if key.user_id}, fields)
        rest = {key: key.wa_id for key in keys if key.wa_id and key not in found}
        return found | self._by_ours(WA_ID, rest, fields)

    def _by_ours(self, by: str, values: Mapping[ContactKey, str | None], fields: Sequence[str]) -> Found:
        if not values:
            return {}
        items = self.identified(by, [value for value in values.values() if value], fields)
        records = {value: self.record(CONTACTS, item, fields, "whatsapp") for value, item in items.items()}
        return {key: [records[value]] for key, value in values.items() if value in records}

    def identified(self, by: str, values: Sequence[str], fields: Sequence[str]) -> dict[str, Item]:
        """Value of our unique field -> contact; NotAllowed when the account has no such field yet."""
        try:
            items = self.read(CONTACTS, values, fields, by)
        except Refusal as refused:
            raise NotAllowed(
                f"HubSpot cannot find contacts by {by}: {refused.message}",
                hint="Run `connector accounts check --fix`: it creates our two unique fields.",
                code="identity_fields",
            ) from None
        return {str(item["properties"].get(by)): item for item in items}

    def _by_email(self, keys: list[ContactKey], fields: Sequence[str]) -> Found:
        wanted: dict[str, list[ContactKey]] = {}
        for key in keys:
            if key.email:
                wanted.setdefault(key.email.strip().lower(), []).append(key)
        found: Found = {}
        for item in self._with_emails(list(wanted), fields):
            given = item.get("properties") or {}
            held = {address.strip().lower() for name in EMAILS for address in str(given.get(name) or "").split(";")}
            for address in held & wanted.keys():
                found.update({key: [self.record(CONTACTS, item, fields, "email")] for key in wanted[address]})
        return found

    def _with_emails(self, addresses: Sequence[str], fields: Sequence[str]) -> list[Item]:
        """One address HubSpot cannot read refuses the whole batch: halve it; alone, it is nobody's."""
        if not addresses:
            return []
        try:
            return self.read(CONTACTS, addresses, [*fields, *EMAILS], "email")
        except Refusal:
            if len(addresses) == 1:
                return []
        half = len(addresses) // 2
        return self._with_emails(addresses[:half], fields) + self._with_emails(addresses[half:], fields)

    # ---- by phone ------------------------------------------------------------------------------------------------
    def _by_phone(self, keys: list[ContactKey], fields: Sequence[str]) -> Found:
        """The search only suggests ids (its index lags, national numbers cross borders): each is read and checked."""
        asked = [key for key in keys if key.phones]
        hits = at_once(self._suggested, list(search.packed(asked)))
        items = self.read(CONTACTS, [id_ for ids in hits for id_ in ids], [*fields, *search.TYPED]) if any(hits) else []
        held = [
            (self.record(CONTACTS, i, fields, "phone"), search.numbers(i["properties"], self.country)) for i in items
        ]
        return {key: [record for record, numbers in held if not numbers.isdisjoint(key.phones)] for key in asked}

    def _suggested(self, keys: Sequence[ContactKey]) -> list[str]:
        ids: list[str] = []
        after: str | None = None
        for _ in range(search.PAGES):
            answer = self.client.search(CONTACTS, search.request(keys, after))
            ids += [str(item["id"]) for item in answer.get("results") or []]
            after = str(((answer.get("paging") or {}).get("next") or {}).get("after") or "")
            if not after:
                break
        return ids


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
