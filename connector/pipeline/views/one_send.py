"""One message of ours, whole: its line, the bubble with its frozen values, the gates it met, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.core import message
from connector.core import template as language
from connector.core.template import Drawn, Template
from connector.pipeline.views import sent
from connector.pipeline.views.sent import Send
from connector.store import again, send_lists, templates
from connector.store.sends import RANKS
from connector.store.states import ENDED
from connector.store.waiting import REPLACED

LEFT = ("accepted", "sent", "delivered", "read", "played", "unknown", "in_flight")
# The gates in their order, and the codes with which each stops a message.
GATES: Mapping[str, tuple[str, ...]] = {
    "consent": ("consent", "opted_out", "not_opted_in"),
    "phone": ("no_phone", "bad_phone", "no_country"),
    "template": ("template", "language", "template_paused", "template_disabled"),
    "cancelled": ("cancelled",),
    "give_up": ("give_up", "expired"),
    "at_most": ("at_most",),
    "hours": ("quiet_hours", "never_allowed"),
    "values": ("parameter",),
    "window": ("window",),
    "rest": ("parked", "parked_account", "parked_number", "parked_template", "parked_contact", "paused"),
    "pace": ("pace", "pair"),
}
OF_REPLY = ("consent", "window", "rest", "pace")  # of a message that is no template


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate. `state`: passed, stopped, or "" = it was not reached (again)."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of its way. `what`: made, attempt, or a status of WhatsApp's."""

    what: str
    at: datetime | None
    about: str = ""
    n: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """The page of one message."""

    send: Send
    drawn: Drawn | None  # None = nobody knows (yet) what it says
    frozen: bool  # its values are in it; they are read when it goes out otherwise
    values: Mapping[str, str]
    gates: tuple[Gate, ...]
    steps: tuple[Step, ...]
    record: tuple[str, str, str] | None  # account's name, object, id
    person: tuple[str, str, str] | None
    wamid: str
    give_up_at: datetime | None
    price: str
    why_no_retry: str  # "" = it may be sent anew
    open: bool  # it can be cancelled


def load(conn: Any, id_: str, names: Mapping[str, str], now: datetime) -> One | None:
    """All that is known of one message."""
    row = send_lists.one(conn, id_, now)
    if row is None:
        return None
    (line,) = sent.shape(conn, [row], names)
    known = _template(conn, row)
    drawn, values = _drawn(row["body"], known)
    return One(
        send=line, drawn=drawn, frozen=bool(row["body"]), values=values, gates=_gates(line), steps=_steps(row),
        record=_place(row["record"], names), person=_place(row["person"], names), wamid=row["wamid"] or "",
        give_up_at=row["give_up_at"], price=str((row["pricing"] or {}).get("category") or ""),
        why_no_retry=_why_not(line), open=line.state in ("waiting", "ready"),
    )  # fmt: skip


def _template(conn: Any, row: Mapping[str, Any]) -> Template | None:
    """As Meta has it now, in the message's language; any language while none is chosen."""
    if not row["template"]:
        return None
    found = templates.known(conn, row["account"], [row["template"]])
    any_ = found[0] if found and not row["language"] else None
    return next((t for t in found if t.language == row["language"]), any_)


def _drawn(body: Mapping[str, Any] | None, known: Template | None) -> tuple[Drawn | None, dict[str, str]]:
    """The bubble and its values: of a template that was deleted only the values are known."""
    free = message.neutral(body)
    if free is not None and free.get("type") != "template":
        return message.draw(free), {}
    body = free or body
    if body and body.get("type") != "template":
        return language.draw_body(body), {}
    if known is None:
        bare = Template(name="", language="")
        return None, language.values_of(body, bare) if body else {}
    values = language.values_of(body, known) if body else {}
    return language.draw(known, values), {key: value for key, value in values.items() if value}


def _gates(line: Send) -> tuple[Gate, ...]:
    """Where it stands, from its code: what is before that gate let it through. () = that cannot be told."""
    names = tuple(GATES) if line.template else OF_REPLY
    if line.label == "imported":
        return ()
    if line.state in LEFT or line.code.startswith("graph_"):
        return tuple(Gate(name, "passed") for name in names)
    at = next((n for n, name in enumerate(names) if line.code in GATES[name]), None)
    if at is None:
        return ()
    state = ["passed"] * at + ["stopped"] + [""] * (len(names) - at - 1)
    return tuple(Gate(name, one) for name, one in zip(names, state, strict=True))


def _steps(row: Mapping[str, Any]) -> tuple[Step, ...]:
    """Oldest first; Meta's times are whole seconds, so within one the way a message goes."""
    found = [(row["at"], 0, Step("made", row["at"]))]
    tries = (Step("attempt", a.started_at, a.text or "", a.n, a.outcome or "") for a in row["tries"])
    found += [(step.at, 1, step) for step in tries]
    found += [(f.at, 1 + RANKS.get(f.status, 0), Step(f.status, f.at)) for f in row["facts"]]
    told = {f.status for f in row["facts"]}
    if row["state"] in ENDED and row["ended_at"] and row["state"] not in told:
        found.append((row["ended_at"], 9, Step(row["state"], row["ended_at"])))
    return tuple(step for _, _, step in sorted(found, key=lambda one: (one[0] is None, one[0] or row["at"], one[1])))


def _place(ref: Sequence[str] | None, names: Mapping[str, str]) -> tuple[str, str, str] | None:
    return (names.get(ref[0], ref[0]), ref[1], ref[2]) if ref and len(ref) == 3 else None


def _why_not(line: Send) -> str:
    """Why a person cannot have it sent anew; "" when they can."""
    if line.group not in ENDED:
        return "It has not ended."
    if not line.event:
        return "Another tool sent it."
    if line.label == REPLACED:
        return "It was sent again already."
    return again.why_not(line)
