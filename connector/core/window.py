"""The customer service window: free text is allowed for 24 hours after the customer's last message.

Source: Meta, "Customer service windows"; counted from the message's own timestamp, not from its arrival.
"""

from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)


def window_open_until(last_inbound_at: datetime) -> datetime:
    """The instant from which only templates may be sent."""
    return last_inbound_at + WINDOW


def is_open(last_inbound_at: datetime | None, now: datetime) -> bool:
    """May free text be sent at `now`? None = the customer never wrote."""
    return last_inbound_at is not None and now < window_open_until(last_inbound_at)
