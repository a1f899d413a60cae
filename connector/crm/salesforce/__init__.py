"""Salesforce: what an account is made of, and its two doors; nothing heavy is imported until one is opened."""

from pathlib import Path

from connector.crm.salesforce.consent import link
from connector.crm.salesforce.record_page import record_url

# Not inside `webhook`: a later import of the module of that name would take the function's place in this package.
from connector.crm.salesforce.webhook import SalesforceWebhook
from connector.ports import (
    CRM,
    PLACE_FLAGS,
    Account,
    Deployed,
    Files,
    Flag,
    Granted,
    Manifest,
    OAuth,
    Package,
    Packing,
    StandIn,
    Starter,
    Token,
    Tokens,
    Webhook,
)

ORG_ID = 15  # characters; the same id is also written with three more, a checksum


def _both(org: str) -> tuple[str, ...]:
    return (org, org[:ORG_ID])


MANIFEST = Manifest(
    kind="salesforce",
    title="Salesforce",
    revoke_by_hand="Salesforce: Setup, Connected Apps OAuth Usage, revoke; and delete or rotate the app's secret.",
    flags=(
        Flag("client-id", "Consumer key", help="External Client App: Settings, OAuth settings, consumer key"),
        Flag("client-secret", "Consumer secret", secret=True, help="Beside the consumer key"),
        Flag(
            "domain",
            "My Domain host",
            required=False,
            help="Setup, My Domain, e.g. acme.my.salesforce.com; needed unless a base URL is given",
        ),
        Flag("org-id", "Organization ID", required=False, help="Setup, Company Information; 15 or 18 characters"),
        Flag(
            "user-id",
            "User id of the run-as user",
            required=False,
            help="005...; changes that Salesforce says are this user's never send a message",
        ),
        Flag("jwt-key", "Private key of the JWT bearer flow (PEM)", secret=True, required=False),
        Flag("username", "User of the JWT bearer flow", required=False),
        Flag("base-url", "Base URL", required=False, help="Only for another host, e.g. the sandbox; no version"),
        *PLACE_FLAGS,
    ),
    hosts=("salesforce.com", "force.com"),
    hook_secret=True,
    record_url=record_url,
    oauth=OAuth(link),
    owners=("org_id",),
    owner_spellings=_both,
    words=Path(__file__).with_name("words.toml"),
    starter=Starter(
        record="opportunity",
        field="StageName",
        value="Closed Won",
        first_name="FirstName",
        answers=("Description", "Title"),
        phones=("MobilePhone", "Phone"),
    ),
    audiences=("report", "view", "query"),
    campaigns=True,
    package=Package(
        about="What Salesforce needs to know of us.",
        help="Write the metadata of an org: fields, access, messages for what the live documents wait for, "
        "a sample flow.",
        after="the same with --deploy, or deploy the folder with Salesforce's own tools; then docs/salesforce.md",
        deploys="Deploy it to the org at once.",
    ),
    stand_in=StandIn(
        "salesforce",
        {
            "client_id": "sandbox-salesforce-client",
            "org_id": "00D5e000000SBOXEA2",
            "country": "US",
            "base_url": "/salesforce",
        },
        {"client_secret": "sandbox-salesforce-secret"},
    ),
)


def connect(account: Account, tokens: Tokens) -> CRM:
    """The CRM port of one account; the first call fetches a token."""
    from connector.crm.salesforce.adapter import Salesforce

    return Salesforce(account, tokens)


def exchange(account: Account, granted: Granted) -> Token:
    """The first tokens for a code. Raises NotAllowed, Busy, Unreachable."""
    from connector.crm.salesforce import leave

    return leave.exchange(account, granted)


def revoke(account: Account, token: Token) -> None:
    """Ends the leave a person gave, or the app's own session. Raises as `exchange`."""
    from connector.crm.salesforce import leave

    leave.revoke(account, token)


def webhook(account: Account) -> Webhook:
    """The webhook port of one account; needs no token and no SDK."""
    return SalesforceWebhook(account)


def pack(wanted: Packing) -> Files:
    """The metadata of one org (asks it for our user's name)."""
    from connector.crm.salesforce import package

    return package.pack(wanted)


def deploy(wanted: Packing, files: Files) -> Deployed:
    """All of it or nothing. Raises NotAllowed when our user may not."""
    from connector.crm.salesforce import package

    return package.deploy(package.client(wanted.account, wanted.tokens), package.zipped(files))
