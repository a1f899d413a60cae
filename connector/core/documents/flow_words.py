"""What the expressions of a `flow:` may look at: all of a mapping's words, and what the conversation kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connector.core.contact import Contact, Setting, Value
from connector.core.documents.words import LOOK, MAPPING, PARTS, ROOTS, Run, Scope, Words
from connector.core.events import InboundMessage

NOBODY = InboundMessage(id="", number="", type="")  # where no message started the step: every answer is empty


class FlowScope(Scope):
    """All that one step may look at; `saved` is flow.<name>, `value` the answer as it was read."""

    __slots__ = ("language", "languages", "saved", "value")

    def __init__(
        self,
        event: InboundMessage | None,
        contact: Contact,
        fields: Mapping[str, Value],
        setting: Setting,
        now: datetime,
        saved: dict[str, Value],
    ) -> None:
        super().__init__(event or NOBODY, contact, fields, setting, now)
        self.saved, self.value = saved, None
        self.language = ""
        self.languages: tuple[str, ...] = ()

    value: Any


def _flow(path: tuple[str, ...]) -> Run:
    name = path[0]
    return lambda s: s.saved.get(name)  # type: ignore[attr-defined]


FLOW = Words(
    look=LOOK | {"flow": _flow},
    parts=PARTS,
    roots=("flow", *ROOTS),
    refused={word: what for word, what in MAPPING.refused.items() if word != "flow"},
    place="a `flow:` document",
)
