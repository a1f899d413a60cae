"""`statuses[]`: what became of a message of ours, and the opt-out that a refusal can carry."""

from datetime import datetime

from connector.core.events import ConsentUpdate, DeliveryStatus, Event
from connector.whatsapp.errors import Kind, known
from connector.whatsapp.scope import Scope
from connector.whatsapp.values import LINE, Json, ShapeError, bounded, filled, need, opt, part, parts, text, time, whole

STATUSES = frozenset({"accepted", "sent", "delivered", "read", "played", "failed"})
STOPPED_MARKETING = 131050


def read_status(status: Json, scope: Scope) -> list[Event]:
    """One element of `statuses[]`; it may come before the answer to our own send, twice, and in any order."""
    wamid, word = need(status, "id", "status"), need(status, "status", "status")
    if word not in STATUSES:
        raise ShapeError(f"unknown status '{word}'")
    error = (parts(status, "errors") or [{}])[0]
    code = whole(error, "code")
    kind = known(code)
    at, group = time(status, "timestamp"), text(status, "recipient_type") == "group"
    participant = text(status, "recipient_participant_id") or text(status, "participant_recipient_id") if group else ""
    wa_id = (participant or None) if group else opt(status, "recipient_id")
    # each participant of a group reads for themselves, and a second failure with another code is news
    key = ":".join(filter(None, ("status", wamid, word, participant, str(code or ""))))
    event = DeliveryStatus(
        id=bounded(key),
        at=at,
        raw=status,
        number=scope.number,
        wamid=wamid,
        status=word,
        send=text(status, "biz_opaque_callback_data", 512) or None,
        wa_id=wa_id,
        user_id=opt(status, "recipient_user_id"),
        code=code,
        reason=_reason(kind, error),
        who=kind.who if kind else "",
        park=kind.park if kind else "",
        pricing=_pricing(part(status, "pricing")),
    )
    return [event, _opt_out(event, at)] if code == STOPPED_MARKETING else [event]


def _reason(kind: Kind | None, error: Json) -> str:
    """Our words for the code, else Meta's."""
    theirs = text(part(error, "error_data"), "details", LINE) or text(error, "title", LINE)
    return kind.words if kind else theirs


def _pricing(pricing: Json) -> Json | None:
    """Type and category say what it costs; `billable` will be taken away by Meta."""
    words = filled(**{key: text(pricing, key) for key in ("pricing_model", "type", "category")})
    if type(pricing.get("billable")) is bool:
        words["billable"] = pricing["billable"]
    return words or None


def _opt_out(event: DeliveryStatus, at: datetime | None) -> ConsentUpdate:
    return ConsentUpdate(
        id=bounded(f"consent:131050:{event.wamid}"),
        at=at,
        raw=event.raw,
        state="opted_out",
        category="marketing",
        how="131050",
        number=event.number,
        wa_id=event.wa_id,
        user_id=event.user_id,
        evidence=event.wamid,
    )
