"""What the pipeline asks of the outside: adapters and the store implement these, the pipeline names only these."""

from connector.ports.accounts import HOOK_MARK, PLACE_FLAGS, Account, Flag, Manifest, Token, Tokens
from connector.ports.crm import (
    CRM,
    ActionDone,
    ActivityChange,
    Audience,
    Capabilities,
    ContactKey,
    Field,
    FileChange,
    Issue,
    Member,
    Page,
    RecordChange,
    Related,
    Where,
)
from connector.ports.files import FetchedFile, Multipart, StoredFile
from connector.ports.house import Bell, Clock, Locks
from connector.ports.webhooks import Choice, Choices, OptionsWebhook, RawRequest, Response, Routed, Webhook
from connector.ports.whatsapp import Messenger, NumberState, OutboundMessage, Receipt

__all__ = [
    "CRM",
    "HOOK_MARK",
    "PLACE_FLAGS",
    "Account",
    "ActionDone",
    "ActivityChange",
    "Audience",
    "Bell",
    "Capabilities",
    "Choice",
    "Choices",
    "Clock",
    "ContactKey",
    "FetchedFile",
    "Field",
    "FileChange",
    "Flag",
    "Issue",
    "Locks",
    "Manifest",
    "Member",
    "Messenger",
    "Multipart",
    "NumberState",
    "OptionsWebhook",
    "OutboundMessage",
    "Page",
    "RawRequest",
    "Receipt",
    "RecordChange",
    "Related",
    "Response",
    "Routed",
    "StoredFile",
    "Token",
    "Tokens",
    "Webhook",
    "Where",
]
