"""What Meta's own answers say stands in the way of sending and receiving, in plain words."""

from connector.ports import Issue
from connector.whatsapp.values import LINE, Json, parts, text, time

SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
NEEDED = "messages"  # of the webhook fields
USEFUL = ("message_template_status_update", "template_category_update", "phone_number_quality_update", "account_alerts")
NO_NUMBER = "There is no such number, or the token may not see it."
NO_ACCOUNT = "The WhatsApp account cannot be read."
NO_TEMPLATES = "The templates of this WhatsApp account cannot be read."
NOT_SUBSCRIBED = "The app is not subscribed to this WhatsApp account: no message will arrive."
WRONG_SECRET = "The app secret is wrong: every webhook would be refused."  # noqa: S105 - words, not a secret
WHERE_SECRET = "Copy it from the app's Settings > Basic."  # noqa: S105


def entity(health: Json, kind: str) -> str:
    """The id of the APP, WABA, BUSINESS or PHONE_NUMBER that Meta names beside a number's health."""
    return next((text(e, "id") for e in parts(health, "entities") if e.get("entity_type") == kind), "")


def account_issues(health: Json, waba: str) -> list[Issue]:
    """Does the number belong to the account we were given?"""
    theirs = entity(health, "WABA")
    if theirs in ("", waba):
        return []
    return [Issue("waba_id", "The number belongs to another WhatsApp account.", f"Its waba-id is {theirs}.")]


def number_issues(number: Json) -> list[Issue]:
    """Registration, quality and display name."""
    found, name = [], text(number, "display_phone_number")
    status = text(number, "status")
    if status not in ("", "CONNECTED"):
        hint = "It must be CONNECTED: register it again."
        found.append(Issue("number_status", f"The number {name} is {status}.", hint))
    if text(number, "quality_rating") == "RED":
        hint = "Send less, and only to people who asked for it."
        found.append(Issue("quality", f"The quality of {name} is low.", hint))
    if text(number, "name_status") in ("DECLINED", "EXPIRED", "NONE"):
        found.append(Issue("name_status", f"{name} has no approved display name.", "Ask for one in WhatsApp Manager."))
    return found


def health_issues(health: Json) -> list[Issue]:
    """Meta's own list of what blocks sending, by entity."""
    return [
        Issue(
            f"health_{text(limited, 'entity_type').lower()}",
            text(error, "error_description", 1024) or "Meta limits sending.",
            text(error, "possible_solution", 1024),
        )
        for limited in parts(health, "entities")
        if limited.get("can_send_message") in ("LIMITED", "BLOCKED")
        for error in parts(limited, "errors") or [{}]
    ]


def field_issues(subscriptions: Json) -> list[Issue]:
    """What the app asked Meta to tell it; [] where Meta does not say."""
    ours = [one for one in parts(subscriptions, "data") if one.get("object") == "whatsapp_business_account"]
    if type(subscriptions.get("data")) is not list:
        return []
    told = [field for one in ours for field in one.get("fields") or () if isinstance(one.get("fields"), list)]
    names = {text(field, "name") if isinstance(field, dict) else str(field)[:LINE] for field in told}
    hint = "App Dashboard, WhatsApp, Configuration: subscribe to them."
    if NEEDED not in names:
        words = f"The app is not subscribed to {NEEDED}: nothing anybody writes arrives."
        return [Issue("webhook_fields", words, hint)]
    missing = [name for name in USEFUL if name not in names]
    words = f"The app is not subscribed to {', '.join(missing)}: what Meta changes is seen only every few hours."
    return [Issue("webhook_fields", words, hint)] if missing else []


def token_issues(token: Json) -> list[Issue]:
    """What `debug_token` says of our token."""
    if token.get("is_valid") is not True:
        return [Issue("token", "The access token is not valid.", "Make a new system-user token.")]
    scopes, ends = token.get("scopes"), time(token, "expires_at")
    missing = [scope for scope in SCOPES if type(scopes) is list and scope not in scopes]
    found = [Issue("scopes", f"The token lacks {', '.join(missing)}.", "Make a token with both.")] if missing else []
    if ends:
        hint = "Use a system user's token that never expires."
        found.append(Issue("token_expires", f"The token ends on {ends.date()}.", hint, at=ends))
    return found
