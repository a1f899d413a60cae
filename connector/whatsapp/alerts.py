"""Account webhooks: limits, quality, names, reviews, restrictions and security of a number or an account."""

from collections.abc import Callable

from connector.core.events import AccountAlert, Event
from connector.whatsapp.errors import known
from connector.whatsapp.scope import Scope
from connector.whatsapp.values import LINE, Json, ShapeError, fingerprint, need, part, parts, say, text, time, whole

Read = tuple[str, str, str]  # event, severity, plain words

# account_update: severity and plain words; an event that is not listed is shown as `info` under its own name
ACCOUNT: dict[str, tuple[str, str]] = {
    "ACCOUNT_VIOLATION": ("warning", "Meta found a policy violation."),
    "ACCOUNT_RESTRICTION": ("critical", "Meta restricted what this account may send."),
    "ACCOUNT_DELETED": ("critical", "The WhatsApp account was deleted."),
    "ACCOUNT_OFFBOARDED": ("critical", "The number left Cloud API."),
    "ACCOUNT_RECONNECTED": ("info", "The number is back on Cloud API."),
    "PARTNER_ADDED": ("info", "The account was shared with a partner."),
    "PARTNER_REMOVED": ("warning", "A partner lost access to the account."),
    "PARTNER_APP_INSTALLED": ("info", "A partner's app was installed."),
    "PARTNER_APP_UNINSTALLED": ("warning", "A partner's app was removed: it gets no webhooks any more."),
    "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE": ("info", "Meta reviewed a client's certification."),
    "AD_ACCOUNT_LINKED": ("info", "An ad account was linked."),
    "MM_LITE_TERMS_SIGNED": ("info", "The Marketing Messages terms were signed."),
    "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE": ("info", "International authentication prices apply."),
    "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE": ("info", "The business's country was set."),
    "VOLUME_BASED_PRICING_TIER_UPDATE": ("info", "The account reached another price tier."),
    "VERIFIED_ACCOUNT": ("info", "The account was verified."),
}
BANS = {
    "DISABLE": ("critical", "Meta disabled this account."),
    "SCHEDULE_FOR_DISABLE": ("critical", "Meta will disable this account."),
    "REINSTATE": ("info", "Meta opened the account again."),
}
QUALITY = {
    "FLAGGED": ("warning", "The number's quality is low."),
    "DOWNGRADE": ("warning", "The number may reach fewer people a day."),
    "UNFLAGGED": ("info", "The number's quality has recovered."),
    "UPGRADE": ("info", "The number may reach more people a day."),
    "ONBOARDING": ("info", "The number is set up."),
    "THROUGHPUT_UPGRADE": ("info", "The number may send faster."),
}
SECURITY = {
    "PIN_CHANGED": ("warning", "The number's two-step PIN was changed."),
    "PIN_RESET_REQUEST": ("warning", "Somebody asked to turn the two-step PIN off."),
    "PIN_REQUEST_SUCCESS": ("warning", "The two-step PIN was turned off."),
}
NAMES = {
    "APPROVED": ("warning", "The display name was approved. Register the number again within 14 days."),
    "REJECTED": ("warning", "The display name was rejected."),
    "DEFERRED": ("info", "The display name is still under review."),
    "PENDING": ("info", "The display name is under review."),
}
REVIEWS = {
    "APPROVED": ("info", "Meta approved the account."),
    "REJECTED": ("critical", "Meta rejected the account."),
}
SEVERITIES = {"INFORMATIONAL": "info", "WARNING": "warning", "CRITICAL": "critical"}


def _words(table: dict[str, tuple[str, str]], event: str, *details: str) -> Read:
    severity, words = table.get(event, ("info", f"{event.replace('_', ' ').capitalize()}."))
    return event, severity, " ".join(filter(None, (words, "; ".join(filter(None, details)))))


def read_account(value: Json) -> Read:
    event = need(value, "event", "account_update")
    if event == "DISABLED_UPDATE":
        ban = part(value, "ban_info")
        state = text(ban, "waba_ban_state")
        _, severity, words = _words(BANS, state or event, say(date=text(ban, "waba_ban_date")))
        return event, severity, words
    restrictions = [
        say(restriction=text(one, "restriction_type"), until=_day(one, "expiration"))
        for one in parts(value, "restriction_info")
    ]
    tier, partner = part(value, "volume_tier_info"), part(value, "partner_client_certification_info")
    details = say(
        violation=text(part(value, "violation_info"), "violation_type"),
        country=text(value, "country"),
        tier=text(tier, "tier"),
        category=text(tier, "pricing_category"),
        region=text(tier, "region"),
        month=text(tier, "effective_month"),
        status=text(partner, "status"),
    )
    return _words(ACCOUNT, event, *restrictions, details)


def _day(item: Json, key: str) -> str:
    at = time(item, key)
    return at.date().isoformat() if at else ""


def read_quality(value: Json) -> Read:
    limit = text(value, "max_daily_conversations_per_business") or text(value, "current_limit")
    return _words(QUALITY, need(value, "event", "quality"), say(limit=limit, was=text(value, "old_limit")))


def read_name(value: Json) -> Read:
    details = say(name=text(value, "requested_verified_name"), reason=text(value, "rejection_reason", LINE))
    return _words(NAMES, need(value, "decision", "name"), details)


def read_capability(value: Json) -> Read:
    words = say(
        people_a_day=text(value, "max_daily_conversations_per_business"),
        numbers_per_account=text(value, "max_phone_numbers_per_waba"),
        numbers_per_business=text(value, "max_phone_numbers_per_business"),
    )
    return "LIMITS", "info", words or "The account's limits changed."


def read_alert(value: Json) -> Read:
    """The details stand in `alert_info`, or flat in older deliveries."""
    info = part(value, "alert_info") or value
    severity = SEVERITIES.get(text(info, "alert_severity"), "warning")
    return need(info, "alert_type", "alert"), severity, text(info, "alert_description", LINE)


def read_review(value: Json) -> Read:
    return _words(REVIEWS, need(value, "decision", "review"), say(reason=text(value, "rejection_reason", LINE)))


def read_security(value: Json) -> Read:
    return _words(SECURITY, need(value, "event", "security"), say(by=text(value, "requester")))


def read_settings(value: Json) -> Read:
    event = need(value, "type", "account_settings_update")
    return event, "info", f"Settings changed: {event.replace('_', ' ')}."


def read_username(value: Json) -> Read:
    status = need(value, "status", "business_username_updates")
    return status, "info", say(username=text(value, "username"), status=status)


def read_solution(value: Json) -> Read:
    event = need(value, "event", "partner_solutions")
    return event, "info", say(solution=text(value, "solution_id"), status=text(value, "solution_status"))


def read_payment(value: Json) -> Read:
    status = need(value, "status", "payment_configuration_update")
    details = say(configuration=text(value, "configuration_name"), provider=text(value, "provider_name"), status=status)
    return status, "info", details


READERS: dict[str, Callable[[Json], Read]] = {
    "account_update": read_account,
    "account_alerts": read_alert,
    "account_review_update": read_review,
    "account_settings_update": read_settings,
    "business_capability_update": read_capability,
    "business_username_updates": read_username,
    "partner_solutions": read_solution,
    "payment_configuration_update": read_payment,
    "phone_number_name_update": read_name,
    "phone_number_quality_update": read_quality,
    "security": read_security,
}


def read_account_field(value: Json, scope: Scope) -> list[Event]:
    """One change of an account; the text names the display number where Meta gives no phone_number_id."""
    event, severity, words = READERS[scope.field](value)
    settings = part(value, "phone_number_settings")
    number = scope.number or text(settings, "phone_number_id")
    return [_alert(value, scope, event, severity, words, number)]


def read_error(error: Json, scope: Scope) -> list[Event]:
    """`value.errors[]`: an error of the number or app that belongs to no message. Meta gives it neither id nor time."""
    code = whole(error, "code")
    if code is None:
        raise ShapeError("the error has no code")
    kind = known(code)
    severity = "critical" if kind and kind.again == "N" and kind.park == "account" else "warning"
    theirs = text(part(error, "error_data"), "details", LINE) or text(error, "title", LINE)
    words = kind.words if kind else theirs
    return [_alert(error, scope, str(code), severity, words, scope.number)]


def _alert(raw: Json, scope: Scope, event: str, severity: str, words: str, number: str) -> AccountAlert:
    display = "" if number else text(raw, "display_phone_number") or text(raw, "phone_number")
    return AccountAlert(
        id=f"{scope.field}:{fingerprint(raw, scope.entry.get('time'), scope.owner)}",
        at=time(scope.entry, "time") or time(raw, "timestamp"),
        raw=raw,
        what=scope.field,
        event=event,
        number=number,
        severity=severity,
        text=f"+{display}: {words}" if display else words,
    )
