"""Values as they are shown: text is text whatever it holds, numbers by thousands, times by their distance."""

import re
from datetime import datetime

from markupsafe import Markup, escape

LONGEST = 2000  # characters of one text that a page shows; the rest is said to be there
# Characters nobody sees that change how the rest looks: bidi controls, zero-width ones, other controls.
_UNSEEN = re.compile(
    r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\ud800-\udfff]"
)
_OPEN, _CLOSE = Markup('<bdi class="said">'), Markup("</bdi>")
JOINERS = ("\u200d", "\u200c")  # emoji families and several scripts need them between other characters
MARKS = {"\u202e": "RLO", "\u202d": "LRO", "\u202b": "RLE", "\u202a": "LRE", "\u202c": "PDF", "\u2066": "LRI",
         "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u200e": "LRM", "\u200f": "RLM", "\u061c": "ALM",
         "\u200b": "ZWSP", "\u2060": "WJ", "\ufeff": "BOM", "\u00ad": "SHY"}  # fmt: skip


def shown(value: object, most: int = LONGEST) -> Markup:
    """Anybody's text, escaped; controls that would hide or turn it are drawn as what they are."""
    text = "" if value is None else str(value)
    rest = len(text) - most
    if rest <= 0 and not _UNSEEN.search(text):  # nearly always, hundreds of times a page
        return _OPEN + text + _CLOSE
    out, last = [], 0
    text = text[:most]
    for found in _UNSEEN.finditer(text):
        mark = found.group()
        if mark in JOINERS and 0 < found.start() < len(text) - 1:
            continue
        out.append(escape(text[last : found.start()]))
        out.append(Markup('<span class="ctl" title="U+{}">{}</span>').format(f"{ord(mark):04X}", _name(mark)))
        last = found.end()
    out.append(escape(text[last:]))
    if rest > 0:
        out.append(Markup('<span class="more">… +{}</span>').format(counted(rest)))
    return Markup('<bdi class="said">{}</bdi>').format(Markup("").join(out))


def plain(value: object, most: int = 200) -> str:
    """The same for an attribute, where no element can stand."""
    return shown(value, most).striptags()


def _name(mark: str) -> str:
    return MARKS.get(mark, f"U+{ord(mark):04X}")


def counted(value: float | None) -> str:
    """1 234 567 with thin spaces: read alike in every language."""
    return "" if value is None else f"{value:,}".replace(",", "\u202f")


BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS",
           "CrOS": "ChromeOS", "Linux": "Linux"}  # fmt: skip


def browser(agent: str) -> str:
    """Which browser on what, in two words; where we know neither, the first word it says of itself; "" = nothing."""
    found = [next((name for mark, name in known.items() if mark in agent), "") for known in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found)) or agent.partition(" ")[0][:60]


def short_time(at: datetime, now: datetime) -> tuple[str, dict[str, int]]:
    """(word, values) of the distance: just now, 5 min ago, in 3 h, 2 days ago."""
    seconds = (now - at).total_seconds()
    past, size = seconds >= 0, abs(seconds)
    if size < 45:
        return "ago.now", {}
    for word, unit, most in (("minutes", 60, 3600), ("hours", 3600, 86_400), ("days", 86_400, float("inf"))):
        if size < most:
            return ("ago." if past else "ago.in_") + word, {"n": max(1, int(size // unit))}
    raise AssertionError
