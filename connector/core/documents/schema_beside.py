"""The words beside `set:`: task, handoff, notify, and the tests."""

from connector.core.documents import fields as f
from connector.core.documents.strict import Strict, told


class TaskSchema(Strict):
    """A task for a person."""

    title = f.Template(required=True, metadata=told("What there is to do.", '"Call {{ contact.name }}"'))
    for_ = f.Line(
        data_key="for",
        metadata=told("`owner` (of the record) or an e-mail address; the owner when left out.", "owner"),
    )
    text = f.Template(metadata=told("More words for whoever does it.", '"{{ answer.text }}"'))


class HandoffSchema(Strict):
    """A person takes over."""

    task = f.Template(required=True, metadata=told("What the person is told.", '"Wants to talk: {{ answer.text }}"'))
    for_ = f.Line(data_key="for", metadata=told("`owner` or an e-mail address.", "owner"))


class NotifySchema(Strict):
    """A signed call to a webhook of yours."""

    webhook = f.Name(required=True, metadata=told("The webhook's name in the settings.", "warehouse"))
    with_ = f.Pairs(
        f.Template(),
        data_key="with",
        metadata=told("Values to send along.", '{slot: "{{ answer.id }}"}'),
    )


class TestSchema(Strict):
    """One test."""

    __test__ = False
    name = f.Line(metadata=told("What it shows.", "yes becomes SQL"))
    given = f.Pairs(
        f.Many(f.Line()),
        required=True,
        metadata=told(
            "What is known: `answer.id`, `contact.<field>`, `deal.<field>`, `message.text`, "
            "`attempt`, `now`, ...; the rest is made up.",
            "{answer.id: interested}",
        ),
    )
    expect = f.Pairs(
        f.Line(),
        required=True,
        metadata=told(
            "What must come of it; fields not named are not looked at. `unchanged`, `cleared`, "
            "`outcome`, `reply`, `task`, ...",
            "{lifecyclestage: unchanged}",
        ),
    )
