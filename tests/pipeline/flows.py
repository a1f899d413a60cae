"""Flows of the conversation tests, and a few words about what became of one."""

from typing import Any

from connector.store.tables import conversations, holds
from tests.pipeline.street import Street

ANA = "573001112222"  # HubSpot contact 1512
QUALIFY = """\
flow: qualify-lead
crm: hubspot
start:
  - says: [demo, precio]
  - {answer_to: webinar_invite_v2, id: interested}
expires: 20 hours
steps:
  hello:
    say: Welcome!
    go: size
  size:
    ask: How many people work at your company?
    buttons: {small: 1 to 10, medium: 11 to 100, large: More than 100}
    remember: size
    go: {small: thanks, medium: budget, large: human}
  budget:
    ask: What is your monthly budget?
    as: number
    remember: budget
    go: thanks
  thanks:
    say: "Thank you, {{ contact.firstname | default('there') }}: {{ flow.budget }}."
    set: {lifecyclestage: marketingqualifiedlead}
    end: qualified
  human:
    say: I am bringing in a colleague.
    handoff: {task: "Call {{ contact.firstname }}", for: owner}
    end: handed_over
always:
  no_answer: {after: 2 hours, ask_again: yes, then: {end: silent}}
  not_understood: {times: 2, go: human}
"""


class Talk:
    """One person on the street who talks with a flow."""

    def __init__(self, street: Street, wa_id: str = ANA) -> None:
        self.street, self.wa_id = street, wa_id

    def says(self, text: str = "", **what: Any) -> str:
        wamid = self.street.customer(self.wa_id, **(what or {"text": text}))
        self.street.settle()
        return wamid

    @property
    def heard(self) -> list[str]:
        """What they were sent, in the order in which it left."""
        return [words(body) for body in self.street.requests() if str(body.get("to", "")).lstrip("+") == self.wa_id]

    @property
    def rows(self) -> list[Any]:
        found = self.street.rows(conversations)
        return sorted(found, key=lambda row: row.started_at)

    @property
    def now(self) -> Any:
        """The conversation that runs; None when none does."""
        return next((row for row in self.rows if row.ended_at is None), None)

    @property
    def ends(self) -> list[str]:
        return [row.outcome for row in self.rows if row.ended_at is not None]

    @property
    def held(self) -> list[str]:
        return [row.why for row in self.street.rows(holds)]


def words(body: dict[str, Any]) -> str:
    """The text of one request."""
    kind = body.get("type")
    if kind == "text":
        return str(body["text"]["body"])
    if kind == "interactive":
        return str(body["interactive"]["body"]["text"])
    return str(body.get("template", {}).get("name", kind))
