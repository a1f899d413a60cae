"""A customer's phone: the messages it got and those its owner wrote, in order, as WhatsApp would draw them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.sandbox.graph.business import Business
from connector.sandbox.graph.cards import ends_of, filled, part_of
from connector.sandbox.graph.customers import Customer, Sent, Wrote, choices, new_wamid, quick_replies
from connector.sandbox.graph.errors import GraphError
from connector.sandbox.graph.messages import check as check_message
from connector.sandbox.graph.settings import PHONE_ID
from connector.sandbox.graph.templates import PARAMETER, Template, buttons, component
from connector.sandbox.graph.templates import check as check_template

Part = dict[str, Any]
# Whose phone may be picked up before anybody wrote: the people the documentation speaks of.
OWNERS = (
    "573001112222", "5215512345678", "573004445555", "573002223344", "573015550180", "5511987654321", "14155550123",
    "15125550175",
)  # fmt: skip
FEW = 25  # of those who stand in no list: a broadcast has thousands
MEDIA = ("image", "video", "document", "audio", "sticker")
# The one form of the made-up business: what its flow asks.
FORM = (
    {"name": "date", "label": "Date", "type": "date", "options": []},
    {"name": "branch", "label": "Branch", "type": "choice", "options": ["Bogota", "Mexico City", "Lima"]},
    {"name": "notes", "label": "Notes", "type": "text", "options": []},
)
LABELS = {"location_request_message": "Send location", "request_contact_info": "Share contact"}


def owners(business: Business) -> list[Part]:
    """Whose phone is shown, with when the last message was: of very many only the first and the last."""
    with business.lock:
        met = [key for key, one in business.state.customers.items() if one.talk]
        late = sorted(met[FEW:], key=lambda key: business.state.customers[key].talk[-1].at)[-FEW:]
        known = dict.fromkeys([*OWNERS, *met[:FEW], *late])
        found = [business.customer(key) for key in known]
        return [{"id": one.key, "name": one.name, "last": one.talk[-1].at if one.talk else None} for one in found]


def phone(business: Business, key: str) -> Part:
    """{customer, on, messages}: `on` False when what the customer writes goes nowhere."""
    with business.lock:
        customer, now = business.customer(key), business.world.now()
        taken = dict(_taken(customer))
        messages = [
            _wrote(one) if isinstance(one, Wrote) else _got(one, now, taken.get(one.wamid)) for one in customer.talk
        ]
        _quote(messages)
        for part in (part for one in messages for part in (one, *one.get("cards", ()))):
            if "media" in part:
                part["media"]["here"] = part["media"]["id"] in business.state.shelf.files
        return {"customer": customer.shown(), "on": business.webhooks.on, "messages": messages, "form": list(FORM)}


def _quote(messages: Sequence[Part]) -> None:
    """What a message answers, in a line; a tap stands under its buttons anyway."""
    said = {one["id"]: str(one.get("text") or one.get("kind") or "")[:80] for one in messages}
    for one in messages:
        one["quoted"] = said.get(one.get("reply_to") or "", "")


# ---- what another tool sent --------------------------------------------------------------------------------------
def carry(business: Business, key: str, given: Mapping[str, Any]) -> Sent:
    """A message of another tool's: {template, language?, values?, buttons?} or {message}, wamid?; no status is told.

    ValueError for a template that does not exist, or does not fit."""
    with business.lock:
        customer = business.customer(key)
        wamid = str(given.get("wamid") or new_wamid(customer.key, "\x00\x11\x18"))
        number, now = str(given.get("number", PHONE_ID)), business.world.now()
        try:
            document, template, text = _document(business, customer, given)
        except GraphError as refused:
            raise ValueError(str(refused)) from refused
        sent = Sent(wamid, number, customer.key, {"to": customer.key, **document}, template, now, text)
        business.keep(sent, customer)
        return sent


def _document(business: Business, customer: Customer, given: Mapping[str, Any]) -> tuple[Part, Template | None, str]:
    if isinstance(given.get("message"), dict):
        document = dict(given["message"])
        check_message(document)
        return document, None, ""
    name, code = given.get("template"), given.get("language")
    found = [t for t in business.state.templates.values() if t["name"] == name]
    template = next((t for t in found if t["language"] == code), found[0] if found and code is None else None)
    if template is None:
        raise ValueError(f"there is no template {name!r}" + (f" in {code}" if code else ""))
    parts = _parts(template, customer, given.get("values") or {}, given.get("buttons") or [])
    return {"type": "template", "template": {"name": name, "components": parts}}, template, check_template(
        template, parts
    )  # fmt: skip


def _parts(template: Template, customer: Customer, values: Mapping[str, Any], ids: Sequence[Any]) -> list[Part]:
    body = (component(template, "BODY") or {}).get("text", "")
    names = dict.fromkeys(PARAMETER.findall(body))
    first = customer.name.split(" ")[0]
    texts: list[Part] = [
        {"type": "text", "parameter_name": name, "text": str(values.get(name) or (first if n == 0 else "-"))}
        for n, name in enumerate(names)
    ]
    quick = [str(n) for n, button in enumerate(buttons(template)) if button["type"] == "QUICK_REPLY"]
    taps = [
        {"type": "button", "sub_type": "quick_reply", "index": n, "parameters": [{"type": "payload", "payload": id}]}
        for n, id in zip(quick, map(str, ids), strict=False)
    ]
    return [*([{"type": "body", "parameters": texts}] if texts else []), *taps]


# ---- as the phone draws it ---------------------------------------------------------------------------------------
def _taken(customer: Customer) -> Iterator[tuple[str, str]]:
    """(the message, what was tapped on it): a button is tapped once."""
    for one in customer.talk:
        if isinstance(one, Wrote):
            id, context = _tapped(one.item), one.item.get("context")
            if id is not None and context:
                yield context["id"], id


def _tapped(item: Mapping[str, Any]) -> str | None:
    if item["type"] == "button":
        return str(item["button"]["payload"])
    reply = item.get("interactive") or {}
    if reply.get("type") == "nfm_reply":
        return ""
    chosen = reply.get(reply.get("type", ""))
    return str(chosen["id"]) if isinstance(chosen, dict) and "id" in chosen else None


def _wrote(one: Wrote) -> Part:
    item, kind = one.item, one.item["type"]
    inner = item.get(kind)
    found: Part = {"id": one.wamid, "at": one.at, "mine": True, "kind": kind, "text": "", "status": ""}
    found["reply_to"] = (item.get("context") or {}).get("id", "")
    if kind == "interactive":
        reply = item["interactive"].get(item["interactive"].get("type", ""), {})
        return found | {"text": str(reply.get("title") or reply.get("body") or ""), "form": reply.get("response_json")}
    if kind in MEDIA and isinstance(inner, dict):
        return found | {"media": _file(kind, inner), "text": str(inner.get("caption") or "")}
    if kind == "contacts" and inner:
        return found | {"people": [_person(one) for one in inner]}
    if kind == "location" and isinstance(inner, dict):
        return found | {"place": _place(inner)}
    if kind == "reaction" and isinstance(inner, dict):
        return found | {"text": str(inner.get("emoji", "")), "reply_to": str(inner.get("message_id", ""))}
    text = inner.get("body") or inner.get("text") if isinstance(inner, dict) else inner
    return found | {"text": str(text or "")}


def _got(sent: Sent, now: float, taken: str | None) -> Part:
    """A message of the business; `taken` is the id of the choice its customer made."""
    happened = [one["status"] for one in sent.statuses if one["at"] <= now]
    found: Part = {"id": sent.wamid, "at": sent.at, "mine": False, "status": happened[-1] if happened else ""}
    answers = str((sent.document.get("context") or {}).get("message_id") or "")
    found |= {"template": sent.template["name"] if sent.template else None, "taken": taken, "reply_to": answers}
    kind = "template" if sent.template else str(sent.document.get("type", "text"))
    return found | {"kind": kind} | (_template(sent) if sent.template else _free(kind, sent))


def _template(sent: Sent) -> Part:
    template, parts = sent.template or {}, _components(sent)
    found = _bubble(template, parts, sent.text)
    offer = (part_of(template["components"], "limited_time_offer") or {}).get("limited_time_offer")
    if offer:
        found["offer"] = {"text": str(offer.get("text") or ""), "ends": ends_of(parts)}
    found["cards"] = [_bubble(card, given, None) for card, given in filled(template, parts)]
    return found


def _bubble(template: Template, parts: list[Part], text: str | None) -> Part:
    """A template's own part, or one card."""
    given = {str(p.get("type", "")).lower(): p.get("parameters") or [] for p in parts}
    header, footer = component(template, "HEADER"), component(template, "FOOTER")
    if text is None:
        text = _filled((component(template, "BODY") or {}).get("text", ""), given.get("body", []))
    found: Part = {"text": text, "footer": (footer or {}).get("text", ""), "buttons": list(_buttons(template, parts))}
    if header and header["format"] == "TEXT":
        found["header"] = _filled(header["text"], given.get("header", []))
    elif header:
        kind = header["format"].lower()
        value = given["header"][0].get(kind, {}) if given.get("header") else {}
        found |= {"place": _place(value)} if kind == "location" else {"media": _file(kind, value)}
    return found


def _components(sent: Sent) -> list[Part]:
    return list(sent.document["template"].get("components") or [])


def _filled(text: str, parameters: Sequence[Part]) -> str:
    names = list(dict.fromkeys(PARAMETER.findall(text)))
    table = dict(zip(names, (str(one.get("text", "")) for one in parameters), strict=False))
    return PARAMETER.sub(lambda found: table.get(found[1], found[0]), text)


def _buttons(template: Template, parts: list[Part]) -> Iterator[Part]:
    """Every button of a template or card, in order; `id` is what a tap brings back."""
    quick = iter(quick_replies(template, parts))
    given = {
        str(p.get("index")): p["parameters"][0]
        for p in parts
        if str(p.get("type", "")).lower() == "button" and p.get("parameters")
    }
    for n, button in enumerate(buttons(template)):
        kind, title, value = button["type"], button.get("text", ""), given.get(str(n), {})
        if kind == "QUICK_REPLY":
            choice = next(quick)
            yield {"kind": "reply", "id": choice.id, "title": choice.title}
        elif kind == "URL":
            yield {"kind": "link", "title": title, "url": PARAMETER.sub(str(value.get("text", "")), button["url"])}
        elif kind == "FLOW":
            yield {"kind": "form", "title": title}
        elif kind == "COPY_CODE" or kind == "OTP":
            code = value.get("coupon_code") or value.get("text") or ""
            yield {"kind": "code", "title": title or "Copy code", "code": str(code)}
        else:
            yield {"kind": "phone" if kind == "PHONE_NUMBER" else "other", "title": title}


def _free(kind: str, sent: Sent) -> Part:
    inner = sent.document.get(kind) or {}
    if kind in MEDIA:
        return {"text": str(inner.get("caption") or ""), "media": _file(kind, inner)}
    if kind == "location":
        return {"text": "", "place": _place(inner)}
    if kind == "contacts":
        return {"text": "", "people": [_person(one) for one in inner]}
    if kind == "reaction":
        return {"text": str(inner.get("emoji", "")), "reply_to": str(inner.get("message_id", ""))}
    if kind == "interactive":
        return _interactive(sent, inner)
    return {"text": str(inner.get("body", ""))}


def _interactive(sent: Sent, inner: Part) -> Part:
    header, kind, action = inner.get("header") or {}, inner.get("type"), inner.get("action") or {}
    found: Part = {"text": inner["body"]["text"], "footer": (inner.get("footer") or {}).get("text", "")}
    if header.get("type") == "text":
        found["header"] = str(header.get("text", ""))
    elif header.get("type") in MEDIA:
        found["media"] = _file(header["type"], header.get(header["type"]) or {})
    if kind == "list":
        return found | {"list": {"title": action["button"], "sections": action["sections"]}}
    parameters = action.get("parameters") or {}
    if kind == "button":
        found["buttons"] = [{"kind": "reply", "id": one.id, "title": one.title} for one in choices(sent)]
    elif kind == "cta_url":
        found["buttons"] = [{"kind": "link", "title": parameters["display_text"], "url": parameters["url"]}]
    elif kind == "flow":
        found["buttons"] = [{"kind": "form", "title": parameters["flow_cta"]}]
    else:
        found["buttons"] = [{"kind": "location" if "location" in str(kind) else "contact", "title": LABELS[str(kind)]}]
    return found


def _file(kind: str, given: Any) -> Part:
    """`id` is the one Meta gave the file; `voice`: an audio that is shown as a voice message."""
    given = given if isinstance(given, dict) else {}
    link = str(given.get("link") or given.get("url") or "")
    name = str(given.get("filename") or link.rsplit("/", 1)[-1])
    voice = given.get("voice") is True
    return {"kind": kind, "name": name, "link": link, "id": str(given.get("id") or ""), "voice": voice}


def _person(given: Any) -> Part:
    """One contact card."""
    given = given if isinstance(given, dict) else {}
    phones, emails = ([one for one in given.get(name) or [] if isinstance(one, dict)] for name in ("phones", "emails"))
    return {
        "name": str((given.get("name") or {}).get("formatted_name", "")),
        "phone": str(phones[0].get("phone", "")) if phones else "",
        "email": str(emails[0].get("email", "")) if emails else "",
        "company": str((given.get("org") or {}).get("company", "")),
    }


def _place(given: Any) -> Part:
    given = given if isinstance(given, dict) else {}
    return {name: str(given.get(name) or "") for name in ("name", "address", "latitude", "longitude")}
