"""Meta's rules for a template's buttons: how many of each kind, in which order, and what each must say."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby

from connector.core.template import limits
from connector.core.template.limits import length
from connector.core.template.misfit import Misfit
from connector.core.template.model import PLACEHOLDER, Component

Found = Iterator[Misfit]
KINDS = (
    "QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW", "CATALOG", "MPM", "SPM", "VOICE_CALL", "APP",
    "CALL_PERMISSION_REQUEST", "REQUEST_CONTACT_INFO",
)  # fmt: skip
_OWN_LABEL = ("COPY_CODE",)  # WhatsApp writes it
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]*", re.ASCII)
_WEB = re.compile(r"https?://[^/\s{}]+", re.IGNORECASE)


def button_rules(found: list[Component], prefix: str = "") -> Found:
    """What Meta would refuse in these buttons."""
    kinds = [_kind(one) for one in found]
    if not 1 <= len(found) <= limits.BUTTONS:
        yield Misfit("buttons", prefix + "buttons", f"A template has 1 to {limits.BUTTONS} buttons, not {len(found)}.")
    for kind, count in Counter(kinds).items():
        if count > limits.MOST.get(kind, limits.BUTTONS):
            yield Misfit("buttons", prefix + "buttons", f"At most {limits.MOST[kind]} of the kind {kind}, not {count}.")
    if [is_reply for is_reply, _ in groupby(kinds, lambda kind: kind == "QUICK_REPLY")].count(True) > 1:
        hint = "Put all of them first, or all of them last."
        yield Misfit("grouped", prefix + "buttons", "Quick replies stand together.", hint)
    for n, (kind, button) in enumerate(zip(kinds, found, strict=True)):
        yield from _button(f"{prefix}buttons.{n}", kind, button)


def _kind(button: Component) -> str:
    return str(button.get("type") or "").upper()


def _button(key: str, kind: str, button: Component) -> Found:
    if kind not in KINDS:
        text = (
            "An OTP button belongs to an authentication template." if kind == "OTP" else f"There is no button {kind}."
        )
        yield Misfit("buttons", key, text)
        return
    if kind not in _OWN_LABEL:
        yield from _label(key, str(button.get("text") or ""))
    if kind in _OWN:
        yield from _OWN[kind](key, button)


def _label(key: str, text: str) -> Found:
    if not text.strip():
        yield Misfit("label", key, "A button needs a label.")
    if length(text) > limits.LABEL:
        yield Misfit("too_long", key, f"The label is longer than {limits.LABEL} characters.")
    if "{{" in text or "\n" in text:
        yield Misfit("label", key, "A label holds no placeholder and no line break.")


def _url(key: str, button: Component) -> Found:
    url = str(button.get("url") or "")
    found = list(PLACEHOLDER.finditer(url))
    if not _WEB.match(url):
        yield Misfit("url", key, "The address must begin with https:// and a fixed host.")
    if len(url) > limits.URL:
        yield Misfit("too_long", key, f"The address is longer than {limits.URL} characters.")
    if len(found) > limits.URL_PARAMETERS or (found and found[-1].end() != len(url)):
        yield Misfit("url", key, "An address holds one placeholder, at its end.")
    if found and not _example(button):
        yield Misfit("example", key, "The address has a placeholder and no example.", "Give example: [...].")


def _phone(key: str, button: Component) -> Found:
    number = str(button.get("phone_number") or "")
    if not _PHONE.fullmatch(number) or len(number) > limits.PHONE:
        yield Misfit("phone", key, f"The button needs a phone number of at most {limits.PHONE} characters.")


def _coupon(key: str, button: Component) -> Found:
    example = _example(button)
    if not example:
        yield Misfit("example", key, "A copy code button needs an example code.")
    elif length(example) > limits.COUPON:
        yield Misfit("too_long", key, f"A code has at most {limits.COUPON} characters.")


def _flow(key: str, button: Component) -> Found:
    if not any(button.get(name) for name in ("flow_id", "flow_name", "flow_json")):
        yield Misfit("flow", key, "A form button needs flow_id, flow_name or flow_json.")


def _example(button: Component) -> str:
    found = button.get("example")
    one = found[0] if isinstance(found, list) and found else found
    return one if isinstance(one, str) else ""


_OWN: dict[str, Callable[[str, Component], Found]] = {
    "URL": _url,
    "PHONE_NUMBER": _phone,
    "COPY_CODE": _coupon,
    "FLOW": _flow,
}
