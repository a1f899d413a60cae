"""What each payload of templates, numbers and accounts must become."""

from tests.whatsapp.reading import NUMBER, alert, odd, template

STATUS = "message_template_status_update"
LIMITS = "people a day: 2000; numbers per account: 25; numbers per business: 2"
OURS = "+576015550142: "


def account(event, severity, text):
    return alert("account_update", event, severity, text)


ACCOUNT = {
    "template_approved": [template(STATUS, "status", "APPROVED")],
    "template_rejected": [
        template(STATUS, "status", "REJECTED", "Two parameters stand next to each other. Put words between them.")
    ],
    "template_rejected_briefly": [template(STATUS, "status", "REJECTED", "PROMOTIONAL", language="es")],
    "template_paused": [template(STATUS, "status", "PAUSED", "Paused for 3 hours because of low quality.")],
    "template_disabled": [template(STATUS, "status", "DISABLED", "disabled: 2026-11-24")],
    "template_archived": [template(STATUS, "status", "ARCHIVED")],
    "template_quality": [template("message_template_quality_update", "quality", "YELLOW", "was: GREEN")],
    "template_quality_under_status": [template(STATUS, "quality", "RED", "was: YELLOW")],
    "template_components": [template("message_template_components_update", "components", "", "Hola {{1}}, ¿vienes?")],
    "template_category_soon": [
        template(
            "template_category_update",
            "correct_category",
            "MARKETING",
            "now: UTILITY; changes: 2026-11-24T14:02:11+00:00",
        )
    ],
    "template_category_done": [template("template_category_update", "category", "MARKETING", "was: UTILITY")],
    "template_correct_category": [
        template("template_correct_category_detection", "correct_category", "MARKETING", "now: UTILITY")
    ],
    "template_nameless": [odd(STATUS, "it names no template")],
    "account_violation": [
        account("ACCOUNT_VIOLATION", "warning", f"{OURS}Meta found a policy violation. violation: SCAM")
    ],
    "account_restriction": [
        account(
            "ACCOUNT_RESTRICTION",
            "critical",
            "Meta restricted what this account may send. "
            "restriction: RESTRICTED_BIZ_INITIATED_MESSAGING; until: 2026-11-30; "
            "restriction: RESTRICTED_ADD_PHONE_NUMBER_ACTION",
        )
    ],
    "account_disabled": [account("DISABLED_UPDATE", "critical", "Meta disabled this account. date: November 23, 2026")],
    "account_reinstated": [
        account("DISABLED_UPDATE", "info", "Meta opened the account again. date: November 24, 2026")
    ],
    "account_deleted": [account("ACCOUNT_DELETED", "critical", "The WhatsApp account was deleted.")],
    "account_offboarded": [account("ACCOUNT_OFFBOARDED", "critical", "The number left Cloud API.")],
    "account_reconnected": [account("ACCOUNT_RECONNECTED", "info", "The number is back on Cloud API.")],
    "partner_added": [account("PARTNER_ADDED", "info", "The account was shared with a partner.")],
    "partner_removed": [account("PARTNER_REMOVED", "warning", f"{OURS}A partner lost access to the account.")],
    "partner_app_installed": [account("PARTNER_APP_INSTALLED", "info", "A partner's app was installed.")],
    "partner_app_uninstalled": [
        account("PARTNER_APP_UNINSTALLED", "warning", "A partner's app was removed: it gets no webhooks any more.")
    ],
    "partner_certification": [
        account(
            "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
            "info",
            "Meta reviewed a client's certification. status: APPROVED",
        )
    ],
    "mm_terms_signed": [account("MM_LITE_TERMS_SIGNED", "info", "The Marketing Messages terms were signed.")],
    "ad_account_linked": [account("AD_ACCOUNT_LINKED", "info", "An ad account was linked.")],
    "auth_international_price": [
        account("AUTH_INTL_PRICE_ELIGIBILITY_UPDATE", "info", "International authentication prices apply.")
    ],
    "business_country": [
        account("BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", "info", "The business's country was set. country: CO")
    ],
    "volume_tier": [
        account(
            "VOLUME_BASED_PRICING_TIER_UPDATE",
            "info",
            "The account reached another price tier. "
            "tier: 100001:250000; category: UTILITY; region: Colombia; month: 2026-11",
        )
    ],
    "account_verified": [account("VERIFIED_ACCOUNT", "info", "The account was verified.")],
    "account_event_of_the_future": [account("ACCOUNT_PAINTED_GREEN", "info", "Account painted green.")],
    "alert": [
        alert(
            "account_alerts",
            "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED",
            "critical",
            "Your limit was not raised.",
        )
    ],
    "alert_flat": [alert("account_alerts", "OBA_APPROVED", "info", "Your account is official now.")],
    "review_approved": [alert("account_review_update", "APPROVED", "info", "Meta approved the account.")],
    "review_rejected": [
        alert("account_review_update", "REJECTED", "critical", "Meta rejected the account. reason: PROHIBITED_GOODS")
    ],
    "settings_updated": [
        alert(
            "account_settings_update",
            "phone_number_settings",
            "info",
            "Settings changed: phone number settings.",
            number=NUMBER,
        )
    ],
    "capability": [alert("business_capability_update", "LIMITS", "info", LIMITS)],
    "username": [
        alert("business_username_updates", "approved", "info", f"{OURS}username: casaverde; status: approved")
    ],
    "partner_solution": [
        alert("partner_solutions", "SOLUTION_CREATED", "info", "solution: 331122334455667; status: INITIATED")
    ],
    "payment_configuration": [
        alert(
            "payment_configuration_update",
            "Needs Testing",
            "info",
            "configuration: verde-pay; provider: razorpay; status: Needs Testing",
        )
    ],
    "name_approved": [
        alert(
            "phone_number_name_update",
            "APPROVED",
            "warning",
            f"{OURS}The display name was approved. Register the number again within 14 days. name: Casa Verde",
        )
    ],
    "name_rejected": [
        alert(
            "phone_number_name_update",
            "REJECTED",
            "warning",
            f"{OURS}The display name was rejected. name: Casa; reason: NAME_EMPLOYER_INCORRECT",
        )
    ],
    "number_flagged": [
        alert(
            "phone_number_quality_update",
            "FLAGGED",
            "warning",
            f"{OURS}The number's quality is low. limit: TIER_10K; was: TIER_100K",
        )
    ],
    "number_throughput": [
        alert(
            "phone_number_quality_update",
            "THROUGHPUT_UPGRADE",
            "info",
            f"{OURS}The number may send faster. limit: TIER_UNLIMITED",
        )
    ],
    "security_pin": [
        alert(
            "security",
            "PIN_RESET_REQUEST",
            "warning",
            f"{OURS}Somebody asked to turn the two-step PIN off. by: 441122334455667",
        )
    ],
    "number_errors_throughput": [
        alert(
            "messages",
            "130429",
            "warning",
            "The number sends faster than its throughput allows.",
            number=NUMBER,
            at=None,
        )
    ],
    "number_errors_payment": [
        alert(
            "messages",
            "131042",
            "critical",
            "Meta cannot charge this WhatsApp account. Check its payment method.",
            number=NUMBER,
            at=None,
        )
    ],
    "number_errors_unlisted": [
        alert(
            "messages",
            "131035",
            "warning",
            "Webhook could not be delivered within data retention limit",
            number=NUMBER,
            at=None,
        )
    ],
}
