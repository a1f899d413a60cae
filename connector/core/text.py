"""Text that came from outside, made safe for every database and every log."""

import re
import unicodedata

# U+0000 breaks Postgres text; a lone surrogate breaks every UTF-8 encoder. Customers do send both.
_UNSAFE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str, limit: int) -> str:
    """At most `limit` characters, NUL and lone surrogates replaced by U+FFFD."""
    if len(text) > limit:
        text = text[:limit]
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSAFE.sub("\ufffd", text)


WORDS, WORD, LOOKED = 8, 40, 400  # words of a name, characters of each, and how much of a name is looked at
_WORD = re.compile(r"[^\W_]+")


def words(name: str) -> list[str]:
    """The words of a name as a search meets them: folded, without accents, each once, in their order."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name[:LOOKED]) if not unicodedata.combining(c))
    folded = "".join(c for c in unicodedata.normalize("NFKD", plain.casefold()) if not unicodedata.combining(c))
    found = dict.fromkeys(word[:WORD] for word in _WORD.findall(folded))
    return list(found)[:WORDS]
