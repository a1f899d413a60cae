"""What an org's admin laid down: required fields, validation rules, duplicate rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from connector.sandbox.http import Record
from connector.sandbox.salesforce.errors import Problem, Refused, no_column
from connector.sandbox.salesforce.schema import Schema
from connector.sandbox.salesforce.values import Value, check

NOT_WRITABLE = "Please check the security settings of this field and verify that it is read/write for your profile."


def check_all(schema: Schema, object: str, given: Mapping[str, Any], creating: bool) -> dict[str, Value]:
    """The values by the fields' own names; Refused the way Salesforce does it: one kind of reason at a time."""
    fields = {}
    for name in given:
        field = schema.get(object, name)
        if field is None:
            raise no_column(object, name)
        fields[name] = field
    closed = [field.name for field in fields.values() if field.read_only]
    if closed:
        message = f"Unable to create/update fields: {', '.join(closed)}. {NOT_WRITABLE}"
        raise Refused(Problem("INVALID_FIELD_FOR_INSERT_UPDATE", message, tuple(closed)))
    read = {field.name: check(field, given[name]) for name, field in fields.items()}
    values = {name: value for name, (value, _) in read.items()}
    needed = [name for name in schema.shape(object).required if creating or name in values]
    absent = [name for name in needed if values.get(name) is None and not (read.get(name) or (0, None))[1]]
    if absent:
        message = f"Required fields are missing: [{', '.join(absent)}]"
        raise Refused(Problem("REQUIRED_FIELD_MISSING", message, tuple(absent)))
    problems = [problem for _, problem in read.values() if problem]
    if problems:
        raise Refused(*problems)
    return values


@dataclass(frozen=True)
class Rule:
    """A validation rule: `broken(values after the write, whether it is a create)`."""

    object: str
    name: str
    field: str
    message: str
    broken: Callable[[Mapping[str, Value], bool], bool]


def _bad_score(values: Mapping[str, Value], _creating: bool) -> bool:
    score = values.get("NPS_Score__c")
    return score is not None and not 0 <= float(score) <= 10


def _two_sides(values: Mapping[str, Value], _creating: bool) -> bool:
    return str(values.get("WhoId") or "").startswith("00Q") and values.get("WhatId") is not None


RULES = (
    *(
        Rule(o, "NPS_0_to_10", "NPS_Score__c", "The NPS score is a number from 0 to 10.", _bad_score)
        for o in ("Contact", "Lead")
    ),
    Rule(
        "Task",
        "No_WhatId_with_Lead",
        "WhatId",
        "A task of a lead cannot also be related to another record.",
        _two_sides,
    ),
)


class Holder(Protocol):
    """What a duplicate rule needs of the store."""

    def having(self, object: str, name: str, value: Value) -> list[Any]:
        """Rows by an indexed field."""


@dataclass(frozen=True)
class DuplicateRule:
    """An exact match on an indexed field; `allowed` is what the admin chose: alert, not block."""

    object: str
    name: str
    field: str
    allowed: bool = True

    def matches(self, store: Holder, values: Mapping[str, Value]) -> list[Any]:
        """The records already there."""
        value = values.get(self.field)
        return store.having(self.object, self.field, value) if value else []

    def refusal(self, matched: list[tuple[str, Record]]) -> Refused:
        """With the records in `duplicateResut`, spelled as Salesforce spells it."""
        message = "You're creating a duplicate record. We recommend you use an existing record instead."
        records = [
            {
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": {"attributes": attributes, "Id": id},
            }
            for id, attributes in matched
        ]
        found = {
            "entityType": self.object, "errors": [], "matchEngine": "ExactMatchEngine", "matchRecords": records,
            "rule": f"{self.name}_MR", "size": len(records), "success": True,
        }  # fmt: skip
        result = {
            "allowSave": self.allowed, "duplicateRule": self.name, "duplicateRuleEntityType": self.object,
            "errorMessage": message, "matchResults": [found],
        }  # fmt: skip
        return Refused(Problem("DUPLICATES_DETECTED", message, more={"duplicateResut": result}))


DUPLICATE_RULES = {o: DuplicateRule(o, f"Same_Email_{o}", "Email") for o in ("Contact", "Lead")}
