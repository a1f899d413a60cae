"""HubSpot's stand-in: who it is, and what can be switched while it runs (PATCH /hubspot/_options)."""

from dataclasses import dataclass, field

VERSION = "2026-09"  # the dated version of every path
PORTAL = 24681357
APP = 1160452
TOKEN = "pat-na1-sandbox-hubspot"  # noqa: S105 - everyone may know the sandbox's secrets
CLIENT_ID = "sandbox-hubspot-client"
CLIENT_SECRET = "sandbox-hubspot-client-secret"  # noqa: S105
REFRESH_TOKEN = "na1-sandbox-hubspot-refresh"  # noqa: S105
BATCH = 100  # inputs of every batch call
LONGEST = 65_536  # characters of a text
SCOPES = (
    frozenset(
        f"crm.{kind}.{what}"
        for kind in (
            "objects.contacts",
            "objects.companies",
            "objects.deals",
            "schemas.contacts",
            "schemas.companies",
            "schemas.deals",
        )
        for what in ("read", "write")
    )
    | {"oauth", "crm.objects.owners.read", "crm.lists.read", "crm.lists.write"}
    | {"tickets", "automation", "files"}
)


@dataclass
class HubSpotOptions:
    """`limit` calls in 10 s and `search_limit` in 1 s, 0 for no limit; `daily` calls a day.

    `search_lag` seconds pass until search sees a write. Ids in `locked` answer 423. `echo` sends webhooks for writes
    by the API too; `classic` names them contact.propertyChange instead of object.propertyChange. `late` seconds pass
    before a webhook is sent, `double` is the share that comes twice, `shuffle` sends each event alone, in any order.
    An OAuth access token lives `token_seconds`; with `rotate` a refresh token is good once, as Salesforce's are.
    """

    token: str = TOKEN
    client_secret: str = CLIENT_SECRET
    limit: int = 190  # Professional
    search_limit: int = 5
    daily: int = 625_000
    search_lag: float = 0.0
    scopes: frozenset[str] = SCOPES
    locked: frozenset[str] = field(default_factory=frozenset)
    echo: bool = False
    classic: bool = False
    late: float = 0.0
    double: float = 0.0
    shuffle: bool = False
    token_seconds: int = 1800
    rotate: bool = False
