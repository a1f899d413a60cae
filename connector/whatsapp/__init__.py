"""WhatsApp Cloud API: one number of one WhatsApp business account."""

from connector.ports import Account, Flag, Manifest, Messenger, StandIn, Webhook
from connector.whatsapp.settings import BASE_URL, HOSTS, validate

# Imported here, not inside `webhook`: the first import of a submodule puts it in the package under its own name, and
# that would take the place of the function.
from connector.whatsapp.webhook import WhatsAppWebhook

__all__ = ["MANIFEST", "connect", "validate", "webhook"]

MANIFEST = Manifest(
    kind="whatsapp",
    title="WhatsApp",
    revoke_by_hand="Meta: Business settings, System users, revoke the token; WhatsApp Manager, remove the app.",
    flags=(
        Flag(
            "phone-number-id", "Phone number id", help="WhatsApp Manager: Phone numbers, or the app's API Setup page."
        ),
        Flag("waba-id", "WhatsApp business account id", help="The app's API Setup page, below the number."),
        Flag(
            "token",
            "Access token",
            secret=True,
            help="A system user's token that never expires, with the scopes whatsapp_business_messaging "
            "and whatsapp_business_management.",
        ),
        Flag(
            "app-secret", "App secret", secret=True, help="The app's Settings > Basic; Meta signs its webhooks with it."
        ),
        Flag(
            "app-secret-old",
            "Previous app secret",
            secret=True,
            required=False,
            help="While the secret is being changed both are accepted; empty it afterwards.",
        ),
        Flag(
            "verify-token",
            "Verify token",
            secret=True,
            help="Any long random text; type the same one beside the callback URL in the app's webhook settings.",
        ),
        Flag(
            "base-url", "API address", required=False, help="Only for a sandbox; without a version.", default=BASE_URL
        ),
        Flag(
            "read-marks",
            "Read marks",
            required=False,
            help="yes: customers see two blue ticks when their message was read; typing: and that an answer comes; "
            "no when left out.",
        ),
        Flag(
            "keep-media",
            "Keep files",
            required=False,
            help="no: files that customers send are not fetched, and no document can put them on a record.",
        ),
    ),
    hosts=HOSTS,
    crm=False,
    owners=("phone_number_id", "waba_id"),
    stand_in=StandIn(
        "graph",
        {"phone_number_id": "106540352242922", "waba_id": "102290129340398", "base_url": "/graph"},
        {
            "token": "sandbox-whatsapp-token",
            "app_secret": "sandbox-app-secret",
            "verify_token": "sandbox-verify-token",
        },
    ),
)


def connect(account: Account) -> Messenger:
    """The API of one WhatsApp account. Raises NotAllowed for an address that is not Meta's."""
    from connector.whatsapp.client import WhatsApp

    return WhatsApp(account)


def leave(account: Account) -> None:
    """Ends the webhooks of the account's whole WhatsApp Business Account. Raises what the API's calls do."""
    from connector.whatsapp.client import WhatsApp

    api = WhatsApp(account)
    try:
        api.unsubscribe()
    finally:
        api.close()


def webhook(account: Account) -> Webhook:
    """The reader of Meta's webhooks; imports no HTTP client."""
    return WhatsAppWebhook(account)
