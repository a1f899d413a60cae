"""Tiny's records are in the memory of this process."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.core.changes import Outcome
from connector.core.contact import Record
from connector.ports import Account, ActivityChange, Capabilities, ContactKey, Field, Issue, RecordChange, fence
from tiny_crm import MANIFEST

PEOPLE: dict[str, dict[str, Any]] = {}
FIELDS = {
    "people": ["given", "answer", "tiny_whatsapp", "tiny_user", "telephone"],
    "orders": ["state", "number"],
}


class Tiny:
    """As much of the CRM port as a reply needs."""

    can = Capabilities(
        batch=10, read_batch=10, object="people", objects={"contact": "people", "order": "orders"},
        identity={"wa_id": "tiny_whatsapp", "user_id": "tiny_user"}, repeatable=frozenset({"message"}),
        audiences=MANIFEST.audiences,
    )  # fmt: skip

    def __init__(self, account: Account) -> None:
        self._key = account.secrets["key"]

    def check(self, *, fix: bool = False) -> list[Issue]:
        return [] if self._key == "tiny-key" else [Issue("token", "Tiny does not know this key.", "Make another.")]

    def whoami(self) -> Mapping[str, str]:
        return {"shop_id": "77"}

    def used(self) -> Mapping[str, tuple[int, int]]:
        return {}

    def fields(self, object: str) -> list[Field]:
        return [Field(name=name, label=name.title(), type="text") for name in FIELDS[object]]

    def find(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> dict[ContactKey, list[Record]]:
        return {
            key: [
                Record(object="people", id=id, fields={name: one.get(name) for name in fields}, found_by="phone")
                for id, one in PEOPLE.items()
                if one["telephone"] in key.phones or (key.record and key.record[1] == id)
            ]
            for key in keys
        }

    def write(self, changes: Sequence[RecordChange | ActivityChange]) -> list[Outcome]:
        for change in changes:
            if isinstance(change, RecordChange) and change.record:
                fence.ask()
                PEOPLE[change.record].update(change.fields)
        return [Outcome(state="done", record=change.record) for change in changes]
