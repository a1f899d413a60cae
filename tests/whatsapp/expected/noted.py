"""What each payload that nothing acts on yet must become, and what whole batches become."""

from connector.core.events import DeliveryStatus, InboundMessage
from tests.whatsapp.reading import ANA, ANA_USER, AT, BRUNO, INVITE, NUMBER, alert, noted, odd

T = "1795442531"
OTHER = "301122334455668"


def flow(text):
    return noted("flows", "#", text, number="")


NOTED = {
    "user_actions": [noted("messages", "#", "", wa_id=ANA)],
    "automatic_lead": [noted("automatic_events", f"wamid.IN.lead:LeadSubmitted:{T}", "LeadSubmitted")],
    "automatic_purchase": [noted("automatic_events", f"wamid.IN.lead:Purchase:{T}", "Purchase")],
    "call_connect": [noted("calls", f"wacid.VERDE1:connect:{T}", "connect", wa_id=ANA)],
    "call_terminate": [noted("calls", f"wacid.VERDE1:terminate:{T}", "terminate", wa_id=ANA)],
    "call_status": [noted("calls", f"wacid.VERDE2:RINGING:call:{T}", "RINGING call", wa_id=ANA)],
    "flow_status": [flow("FLOW_STATUS_CHANGE: Flow verde changed status from DRAFT to PUBLISHED")],
    "flow_errors": [flow("CLIENT_ERROR_RATE: The client error rate has reached 10%.")],
    "flow_version": [flow("FLOW_VERSION_EXPIRY_WARNING: The version will freeze in 21 days.")],
    "group_created": [noted("group_lifecycle_update", "#", "group_create")],
    "group_joined": [noted("group_participants_update", "#", "group_participants_add")],
    "group_request": [noted("group_participants_update", "#", "group_join_request_created", wa_id=ANA)],
    "group_settings": [noted("group_settings_update", "#", "group_settings_update")],
    "group_suspended": [noted("group_status_update", "#", "group_suspend")],
    "history": [noted("history", "#", "imported: 55", at=None)],
    "history_media": [noted("history", f"wamid.H.2:image:{T}", "image", wa_id=ANA)],
    "history_declined": [noted("history", "#", "History sync is turned off by the business", at=None)],
    "echo": [noted("message_echoes", f"wamid.E.1:text:{T}", "text: Ya te llamo", wa_id=ANA)],
    "phone_app_echo": [noted("smb_message_echoes", f"wamid.E.2:text:{T}", "text: Ya te llamo", wa_id=ANA)],
    "phone_app_echo_revoked": [noted("smb_message_echoes", f"wamid.E.3:revoke:{T}", "revoke", wa_id=ANA)],
    "phone_app_contact": [noted("smb_app_state_sync", "#", "add contact", at=None)],
    "handover": [noted("messaging_handovers", "#", "pass_thread_control", wa_id=ANA)],
    "standby": [noted("standby", f"wamid.IN.standby:text:{T}", "text: Hola", wa_id=ANA, user_id=ANA_USER)],
    "consumer_profile": [noted("consumer_profile", "#", "PROFILE_UPDATED", wa_id=ANA, at=None)],
    "unknown_field": [odd("weather_update", "unknown field 'weather_update'")],
    "other_product": [odd("messages", "unknown field 'messages'")],
    "empty": [],
    "empty_lists": [],
    "batch": [
        InboundMessage(
            id="wamid.IN.batch1",
            at=AT,
            number=NUMBER,
            type="text",
            wa_id=ANA,
            user_id=ANA_USER,
            name="Ana Ruiz",
            text="uno",
            answer={"text": "uno"},
        ),
        odd("messages.messages", "text.body is not a text"),
        InboundMessage(
            id="wamid.IN.batch3",
            at=AT,
            number=NUMBER,
            type="text",
            wa_id=BRUNO,
            user_id="BR.1",
            name="Bruno Costa",
            text="tres",
            answer={"text": "tres"},
        ),
        DeliveryStatus(id=f"status:{INVITE}:read", at=AT, number=OTHER, wamid=INVITE, status="read", wa_id=ANA),
        DeliveryStatus(
            id=f"status:{INVITE}:delivered", at=AT, number=OTHER, wamid=INVITE, status="delivered", wa_id=ANA
        ),
        alert("account_review_update", "APPROVED", "info", "Meta approved the account."),
        odd("a_field_of_the_future", "unknown field 'a_field_of_the_future'"),
    ],
}
