"""What Graph shows of a phone number: `GET /{number}`."""

from connector.ports import NumberState
from connector.whatsapp.values import LINE, Json, part, parts, text

FIELDS = ",".join(
    (
        "id",
        "display_phone_number",
        "verified_name",
        "is_official_business_account",
        "quality_rating",
        "status",
        "name_status",
        "throughput",
        "whatsapp_business_manager_messaging_limit",
        "health_status",
        "webhook_configuration",
    )
)
# messages a second, all kinds, in and out; Meta, "Throughput", checked 2026-09
LEVELS = {"STANDARD": 80, "HIGH": 1000}
STANDARD = LEVELS["STANDARD"]
# people outside the window in 24 hours; Meta, "Messaging limits", checked 2026-09
TIERS = {"TIER_50": 50, "TIER_250": 250, "TIER_1K": 1000, "TIER_2K": 2000, "TIER_10K": 10_000, "TIER_100K": 100_000}


def read_number(number: Json) -> NumberState:
    """One number; an unknown throughput level is the standard one, an unknown tier no limit of ours."""
    health, tier = part(number, "health_status"), text(number, "whatsapp_business_manager_messaging_limit")
    return NumberState(
        id=text(number, "id"),
        display=text(number, "display_phone_number"),
        verified_name=text(number, "verified_name"),
        official=number.get("is_official_business_account") is True,
        quality=text(number, "quality_rating"),
        status=text(number, "status"),
        name_status=text(number, "name_status"),
        throughput=LEVELS.get(text(part(number, "throughput"), "level"), STANDARD),
        limit=TIERS.get(tier),
        tier=tier,
        health=text(health, "can_send_message"),
        problems=_problems(health),
    )


def _problems(health: Json) -> tuple[str, ...]:
    """Meta's words on what limits sending, and what it adds to a healthy part (a name under review, ...)."""
    errors = [error for one in parts(health, "entities") for error in parts(one, "errors")]
    words = [
        " ".join(filter(None, (text(e, "error_description", LINE), text(e, "possible_solution", LINE)))) for e in errors
    ]
    notes = [note for one in parts(health, "entities") for note in _texts(one)]
    return tuple(dict.fromkeys(filter(None, (*words, *notes))))


def _texts(entity: Json) -> list[str]:
    notes = entity.get("additional_info")
    return [note[:LINE] for note in notes if type(note) is str] if type(notes) is list else []
