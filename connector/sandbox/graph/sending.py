"""`POST /{number}/messages`: every check Meta makes before it says "accepted", and the statuses that follow."""

from collections.abc import Iterator
from typing import Any

from connector.sandbox.graph.business import Business, display_of
from connector.sandbox.graph.customers import Customer, Sent, Wrote, new_wamid
from connector.sandbox.graph.errors import GraphError
from connector.sandbox.graph.fetched import KINDS, unfetchable
from connector.sandbox.graph.messages import check as check_message
from connector.sandbox.graph.settings import DISPLAY
from connector.sandbox.graph.templates import Template
from connector.sandbox.graph.templates import check as check_template
from connector.sandbox.graph.templates import missing as no_template
from connector.sandbox.graph.webhooks import Update

CALLBACK_DATA = 512  # characters of biz_opaque_callback_data
WHY = {
    131026: "Message Undeliverable.",
    131053: "Media upload error: the file at the link could not be downloaded.",
}
Document = dict[str, Any]


class Sending:
    """Sends for one business."""

    def __init__(self, business: Business) -> None:
        self._business = business

    def send(self, number: str, document: object) -> tuple[dict[str, Any], str | None]:
        """(the answer's body, the wamid); raises GraphError."""
        if not isinstance(document, dict):
            raise GraphError(100, "The request body must be a JSON object")
        if document.get("messaging_product") != "whatsapp":
            raise GraphError(100, "The parameter messaging_product is required.")
        if document.get("status") == "read":
            return self._read(document), None
        with self._business.lock:
            customer, given = self._recipient(document)
            self._business.room(number, customer)
            sent = self._accept(number, customer, document)
            self._business.keep(sent, customer)
        self._follow(sent, customer)
        known = {"user_id": customer.user_id} if "." in given else {"wa_id": customer.wa_id}
        message = {"id": sent.wamid} | ({"message_status": "accepted"} if sent.template else {})
        contacts = [{"input": given, **known}]
        return {"messaging_product": "whatsapp", "contacts": contacts, "messages": [message]}, sent.wamid

    def status(self, sent: Sent, name: str, code: int | None = None, after: float = 0.0) -> None:
        """Raise one status webhook for a message, `failed` with an error's code."""
        with self._business.lock:
            customer = self._business.customer(sent.customer)
            sent.statuses.append({"status": name, "at": self._business.world.now() + after})
        item = self._status_item(sent, customer, name, after)
        if code is not None:
            item["errors"] = [GraphError(code, WHY.get(code, "The sandbox was asked to fail this message.")).shown()]
        contact = None if name == "failed" else customer.profile()
        update = Update("messages", "statuses", item, sent.number, display_of(sent.number), contact)
        self._business.tell(update, after)

    def _read(self, document: Document) -> dict[str, Any]:
        wamid, typing = document.get("message_id"), document.get("typing_indicator")
        if not isinstance(wamid, str) or not wamid:
            raise GraphError(131008, "Parameter 'message_id' is mandatory")
        if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
            raise GraphError(131009, "Parameter 'typing_indicator.type' must be text")
        if not any(isinstance(one, Wrote) and one.wamid == wamid for one in self._talk()):
            raise GraphError(131009, "Message ID is invalid")
        with self._business.lock:
            now = self._business.world.now()
            self._business.state.marked[wamid] = {"id": wamid, "at": now, "typing": typing is not None}
        return {"success": True}

    def _talk(self) -> Iterator[Sent | Wrote]:
        with self._business.lock:
            return iter([one for person in self._business.state.customers.values() for one in person.talk])

    def _recipient(self, document: Document) -> tuple[Customer, str]:
        given = document.get("to") or document.get("recipient")
        if not isinstance(given, str) or not given:
            raise GraphError(131008, "Parameter 'to' or 'recipient' is mandatory")
        if document.get("to"):
            digits = "".join(character for character in given if character not in "+ ()-.")
            if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
                raise GraphError(131009, "Recipient phone number is not valid")
            if digits == DISPLAY:
                raise GraphError(131021, "The recipient is the sending number")
            return self._business.customer(digits), given
        if "." not in given:
            raise GraphError(131009, "Recipient is not a business-scoped user id")
        return self._business.customer(given), given

    def _accept(self, number: str, customer: Customer, document: Document) -> Sent:
        if len(str(document.get("biz_opaque_callback_data", ""))) > CALLBACK_DATA:
            raise GraphError(131009, f"biz_opaque_callback_data is longer than {CALLBACK_DATA} characters")
        template, text = None, ""
        if document.get("type") == "template":
            template, text = self._template(customer, document)
        else:
            check_message(document)
            self._files(document)
            if not self._business.window_open(number, customer):
                reason = "More than 24 hours have passed since the recipient last replied to the sender number."
                raise GraphError(131047, reason)
        wamid = new_wamid(customer.key, "\x00\x11\x18")
        return Sent(wamid, number, customer.key, document, template, self._business.world.now(), text)

    def _template(self, customer: Customer, document: Document) -> tuple[Template, str]:
        wanted = document.get("template")
        if not isinstance(wanted, dict) or not isinstance(wanted.get("name"), str):
            raise GraphError(131008, "Parameter 'template.name' is mandatory")
        language = (wanted.get("language") or {}).get("code") if isinstance(wanted.get("language"), dict) else None
        if not isinstance(language, str):
            raise GraphError(131008, "Parameter 'template.language.code' is mandatory")
        parts = wanted.get("components") or []
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise GraphError(100, "Param template['components'] must be an array of objects.")
        template = self._find(wanted["name"], language)
        text = check_template(template, parts)
        if template["category"] == "MARKETING" and not customer.marketing:
            raise GraphError(131050, "The recipient has chosen to stop receiving marketing messages.")
        if template["category"] == "AUTHENTICATION" and not document.get("to"):
            raise GraphError(131062, "Authentication templates go to phone numbers only.")
        return template, text

    def _files(self, document: Document) -> None:
        """Files that are named by id must be there."""
        shelf, now = self._business.state.shelf, self._business.world.now()
        kind = str(document.get("type"))
        header = (document.get("interactive") or {}).get("header") or {}
        holders = (document.get(kind) if kind in KINDS else None, header.get(str(header.get("type"))))
        for holder in holders:
            id = holder.get("id") if isinstance(holder, dict) else None
            if id and shelf.there(str(id), now) is None:
                raise GraphError(131009, f"Media ID {id} is not valid, or has expired")

    def _find(self, name: str, language: str) -> Template:
        templates = self._business.state.templates.values()
        found = next((t for t in templates if t["name"] == name and t["language"] == language), None)
        if found is None:
            raise no_template(name, language)
        return found

    def _follow(self, sent: Sent, customer: Customer) -> None:
        """Every status that will come, its faults included."""
        refusal = 131026 if not customer.reachable else unfetchable(sent.document)
        for name, after in self._course(customer):
            fault, late = self._business.world.faults.strike("STATUS", f"/graph/{customer.key}/{name}")
            kind = fault.kind if fault else ""
            if refusal or (fault and kind == "failed"):
                self.status(sent, "failed", refusal or (fault.code if fault else None), after + late)
                return
            for _ in range(0 if kind == "lost" else 2 if kind == "twice" else 1):
                self.status(sent, name, after=after + late)

    def _course(self, customer: Customer) -> list[tuple[str, float]]:
        """The statuses of a message that meets nothing odd, and in how many seconds each comes."""
        options = self._business.options
        course = [("sent", options.status_seconds / 5), ("delivered", options.status_seconds)]
        if customer.reads and self._business.dice.random() < options.read_rate:
            course.append(("read", options.status_seconds * 2))
        return course

    def _status_item(self, sent: Sent, customer: Customer, name: str, after: float) -> dict[str, Any]:
        at = int(self._business.world.now() + after)
        item: dict[str, Any] = {"id": sent.wamid, "status": name, "timestamp": str(at)}
        if customer.wa_id and not customer.hides_phone:
            item["recipient_id"] = customer.wa_id
        if name != "failed":  # sent to a phone, a failed status names no BSUID
            item["recipient_user_id"] = customer.user_id
        if sent.document.get("biz_opaque_callback_data"):
            item["biz_opaque_callback_data"] = sent.document["biz_opaque_callback_data"]
        if name == "sent":  # on `sent` or on one of the later ones, never on both
            item["pricing"] = _pricing(sent)
        return item


def _pricing(sent: Sent) -> dict[str, Any]:
    category = sent.template["category"].lower() if sent.template else "service"
    kind = "free_customer_service" if category == "service" else "regular"
    return {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category}
