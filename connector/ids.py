"""Ids: text UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

import os
import time
import uuid


def new_id() -> str:
    """A new UUIDv7 as 36 characters."""
    stamp = time.time_ns() // 1_000_000
    noise = int.from_bytes(os.urandom(10), "big")
    value = (stamp & (1 << 48) - 1) << 80 | 0x7 << 76 | (noise >> 68 & 0xFFF) << 64 | 0b10 << 62 | noise & (1 << 62) - 1
    return str(uuid.UUID(int=value))
