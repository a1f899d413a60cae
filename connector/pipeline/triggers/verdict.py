"""What a claim came to, in the rows a person reads: the plan of each event, its questions, what a workflow hears."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core import changes as core_changes
from connector.core.changes import Ask, Change, CompleteAction, Plan, Reason
from connector.core.events import TriggerCalled
from connector.pipeline.judging.judged import STATES
from connector.pipeline.triggers.firing import Judged
from connector.pipeline.triggers.gather import Wish
from connector.store.changes import WORKFLOW
from connector.store.plans import Work

Body = list[dict[str, Any]]


def bodies(
    judged: Sequence[Judged], wishes: Sequence[Wish], ids: Mapping[int, str], now: datetime
) -> tuple[list[tuple[Work, Body]], list[dict[str, Any]]]:
    """(the plans with their bodies, the change rows). `ids`: {id(wish): its send}."""
    mine: dict[int, list[Wish]] = {}
    for wish in wishes:
        mine.setdefault(id(wish.judged), []).append(wish)
    done: list[tuple[Work, Body]] = []
    rows: list[dict[str, Any]] = []
    for one in judged:
        told = _Told(one, mine.get(id(one), []), ids)
        done.append((one.work, told.body()))
        rows += [told.row(n, change, now) for n, change in enumerate(told.changes)]
    return done, rows


class _Told:
    """One event's plans and changes."""

    def __init__(self, judged: Judged, wishes: Sequence[Wish], ids: Mapping[int, str]) -> None:
        self.judged, self.wishes, self.ids = judged, wishes, ids
        self.changes: list[Change] = []

    def body(self) -> Body:
        """In name order: what each document made of it."""
        out = [core_changes.dump_plan(plan) for plan in self.judged.plans]
        names = dict.fromkeys(wish.document.name for wish in self.wishes)
        out += [self._document([w for w in self.wishes if w.document.name == name]) for name in names]
        if self.judged.ask is not None:
            out.append(self._question("", 0, self.judged.ask.text, self.judged.ask))
        self._answer(out)
        return sorted(out, key=lambda entry: str(entry["document"]))

    def _document(self, wishes: Sequence[Wish]) -> dict[str, Any]:
        live, because = wishes[0].fired.live, wishes[0].fired.because
        sent = list(dict.fromkeys(self.ids[id(w)] for w in wishes if id(w) in self.ids))
        asked = next((w.ask for w in wishes if w.ask is not None), None)
        if asked is not None:
            return self._question(live.document.name, live.version, because, asked) | ({"sends": sent} if sent else {})
        refused = [w.refused for w in wishes if w.refused]
        if not sent:
            return core_changes.dump_plan(
                Plan(document=live.document.name, version=live.version, because=refused[0] if refused else because)
            )
        reasons = tuple(Reason(field="to", because=text, outcome="skip") for text in refused)
        plan = Plan(
            document=live.document.name, version=live.version, matched=True, because=because, reasons=reasons
        )  # fmt: skip
        return core_changes.dump_plan(plan) | {"sends": sent}

    def _question(self, document: str, version: int, because: str, ask: Ask) -> dict[str, Any]:
        reason = Reason(field="to", because=ask.text, outcome="review", code=ask.why, change=0)
        self.changes.append(ask)
        plan = Plan(
            document=document, version=version, matched=bool(document), because=because, reasons=(reason,),
            outcome="review",
        )  # fmt: skip
        return core_changes.dump_plan(plan) | {"ordinals": [len(self.changes) - 1]}

    def _answer(self, body: Body) -> None:
        """A workflow that waits goes on at once when nothing is sent for it."""
        event = self.judged.event
        if isinstance(event, TriggerCalled) and event.callback and not any(id(w) in self.ids for w in self.wishes):
            asked = [change.text for change in self.changes if isinstance(change, Ask)]
            said = [*asked, *(str(entry["because"]) for entry in body if entry["because"])]
            reason = said[0] if said else "no document was called"
            values = {"state": "refused", "reason": reason[:500], "error_code": "not_sent"}
            self.changes.append(CompleteAction(callback=event.callback, ok=False, values=values))

    def row(self, n: int, change: Change, now: datetime) -> dict[str, Any]:
        work = self.judged.work
        object_, record = self.judged.place or ("", "")
        if isinstance(change, CompleteAction):
            object_, record = WORKFLOW, change.callback
        state = STATES.get(change.kind, "kept")
        return {
            "event": work.event, "account": work.account, "ordinal": n, "lane": work.lane, "object": object_,
            "record": record, "kind": change.kind, "body": core_changes.dump(change), "state": state, "attempts": 0,
            "done_at": now if state == "done" else None,
        }  # fmt: skip
