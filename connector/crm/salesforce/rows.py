"""One record on its way into Salesforce: what is sent for it, and what each answer makes of it. Calls nothing.

A row is sent one of three ways. `update`: by record id. `upsert`: by our unique field, without any name, so that a
record that exists keeps its own. `create`: a newcomer, after the upsert was refused for want of a name; it carries
name, phone and our unique field, so if somebody made the same person in between, the unique index refuses it
(DUPLICATE_VALUE) and the row becomes an update. At no point can a race make two records or overwrite a name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.core.changes import Outcome
from connector.core.contact import Value
from connector.crm.salesforce import problems
from connector.crm.salesforce.problems import Problem
from connector.crm.salesforce.schema import USER_ID, WA_ID
from connector.crm.salesforce.values import MisfitError, fit
from connector.ports import RecordChange

WORDS = 300  # characters of Salesforce's own text that are shown
NO_COMPANY = "[not provided]"  # what Salesforce's own web forms put where a lead has no company
NAME_LENGTHS = {"LastName": 80, "FirstName": 40, "Name": 80}
Columns = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True, eq=False)
class Row:
    """A record being written. `doubt` waits for a re-read; `outcome` is set when it is finished."""

    object: str
    how: str  # update upsert create
    fields: dict[str, Value]
    ids: dict[str, str] = field(default_factory=dict)  # our unique fields; the first is the key of the upsert
    record: str | None = None
    extras: dict[str, Value] = field(default_factory=dict)  # only for a newcomer
    must: frozenset[str] = frozenset()  # fields without which the row makes no sense
    refused: dict[str, str] = field(default_factory=dict)
    created: bool = False
    doubt: Problem | None = None
    followed: bool = False  # a merged record was looked for already
    outcome: Outcome | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What may stand once in a call: the field and the value it is found by."""
        if self.how == "update":
            return "id", str(self.record)[:15]
        return next(iter(self.ids.items()))

    def body(self) -> dict[str, Any]:
        """The record of a collections call."""
        start: dict[str, Any] = {"attributes": {"type": self.object}}
        if self.how == "update":
            return {**start, "id": self.record, **self.fields}
        if self.how == "upsert":
            return {**start, **self.fields, **self.ids}
        given = {n: v for n, v in self.fields.items() if v is not None}
        return {**start, **self.extras, **given, **self.ids}


# ---- from a change -----------------------------------------------------------------------------------------------
def from_change(change: RecordChange, columns: Columns) -> Row:
    """The row of a change; fields that cannot be written are out before anything is sent."""
    ids = {n: v for n, v in ((WA_ID, change.wa_id), (USER_ID, change.user_id)) if v and (n in columns or n == WA_ID)}
    row = Row(
        object=change.object,
        how="update" if change.record else "upsert",
        fields={n: v for n, v in change.fields.items() if change.record or n not in ids},
        ids={} if change.record else ids,
        record=change.record,
    )
    for name in list(row.fields):
        _fitted(row, name, columns.get(name))
    if not change.record:
        row.extras = _newcomer_fields(change, columns)
        if not ids:
            _end(row, "refused", "no_key", "A new record needs a WhatsApp id, and this contact has none.")
    elif not row.fields:
        _written(row, change.record, created=False)
    return row


def _fitted(row: Row, name: str, column: Mapping[str, Any] | None) -> None:
    if column is None:
        _without(row, name, f"There is no field {name} on {row.object}, or our user may not see it.")
    elif not column.get("updateable") and not (row.how == "upsert" and column.get("createable")):
        _without(row, name, f"{name} is read-only for our user.")
    else:
        try:
            row.fields[name] = fit(column, row.fields[name])
        except MisfitError as wrong:
            _without(row, name, str(wrong))


def _newcomer_fields(change: RecordChange, columns: Columns) -> dict[str, Value]:
    """Name, phone and company of a newcomer; the first word of the profile name is taken as the first name."""
    shown = " ".join(change.name.split()) or change.phone or f"WhatsApp {change.wa_id or change.user_id}"
    first, _, last = shown.partition(" ")
    given = {n for n, v in change.fields.items() if v is not None}
    extras: dict[str, Value] = {}
    if "LastName" not in columns:
        extras["Name"] = shown
    elif "LastName" not in given:
        extras |= {"FirstName": first, "LastName": last} if last and "FirstName" not in given else {"LastName": shown}
    if change.phone and not given & {"MobilePhone", "Phone"}:
        extras["MobilePhone"] = change.phone
    if "Company" in columns and change.object == "Lead":
        extras["Company"] = NO_COMPANY
    return {
        n: v[: NAME_LENGTHS[n]] if n in NAME_LENGTHS and isinstance(v, str) else v
        for n, v in extras.items()
        if n in columns and columns[n].get("createable") and n not in given
    }


# ---- what an answer makes of it ----------------------------------------------------------------------------------
def heard(row: Row, record: str | None, created: bool, found: list[Problem]) -> None:
    """Salesforce's answer for this row: finished, changed for the next round, or in doubt until a re-read."""
    if not found and record:
        _written(row, record, created)
        return
    reactions = [(_reaction(row, p), p) for p in found or [Problem("", "Salesforce gave no reason.")]]
    decisive = next((r for r in reactions if r[0] is _later), None) or next((r for r in reactions if r[0] is _no), None)
    for react, problem in [decisive] if decisive else reactions:
        react(row, problem)


def _reaction(row: Row, problem: Problem) -> "Reaction":
    if problem.code in problems.TRANSIENT or problem.code in problems.QUOTA:
        return _later
    named = _droppable(row, problem)
    early = _REACTIONS.get((row.how, problem.code))
    if named and early is not _newcomer and (problem.code in problems.DATA or problem.code in _BY_FIELD):
        return _drop
    return early or _no


def _droppable(row: Row, problem: Problem) -> list[str]:
    """The fields a problem names that the row can do without; of a newcomer also its phone and first name."""
    spare = {"MobilePhone", "FirstName"} & row.extras.keys() if row.how == "create" else set()
    return [n for n in problem.fields if (n in row.fields and n not in row.must) or n in spare]


def _written(row: Row, record: str, created: bool) -> None:
    """Done; a newcomer whose mapping already had its name still gets the phone we know."""
    row.created, row.record = row.created or created, record
    phone = {n: v for n, v in row.extras.items() if n == "MobilePhone"}
    if created and row.how == "upsert" and phone:
        row.how, row.fields, row.extras = "update", phone, {}
        return
    empty = row.how == "update" and not row.fields and bool(row.refused) and not row.created
    text = "; ".join(f"{n}: {words}" for n, words in row.refused.items()) if empty else ""
    _end(row, "refused" if empty else "done", "fields_refused" if empty else "", text)


def _drop(row: Row, problem: Problem) -> None:
    for name in _droppable(row, problem):
        _without(row, name, words(problem))
    if row.how == "update" and not row.fields and row.record:
        _written(row, row.record, created=False)


def _without(row: Row, name: str, why: str) -> None:
    row.fields.pop(name, None)
    row.extras.pop(name, None)
    row.refused[name] = why


def _newcomer(row: Row, _: Problem) -> None:
    """No such record, and nameless it cannot be made: make it with its name."""
    row.how = "create"


def _doubt(row: Row, problem: Problem) -> None:
    row.doubt = problem


def _later(row: Row, problem: Problem) -> None:
    after = problems.LOCKED_AFTER if problem.code == "UNABLE_TO_LOCK_ROW" else problems.TRANSIENT_AFTER
    if problem.code in problems.QUOTA:
        after = problems.DAILY_AFTER
    _end(row, "retry", problem.code, words(problem), after)


def _no(row: Row, problem: Problem) -> None:
    """Refused as a whole; a record made a moment ago stays made, with a note."""
    if row.created:
        row.refused.update(dict.fromkeys(row.fields, words(problem)))
        _end(row, "done", problem.code)
    else:
        _end(row, "refused", problem.code, words(problem))


def refuse(row: Row, code: str, text: str) -> None:
    """The end of a row that a person must look at."""
    _end(row, "refused", code, text)


def postpone(row: Row, code: str, text: str, after: float | None) -> None:
    """The row was not tried (any more): the same change again later."""
    _end(row, "retry", code, text, after)


def adopt(row: Row, record: str, holds: Mapping[str, Any] | None = None) -> None:
    """The record exists already: update it, and leave our ids on it where they are empty."""
    row.how, row.record, row.doubt = "update", record, None
    if holds is not None:
        row.fields = {**row.fields, **{n: v for n, v in row.ids.items() if not holds.get(n)}}
    row.extras = {}
    if not row.fields:
        _written(row, record, created=False)


def _end(row: Row, state: str, code: str, text: str = "", after: float | None = None) -> None:
    row.doubt = None
    row.outcome = Outcome(
        state=state,
        text=text,
        code=code,
        record=row.record,
        created=row.created,
        after=after,
        refused=dict(row.refused),
    )


Reaction = Callable[[Row, Problem], None]
_BY_FIELD = frozenset({"DUPLICATE_VALUE", "REQUIRED_FIELD_MISSING"})  # of one field of ours: the rest can be written
_REACTIONS: dict[tuple[str, str], Reaction] = {
    ("upsert", "REQUIRED_FIELD_MISSING"): _newcomer,
    ("upsert", "DUPLICATE_VALUE"): _doubt,
    ("create", "DUPLICATE_VALUE"): _doubt,
    ("upsert", "DUPLICATE_EXTERNAL_ID"): _doubt,
    ("upsert", "DUPLICATES_DETECTED"): _doubt,
    ("create", "DUPLICATES_DETECTED"): _doubt,
    **{("update", code): _doubt for code in problems.GONE},
}

# Plain words for the codes an admin meets; Salesforce's own text follows, it names label and value.
_PLAIN = {
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "The picklist does not have this value.",
    "STRING_TOO_LONG": "The text is too long for the field.",
    "INVALID_EMAIL_ADDRESS": "It is not an e-mail address Salesforce takes.",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "Our user may not write this field.",
    "NUMBER_OUTSIDE_VALID_RANGE": "The number does not fit the field.",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule in Salesforce says:",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "A flow or trigger in Salesforce refused it:",
    "REQUIRED_FIELD_MISSING": "Salesforce asks for a field the mapping does not set.",
    "DUPLICATE_VALUE": "Another record already has this unique value.",
    "DUPLICATES_DETECTED": "A duplicate rule in Salesforce refused it:",
    "ENTITY_IS_DELETED": "The record was deleted in Salesforce.",
    "NOT_FOUND": "The record is not in Salesforce, or our user may not see it.",
    "ENTITY_IS_LOCKED": "The record is locked, usually by an approval.",
    "CANNOT_UPDATE_CONVERTED_LEAD": "The lead was converted: its contact is found from the next message on.",
}


def words(problem: Problem) -> str:
    """Plain words and Salesforce's own text, as an admin may read them."""
    plain = _PLAIN.get(problem.code, "")
    if not plain and problem.code.startswith("INSUFFICIENT_ACCESS"):
        plain = "Our user may not change this record."
    return " ".join((plain, " ".join(problem.text.split())[:WORDS])).strip() or problem.code
