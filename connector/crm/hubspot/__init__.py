"""HubSpot, on the dated 2026-09 API, with a service key, a project app's token, or an app's OAuth."""

from pathlib import Path

from connector.crm.hubspot.consent import link
from connector.crm.hubspot.record_page import record_url
from connector.crm.hubspot.webhook import HubSpotWebhook  # here, or it would replace the function `webhook` below
from connector.ports import (
    CRM,
    PLACE_FLAGS,
    Account,
    Files,
    Flag,
    Granted,
    Manifest,
    OAuth,
    Package,
    Packing,
    StandIn,
    Starter,
    Switch,
    Token,
    Tokens,
    Webhook,
)

BASE_URL = "https://api.hubapi.com"

MANIFEST = Manifest(
    kind="hubspot",
    title="HubSpot",
    revoke_by_hand="HubSpot: Settings, Integrations, Connected Apps, uninstall the app; "
    "a service key: Development, Keys.",
    flags=(
        Flag(
            "token",
            "Service key or app token",
            secret=True,
            help="HubSpot: Development > Keys > Service keys, or your project app's Distribution tab. "
            "Scopes: crm.objects.contacts and crm.schemas.contacts (read and write), crm.objects.owners.read.",
        ),
        Flag(
            "client-secret",
            "Client secret",
            secret=True,
            help="Your project app's Auth tab; HubSpot signs its webhooks with it.",
        ),
        Flag(
            "client-id",
            "Client id",
            required=False,
            help="Only to connect by OAuth, in place of a token: your project app's Auth tab.",
        ),
        Flag("portal-id", "Account (portal) id", required=False, help="The number beside your account's name."),
        Flag("app-id", "App id", required=False, help="Your project app's own number: tells our changes from others'."),
        Flag(
            "objects",
            "Other objects in use",
            required=False,
            help="e.g. deals,tickets: the connection check asks for their scopes too.",
        ),
        Flag("base-url", "API address", required=False, help="Only for a sandbox.", default=BASE_URL),
        *PLACE_FLAGS,
    ),
    hosts=("hubapi.com",),
    record_url=record_url,
    oauth=OAuth(link, instead_of="token"),
    owners=("portal_id",),
    words=Path(__file__).with_name("words.toml"),
    starter=Starter(
        record="deal",
        field="dealstage",
        value="closedwon",
        first_name="firstname",
        answers=("whatsapp_last_answer", "message", "jobtitle"),
        phones=("hs_whatsapp_phone_number", "mobilephone", "phone"),
    ),
    audiences=("list",),
    package=Package(
        about="What HubSpot needs to know of us.",
        help="Write a HubSpot project: webhooks for what the live documents wait for, and the workflow action.",
        after="cd {out} && hs project upload (HubSpot's own tool; step by step: docs/hubspot.md, Our app)",
        switches=(
            Switch("no-workflows", "Only webhooks: the portal has no workflows."),
            Switch("oauth", "An app that is connected by OAuth, instead of one with a token."),
        ),
    ),
    stand_in=StandIn(
        "hubspot",
        {"portal_id": "24681357", "country": "MX", "base_url": "/hubspot"},
        {"token": "pat-na1-sandbox-hubspot", "client_secret": "sandbox-hubspot-client-secret"},
    ),
)


def connect(account: Account, tokens: Tokens) -> CRM:
    """The adapter of one HubSpot account (imports the SDK)."""
    from connector.crm.hubspot.adapter import HubSpot

    return HubSpot(account, tokens)


def exchange(account: Account, granted: Granted) -> Token:
    """The first tokens for a code. Raises NotAllowed, Busy, Unreachable."""
    from connector.crm.hubspot import oauth

    return oauth.exchange(account, granted)


def revoke(account: Account, token: Token) -> None:
    """Ends the leave a person gave. Raises as `exchange`."""
    from connector.crm.hubspot import oauth

    oauth.revoke(account, token)


def webhook(account: Account) -> Webhook:
    """The reader of HubSpot's webhooks; imports no SDK."""
    return HubSpotWebhook(account)


def pack(wanted: Packing) -> Files:
    """A HubSpot project, ready to upload. Raises Rejected for what HubSpot would not take."""
    from connector.crm.hubspot import package as project

    return project.pack(wanted)
