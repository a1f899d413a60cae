"""Reading records: by id in batches, by our ids and e-mail in SOQL, by phone in SOSL with every hit verified here.

Who is asked for by id and is gone is followed: a merged record to its master, a converted lead to its contact.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.core import phone
from connector.core.contact import Record, Value
from connector.crm.salesforce import sosl
from connector.crm.salesforce.client import Client
from connector.crm.salesforce.schema import USER_ID, WA_ID, Schema
from connector.ports import ContactKey

SOQL_ROOM = 7000  # characters of a query: with the columns and URL-escaped it stays under the 16 KB of a URI
HOPS = 3  # merges of merges that are followed
_ID = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?", re.ASCII)
_STRAY = re.compile(r"[\x00-\x1f\x7f]")

Row = Mapping[str, Any]
Found = dict[ContactKey, list[Record]]
Columns = Sequence[tuple[str, Callable[[ContactKey], str | None]]]


def is_id(text: str) -> bool:
    """15 characters, or 18 with the checksum."""
    return bool(_ID.fullmatch(text))


def quoted(text: str) -> str:
    """A SOQL string literal."""
    return "'" + _STRAY.sub("", text).replace("\\", "\\\\").replace("'", "\\'") + "'"


def select(columns: Sequence[str], object: str, column: str, values: Iterable[str], more: str = "") -> str:
    """A query for the rows whose `column` is one of `values`; names come from a describe or are our own."""
    listed = ",".join(map(quoted, values))
    return f"SELECT {', '.join(columns)} FROM {object} WHERE {more}{column} IN ({listed})"  # noqa: S608 - see above


def batches(values: Iterable[str], room: int = SOQL_ROOM) -> Iterator[list[str]]:
    """The values without doubles, in groups that fit one query."""
    group: list[str] = []
    length = 0
    for value in dict.fromkeys(values):
        if group and length + len(value) + 6 > room:
            yield group
            group, length = [], 0
        group.append(value)
        length += len(value) + 6
    if group:
        yield group


class Finder:
    """`find` of the port, over one client."""

    def __init__(self, client: Client, schema: Schema, country: str | None) -> None:
        self._client, self._schema, self._country = client, schema, country
        self._ways: dict[str, Callable[[list[ContactKey], Sequence[str]], Found]] = {
            "whatsapp": self._by_whatsapp,
            "phone": self._by_phone,
            "email": self._by_email,
        }

    def find(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> Found:
        """Every key with its records: the linked ones by id, the rest by each way of its `find_by` until one hits."""
        found: Found = {key: [] for key in keys}
        found.update(self._by_id([k for k in found if k.record], fields))
        for step in range(max((len(k.find_by) for k in found), default=0)):
            for way, search in self._ways.items():
                asked = [k for k in found if not found[k] and k.find_by[step : step + 1] == (way,)]
                if asked:
                    found.update(search(asked, fields))
        return found

    # ---- by id ----
    def _by_id(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> Found:
        by_object: dict[str, dict[str, list[ContactKey]]] = {}
        for key in keys:
            object, record = key.record or ("", "")
            if is_id(record):
                by_object.setdefault(object, {}).setdefault(record[:15], []).append(key)
        found: Found = {}
        for object, asked in by_object.items():
            if not self._schema.known(object):
                continue
            ids = {short: str((ks[0].record or ("", ""))[1]) for short, ks in asked.items()}
            for short, now in self.read(object, ids.values(), fields).items():
                found.update({key: [now] for key in asked.get(short, ())})
        return found

    def read(self, object: str, ids: Iterable[str], fields: Sequence[str]) -> dict[str, Record]:
        """Asked id (its first 15 characters) -> the record it is now; who is gone without a trace is absent."""
        asked = {i[:15]: i for i in ids}
        rows = self._client.retrieve(object, list(asked.values()), self.columns(object, fields))
        found = {str(r["Id"])[:15]: r for r in rows}
        missing = [i for short, i in asked.items() if short not in found]
        records = {short: self.record(object, row, "id") for short, row in found.items() if short in asked}
        for was, master, row in self._masters(object, missing, fields):
            records[was[:15]] = self.record(object, row, "id", was=was if master != was else None)
        return self._converted(object, records, fields)

    def masters(self, object: str, ids: Sequence[str]) -> dict[str, str]:
        """Merged record -> the one that goes on; Contact, Lead and Account know MasterRecordId."""
        if not ids or "MasterRecordId" not in self._schema.columns(object):
            return {}
        went: dict[str, str] = {}
        for group in batches(ids):
            soql = select(["Id", "MasterRecordId"], object, "Id", group, "IsDeleted = true AND ")
            for row in self._client.query(soql, all_rows=True):
                if row.get("MasterRecordId"):
                    went[str(row["Id"])[:15]] = str(row["MasterRecordId"])
        return went

    def _masters(self, object: str, ids: Sequence[str], fields: Sequence[str]) -> Iterator[tuple[str, str, Row]]:
        now = {i: i for i in ids}
        for _ in range(HOPS):
            went = self.masters(object, list(now.values()))
            now = {was: went[at[:15]] for was, at in now.items() if at[:15] in went}
            if not now:
                return
            rows = self._client.retrieve(object, list(set(now.values())), self.columns(object, fields))
            alive = {str(r["Id"])[:15]: r for r in rows}
            for was, at in list(now.items()):
                if at[:15] in alive:
                    yield was, at, alive[at[:15]]
                    del now[was]

    def _converted(self, object: str, records: dict[str, Record], fields: Sequence[str]) -> dict[str, Record]:
        """Converted leads replaced by their contacts; one whose contact we may not see is absent."""
        if object != "Lead":
            return records
        went = {i: str(r.fields.get("ConvertedContactId") or "") for i, r in records.items() if _is_converted(r)}
        contacts = self.read("Contact", [c for c in went.values() if c], fields) if any(went.values()) else {}
        for short, contact in went.items():
            lead = records.pop(short)
            if now := contacts.get(contact[:15]):
                records[short] = replace(now, was=lead.was or lead.id, found_by=lead.found_by)
        return records

    # ---- by our ids and by e-mail ----
    def _by_whatsapp(self, keys: list[ContactKey], fields: Sequence[str]) -> Found:
        columns: Columns = [(WA_ID, lambda k: k.wa_id), (USER_ID, lambda k: k.user_id)]
        return self._by_columns(keys, fields, "whatsapp", columns)

    def _by_email(self, keys: list[ContactKey], fields: Sequence[str]) -> Found:
        return self._by_columns(keys, fields, "email", [("Email", lambda k: k.email)])

    def _by_columns(
        self,
        keys: list[ContactKey],
        fields: Sequence[str],
        way: str,
        columns: Columns,
    ) -> Found:
        """Equality in SOQL, object after object in each key's order."""
        found: Found = {}
        for object, asked in self._in_order(keys, found):
            known = self._schema.known(object)
            for column, value_of in columns:
                if column not in known:  # not set up (yet): check says so
                    continue
                values = [(value, key) for key in asked if (value := value_of(key))]
                wanted: dict[str, list[ContactKey]] = {}
                for value, key in values:
                    wanted.setdefault(_same_case(column, value), []).append(key)
                for row, record in self._select(object, column, (v for v, _ in values), fields, way):
                    for key in wanted.get(_same_case(column, str(row.get(column) or "")), ()):
                        _add(found, key, record)
        return found

    def _in_order(self, keys: list[ContactKey], found: Found) -> Iterator[tuple[str, list[ContactKey]]]:
        """Each object with the keys that ask for it next and have nothing yet."""
        for rank in range(max((len(k.objects) for k in keys), default=0)):
            for object in dict.fromkeys(k.objects[rank] for k in keys if len(k.objects) > rank):
                asked = [k for k in keys if k.objects[rank : rank + 1] == (object,) and not found.get(k)]
                if asked:
                    yield object, asked

    def _select(
        self, object: str, column: str, values: Iterable[str], fields: Sequence[str], way: str
    ) -> Iterator[tuple[Row, Record]]:
        columns = self.columns(object, (*fields, column))
        for group in batches(values):
            rows = self._client.query(select(columns, object, column, group))
            records = {str(r["Id"])[:15]: self.record(object, r, way) for r in rows}
            now = self._converted(object, records, fields)
            yield from ((r, now[str(r["Id"])[:15]]) for r in rows if str(r["Id"])[:15] in now)

    # ---- by phone ----
    def _by_phone(self, keys: list[ContactKey], fields: Sequence[str]) -> Found:
        found: Found = {}
        groups: dict[tuple[str, ...], list[ContactKey]] = {}
        for key in keys:
            if key.phones:
                groups.setdefault(tuple(o for o in key.objects if self._schema.known(o)), []).append(key)
        for objects, asked in groups.items():
            for group in sosl.few(asked):
                found.update(self._search(objects, group, fields))
        return found

    def _search(self, objects: Sequence[str], keys: list[ContactKey], fields: Sequence[str]) -> Found:
        """One SOSL search for several keys; halved when an object's rows may have been cut off."""
        if not objects:
            return {}
        returning = {o: self.columns(o, (*fields, *self._schema.phones(o))) for o in objects}
        rows = self._client.search(sosl.search_text(keys, returning))
        by_object: dict[str, list[Row]] = {o: [] for o in objects}
        for row in rows:
            by_object.setdefault(str((row.get("attributes") or {}).get("type")), []).append(row)
        if len(keys) > 1 and any(len(hits) >= sosl.ROWS for hits in by_object.values()):
            half = len(keys) // 2
            return self._search(objects, keys[:half], fields) | self._search(objects, keys[half:], fields)
        return self._verified({o: by_object[o] for o in objects}, keys)

    def _verified(self, by_object: Mapping[str, list[Row]], keys: Sequence[ContactKey]) -> Found:
        """The first object with a hit wins; a hit counts when one of its own phones is one of the key's spellings."""
        owners: dict[str, list[ContactKey]] = {}
        for key in keys:
            for spelling in key.phones:
                owners.setdefault(spelling, []).append(key)
        found: Found = {}
        for object, rows in by_object.items():
            hits: Found = {}
            for row in rows:
                record = self.record(object, row, "phone")
                for key in self._owners_of(object, row, owners):
                    _add(hits, key, record)
            found = {**hits, **found}
        return found

    def _owners_of(self, object: str, row: Row, owners: Mapping[str, list[ContactKey]]) -> set[ContactKey]:
        numbers = (phone.e164(str(row.get(f) or ""), self._country) for f in self._schema.phones(object))
        every = {s for n in numbers if n for s in phone.spellings(n)}
        return {key for s in every for key in owners.get(s, ())}

    # ---- rows ----
    def columns(self, object: str, fields: Iterable[str]) -> list[str]:
        """Id, owner, time and what was asked for, in any case; only columns the object has and our user may see."""
        wanted = ["OwnerId", "LastModifiedDate", *fields]
        if object == "Lead":
            wanted += ["IsConverted", "ConvertedContactId"]
        known = {name.lower(): name for name in self._schema.columns(object)}
        found = dict.fromkeys(known[f.lower()] for f in wanted if f.lower() in known)
        return ["Id", *(f for f in found if f != "Id")]

    def record(self, object: str, row: Row, way: str = "id", was: str | None = None) -> Record:
        """A row of an answer as our Record."""
        return Record(
            object=object,
            id=str(row["Id"]),
            fields={n: v for n, v in row.items() if n != "attributes" and _is_value(v)},
            found_by=way,
            was=was,
            owner=row.get("OwnerId"),
            modified=when(row.get("LastModifiedDate")),
        )


def _same_case(column: str, value: str) -> str:
    """SOQL compares without case; of our own ids only the exact one is the person's."""
    return value.casefold() if column == "Email" else value


def _add(found: Found, key: ContactKey, record: Record) -> None:
    seen = found.setdefault(key, [])
    if all(r.id[:15] != record.id[:15] for r in seen):
        seen.append(record)


def _is_converted(record: Record) -> bool:
    return record.fields.get("IsConverted") is True


def _is_value(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def when(text: Value) -> datetime | None:
    """A moment as Salesforce writes it, e.g. 2026-11-22T10:00:00.000+0000."""
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
