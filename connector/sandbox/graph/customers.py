"""The customers of the made-up business: who they are, what they were sent, what they may tap."""

import base64
import hashlib
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.graph.cards import filled
from connector.sandbox.graph.templates import Template, buttons
from connector.sandbox.people import PEOPLE

SHOWN = 200  # messages a customer's phone still shows
TAIL = 8  # the last digits of a number, the same in every national spelling
KNOWN = {
    "".join(filter(str.isdigit, phone))[-TAIL:]: f"{person.first} {person.last}".strip()
    for person in reversed(PEOPLE)
    for phone in (person.phone, person.mobile)
    if phone
}
NAMES = ("Ana Ruiz", "Diego Castro", "Lucia Herrera", "Mateo Vargas", "Sofia Mendes", "Tomas Acosta", "Valeria Pinto")
COUNTRIES = {"1": "US", "34": "ES", "44": "GB", "49": "DE", "51": "PE", "52": "MX", "54": "AR", "55": "BR", "56": "CL"}
COUNTRIES |= {"57": "CO", "593": "EC", "598": "UY", "58": "VE", "91": "IN"}
# national spellings: WhatsApp may know a number without a prefix its owner dials, and the other way round
RESPELLED = (("521", "52", 13), ("52", "521", 12), ("549", "54", 13), ("54", "549", 12))


@dataclass
class Customer:
    """One person on WhatsApp. `user_id` is the business-scoped user id (BSUID)."""

    wa_id: str
    name: str
    user_id: str
    username: str | None = None
    reachable: bool = True
    reads: bool = True
    hides_phone: bool = False  # a username user: webhooks then carry no wa_id
    marketing: bool = True
    wrote_at: dict[str, float] = field(default_factory=dict)  # by our number: opens the window
    last_sent: dict[str, str] = field(default_factory=dict)  # by our number: the wamid they see last
    talk: "deque[Sent | Wrote]" = field(default_factory=lambda: deque(maxlen=SHOWN))  # as their phone shows it

    @property
    def key(self) -> str:
        """What the customer is filed under."""
        return self.wa_id or self.user_id

    def profile(self) -> dict[str, Any]:
        """An entry of a webhook's `contacts`."""
        profile = {"name": self.name} | ({"username": self.username} if self.username else {})
        phone = {} if self.hides_phone or not self.wa_id else {"wa_id": self.wa_id}
        return {"profile": profile, **phone, "user_id": self.user_id}

    def shown(self) -> dict[str, Any]:
        """As a record."""
        return {"id": self.key, **{name: getattr(self, name) for name in SETTABLE}, "wa_id": self.wa_id}


SETTABLE: dict[str, type] = {
    "name": str,
    "user_id": str,
    "username": str,
    "reachable": bool,
    "reads": bool,
    "hides_phone": bool,
    "marketing": bool,
}


@dataclass
class Sent:
    """A message the business sent."""

    wamid: str
    number: str
    customer: str
    document: dict[str, Any]
    template: Template | None
    at: float
    text: str = ""
    statuses: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """As a record."""
        names = ("number", "customer", "at", "text", "statuses")
        asked = {
            "to": self.document.get("to") or self.document.get("recipient"),
            "template": self.template["name"] if self.template else None,
            "biz_opaque_callback_data": self.document.get("biz_opaque_callback_data"),
        }
        return {"id": self.wamid, **asked, **{name: getattr(self, name) for name in names}, "message": self.document}


@dataclass(frozen=True)
class Wrote:
    """A message the customer wrote: the item of the webhook."""

    wamid: str
    at: float
    item: dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """A button or a list row a customer can tap; `id` is what comes back (a template button's payload)."""

    id: str
    title: str
    description: str | None = None


def newcomer(wa_id: str, user_id: str = "") -> Customer:
    """Somebody nobody described: the same name (the CRMs' own, if they know the number) and BSUID every time."""
    digest = hashlib.sha256((wa_id or user_id).encode()).digest()
    country = next((COUNTRIES[wa_id[:n]] for n in (3, 2, 1) if wa_id[:n] in COUNTRIES), "US")
    number = str(int.from_bytes(digest[:12], "big")).zfill(20)[:20]
    name = KNOWN.get(wa_id[-TAIL:]) or NAMES[digest[-1] % len(NAMES)]
    return Customer(wa_id, name, user_id or f"{country}.{number}")


def spellings(digits: str) -> list[str]:
    """The ways WhatsApp may know a number in Mexico, Argentina and Brazil; the one given comes first."""
    found = [digits]
    for old, new, size in RESPELLED:
        if digits.startswith(old) and len(digits) == size:
            found.append(new + digits[len(old) :])
    if digits.startswith("55") and len(digits) in (12, 13):
        area, rest = digits[2:4], digits[4:]
        found.append(f"55{area}{rest[1:]}" if len(digits) == 13 else f"55{area}9{rest}")
    return found


def new_wamid(customer: str, kind: str) -> str:
    """A message id; nobody may read anything from it."""
    secret = f"\x1d\x18{customer}\x15\x02{kind}{secrets.token_hex(10).upper()}"
    return "wamid." + base64.b64encode(secret.encode()).decode()


def choices(sent: Sent | None) -> list[Choice]:
    """What a customer can tap on a message."""
    if sent is None:
        return []
    if sent.template is not None:
        return _template_choices(sent.template, sent.document["template"].get("components") or [])
    action = (sent.document.get("interactive") or {}).get("action") or {}
    replies = [button["reply"] for button in action.get("buttons", [])]
    rows = [row for section in action.get("sections", []) for row in section["rows"]]
    return [Choice(found["id"], found["title"], found.get("description")) for found in replies + rows]


def _template_choices(template: Template, components: list[dict[str, Any]]) -> list[Choice]:
    """The quick replies: the message's own, then card by card."""
    own = quick_replies(template, components)
    return own + [one for card, given in filled(template, components) for one in quick_replies(card, given)]


def quick_replies(template: Template, components: list[dict[str, Any]]) -> list[Choice]:
    """Of a template, or of one card."""
    payloads = {
        str(part["index"]): part["parameters"][0].get("payload")
        for part in components
        if part.get("sub_type", "").lower() == "quick_reply"
    }
    return [
        Choice(payloads.get(str(n)) or button["text"], button["text"])
        for n, button in enumerate(buttons(template))
        if button["type"] == "QUICK_REPLY"
    ]


def flow_token(sent: Sent | None) -> str:
    """The token a form's answer carries back; Meta says "unused" where nobody set one."""
    if sent is None:
        return "unused"
    if sent.template is not None:
        actions = [
            part["parameters"][0].get("action") or {}
            for part in sent.document["template"].get("components") or []
            if part.get("sub_type", "").lower() == "flow"
        ]
        return str(actions[0].get("flow_token", "unused")) if actions else "unused"
    action = (sent.document.get("interactive") or {}).get("action") or {}
    return str((action.get("parameters") or {}).get("flow_token", "unused"))
