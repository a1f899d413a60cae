"""Ids: text UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

import hashlib
import os
import time
from datetime import datetime


def new_id() -> str:
    """A new UUIDv7 as 36 characters."""
    return _uuid(time.time_ns() // 1_000_000, os.urandom(10))


def derived(at: datetime, *parts: str) -> str:
    """The UUIDv7 that these parts have at this time, always the same: what is made again has the id it had.

    Never of a phone alone: an id stays when its person is erased, and ten digits are guessed in seconds."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return _uuid(int(at.timestamp() * 1000), hashlib.blake2b(text, digest_size=10).digest())


def child(id: str, *parts: str) -> str:
    """The UUIDv7 of something that came with what has this id, of the same time."""
    text = "\0".join((id, *parts)).encode("utf-8", "surrogatepass")
    return _uuid(made_at(id), hashlib.blake2b(text, digest_size=10).digest())


def made_at(id: str) -> int:
    """Milliseconds since 1970 that an id of ours begins with."""
    return int(id[:8] + id[9:13], 16)


def _uuid(stamp: int, random: bytes) -> str:
    noise = int.from_bytes(random, "big")
    value = (stamp & (1 << 48) - 1) << 80 | 0x7 << 76 | (noise >> 68 & 0xFFF) << 64 | 0b10 << 62 | noise & (1 << 62) - 1
    text = f"{value:032x}"  # str(uuid.UUID(int=value)), without the object
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
