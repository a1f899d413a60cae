"""The walker: what may happen at each place of a flow, and what follows, each place once."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from connector.core.documents.comparing import length
from connector.core.documents.flow_document import FlowDocument, Said, Start
from connector.core.documents.flow_graph import matters
from connector.core.documents.flow_machine import resume
from connector.core.documents.flow_samples import Constants, answers, constants
from connector.core.documents.flow_trials import Talk, talk_of
from connector.core.flow_state import Move, State

MOVES = 5_000  # of one simulation
DEEP = 120  # answers on one path


@dataclass(slots=True)
class Leg:
    """One thing that happens, and all that may follow it. `again`: what follows stands further up already."""

    said: str
    steps: tuple[str, ...]  # walked
    waits: str = ""  # the step that waits now
    end: str = ""
    because: str = ""
    again: bool = False
    legs: list["Leg"] = field(default_factory=list)


class Machine:
    """Walks; a place that looks the same as an earlier one is walked once."""

    def __init__(self, document: FlowDocument, options: Mapping[str, Any]) -> None:
        self.document, self.options = document, options
        self.known: Constants = constants(document)
        self.live = {name: sorted(names) for name, names in matters(document).items()}
        self.seen: set[Any] = set()
        self.moves, self.whole = 0, True

    def begin(self, given: Mapping[str, Any], label: str = "") -> Leg:
        talk = talk_of(self.document, given, self.options)
        said = label or ", ".join(_begun(start) for start in self.document.starts) or "it is started"
        if self.document.starts:
            talk.hear(_opening(self.document.starts[0]))
        if not talk.started:  # what starts it looks at more than a message can say
            talk.now = talk_of(self.document, given, self.options).now
            talk.contact = replace(talk.contact, last_inbound_at=talk.now)
            talk.open()
        leg = self._leg(said, talk.moves)
        self._follow(leg, talk, 0)
        return leg

    def _leg(self, said: str, moves: Sequence[Move]) -> Leg:
        self.moves += len(moves)
        last = moves[-1]
        steps = tuple(name for move in moves for name in move.walked)
        waits = last.state.step if last.state is not None else ""
        return Leg(said, steps, waits, last.end, last.because)

    def _follow(self, leg: Leg, talk: Talk, deep: int) -> None:
        """Every way on from here."""
        state = talk.state
        if state is None:
            return
        key = self._key(talk, state)
        if key in self.seen:
            leg.again = True
            return
        self.seen.add(key)
        if self.moves > MOVES or deep > DEEP:
            self.whole = False
            return
        alike: set[Any] = set()
        for said, then in self._ways(talk, state, first=deep == 0):
            next_ = self._leg(said, then.moves)
            after = self._key(then, then.state) if then.state is not None else None
            if said.startswith('"'):  # two typed answers that make no difference are one path
                if (next_.steps, next_.end, after) in alike:
                    continue
                alike.add((next_.steps, next_.end, after))
            leg.legs.append(next_)
            self._follow(next_, then, deep + 1)

    def _key(self, talk: Talk, state: State) -> Any:
        """What decides how it goes on."""
        kept = tuple((name, str(state.answers.get(name))) for name in self.live[state.step])
        fields = talk.contact.records[0].fields if talk.contact.records else {}
        told = tuple(str(fields.get(name)) for root, name in self.known if root == "contact")
        return state.step, state.waits, state.reopening, kept, told

    def _ways(self, talk: Talk, state: State, *, first: bool) -> Iterator[tuple[str, Talk]]:
        step = self.document.steps[state.step]
        if state.waits == "person":
            one = _fork(talk)
            one._took(resume(self.document, state, one.contact, one.now, one.setting))
            yield "a person gives it back", one
            return
        if state.waits == "time":
            one = _fork(talk)
            one.wait((state.wake_at or one.now) - one.now)
            yield f"{length(step.wait)} pass" if step.wait is not None else "time passes", one
            return
        for said in self._answers(state):
            one = _fork(talk)
            one.hear(said)
            if one.moves and (one.state is None or one.state.step != state.step or one.moves[-1].walked):
                yield self._told(said, state.step), one
        yield from self._others(talk, state, first=first)

    def _answers(self, state: State) -> Sequence[Said]:
        step = self.document.steps[state.step]
        found = list(answers(step, self.options, self.known))
        return [{"text": "hello"}, *found] if state.reopening else found

    def _others(self, talk: Talk, state: State, *, first: bool) -> Iterator[tuple[str, Talk]]:
        """What is no answer: not understood until it goes elsewhere, silence, and once the words."""
        step = self.document.steps[state.step]
        if step.answer is not None and not state.reopening:
            odd = _fork(talk)
            for _ in range(self.document.not_understood.times + 1):
                odd.hear({"unsupported": ""})
                if odd.state is None or odd.moves[-1].walked:
                    break
            yield "not understood", odd
        if step.no_answer is not None:
            silent = _fork(talk)
            for _ in range(3):
                if silent.state is None or silent.state.wake_at is None or (silent.moves and silent.moves[-1].walked):
                    break
                silent.wait(silent.state.wake_at - silent.now)
            yield "no answer", silent
        if first:
            for word in self.document.always:
                one = _fork(talk)
                one.hear({"text": word})
                yield f'the word "{word}"', one

    def _told(self, said: Said, name: str) -> str:
        kind, what = next(iter(said.items())) if isinstance(said, Mapping) else ("text", said)
        if kind == "tap":
            answer = self.document.steps[name].answer
            title = answer.titles.get(str(what), str(what)) if answer is not None else str(what)
            return f"[{title}]" if title == what else f"[{title}] ({what})"
        return f'"{what}"' if kind == "text" else f"a {kind}"


def _fork(talk: Talk) -> Talk:
    one = copy(talk)
    one.moves = []
    return one


def _begun(start: Start) -> str:
    """The way it begins, for a person."""
    parts = [" or ".join(f'"{word}"' for word in start.says)] if start.says else []
    parts += [f"[{' or '.join(start.ids)}]"] if start.ids else []
    parts += [f"an answer to {' or '.join(start.answer_to)}"] if start.answer_to else []
    parts += ["an ad"] if start.referral else []
    return " of ".join(parts[:2]) or "a message"


def _opening(start: Start) -> Said:
    if start.ids:
        return {"tap": start.ids[0]}
    if start.says:
        return {"text": start.says[0]}
    kind = start.types[0] if start.types else "text"
    return {kind: "hello"} if kind in ("text", "media", "location", "contact") else {"text": "hello"}
