"""A batch and what becomes of each row: answers mapped by trace id, one bad field dropped, a refused batch halved."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.core.changes import Outcome
from connector.crm.hubspot import faults
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.faults import Refusal
from connector.errors import NotFound

WORDS = {
    "INVALID_OPTION": "HubSpot has no such option",
    "PROPERTY_DOESNT_EXIST": "HubSpot has no such property",
    "READ_ONLY_VALUE": "HubSpot lets nobody write this property",
    "INVALID_EMAIL": "not an e-mail address",
    "INVALID_INTEGER": "not a whole number",
    "INVALID_NUMBER": "not a number",
    "INVALID_DATE": "not a date",
    "INVALID_LONG": "not a date or a whole number",
}
MISSING = frozenset({"object_not_found", "not_found"})
PASSING = frozenset({"locked", "rate_limits"})  # categories of a row that may succeed a moment later
GONE = "The record no longer exists in HubSpot."
Item = Mapping[str, Any]


@dataclass(slots=True)
class Row:
    """One input of a batch call. With `id_property`, `id` is a value of that unique property (upsert)."""

    trace: str
    properties: dict[str, str]
    id: str | None = None
    id_property: str | None = None
    associations: tuple[Mapping[str, Any], ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None

    def input(self) -> dict[str, Any]:
        """As HubSpot takes it; without a trace id of its own in every row, one bad row refuses all."""
        body = {"objectWriteTraceId": self.trace, "properties": self.properties}
        extras = {"id": self.id, "idProperty": self.id_property, "associations": list(self.associations)}
        return body | {name: value for name, value in extras.items() if value}

    def done(self, item: Item, ms: int | None = None) -> None:
        """The row was written; `refused` keeps what had to be left out."""
        known = None if self.id_property else self.id
        self.outcome = Outcome(
            state="done",
            text=self.said(),
            record=str(item["id"]) if item.get("id") else known,
            created=item.get("new") is True,
            refused=dict(self.refused),
            ms=ms,
        )

    def refuse(self, text: str, code: str) -> None:
        """Nothing of the row was written."""
        known = None if self.id_property else self.id
        self.outcome = Outcome(state="refused", text=text, code=code, record=known, refused=dict(self.refused))

    def said(self) -> str:
        """The dropped fields in one sentence."""
        return "; ".join(f"{name}: {why}" for name, why in self.refused.items())


def settle(client: Client, path: str, rows: Sequence[Row], unique: Collection[str] = ()) -> None:
    """Every row gets its outcome. `unique` names the properties that may collide with another record.

    Raises Busy, Unreachable, NotAllowed at the first call that meets one: rows without an outcome were not settled."""
    todo = [list(rows)] if rows else []
    while todo:
        part = todo.pop(0)
        started = time.monotonic()
        try:
            answer = client.post(path, {"inputs": [row.input() for row in part]})
        except (Refusal, NotFound) as refused:
            todo[:0] = _after_refusal(part, refused, unique)
            continue
        todo += _after_answer(part, answer, round((time.monotonic() - started) * 1000), unique)


def _after_refusal(part: list[Row], refused: Refusal | NotFound, unique: Collection[str]) -> list[list[Row]]:
    """What to send next after a batch was refused whole."""
    if len(part) == 1:
        return [part] if _mended(part[0], refused, unique) else []
    gone = [p for p in getattr(refused, "problems", ()) if p.code == "PROPERTY_DOESNT_EXIST"]
    if sum(_drop(row, problem) for row in part for problem in gone):
        return [part]
    half = len(part) // 2
    return [part[:half], part[half:]]


def _after_answer(part: list[Row], answer: Item, ms: int, unique: Collection[str]) -> list[list[Row]]:
    """Outcomes from `results` and `errors` (any 2xx may carry some); what to send again."""
    by_trace = {row.trace: row for row in part}
    by_id = {row.id: row for row in part if row.id}
    strays = []
    for item in answer.get("results") or []:
        row = by_trace.get(str(item.get("objectWriteTraceId"))) or by_id.get(str(item.get("id")))
        row = row or _by_value(item, by_id)
        if row is None:
            strays.append(item)
        elif row.outcome is None:
            row.done(item, ms)
    again, blamed = [], set()
    errors = answer.get("errors") or []
    for error in errors:
        for row in _blamed(error, by_trace, by_id):
            blamed.add(row.trace)
            if row.outcome is None and _mended(row, faults.refusal(error), unique):
                again.append(row)
    silent = [row for row in part if row.outcome is None and row.trace not in blamed]
    rest = _silent(silent, strays, errors, ms, unique, alone=len(part) == 1)
    return ([again] if again else []) + rest


def _silent(
    rows: list[Row], strays: list[Item], errors: Sequence[Item], ms: int, unique: Collection[str], *, alone: bool
) -> list[list[Row]]:
    """Rows the answer does not name: alone they are what the answer is about, else they are sent again one by one.

    A create that carries no ids back cannot be told apart and must not be repeated: it counts as written."""
    if not rows:
        return []
    if alone and errors:
        return [rows] if _mended(rows[0], faults.refusal(errors[0]), unique) else []
    if len(strays) == len(rows):
        for row, item in zip(rows, strays, strict=True):
            row.done(item if len(rows) == 1 else {}, ms)
        return []
    if not alone and errors and not strays:
        return [[row] for row in rows]
    for row in rows:
        row.outcome = Outcome(state="retry", text="HubSpot did not say what became of it.", code="silent")
    return []


def _by_value(item: Item, by_id: Mapping[str, Row]) -> Row | None:
    given = item.get("properties") or {}
    return next((row for value, row in by_id.items() if row.id_property and given.get(row.id_property) == value), None)


def _blamed(error: Item, by_trace: Mapping[str, Row], by_id: Mapping[str, Row]) -> Iterator[Row]:
    context = error.get("context") or {}
    ids = context.get("ids") or context.get("id")
    for names, rows in ((context.get("objectWriteTraceId"), by_trace), (ids, by_id)):
        for name in names if isinstance(names, list) else [names]:
            if str(name) in rows:
                yield rows[str(name)]


def _mended(row: Row, refused: Refusal | NotFound, unique: Collection[str]) -> bool:
    """Drop what was refused and say so; False (and an outcome) when nothing is left to send."""
    if isinstance(refused, Refusal) and refused.code in PASSING:
        row.outcome = Outcome(state="retry", text=refused.message, code=refused.code, after=faults.LOCKED)
        return False
    if isinstance(refused, NotFound) or refused.code in MISSING:
        row.refuse(GONE, "not_found")
        return False
    dropped = [_drop(row, problem) for problem in refused.problems]
    if not any(dropped) and refused.existing and refused.existing != row.id:
        taken = f"another record ({refused.existing}) already has this value"
        suspects = sorted(unique, key=lambda name: name != "email")  # HubSpot names none; it is mostly the e-mail
        dropped = [next((True for name in suspects if _drop(row, faults.Problem(name, "CONFLICT", taken))), False)]
    if any(dropped) and (row.properties or row.id_property):
        return True
    row.refuse(row.said() or refused.message, "fields" if row.refused else refused.code)
    return False


def _drop(row: Row, problem: faults.Problem) -> bool:
    if problem.name not in row.properties:
        return False
    del row.properties[problem.name]
    said = [text for text in (WORDS.get(problem.code), problem.text) if text]
    row.refused[problem.name] = ": ".join(said) or problem.code
    return True
