"""Text made fit for a log: one line, nothing that moves a terminal, and no phone, e-mail, user id, message id or secret."""

import re

# Control characters, line separators, and what turns the reading direction around (Unicode TR 36, "bidi").
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")
_UUID = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
_ISO = r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?"
# Secrets by their look: ours, HubSpot's, Meta's, Salesforce's, JWTs, Fernet's, what stands behind a telling name or in
# an address, and any long mixture of letters and digits.
_SECRETS = (
    r"(?P<head>\b(?:bearer|basic|oauth)\s+)[^\s'\",;]+",
    r"(?P<user>\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@",
    r"(?P<name>\b(?:access_token|refresh_token|client_secret|appsecret_proof|app_secret|password|passwd|secret|token|"
    r"assertion|code_verifier|signature|sessionid|authorization|cookie)['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;)}]{6,}",
    r"(?P<query>[?&](?:code|key|sig|state)=)[^\s&'\",;)}]{6,}",
    r"(?P<hook>/hooks/crm/[^/\s]+/)[^\s/?'\"]+",
    r"(?P<link>[/=?](?:welcome|invite|reset|signin)[/=])[^\s/?&'\"]{12,}",
    r"\b(?:whsec_|wcc_|pat-[a-z0-9]{2,4}-|EAA[A-Za-z0-9]|sk-|gAAAA|00D\w{12,15}!|eyJ[\w-]{8,}\.)[^\s'\",;)}]*",
    r"(?<![\w+=-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{32,}",
)
_WAMID = r"wamid\.[\w+/=-]+"
_USER_ID = r"\b[A-Z]{2}\.[0-9A-Za-z]{8,}\b"
_EMAIL = r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
# 8 to 15 digits as people write them, not part of a word or of a longer row of digits.
_PHONE = r"(?<![0-9A-Za-z])\+?\(?\d(?:[ ()-]{0,2}\d){7,14}(?![0-9A-Za-z])"
_WHAT = re.compile(
    "|".join([
        f"(?P<uuid>{_UUID})", f"(?P<iso>{_ISO})", f"(?P<wamid>{_WAMID})", f"(?P<userid>{_USER_ID})",
        f"(?P<email>{_EMAIL})", f"(?P<phone>{_PHONE})",
    ])
)  # fmt: skip
_SECRET = re.compile("|".join(_SECRETS), re.IGNORECASE)
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
    """The text without secrets and, unless `people`, without phones (the last four digits stay), e-mails and ids of
    people. E-mails are hidden either way."""
    kept = _SECRET.sub(_secret, text[:LONGEST])
    return _WHAT.sub(lambda found: _person(found, people), kept)


def unquoted(text: str) -> str:
    """Words of others inside our own sentences: they stand in quotes, and go."""
    return _QUOTED.sub("'…'", text)


def _secret(found: re.Match[str]) -> str:
    if found["user"]:
        return f"{found['user']}{GONE}@"
    if _UUID_ONLY.fullmatch(found[0]):
        return found[0]
    return f"{found['head'] or found['name'] or found['query'] or found['hook'] or found['link'] or ''}{GONE}"


_UUID_ONLY = re.compile(_UUID)


def _person(found: re.Match[str], people: bool) -> str:
    kind, text = found.lastgroup, found[0]
    if kind in ("uuid", "iso"):
        return text
    if kind == "email":
        return f"{text[0]}{GONE}@{text.rpartition('@')[2]}"
    if people:
        return text
    if kind == "wamid":
        return f"wamid.{GONE}{text[-6:]}"
    digits = re.sub(r"\W", "", text)
    return f"{GONE}{digits[-4:]}"
