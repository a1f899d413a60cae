"""Sends that may or may not have been sent: found under the number's lock, and settled without ever sending twice.

A status that carries our id settles one at once (`sends.add_statuses`); what is here is for those that none comes for.
"""

from datetime import datetime, timedelta

from connector.pipeline.drain import SETTLE
from connector.pipeline.sending.receipts import LOOK
from connector.store import outcomes, sending
from connector.store.engine import Store
from connector.store.sending import Move

BATCH = 200
RESENT = "resent_after_unknown"
RESENDABLE = frozenset({"utility", "service"})


def recover(store: Store, number: str, now: datetime) -> None:
    """The caller holds the number: what is in flight for longer than SETTLE lost its process."""
    with store.write() as conn:
        outcomes.lose(conn, number, now - timedelta(seconds=SETTLE), now + LOOK)


def settle(store: Store, number: str, now: datetime) -> None:
    """Looks at every unknown send of this number whose time has come."""
    with store.read() as conn:
        rows = outcomes.unknown(conn, number, now, BATCH)
        moves = [_settled(conn, number, row.id, row.category, row.label, row.started_at, now) for row in rows]
    if moves:
        with store.write() as conn:
            sending.move(conn, moves, now, frm="unknown")


def _settled(conn: object, number: str, id: str, category: str, label: str, started: datetime, now: datetime) -> Move:
    """Utility is sent once more, when statuses have come since and none for it; marketing waits for a person."""
    if category == "authentication":
        words = "It may have been sent; a code that comes late helps nobody."
        return Move(id=id, state="expired", code="unknown", reason=words)
    if category not in RESENDABLE or label == RESENT:
        words = "It may have been sent, and WhatsApp has not said. Look at the chat, then send it again or cancel it."
        return Move(id=id, state="unknown", code="unknown", reason=words, who="you")
    if outcomes.heard_since(conn, number, started, besides=id):  # type: ignore[arg-type]
        words = "WhatsApp told of later messages and not of this one: it is sent once more."
        return Move(id=id, state="ready", code="unknown", reason=words, next_at=now, label=RESENT)
    words = "It may have been sent: waits for WhatsApp's word on it, or on a later message."
    return Move(id=id, state="unknown", code="unknown", reason=words, next_at=now + LOOK)
