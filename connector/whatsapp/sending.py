"""One message as Graph wants it, and what its answer means. No network: `client` carries both."""

import json
from typing import Any

from connector.errors import Unreachable
from connector.ports import OutboundMessage, Receipt
from connector.whatsapp import outgoing
from connector.whatsapp.errors import classify, read_error
from connector.whatsapp.values import Json, opt, parts, text

OUTCOMES = {"S": "again", "W": "park", "N": "failed", "Q": "unknown"}
HELD = frozenset({"held_for_quality_assessment", "paused"})
NO_OBJECT = 33  # the only id that is looked up is our own number's: nothing of this account can be sent
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def content(message: OutboundMessage, key: str) -> bytes:
    """The body of `POST /{number}/messages`. Raises ValueError or TypeError for a message that is none."""
    document: Json = {
        **outgoing.graph(message.body, message.files),
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_recipient(message),
        "biz_opaque_callback_data": key,
    }
    if reply_to := message.reply_to or outgoing.quoted(message.body):
        document["context"] = {"message_id": reply_to}
    return _encode(document).encode()


def _recipient(message: OutboundMessage) -> Json:
    if message.to:
        # without + Meta puts the business's own country code in front: the message goes to somebody else
        return {"to": "+" + message.to.lstrip("+")}
    if message.user_id:
        return {"recipient": message.user_id}
    raise ValueError("it has neither a phone nor a WhatsApp user id")


def receipt(status: int, body: Any) -> Receipt:
    """What an answer came to. Only a 2xx that names the message is accepted; all else goes by the code table."""
    answer = body if isinstance(body, dict) else {}
    message = (parts(answer, "messages") or [{}])[0]
    wamid = text(message, "id", 512)
    if wamid and 200 <= status < 300:
        return _accepted(wamid, message, (parts(answer, "contacts") or [{}])[0])
    code, transient, theirs = read_error(body)
    kind = classify(code, status, transient)
    return Receipt(
        outcome=OUTCOMES[kind.again],
        code=code,
        text=f"{kind.words} Meta says: {theirs}" if theirs else kind.words,
        who=kind.who,
        park="account" if code == NO_OBJECT else kind.park,
        wait=kind.wait,
    )


def _accepted(wamid: str, message: Json, contact: Json) -> Receipt:
    word = text(message, "message_status")
    return Receipt(
        outcome="accepted",
        wamid=wamid,
        held=word if word in HELD else "",
        wa_id=opt(contact, "wa_id"),
        user_id=opt(contact, "user_id"),
    )


def unanswered(error: Unreachable) -> Receipt:
    """No answer: it never left us, or it may have been sent."""
    if not error.sent:
        return Receipt(outcome="not_sent", text=error.message, who="Meta")
    return Receipt(outcome="unknown", text=f"{error.message} The message may have been sent.", who="Meta")


def unfit(error: Exception) -> Receipt:
    """A message that cannot be written as JSON never leaves us."""
    return Receipt(outcome="failed", text=f"The message cannot be sent: {error}.", who="you")


def broken(error: Exception) -> Receipt:
    """A mistake of ours after the request began: it may have been sent, so nobody repeats it."""
    return Receipt(outcome="unknown", text=f"The connector failed while it was sending ({type(error).__name__}).")
