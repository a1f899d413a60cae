"""Salesforce's refusals: a list of {message, errorCode, fields}; in collections the code is called statusCode."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.http import Response, answer

STATUS = {"NOT_FOUND": 404, "ENTITY_IS_DELETED": 404, "INVALID_SESSION_ID": 401, "REQUEST_LIMIT_EXCEEDED": 403}
MAINTENANCE = Response(
    503,
    b"<html><head><title>Maintenance</title></head><body>We are down for maintenance. Sorry for the inconvenience."
    b"</body></html>",
    {"Content-Type": "text/html; charset=UTF-8"},
)


@dataclass(frozen=True)
class Problem:
    """One reason why."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)  # duplicateResut

    def alone(self) -> dict[str, Any]:
        """As one of the errors of a call."""
        fields = {"fields": list(self.fields)} if self.fields or self.code in WITH_FIELDS else {}
        return {**self.more, "message": self.message, "errorCode": self.code, **fields}

    def row(self) -> dict[str, Any]:
        """As one of the errors of a record in a collection: without the records a duplicate rule matched."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


WITH_FIELDS = frozenset({"DUPLICATE_VALUE", "ENTITY_IS_DELETED", "UNABLE_TO_LOCK_ROW"})


class Refused(Exception):
    """Why a record, or a whole call, was refused."""

    def __init__(self, *problems: Problem, status: int = 0) -> None:
        super().__init__(problems[0].message)
        self.problems = problems
        self.status = status or STATUS.get(problems[0].code, 400)

    def response(self) -> Response:
        """As the answer to a call."""
        return answer([problem.alone() for problem in self.problems], self.status)

    def row(self, id: str | None = None) -> dict[str, Any]:
        """As one result of a collection."""
        known = {"id": id} if id else {}
        return {**known, "success": False, "errors": [problem.row() for problem in self.problems]}


class Unreadable(Refused):
    """A body no record can be read from: it refuses a whole collection, not one row."""


def refuse(code: str, message: str, fields: Sequence[str] = (), status: int = 0) -> Refused:
    """A refusal for one reason."""
    return Refused(Problem(code, message, tuple(fields)), status=status)


def unreadable(type: str, given: str) -> Unreadable:
    """A JSON value of the wrong kind."""
    message = f"Cannot deserialize instance of {type} from {given} or request may be missing a required field"
    return Unreadable(Problem("JSON_PARSER_ERROR", f"{message} at [line:1, column:1]"))


def not_found() -> Refused:
    """No such record, object or path."""
    return refuse("NOT_FOUND", "The requested resource does not exist")


def no_column(object: str, name: str) -> Refused:
    """A field that is not there, or hidden from our user."""
    return refuse("INVALID_FIELD", f"No such column '{name}' on sobject of type {object}")


def session_ended() -> Refused:
    """401: ask for a new token once."""
    return refuse("INVALID_SESSION_ID", "Session expired or invalid")


def limit_exceeded() -> Refused:
    """403 without a Retry-After."""
    return refuse("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def row_locked(id: str) -> Refused:
    """Somebody else holds the record."""
    return refuse("UNABLE_TO_LOCK_ROW", f"unable to obtain exclusive access to this record or 1 records: {id}")
