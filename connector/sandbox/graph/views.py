"""What the Graph API shows of a number, an account, a subscription and a token."""

from typing import Any

from connector.sandbox.graph.errors import GraphError
from connector.sandbox.graph.settings import APP, BUSINESS, DISPLAY, NAME, PHONE_ID, PROFILE, WABA

SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")
BASIC = ("id", "verified_name", "code_verification_status", "display_phone_number", "quality_rating", "platform_type")
View = dict[str, Any]


def number_view(quality: str, limit: int, url: str | None) -> View:
    """Every field of our phone number."""
    return {
        "id": PHONE_ID,
        "verified_name": NAME,
        "display_phone_number": f"+{DISPLAY[0]} {DISPLAY[1:4]}-{DISPLAY[4:7]}-{DISPLAY[7:]}",
        "code_verification_status": "VERIFIED",
        "name_status": "APPROVED",
        "status": "CONNECTED",
        "quality_rating": quality,
        "platform_type": "CLOUD_API",
        "is_official_business_account": False,
        "throughput": {"level": "STANDARD" if 0 < limit <= 80 else "HIGH"},
        "whatsapp_business_manager_messaging_limit": "TIER_100K",
        "account_mode": "LIVE",
        "health_status": {"can_send_message": "AVAILABLE", "entities": _entities()},
        "webhook_configuration": {"application": url or ""},
    }


def account_view() -> View:
    """Every field of the business account."""
    return {
        "id": WABA,
        "name": NAME,
        "currency": "USD",
        "timezone_id": "1",
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "message_template_namespace": "4f1c6f0a_2d3b_4a55_9a0e_5b7f4a0c1d2e",
        "owner_business_info": {"name": NAME, "id": BUSINESS},
        "health_status": {"can_send_message": "AVAILABLE", "entities": _entities()[1:]},
    }


def subscription_view(url: str | None) -> View:
    """Our app in the list of subscribed apps."""
    app = {
        "whatsapp_business_api_data": {
            "id": APP,
            "name": "Sandbox",
            "link": f"https://www.facebook.com/games/?app_id={APP}",
        }
    }
    return {**app, "override_callback_uri": url} if url else app


FIELDS = (
    "messages", "message_template_status_update", "message_template_quality_update", "template_category_update",
    "phone_number_quality_update", "account_alerts", "account_update", "user_preferences", "smb_message_echoes",
)  # fmt: skip


def fields_view(url: str | None) -> View:
    """What the app asked to be told."""
    fields = [{"name": name, "version": "v26.0"} for name in FIELDS]
    return {"object": "whatsapp_business_account", "callback_url": url or "", "active": True, "fields": fields}


def token_view(valid: bool) -> View:
    """A token as `debug_token` sees it."""
    if not valid:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return {"error": error, "is_valid": False, "scopes": []}
    return {
        "app_id": APP,
        "type": "SYSTEM_USER",
        "application": "Sandbox",
        "expires_at": 0,
        "data_access_expires_at": 0,
        "is_valid": True,
        "issued_at": 1_763_800_000,
        "scopes": list(SCOPES),
        "granular_scopes": [{"scope": scope, "target_ids": [WABA]} for scope in SCOPES],
        "user_id": "122103456789012345",
    }


def profile_values(document: View) -> View:
    """What a POST may change of the profile; GraphError 100 for a value that is too long."""
    for name, most in PROFILE_LENGTHS.items():
        if len(str(document.get(name, ""))) > most:
            raise GraphError(100, f"Param {name} must be at most {most} characters long.")
    if len(document.get("websites") or []) > 2:
        raise GraphError(100, "Param websites must have at most 2 items.")
    return {name: value for name, value in document.items() if name in PROFILE and name != "profile_picture_url"}


PROFILE_LENGTHS = {"about": 139, "address": 256, "description": 256, "email": 128}


def pick(view: View, fields: str | None) -> View:
    """The fields asked for, and always the id; without any, the ones Graph shows by default."""
    wanted = [name.strip() for name in fields.split(",")] if fields else [*BASIC, *DEFAULTS]
    return {name: view[name] for name in view if name == "id" or name in wanted}


DEFAULTS = ("name", "language", "status", "category", "parameter_format", "components", "currency", "timezone_id")


def _entities() -> list[View]:
    kinds = {"PHONE_NUMBER": PHONE_ID, "WABA": WABA, "BUSINESS": BUSINESS, "APP": APP}
    return [{"entity_type": kind, "id": id, "can_send_message": "AVAILABLE"} for kind, id in kinds.items()]
