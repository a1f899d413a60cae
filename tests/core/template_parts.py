"""Small templates, made of their parts."""

from connector.core.template import Template


def made(*components, category="marketing", format="positional", language="en") -> Template:
    return Template(name="t", language=language, category=category, format=format, components=components)


def body(text: str) -> dict:
    return {"type": "BODY", "text": text}


def buttons(*found: dict) -> dict:
    return {"type": "BUTTONS", "buttons": list(found)}


def url(address: str) -> dict:
    return {"type": "URL", "text": "Open", "url": address}


REPLY = {"type": "QUICK_REPLY", "text": "Yes"}
TEXT = made(body("Dear {{1}}, hello."))
