"""Salesforce: what an account is made of, and its two doors; nothing heavy is imported until one is opened."""

from connector.crm.salesforce.consent import link
from connector.crm.salesforce.record_page import record_url

# Not inside `webhook`: a later import of the module of that name would take the function's place in this package.
from connector.crm.salesforce.webhook import SalesforceWebhook
from connector.ports import CRM, PLACE_FLAGS, Account, Flag, Granted, Manifest, OAuth, Token, Tokens, Webhook

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
