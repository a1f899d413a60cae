"""Text that came from outside, made safe for every database and every log."""

import re

# U+0000 breaks Postgres text; a lone surrogate breaks every UTF-8 encoder. Customers do send both.
_UNSAFE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str, limit: int) -> str:
    """At most `limit` characters, NUL and lone surrogates replaced by U+FFFD."""
    if len(text) > limit:
        text = text[:limit]
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSAFE.sub("\ufffd", text)
