"""Reads a payload file the way the pipeline does, and builds the events that are expected of it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from connector import whatsapp
from connector.core.events import AccountAlert, InboundMessage, Noted, TemplateUpdate, Unrecognised
from connector.ports import Account

PAYLOADS = Path(__file__).parent / "payloads"
NUMBER, WABA = "301122334455667", "201122334455667"
ANA, ANA_USER = "573001112222", "CO.2840019283746501"
BRUNO = "553188887777"
INVITE = "wamid.OUT.invite"  # our message that is answered
AT = datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC)

ACCOUNT = Account(
    id="a1",
    kind="whatsapp",
    name="verde",
    settings={"phone_number_id": NUMBER, "waba_id": WABA},
    secrets={"token": "t", "app_secret": "s", "verify_token": "v"},
)
WEBHOOK = whatsapp.webhook(ACCOUNT)
_HASH = re.compile(r"[0-9a-f]{64}$")


def routed(name):
    """The items of a payload as they are."""
    return WEBHOOK.parse((PAYLOADS / f"{name}.json").read_bytes(), {})


def read(name):
    """The events of a payload; a key that is a hash is shown as #."""
    return [replace(item.event, id=_HASH.sub("#", item.event.id)) for item in routed(name)]


def inbound(payload, type, text, answer, **more):
    """A message of Ana's with the payload's name in its id."""
    person = {"wa_id": ANA, "user_id": ANA_USER, "name": "Ana Ruiz"}
    known = {"id": f"wamid.IN.{payload}", "at": AT, "number": NUMBER, "type": type, "text": text, "answer": answer}
    return InboundMessage(**known | person | more)


def template(field, what, value, reason="", **more):
    known = {"template_id": "744556677889901", "name": "webinar_invite_v2", "language": "es_CO"}
    return TemplateUpdate(id=f"{field}:#", at=AT, what=what, value=value, reason=reason, **known | more)


def alert(what, event, severity, text, **more):
    return AccountAlert(**{"id": f"{what}:#", "at": AT} | more, what=what, event=event, severity=severity, text=text)


def noted(what, key, text, **more):
    return Noted(**{"id": f"{what}:{key}", "at": AT, "number": NUMBER} | more, what=what, text=text)


def odd(what, text, **more):
    return Unrecognised(**{"id": "unrecognised:#", "at": AT} | more, what=what, text=text)
