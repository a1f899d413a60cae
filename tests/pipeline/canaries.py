"""One person with unusual words, through the real pipeline; and the search for these words in everything stored."""

import base64
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.store.engine import Store
from connector.store.tables import metadata
from tests.pipeline.messages import message, tap, text, value, webhook

PHONE, OTHER = "573017778899", "573023334455"
USER = "CO.9988776655443322"
NAME, MAIL = "Zoraida Quetzalcoatl", "zoraida.q@example.test"
SECRET = "xilofono"
WAMID = "wamid." + base64.b64encode(b"\x1c\x18\x0c" + PHONE.encode()).decode()
CANARIES = (PHONE, USER, "Zoraida", "Quetzalcoatl", MAIL, SECRET, WAMID[8:22])


def id_(name: str) -> str:
    return f"{WAMID}{name}"


def said(name: str) -> str:
    return f"{SECRET} {name}"


def inbound() -> list[dict[str, Any]]:
    """A message of every kind, all of one person."""
    form = {
        "type": "nfm_reply",
        "nfm_reply": {"name": "flow", "body": "Sent", "response_json": f'{{"q":"{said("form")}"}}'},
    }
    row = {"type": "list_reply", "list_reply": {"id": "r1", "title": said("list"), "description": ""}}
    button = {"type": "button_reply", "button_reply": {"id": "b1", "title": said("button")}}
    phones = [{"phone": f"+{PHONE}", "wa_id": PHONE, "type": "CELL"}]
    kinds: list[dict[str, Any]] = [
        text(PHONE, said("text"), id=id_("text")),
        tap(PHONE, said("tap"), id=id_("tap")),
        message(PHONE, "interactive", id=id_("form"), **form),
        message(PHONE, "interactive", id=id_("list"), **row),
        message(PHONE, "interactive", id=id_("button"), **button),
        message(PHONE, "image", id=id_("image"), caption=said("image"), mime_type="image/jpeg", sha256="x", id_="m1"),
        message(PHONE, "document", id=id_("document"), filename=f"{SECRET}.pdf", mime_type="application/pdf"),
        message(PHONE, "location", id=id_("location"), latitude=4.6, longitude=-74.1, name=said("place")),
        message(PHONE, "order", id=id_("order"), catalog_id="c", text=said("order"), product_items=[]),
        message(PHONE, "reaction", id=id_("reaction"), message_id=id_("text"), emoji="👍"),
        message(PHONE, "unheard_of", id=id_("unknown"), body=said("unknown")),
        {"id": 7, "from": PHONE, "type": said("broken")},
        text(PHONE, "STOP", id=id_("stop")),
    ]
    contact = message(PHONE, "contacts", id=id_("contact"))
    contact["contacts"] = [{"name": {"formatted_name": NAME}, "phones": phones}]
    for one in kinds:
        one["from_user_id"] = USER
    return [*kinds, contact]


def others() -> list[dict[str, Any]]:
    """Somebody else, who also speaks of the person."""
    return [text(OTHER, "for the other one only", id="wamid.other1"),
            text(OTHER, f"please call {PHONE} today", id="wamid.other2")]  # fmt: skip


def bodies() -> list[dict[str, Any]]:
    """What Meta sends of it: a mixed batch, a wish, an echo, a history."""
    names = {PHONE: NAME, OTHER: "Otto Other"}
    mixed = webhook(value(*inbound(), *others(), names=names))
    stamp = str(int(time.time()))
    wish = {"wa_id": PHONE, "user_id": USER, "category": "marketing_messages", "value": "stop", "timestamp": stamp,
            "detail": said("wish")}  # fmt: skip
    echo = {"from": "15550783881", "to": PHONE, "id": id_("echo"), "timestamp": stamp, "type": "text",
            "text": {"body": said("echo")}}  # fmt: skip
    thread = {"id": PHONE, "messages": [{"from": PHONE, "id": id_("h"), "type": "text", "text": {"body": said("h")}}]}
    theirs = {"id": OTHER, "messages": [{"from": OTHER, "id": "wamid.h2", "text": {"body": "history of the other"}}]}
    history = {"metadata": {"phase": 0}, "threads": [thread, theirs]}
    sync = {"type": "contact", "contact": {"full_name": NAME, "phone_number": PHONE}, "action": "add"}
    early = webhook(value(message_echoes=[echo]), field="smb_message_echoes")
    return [
        early,
        mixed,
        webhook(value(user_preferences=[wish]), field="user_preferences"),
        webhook(value(history=[history]), field="history"),
        webhook(value(state_sync=[sync]), field="smb_app_state_sync"),
    ]


def status(wamid: str, word: str, **more: Any) -> dict[str, Any]:
    item = {"id": wamid, "status": word, "timestamp": str(int(time.time())), "recipient_id": PHONE}
    return webhook(value(statuses=[item | {"recipient_user_id": USER} | more]))


def found(store: Store) -> list[str]:
    """Where any of the words still stands."""
    hits = []
    with store.read() as conn:
        for table in metadata.sorted_tables:
            for row in conn.execute(sa.text(f'SELECT * FROM "{table.name}"')).mappings():
                for name, cell in row.items():
                    held = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
                    hits += [f"{table.name}.{name}: {c}: {held[:300]}" for c in CANARIES if c in held]
    if store.dialect == "sqlite":
        path = Path(str(store.engine.url.database))
        for file in (path, Path(f"{path}-wal")):
            raw = file.read_bytes() if file.exists() else b""
            hits += [f"{file.name}: {c}" for c in CANARIES if c.encode() in raw]
    return hits
