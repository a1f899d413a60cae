"""The CRM port for HubSpot: one client, and a small part for each of its four calls."""

from collections.abc import Sequence

from connector.core.changes import Outcome
from connector.core.contact import Record
from connector.crm import base_url, value
from connector.crm.hubspot import BASE_URL, MANIFEST
from connector.crm.hubspot.activities import ActivityWriter
from connector.crm.hubspot.check import Checker
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.find import BATCH, CONTACTS, USER_ID, WA_ID, Finder
from connector.crm.hubspot.properties import Properties
from connector.crm.hubspot.write import RecordWriter
from connector.errors import NotAllowed
from connector.ports import Account, ActivityChange, Capabilities, ContactKey, Field, Issue, RecordChange


class HubSpot:
    """One HubSpot account. Thread-safe; may raise Busy, Unreachable, NotAllowed."""

    def __init__(self, account: Account) -> None:
        settings, token = account.settings, value(account.secrets, "token")
        if not token:
            raise NotAllowed(f"The account {account.name} has no token.", hint="Store one with --token.", code="token")
        self.can = Capabilities(
            batch=BATCH,
            read_batch=BATCH,
            object=CONTACTS,
            identity={"wa_id": WA_ID, "user_id": USER_ID},
            locale=value(settings, "locale") or None,
        )
        host = base_url(value(settings, "base-url", BASE_URL), MANIFEST.hosts)
        client = Client(host, token, zone=value(settings, "time-zone") or None)
        properties = Properties(client)
        self._properties = properties
        self._finder = Finder(client, properties, value(settings, "country") or None)
        self._records = RecordWriter(client, properties, self._finder)
        self._activities = ActivityWriter(client, self._finder)
        self._checker = Checker(client, properties, value(settings, "portal-id"))

    def check(self, *, fix: bool = False) -> list[Issue]:
        """Token, account, scopes, our two unique fields; `fix` creates the fields."""
        return self._checker.check(fix=fix)

    def fields(self, object: str) -> list[Field]:
        """The object's properties as they are now, with the account's validation rules."""
        return list(self._properties.of(object, fresh=True).values())

    def find(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> dict[ContactKey, list[Record]]:
        """Every key with its records, [] = nobody; phone hits are verified here."""
        return self._finder.find(keys, fields)

    def write(self, changes: Sequence[RecordChange | ActivityChange]) -> list[Outcome]:
        """One outcome per change, in order. Field writes that raise may be repeated; activities never raise midway."""
        records = [change for change in changes if isinstance(change, RecordChange)]
        if len(records) == len(changes):
            return self._records.write(records)
        activities = [change for change in changes if isinstance(change, ActivityChange)]
        if records:
            raise TypeError("one call writes records or activities, not both")
        return self._activities.write(activities)
