"""Files that only the holder of a key reads: AES-GCM in parts, so that a file of any size needs the memory of one part.

The construction is STREAM (Hoang et al. 2015): each nonce counts and says whether its part is the last, so that parts
cannot be left out, moved, or cut off at the end.
"""

import base64
import os
import struct
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.errors import NotAllowed

MAGIC = b"connector sealed 1\n"
SALT, PART, TAG = 16, 1 << 20, 16  # bytes


def cipher(key: str, salt: bytes, use: str) -> AESGCM:
    """The cipher of one use of a key (32 bytes in URL-safe base64, as Fernet's are)."""
    secret = base64.urlsafe_b64decode(key)
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=f"connector {use}".encode()).derive(secret))


def _nonce(n: int, last: bool) -> bytes:
    return struct.pack(">xxxQB", n, last)


class Sealer:
    """Writes to `out` sealed; `close` ends the file, and only an ended one opens."""

    def __init__(self, out: BinaryIO, key: str) -> None:
        salt = os.urandom(SALT)
        self._out, self._cipher, self._held, self._n = out, cipher(key, salt, "file"), bytearray(), 0
        out.write(MAGIC + salt)

    def write(self, data: bytes) -> int:
        self._held += data
        while len(self._held) > PART:
            self._seal(bytes(self._held[:PART]), last=False)
            del self._held[:PART]
        return len(data)

    def flush(self) -> None:
        """Nothing: a part is sealed when it is full, or at the end."""

    def close(self) -> None:
        self._seal(bytes(self._held), last=True)

    def _seal(self, part: bytes, *, last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._n, last), part, MAGIC))
        self._n += 1


def is_sealed(file: BinaryIO) -> bool:
    """Whether a file begins as ours do; it stands at its beginning afterwards."""
    found = file.read(len(MAGIC)) == MAGIC
    file.seek(0)
    return found


def unseal(file: BinaryIO, out: BinaryIO, key: str) -> None:
    """Writes the plain bytes to `out`. Raises NotAllowed for another key, and for a file that was changed or cut."""
    wrong = NotAllowed(
        "The file does not open with this key, or it is damaged.", hint="Give the BACKUP_KEY it was made with.",
        code="backup_key",
    )  # fmt: skip
    if file.read(len(MAGIC)) != MAGIC:
        raise wrong
    aead, n = cipher(key, file.read(SALT), "file"), 0
    part = file.read(PART + TAG)
    while True:
        following = file.read(PART + TAG)
        try:
            out.write(aead.decrypt(_nonce(n, not following), part, MAGIC))
        except (InvalidTag, ValueError):
            raise wrong from None
        if not following:
            return
        part, n = following, n + 1
