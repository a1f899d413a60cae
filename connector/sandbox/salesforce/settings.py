"""Salesforce's stand-in: which org it is, and what can be switched while it runs (PATCH /salesforce/_options)."""

from dataclasses import dataclass, field

API = "68.0"  # Winter '27
OLDEST_API = 31
ORG = "00D5e000000SBOXEA2"
USER = "0055e000000SBUSAA4"  # the integration user: all our writes are this user's
CLIENT_ID = "sandbox-salesforce-client"
CLIENT_SECRET = "sandbox-salesforce-secret"  # noqa: S105 - everyone may know the sandbox's secrets
REFRESH_TOKEN = "5Aep-sandbox-salesforce-refresh"  # noqa: S105
USERNAME = "connector@sandbox-store.example"
COLLECTION = 200  # records of one collection call
RETRIEVED = 2000  # ids of one retrieve, rows of one page of a query
COMPOSITE = 25


@dataclass
class SalesforceOptions:
    """`daily` calls in 24 h; a token lives `lifetime` seconds; `search_lag` until SOSL sees a write.

    Ids in `locked` answer UNABLE_TO_LOCK_ROW. `fields_ready` False: the WhatsApp fields are not there yet.
    `maintenance` answers with a page of HTML. `echo` sends Outbound Messages for writes by the API too; `whole` sends
    every field at every save; `gather` notifications go in one message; `doubled` sends each message twice; every
    other message is `late` by that many seconds, so that the next overtakes it.
    """

    daily: int = 100_000
    lifetime: float = 7200.0
    search_lag: float = 0.0
    locked: frozenset[str] = field(default_factory=frozenset)
    fields_ready: bool = True
    duplicate_rule: bool = True
    maintenance: bool = False
    echo: bool = False
    whole: bool = False
    gather: int = 1
    doubled: bool = False
    late: float = 0.0
