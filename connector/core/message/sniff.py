"""What a file is by its first bytes, and whether that is what its sender says it is."""

from collections.abc import Sequence

HEAD = 512  # bytes that are looked at
# (where, bytes, type): the formats' own signatures, checked 2026-11. Sources: RFC 2083, JFIF, RIFF/WebP, ISO 14496-12,
# RFC 3533, RFC 4867, ISO 32000, APPNOTE.TXT, PE/COFF, ELF.
MARKS: Sequence[tuple[int, bytes, str]] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftyp3gp", "video/3gpp"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"MZ", "application/x-msdownload"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-o"),
    (0, b"#!/", "text/x-script"),
)
PROGRAMS = frozenset({"application/x-msdownload", "application/x-elf", "application/x-mach-o", "text/x-script"})
_STRICT = ("image/", "video/", "audio/")  # these must be what they say; a document may be anything but a program
# One file may rightly go by several names
_SAME = (
    frozenset({"video/mp4", "video/3gpp", "audio/mp4", "audio/3gpp", "audio/x-m4a", "audio/m4a", "video/quicktime"}),
    frozenset({"audio/ogg", "audio/opus", "video/ogg"}),
    frozenset({"audio/mpeg", "audio/mp3"}),
    frozenset({"audio/aac", "audio/aacp", "audio/x-aac", "audio/mpeg"}),
    frozenset({"image/jpeg", "image/jpg"}),
)
SUFFIXES = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif", "video/mp4": ".mp4",
    "video/3gpp": ".3gp", "audio/ogg": ".ogg", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/aac": ".aac",
    "audio/amr": ".amr", "application/pdf": ".pdf", "text/plain": ".txt", "application/zip": ".zip",
}  # fmt: skip


def base(mime: str) -> str:
    """`audio/ogg; codecs=opus` -> `audio/ogg`."""
    return mime.partition(";")[0].strip().lower()


def sniff(head: bytes) -> str:
    """The type by the first bytes; "" when they tell nothing."""
    return next((kind for at, mark, kind in MARKS if head[at : at + len(mark)] == mark), "")


def mismatch(declared: str, head: bytes) -> str:
    """Why a file is not what it is said to be, in plain words; "" when it may be."""
    said, found = base(declared), sniff(head)
    if found in PROGRAMS:
        return "It is a program, and programs are not kept."
    if not said.startswith(_STRICT) or said == found:
        return ""
    if found and any(said in group and found in group for group in _SAME):
        return ""
    return f"It is said to be {said or 'nothing'}, and its bytes say {found or 'something else'}."


def suffix(mime: str) -> str:
    """How a file of this type is called at the end; "" where nobody knows."""
    return SUFFIXES.get(base(mime), "")
