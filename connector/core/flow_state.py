"""Where a conversation stands and what one event makes of it: plain values, JSON-ready, nothing is carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from connector.core.changes import Change, Reason
from connector.core.contact import Value

PATH = 50  # step names that a state remembers
_MOMENTS = ("since", "wake_at", "expires_at", "last_inbound_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One running conversation. `waits`: answer, time or person; `step` is the step that waits."""

    flow: str
    version: int = 0
    step: str = ""
    answers: Mapping[str, Value] = field(default_factory=dict)  # what save and remember kept: flow.<name>
    asked: int = 0  # how often this step's answer was not understood
    reminded: int = 0  # how often `no_answer` asked again
    reopening: bool = False  # a template went out because the window was closed; the step itself has not spoken yet
    waits: str = "answer"
    since: datetime | None = None  # when this step began to wait
    wake_at: datetime | None = None  # the next timer: no_answer, wait or expiry
    expires_at: datetime | None = None
    language: str = ""
    steps: int = 0  # walked so far, for the loop guard
    path: tuple[str, ...] = ()  # the last names, oldest first
    last_inbound_at: datetime | None = None  # for the 24 h window


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What one event makes of a conversation. `state` None = it has ended, with the word `end`."""

    state: State | None
    end: str = ""  # "" while it runs, else qualified, silent, opted_out, expired, window, loop, moved, ...
    changes: tuple[Change, ...] = ()
    reasons: tuple[Reason, ...] = ()
    because: str = ""  # in plain words, one sentence
    walked: tuple[str, ...] = ()  # the steps of this move, in order
    answers: Mapping[str, Value] = field(default_factory=dict)  # as they are now, also where it has ended
    took: bool = True  # the event was the conversation's; False = it looked at it and left it to others


_FIELDS = tuple(f.name for f in fields(State))


def dump(state: State) -> dict[str, Any]:
    """JSON-ready; `load(dump(s)) == s`."""
    out: dict[str, Any] = {}
    for name in _FIELDS:
        value = getattr(state, name)
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, Mapping):
            value = dict(value)
        elif isinstance(value, tuple):
            value = list(value)
        if value is not None and value not in ({}, []):
            out[name] = value
    return out


def load(body: Mapping[str, Any]) -> State:
    """The state again from its stored body; words of a newer version are left out."""
    values = {name: body[name] for name in _FIELDS if name in body}
    for name in _MOMENTS:
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    values["path"] = tuple(values.get("path", ()))
    return State(**values)
