"""The CRM port of one Salesforce org: every verb, each done by its own file."""

from collections.abc import Sequence

from connector.core.audience import Source
from connector.core.changes import Outcome
from connector.core.contact import Record
from connector.crm import value
from connector.crm.salesforce import MANIFEST
from connector.crm.salesforce.activities import Activities
from connector.crm.salesforce.audience import Audiences
from connector.crm.salesforce.campaigns import Campaigns
from connector.crm.salesforce.client import READ_BATCH, WRITE_BATCH, Client
from connector.crm.salesforce.files import Files
from connector.crm.salesforce.find import Finder
from connector.crm.salesforce.reading import Reader
from connector.crm.salesforce.schema import OBJECTS, USER_ID, WA_ID, Schema
from connector.crm.salesforce.setup import Setup
from connector.crm.salesforce.write import Writer
from connector.ports import (
    Account,
    ActionDone,
    ActivityChange,
    Audience,
    Capabilities,
    ContactKey,
    Field,
    FileChange,
    Issue,
    Member,
    Page,
    RecordChange,
    Related,
    Tokens,
    Where,
)


class Salesforce:
    """One org. Safe for four threads at a time."""

    def __init__(self, account: Account, tokens: Tokens) -> None:
        country, zone = value(account.settings, "country"), value(account.settings, "time-zone")
        self.can = Capabilities(
            batch=WRITE_BATCH,
            read_batch=READ_BATCH,
            object="Contact",
            objects=OBJECTS,
            names=("Name",),
            phone="Phone",
            identity={"wa_id": WA_ID, "user_id": USER_ID},
            repeatable=frozenset({"message", "note", "task"}),
            locale=value(account.settings, "locale") or None,
            audiences=MANIFEST.audiences,
        )
        client = self._client = Client(account, tokens)
        self._schema = Schema(client)
        self._finder = Finder(client, self._schema, country or None)
        self._reader = Reader(client, self._schema, self._finder)
        self._writer = Writer(client, self._schema, self._finder)
        self._activities = Activities(client, self._schema, self._writer, zone or None)
        self._audiences = Audiences(client, self._schema, self._finder)
        self._campaigns = Campaigns(client)
        self._files = Files(client)
        self._setup = Setup(client, self._schema)

    def check(self, *, fix: bool = False) -> list[Issue]:
        """Credentials, access and our own fields; `fix` makes what is missing."""
        return self._setup.check(fix=fix)

    def whoami(self) -> dict[str, str]:
        """The org and the user the token belongs to."""
        token = self._client.token()
        return {"org_id": str(token.get("org") or ""), "user_id": str(token.get("user") or "")}

    def used(self) -> dict[str, tuple[int, int]]:
        """The org's calls of the last 24 hours, as the last answer said."""
        usage = self._client.usage
        return {"daily": usage} if usage and usage[1] else {}

    def fields(self, object: str) -> list[Field]:
        """Every field of an object, freshly read. Raises NotFound."""
        return self._schema.fields(object)

    def find(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> dict[ContactKey, list[Record]]:
        """Every key with its records; see find.py."""
        return self._finder.find(keys, fields)

    def write(self, changes: Sequence[RecordChange | ActivityChange]) -> list[Outcome]:
        """One outcome a change, in order."""
        records = [c for c in changes if isinstance(c, RecordChange)]
        entries = [c for c in changes if isinstance(c, ActivityChange)]
        done = {c.id: o for c, o in zip(records, self._writer.write(records) if records else (), strict=True)}
        done |= {c.id: o for c, o in zip(entries, self._activities.write(entries) if entries else (), strict=True)}
        return [done[c.id] for c in changes]

    def attach(self, files: Sequence[FileChange]) -> list[Outcome]:
        """Files as Salesforce Files on their records."""
        return self._files.attach(files)

    def read(self, object: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        """By id; a converted lead comes as its Contact, a merged record as its master, both with `was`."""
        return self._reader.read(object, ids, fields)

    def related(self, object: str, ids: Sequence[str], to: str) -> dict[str, list[Related]]:
        """Contact roles, an account's contacts, lookup fields."""
        return self._reader.related(object, ids, to)

    def query(self, object: str, where: Sequence[Where], fields: Sequence[str], *, after: str = "") -> Page:
        """SOQL, a page at a time. Raises NotFound and Rejected for what the org cannot be asked."""
        return self._reader.query(object, where, fields, after)

    def audiences(self, kind: str, text: str = "") -> list[Audience]:
        """Lists of people, by the beginning of their names."""
        return self._audiences.named(kind, text)

    def audience(self, source: Source, fields: Sequence[str], *, after: str = "") -> Page:
        """The people of a list, a page at a time."""
        return self._audiences.page(source, fields, after)

    def enrol(self, campaign: str, members: Sequence[Member]) -> list[Outcome]:
        """Campaign members with Sent or Responded."""
        return self._campaigns.enrol(campaign, members)

    def complete(self, actions: Sequence[ActionDone]) -> list[Outcome]:
        """Refused: a Flow that calls us goes on at once, there is nothing that waits."""
        text = "Salesforce has no flow that waits for us: write the result to the record with `after:` instead."
        return [Outcome(state="refused", code="nothing_waits", text=text) for _ in actions]
