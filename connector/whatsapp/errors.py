"""Graph error codes as data: may the request be repeated, what it means for an admin, and who can mend it.

Cloud API says HTTP 400 to a rate limit and 500 to a permanent mistake, so only `error.code` decides.
Source: Meta, "Cloud API error codes" and "Throughput", checked 2026-11; the classes are ours:
S  refused before anything was sent: safe to repeat      Q  may have been sent: find out first, never just repeat
W  wait long; `park` says what waits                     N  will never work as it is: something must be changed
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from connector.errors import (
    Busy,
    ConnectorError,
    NoConsent,
    NotAllowed,
    NotFound,
    OutsideWindow,
    Rejected,
    TemplateNotApproved,
    Unreachable,
)

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class Kind(NamedTuple):
    """One row: class, plain words, who can mend it (you, Meta, customer, CRM), what to park for how many seconds."""

    again: str
    words: str
    who: str
    park: str = ""  # account number template contact; N + account = sends pause until a person mends it
    wait: float | None = None


_TOKEN = Kind("N", "The access token is wrong or has expired. Make a new system-user token.", "you", "account")
_SCOPE = Kind("N", "The token lacks a permission (whatsapp_business_messaging or _management).", "you", "account")
_PARAMETER = Kind("N", "WhatsApp refused a value of this message.", "you")
_LOCKED = Kind("N", "Meta has restricted or locked this WhatsApp account. See Business Support.", "you", "account")
_MAINTENANCE = Kind("Q", "The number is in maintenance for up to a minute.", "Meta", "number", MINUTE)
_ELSEWHERE = Kind("N", "This marketing message must go through the Marketing Messages API.", "you", "template")
_VALUES = Kind("N", "The values do not fit the template's placeholders (how many, or their format).", "you")
_WORDING = Kind("N", "WhatsApp does not accept this template's wording.", "you")
_REGISTER = Kind("N", "The number is not registered for Cloud API. Register it with its PIN.", "you", "account")
_HISTORY = Kind("N", "The phone app's history cannot be synchronised (already done, declined, or too late).", "you")

CODES: dict[int, Kind] = {
    0: _TOKEN,
    1: Kind("Q", "WhatsApp failed for a reason it does not name.", "Meta"),
    2: Kind("Q", "WhatsApp is down or overloaded for a moment.", "Meta"),
    3: Kind("N", "The app is not allowed to do this. Check its capabilities.", "you", "account"),
    4: Kind("S", "Too many calls by this app in the last hour.", "Meta", "account", 5 * MINUTE),
    10: _SCOPE,
    33: Kind("N", "This id does not exist or the token may not see it.", "you"),
    100: _PARAMETER,
    190: _TOKEN,
    368: _LOCKED,
    80007: Kind("S", "Too many calls for this WhatsApp account in the last hour.", "Meta", "account", 5 * MINUTE),
    130403: Kind("N", "You have blocked this person on WhatsApp.", "you"),
    130429: Kind("S", "The number sends faster than its throughput allows.", "Meta", "number", 2.0),
    130472: Kind("N", "Meta holds marketing back from this person as part of an experiment.", "Meta"),
    130497: Kind("N", "This business may not message people in that country.", "you"),
    131000: Kind("Q", "WhatsApp failed for a reason it does not name.", "Meta"),
    131005: _SCOPE,
    131008: Kind("N", "A required value of this message is missing.", "you"),
    131009: Kind("N", "A value of this message is not valid.", "you"),
    131016: Kind("Q", "WhatsApp is down or overloaded for a moment.", "Meta"),
    131021: Kind("N", "The message was addressed to the sending number itself.", "you"),
    131026: Kind("N", "The message cannot reach this person: no WhatsApp on that number, or an old app.", "customer"),
    131030: Kind("N", "The test number may only write to the people on its list.", "you"),
    131031: _LOCKED,
    131036: Kind("N", "The message did not reach one of the person's devices.", "customer"),
    131037: Kind("N", "The number needs an approved display name first.", "you", "account"),
    131042: Kind("N", "Meta cannot charge this WhatsApp account. Check its payment method.", "you", "account"),
    131044: Kind("N", "Meta cannot charge this account for calls. Check the payment method.", "you", "account"),
    131045: _REGISTER,
    131047: Kind("N", "More than 24 hours since the person last wrote: only a template may be sent.", "customer"),
    131048: Kind("W", "People blocked or reported this number: Meta limits what it sends.", "you", "number", HOUR),
    131049: Kind("W", "Meta held it back: this person gets enough marketing messages already.", "Meta", "contact", DAY),
    131050: Kind("N", "The person has stopped marketing messages from you.", "customer"),
    131051: Kind("N", "WhatsApp does not support this kind of message here.", "customer"),
    131052: Kind("N", "The file the person sent cannot be downloaded. Ask for it again.", "customer"),
    131053: Kind("N", "WhatsApp cannot fetch or read the file of this message.", "you"),
    131055: _ELSEWHERE,
    131056: Kind("S", "Too many messages to this person in a short time.", "Meta", "contact", 4.0),
    131057: _MAINTENANCE,
    131060: Kind("N", "The message is no longer available.", "customer"),
    131062: Kind("N", "This message needs a phone number; a WhatsApp user id is not enough.", "customer"),
    131063: _ELSEWHERE,
    131064: Kind("W", "Too many templates of this account were in the wrong category.", "you", "account", DAY),
    132000: _VALUES,
    132001: Kind("N", "The template does not exist in that language, or is not approved.", "you", "template"),
    132005: Kind("N", "With its values filled in the template's text is too long.", "you"),
    132007: Kind("N", "The template's content breaks a WhatsApp policy.", "you", "template"),
    132008: Kind("N", "A value is not valid for its placeholder.", "you"),
    132012: _VALUES,
    132015: Kind("W", "The template is paused for low quality.", "you", "template", 3 * HOUR),
    132016: Kind("N", "The template was paused too often and is now disabled.", "you", "template"),
    132018: _VALUES,
    132068: Kind("N", "The form (Flow) is blocked. Mend it and publish it again.", "you", "template"),
    132069: Kind("W", "The form (Flow) is throttled to 10 messages an hour.", "you", "template", HOUR),
    133000: _REGISTER,
    133004: Kind("Q", "WhatsApp is down or overloaded for a moment.", "Meta"),
    133005: Kind("N", "The two-step PIN is wrong.", "you"),
    133006: _REGISTER,
    133008: Kind("W", "The two-step PIN was guessed too often.", "you", "account", HOUR),
    133009: Kind("W", "The two-step PIN was entered too fast.", "you", "account", MINUTE),
    133010: _REGISTER,
    133015: Kind("W", "The number was just deleted. Register it in 5 minutes.", "you", "account", 5 * MINUTE),
    133016: Kind("W", "The number was registered too often. Wait 72 hours.", "you", "account", 3 * DAY),
    134100: Kind("N", "Only marketing templates may go through the Marketing Messages API.", "you", "template"),
    134101: Kind("W", "The template is new; Meta still prepares it.", "Meta", "template", 10 * MINUTE),
    134102: Kind("N", "This template cannot go through the Marketing Messages API.", "you", "template"),
    135000: _PARAMETER,
    136024: Kind("N", "The number is verified already.", "you"),
    139200: Kind("N", "Sending without a template of your own is blocked for this account.", "you", "account"),
    2388019: Kind("N", "The account has as many templates as it may have.", "you"),
    2388023: Kind("N", "This template is still being deleted: its name and language are free later.", "you"),
    2388024: Kind("N", "There is a template with this name and language already.", "you"),
    2388040: _WORDING,
    2388047: _WORDING,
    2388072: _WORDING,
    2388073: _WORDING,
    2388293: _WORDING,
    2388299: _WORDING,
    2494100: _MAINTENANCE,
    2593002: Kind("N", "There is no such template at Meta.", "you"),
    2593107: _HISTORY,
    2593108: _HISTORY,
    2593109: _HISTORY,
}  # fmt: skip
GENERAL = 100
RANGES: tuple[tuple[range, Kind], ...] = ((range(200, 300), _SCOPE),)

_UNKNOWN = Kind("Q", "WhatsApp answered with an error that says nothing about the message.", "Meta")
_UNLISTED = Kind("N", "WhatsApp refused this.", "you")
_CLASSES: dict[int, type[ConnectorError]] = {
    33: NotFound,
    2593002: NotFound,
    131047: OutsideWindow,
    131050: NoConsent,
    132001: TemplateNotApproved,
    132016: TemplateNotApproved,
}


def known(code: int | None) -> Kind | None:
    """The row of a code, None if the table has none."""
    if code is None:
        return None
    return CODES.get(code) or next((kind for span, kind in RANGES if code in span), None)


def classify(code: int | None, http_status: int = 400, is_transient: bool = False) -> Kind:
    """What to do about an error. `is_transient` turns N into Q; an unlisted 5xx or no code at all is Q."""
    kind = known(code)
    if kind is None:
        return _UNKNOWN if code is None or http_status >= 500 or is_transient else _UNLISTED
    return kind._replace(again="Q", park="") if is_transient and kind.again == "N" else kind


def read_error(body: Any) -> tuple[int | None, bool, str]:
    """(code, is_transient, Meta's own words) of a decoded Graph body of any shape."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return None, False, ""
    return _code(error), error.get("is_transient") is True, _words(error)[:300]


def _code(error: Mapping[str, Any]) -> int | None:
    """The code; 100 says only "invalid parameter", its subcode says which (33 no such object, 2388... templates)."""
    code, sub = error.get("code"), error.get("error_subcode")
    if code == GENERAL and type(sub) is int and sub in CODES:
        return sub
    return code if type(code) is int else None


# Graph repeats a token it cannot read: "Malformed access token EAAG..."
_TOKENS = re.compile(r"\bEAA\w{8,}|(?<=access token )(?=\S*\d)\S{20,}", re.ASCII)


def _words(error: Mapping[str, Any]) -> str:
    """The details; for a template what Meta shows to a person; else the message."""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, Mapping) else None
    told = ": ".join(str(error[key]) for key in ("error_user_title", "error_user_msg") if error.get(key))
    return _TOKENS.sub("…", str(details or told or error.get("message") or ""))


def translate(http_status: int, body: Any) -> ConnectorError:
    """The error to raise for a refused Graph call; `body` is the decoded JSON, or None when it was none."""
    code, transient, theirs = read_error(body)
    kind = classify(code, http_status, transient)
    name = f"graph_{code}" if code is not None else f"http_{http_status}"
    hint = f"Meta says: {theirs}" if theirs else ""
    if kind.again in ("S", "W"):
        return Busy(kind.words, after=kind.wait, hint=hint, code=name)
    if kind.again == "Q":
        return Unreachable(kind.words, hint=hint, code=name)
    if kind.park == "account":
        return NotAllowed(kind.words, hint=hint, code=name)
    return _CLASSES.get(code or 0, Rejected)(kind.words, hint=hint, code=name)
