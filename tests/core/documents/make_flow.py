"""Flows and conversations for the tests, with as little as each needs."""

from datetime import timedelta
from typing import Any

from connector.core.changes import SendMessage
from connector.core.contact import Answered, Contact, Record, Setting
from connector.core.documents import FlowDocument, read
from connector.core.events import InboundMessage, TimerDue
from connector.core.flow import Move, State, advance, begin
from tests.core.documents.make import NOW

HEAD = "flow: trial\ncrm: hubspot\nstart: [{says: [go]}]\n"
ASK = """steps:
  size:
    ask: How large?
    buttons: {small: Small, large: Large}
    save: size
    go: {small: email, large: human}
  email: {ask: "Your e-mail?", as: email, save: email, go: bye}
  bye: {say: "Bye, {{ flow.email }}", end: done}
  human: {handoff: "Call {{ contact.name }}", end: handed_over}
always:
  no_answer: {after: 2 hours, ask_again: yes, then: {end: silent}}
  not_understood: {times: 1, go: human}
  words: {agent: human}
"""


def flow(rest: str = ASK, head: str = HEAD) -> FlowDocument:
    found = read(head + rest)
    assert isinstance(found, FlowDocument)
    return found


class Talk:
    """One conversation with the machine: what is said goes to `advance`, minutes pass as they are told."""

    def __init__(self, document: FlowDocument, *, begun: bool = True, fields: dict[str, Any] | None = None) -> None:
        self.document, self.now, self.n = document, NOW, 0
        self.records = (Record(object="contacts", id="1512", fields=fields or {}),)
        self.last = NOW
        self.state: State | None = None
        self.move: Move | None = None
        self.said: list[str] = []
        if begun:
            self.took(begin(document, Setting(), self.contact(), self.now, self.message("text", "go"), version=1))

    def contact(self) -> Contact:
        return Contact(id="c1", name="Ana Ruiz", wa_id="573001112222", last_inbound_at=self.last, records=self.records)

    def message(self, kind: str, text: str = "", **rest: Any) -> InboundMessage:
        self.n += 1
        answer = rest.pop("answer", {"text": text} if kind == "text" else {"id": rest.pop("id", text), "title": text})
        values = {"id": f"wamid.{self.n}", "at": self.now, "number": "1", "wa_id": "573001112222"} | rest
        return InboundMessage(type=kind, text=text, answer=answer, **values)

    def took(self, move: Move) -> Move:
        self.move, self.state = move, move.state
        self.said = [c.text for c in move.changes if isinstance(c, SendMessage)]
        return move

    def hear(self, kind: str, text: str = "", *, answers: str | None = "", after: int = 1, **rest: Any) -> Move:
        """A message some minutes later; `answers` is the step whose message it answers, None = it answers none."""
        assert self.state is not None
        self.now += timedelta(minutes=after)
        event = self.message(kind, text, **rest)
        if kind not in ("edit", "revoke"):
            self.last = self.now
        step = self.state.step if answers == "" else answers
        name = step if step is None or "." in step else f"{self.document.name}.{step}"
        setting = Setting(answered=Answered(send="s1", at=self.now, step=name) if name else None)
        return self.took(advance(self.document, self.state, event, self.contact(), self.now, setting))

    def tap(self, id_: str, **rest: Any) -> Move:
        return self.hear("button", id_.title(), id=id_, **rest)

    def write(self, text: str, **rest: Any) -> Move:
        return self.hear("text", text, **rest)

    def timer(self, **later: int) -> Move:
        assert self.state is not None
        self.now += timedelta(**later)
        event = TimerDue(id="t", document=self.document.name)
        return self.took(advance(self.document, self.state, event, self.contact(), self.now, Setting()))
