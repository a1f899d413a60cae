"""The CRM port for HubSpot: one client, and a small part for each of its calls."""

from collections.abc import Sequence

from connector.core.audience import Source
from connector.core.changes import Outcome
from connector.core.contact import Record
from connector.crm import base_url, value
from connector.crm.hubspot import BASE_URL, MANIFEST
from connector.crm.hubspot.activities import ActivityWriter
from connector.crm.hubspot.associations import Associations
from connector.crm.hubspot.audience import Audiences
from connector.crm.hubspot.bearer import Bearer, Renewing, Static
from connector.crm.hubspot.check import Checker
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.complete import Completer
from connector.crm.hubspot.files import FileWriter
from connector.crm.hubspot.find import BATCH, CONTACTS, USER_ID, WA_ID, Finder
from connector.crm.hubspot.properties import Properties
from connector.crm.hubspot.query import Query
from connector.crm.hubspot.write import RecordWriter
from connector.errors import NotAllowed, Rejected
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

# The language's words for HubSpot's objects; a custom object goes by its own name (2-1234567 or p_cars).
OBJECTS = {"contact": CONTACTS, "company": "companies", "deal": "deals", "ticket": "tickets", "lead": "leads"}


def _bearer(account: Account, tokens: Tokens) -> Bearer:
    """A pasted token counts before OAuth's."""
    token = value(account.secrets, "token")
    if token and not (token.isascii() and token.isprintable()):  # http.client would quote it in its error
        raise NotAllowed("The token holds characters that no token has.", hint="Copy it again.", code="bad_token")
    if token:
        return Static(token)
    if not value(account.settings, "client-id"):
        hint = "Store one with --token, or a client id and then connect it in Setup."
        raise NotAllowed(f"The account {account.name} has no token.", hint=hint, code="token")
    return Renewing(account, tokens)


class HubSpot:
    """One HubSpot account. Thread-safe; may raise Busy, Unreachable, NotAllowed."""

    def __init__(self, account: Account, tokens: Tokens) -> None:
        settings = account.settings
        self.can = Capabilities(
            batch=BATCH,
            read_batch=BATCH,
            object=CONTACTS,
            objects=OBJECTS,
            names=("firstname", "lastname"),
            identity={"wa_id": WA_ID, "user_id": USER_ID},
            locale=value(settings, "locale") or None,
            audiences=MANIFEST.audiences,
        )
        host = base_url(value(settings, "base-url", BASE_URL), MANIFEST.hosts)
        client = Client(host, _bearer(account, tokens), zone=value(settings, "time-zone") or None)
        properties = Properties(client)
        self._client, self._properties = client, properties
        self._finder = Finder(client, properties, value(settings, "country") or None)
        self._records = RecordWriter(client, properties, self._finder)
        self._associations = Associations(client)
        self._activities = ActivityWriter(client, self._finder, self._associations)
        self._files = FileWriter(client, self._activities)
        self._query = Query(self._finder, properties)
        self._audiences = Audiences(client, self._finder)
        self._completer = Completer(client)
        portal, app = value(settings, "portal-id"), value(settings, "app-id")
        self._checker = Checker(client, properties, portal, app, _objects(value(settings, "objects")))

    def check(self, *, fix: bool = False) -> list[Issue]:
        """Token, account, scopes, our two unique fields; `fix` creates the fields."""
        return self._checker.check(fix=fix)

    def whoami(self) -> dict[str, str]:
        """The account the token belongs to, and its time zone."""
        found = self._client.details()
        return {"portal_id": str(found.get("portalId") or ""), "time_zone": str(found.get("timeZone") or "")}

    def used(self) -> dict[str, tuple[int, int]]:
        """daily and ten_seconds, as the last answer's headers said."""
        return dict(self._client.used)

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

    def attach(self, files: Sequence[FileChange]) -> list[Outcome]:
        """Files into the file manager, and onto the record with a note."""
        return self._files.attach(files)

    def read(self, object: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        """Asked id -> the record it is now (`was` when it was merged); what is gone is absent."""
        return self._finder.by_id(object, ids, fields)

    def related(self, object: str, ids: Sequence[str], to: str) -> dict[str, list[Related]]:
        """Every id with its associated records, the primary one first."""
        return self._associations.of(object, ids, to)

    def query(self, object: str, where: Sequence[Where], fields: Sequence[str], *, after: str = "") -> Page:
        """A page of a search; any number of pages, also beyond HubSpot's 10,000 results."""
        return self._query.run(object, where, fields, after)

    def audiences(self, kind: str, text: str = "") -> list[Audience]:
        """Lists of people, by the beginning of their names."""
        return self._audiences.named(kind, text)

    def audience(self, source: Source, fields: Sequence[str], *, after: str = "") -> Page:
        """The people of a list, a page at a time."""
        return self._audiences.page(source, fields, after)

    def enrol(self, campaign: str, members: Sequence[Member]) -> list[Outcome]:
        """Refused: HubSpot's campaigns have no members with a status."""
        hint = "Write it to the records with `after:` instead."
        said = f"HubSpot's campaign {campaign[:40]!r} can have no members: {len(members)} were to be told."
        raise Rejected(said, hint=hint, code="campaign")

    def complete(self, actions: Sequence[ActionDone]) -> list[Outcome]:
        """Lets workflows go on that wait for us."""
        return self._completer.complete(actions)


def _objects(named: str) -> tuple[str, ...]:
    """`deal, tickets` as the API's names."""
    words = [word.strip() for word in named.split(",")]
    return tuple(dict.fromkeys(OBJECTS.get(word, word) for word in words if word))
