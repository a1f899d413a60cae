"""Text made fit for a log: one line, nothing that moves a terminal; no phone, e-mail, id of a person, or secret."""

import re

# Control characters, line separators, and what turns the reading direction around (Unicode TR 36, "bidi").
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_UUID = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
_ISO = r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?"
_NAMES = (
    "access_token|refresh_token|client_secret|appsecret_proof|app_secret|password|passwd|secret|token|assertion|"
    "code_verifier|signature|sessionid|authorization|cookie"
)
# Secrets by their look: in an address, behind a telling name, by how ours and the vendors' begin (HubSpot, Meta,
# Salesforce, JWT, Fernet), and any long mixture of letters and digits. What is named stays, what follows goes.
_SECRETS = (
    r"(?P<user>\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@",
    rf"(?P<name>\b(?:{_NAMES})['\"]?\s*[=:]\s*['\"]?)(?:(?:bearer|basic|oauth)\s+)?[^\s&'\",;)}}]{{6,}}",
    r"(?P<head>\b(?:bearer|basic|oauth)\s+)[^\s'\",;]{6,}",
    r"(?P<query>[?&](?:code|key|sig|state)=)[^\s&'\",;)}]{6,}",
    r"(?P<hook>/hooks/crm/[^/\s]+/)[^\s/?'\"]+",
    r"(?P<link>[/=?](?:welcome|invite|reset|signin)[/=])[^\s/?&'\"]{12,}",
    r"(?P<known>\b(?:whsec_|wcc_|pat-[a-z0-9]{2,4}-|EAA[A-Za-z0-9]|gAAAA|00D\w{12,15}!|eyJ[\w-]{8,}\.)[^\s'\",;)}]*)",
    r"(?P<mixed>(?<![\w+=-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{32,})",
)
_EMAIL = r"[\w.!#$%&*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
# 8 to 15 digits as people write them, not part of a word or of a longer row of digits.
_PHONE = r"(?<![0-9A-Za-z])\+?\(?\d(?:[ ()-]{0,2}\d){7,14}(?![0-9A-Za-z])"
_WHAT = re.compile(
    "|".join([
        f"(?P<uuid>{_UUID})", r"(?P<wamid>wamid\.[\w+/=-]+)", *_SECRETS, f"(?P<iso>{_ISO})",
        r"(?P<userid>\b(?-i:[A-Z]{2})\.[0-9A-Za-z]{8,}\b)", f"(?P<email>{_EMAIL})", f"(?P<phone>{_PHONE})",
    ]),
    re.IGNORECASE,
)  # fmt: skip
_QUOTED = re.compile("'[^'\n]{1,400}'|\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|«[^»\n]{1,400}»|`[^`\n]{1,400}`")
LONGEST = 8_000  # characters of one text of a log
GONE = "***"


def line(text: str) -> str:
    """One line: what could end it, move a cursor or turn it around is spelled out."""
    return _UNSAFE.sub(_spelled, text[:LONGEST])


def _spelled(found: re.Match[str]) -> str:
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(found[0])
    return known.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def hushed(text: str, *, people: bool = False) -> str:
    """The text without secrets, e-mails and, unless `people`, phones (the last four digits stay) and ids of people and
    of messages, which hold phones."""
    return _WHAT.sub(lambda found: _hidden(found, people), text[:LONGEST])


def unquoted(text: str) -> str:
    """Words of others inside our own sentences: they stand in quotes, and go."""
    return _QUOTED.sub("'…'", text)


def _hidden(found: re.Match[str], people: bool) -> str:
    kind, text = found.lastgroup or "", found[0]
    if kind in _KEPT or (people and kind in _OF_PEOPLE):
        return text
    if kind == "email":
        return f"{text[0]}{GONE}@{text.rpartition('@')[2]}"
    if kind in ("phone", "userid"):
        return f"{GONE}{text.rstrip(')')[-4:]}"
    if kind == "wamid":
        return f"wamid.{GONE}"
    if kind in ("known", "mixed"):
        return GONE
    return f"{found[kind]}{GONE}" + ("@" if kind == "user" else "")


_KEPT, _OF_PEOPLE = ("uuid", "iso"), ("phone", "userid", "wamid")
