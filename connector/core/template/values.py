"""One value for one place: checked as Graph checks it, and a little more strictly."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote

from connector.core.template import limits, media
from connector.core.template.limits import length
from connector.core.template.misfit import Misfit
from connector.core.template.model import PLACEHOLDER
from connector.core.template.slots import Need

_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_MANY_SPACES = re.compile(rf"\s{{{limits.SPACES + 1}}}")
_NUMBER = re.compile(r"[-+]?\d{1,3}(\.\d+)?", re.ASCII)
_COUPON = re.compile(r"[^\s]+")
_URL_SAFE = "/?#[]@!$&'()*+,;=:%-._~"  # an address's own characters stay; all others are percent-encoded
_ORIGIN = re.compile(r"https?://[^/?#]+[/?#]", re.IGNORECASE)
_UP = re.compile(r"(^|/)(\.|%2e){2}(/|%2f|%5c|$)", re.IGNORECASE)  # out of the part that the template fixes
_EPOCH_MS = re.compile(r"\d{12,14}", re.ASCII)


def _refuse(key: str, code: str, what: str, hint: str = "") -> Misfit:
    return Misfit(code, key, f"The value for `{key}` {what}", hint)


def check_text(key: str, value: str) -> str:
    """A value inside a text, without the blanks around it: one line, no tab, no more than 4 spaces in a row."""
    value = value.strip()
    if not value:
        hint = "Give one for that case, e.g. {{ ... | default('there') }}."
        raise _refuse(key, "empty", "is empty, and WhatsApp refuses that.", hint)
    if _BREAK.search(value):
        hint = "Take a field of one line, or put something else for the breaks, e.g. a comma."
        raise _refuse(key, "newline", "has a line break, and WhatsApp refuses that.", hint)
    if "\t" in value:
        raise _refuse(key, "tab", "has a tab, and WhatsApp refuses that.", "Put a space instead.")
    if _MANY_SPACES.search(value):
        raise _refuse(key, "spaces", f"has more than {limits.SPACES} spaces in a row, and WhatsApp refuses that.")
    if _UNPRINTABLE.search(value):
        raise _refuse(key, "character", "has a character that no phone can show.")
    return value


def _within(key: str, value: str, limit: int) -> str:
    if length(value) > limit:
        hint = f"Shorten it, e.g. with | shorten({limit})."
        raise _refuse(key, "too_long", f"is longer than the {limit} characters WhatsApp allows here.", hint)
    return value


def check_media(key: str, value: str) -> str:
    """A media id, or a public http(s) address."""
    value = check_text(key, value)
    if not media.is_media_id(value) and (why := media.refusal(value)):
        hint = "Give the public address of the file (https://...), or the media id WhatsApp gave it."
        raise _refuse(key, "media", f"cannot be fetched: {why}.", hint)
    return value


def _degrees(limit: float) -> Callable[[str, str], str]:
    def check(key: str, value: str) -> str:
        value = check_text(key, value)
        if not _NUMBER.fullmatch(value) or abs(float(value)) > limit:
            raise _refuse(key, "location", f"is not a number from -{limit:.0f} to {limit:.0f}.", "e.g. 4.711")
        return value

    return check


def check_coupon(key: str, value: str) -> str:
    """The code a customer copies."""
    value = check_text(key, value)
    if not _COUPON.fullmatch(value):
        raise _refuse(key, "coupon", "has a space in it, and a coupon code cannot.")
    return _within(key, value, limits.COUPON)


def check_code(key: str, value: str) -> str:
    """A one-time password, in the text and on its button."""
    value = check_text(key, value)
    if re.search(r"[\s/:.]", value):
        raise _refuse(key, "code", "is not a code: it has a space, or looks like an address.")
    return _within(key, value, limits.CODE)


def check_suffix(key: str, value: str, url: str) -> str:
    """What follows a URL button's fixed part, percent-encoded where an address needs it; the host cannot be changed."""
    value = quote(check_text(key, value), safe=_URL_SAFE)
    fixed = PLACEHOLDER.split(url)[0]
    if fixed and value.lower().startswith(fixed.lower()):
        raise _refuse(key, "url", f"repeats the address: the button already begins with {fixed}.",
                      "Give only what follows it.")  # fmt: skip
    if not _ORIGIN.match(fixed) and value[0] not in "/?#":
        raise _refuse(key, "url", "would change the button's address.", "It must begin with / or ?.")
    if not set(fixed) & {"?", "#"} and _UP.search(re.split("[?#]", value, maxsplit=1)[0]):
        raise _refuse(key, "url", "leads out of the button's address with '..'.", "Give only what follows it.")
    if len(fixed) + len(value) > limits.URL:
        raise _refuse(key, "too_long", f"makes an address of more than {limits.URL} characters.")
    return value


def check_moment(key: str, value: str) -> str:
    """The end of an offer in milliseconds since 1970, from those or from an ISO date and time with its zone."""
    value = value.strip()
    if _EPOCH_MS.fullmatch(value):
        return value
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return str(round(moment.timestamp() * 1000))
    except (ValueError, OverflowError):
        pass  # no moment either
    hint = "Give a date and time with its zone, e.g. 2026-11-30T23:59:00-05:00, or milliseconds since 1970."
    raise _refuse(key, "moment", "does not say a moment.", hint)


def check_payload(key: str, value: str) -> str:
    """The id that comes back when a quick reply is tapped."""
    return _within(key, check_text(key, value), limits.PAYLOAD)


CHECKS: Mapping[str, Callable[[str, str], str]] = {
    "text": check_text,
    "media": check_media,
    "filename": lambda key, value: _within(key, check_text(key, value), limits.FILENAME),
    "latitude": _degrees(90),
    "longitude": _degrees(180),
    "copy_code": check_coupon,
    "flow": lambda key, value: _within(key, check_text(key, value), limits.FLOW_TOKEN),
    "catalog": check_text,
    "moment": check_moment,
}


def check(need: Need, key: str, value: str) -> str:
    """The value as it is sent; `key` is how the document wrote it. Raises Misfit."""
    return check_suffix(key, value, need.url) if need.kind == "url" else CHECKS[need.kind](key, value)
