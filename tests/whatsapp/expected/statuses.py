"""What each payload of statuses, consent and identity updates must become."""

from connector.core.events import ConsentUpdate, DeliveryStatus, IdentityChange
from tests.whatsapp.reading import ANA, ANA_USER, AT, BRUNO, INVITE, NUMBER, odd

SEND = "0192f0aa-7c1e-7b2a-8f00-aa11bb22cc33"
IVAN_USER = "CO.7740019283746502"


def status(word, suffix="", **more):
    known = {"wamid": INVITE, "wa_id": ANA, "user_id": ANA_USER} | more
    return DeliveryStatus(id=f"status:{known['wamid']}:{word}{suffix}", at=AT, number=NUMBER, status=word, **known)


def group(participant):
    more = {"wamid": "wamid.OUT.group", "wa_id": participant, "user_id": None}
    return status("read", f":{participant}", **more)


def consent(key, state, how="user_preferences", **more):
    known = {"category": "marketing", "number": NUMBER, "wa_id": ANA, "user_id": ANA_USER}
    return ConsentUpdate(id=f"consent:{key}", at=AT, state=state, how=how, **known | more)


def preference(word, state, detail, person=ANA, **more):
    key = f"{NUMBER}:{person}:marketing_messages:{word}:1795442531"
    return consent(key, state, evidence=detail, **more)


STATUSES = {
    "status_sent": [
        status(
            "sent",
            send=SEND,
            pricing={"pricing_model": "PMP", "type": "regular", "category": "marketing", "billable": True},
        )
    ],
    "status_sent_with_conversation": [
        status("sent", pricing={"pricing_model": "CBP", "category": "marketing", "billable": True})
    ],
    "status_delivered": [status("delivered")],
    "status_delivered_free": [
        status(
            "delivered",
            pricing={
                "pricing_model": "PMP",
                "type": "free_customer_service",
                "category": "service",
                "billable": False,
            },
        )
    ],
    "status_read": [status("read")],
    "status_read_by_user_id": [status("read", wa_id=None)],
    "status_played": [status("played")],
    "status_failed_window": [
        status(
            "failed",
            ":131047",
            user_id=None,
            send=SEND,
            code=131047,
            reason="More than 24 hours since the person last wrote: only a template may be sent.",
            who="customer",
        )
    ],
    "status_failed_cap": [
        status(
            "failed",
            ":131049",
            code=131049,
            reason="Meta held it back: this person gets enough marketing messages already.",
            who="Meta",
            park="contact",
        )
    ],
    "status_failed_opted_out": [
        status(
            "failed",
            ":131050",
            code=131050,
            reason="The person has stopped marketing messages from you.",
            who="customer",
        ),
        consent(f"131050:{INVITE}", "opted_out", "131050", evidence=INVITE),
    ],
    "status_failed_payment": [
        status(
            "failed",
            ":131042",
            send=SEND,
            user_id=None,
            code=131042,
            reason="Meta cannot charge this WhatsApp account. Check its payment method.",
            who="you",
            park="account",
        )
    ],
    "status_failed_unlisted": [status("failed", ":139999", code=139999, reason="A reason of the future.")],
    "status_failed_silent": [status("failed")],
    "status_group_read": [group(ANA), group(BRUNO)],
    "status_unknown": [odd("messages.statuses", "unknown status 'evaporated'")],
    "preference_stop": [preference("stop", "opted_out", "User requested to stop marketing messages")],
    "preference_resume": [preference("resume", "opted_in", "User requested to resume marketing messages")],
    "preference_signup": [preference("signup", "opted_in", "User signed up for marketing messages")],
    "preference_unknown": [odd("user_preferences.user_preferences", "unknown preference 'maybe'")],
    "preference_two_people": [
        preference("stop", "opted_out", "stop"),
        preference("resume", "opted_in", "resume", IVAN_USER, wa_id=None, user_id=IVAN_USER),
    ],
    "user_id_update": [
        IdentityChange(
            id="user_id_update:#",
            at=AT,
            number=NUMBER,
            what="user_changed_user_id",
            wa_id=ANA,
            user_id=ANA_USER,
            new_wa_id=ANA,
            new_user_id="CO.2840019283746599",
            text="User id for Ana Ruiz has been updated.",
        )
    ],
}
