"""One small file of each kind, for customers who send "a photo": real enough for whoever looks at its first bytes."""

import struct
import zlib


def png(width: int = 48, height: int = 36) -> bytes:
    """A little picture."""
    rows = b"".join(
        b"\0" + bytes(part for x in range(width) for part in ((40 + 4 * x) % 256, 150, (90 + 3 * y) % 256))
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(64) + b"\xff\xd9"
SAMPLES = {
    "image": JPEG,
    "video": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(64),
    "audio": b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead" + bytes(32),
    "document": PDF,
    "sticker": b"RIFF\x40\x00\x00\x00WEBPVP8 " + bytes(52),
}
