"""What Salesforce said went wrong, by its errorCode and never by the HTTP status, as one of our errors."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.errors import Busy, ConnectorError, NotAllowed, NotFound, Rejected, Unreachable


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Only the code decides: UNABLE_TO_LOCK_ROW was seen with 400 and with 500 (checked 2026-11).
TRANSIENT = _codes(
    """UNABLE_TO_LOCK_ROW SERVER_UNAVAILABLE QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG TOO_MANY_APEX_REQUESTS
    FUNCTIONALITY_TEMPORARILY_UNAVAILABLE INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE ORG_IN_MAINTENANCE
    TXN_SECURITY_METERING_ERROR UNKNOWN_EXCEPTION APEX_ERROR"""
)
QUOTA = _codes("REQUEST_LIMIT_EXCEEDED EXCEEDED_QUOTA LIMIT_EXCEEDED")
AUTH = _codes(
    """INVALID_SESSION_ID INVALID_AUTH_HEADER INVALID_LOGIN API_DISABLED_FOR_ORG API_CURRENTLY_DISABLED ORG_LOCKED
    PASSWORD_LOCKOUT USER_INACTIVE"""
)
# One value is wrong: without it the rest of the record can be written.
DATA = _codes(
    """INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST STRING_TOO_LONG INVALID_EMAIL_ADDRESS INVALID_FIELD
    INVALID_FIELD_FOR_INSERT_UPDATE NUMBER_OUTSIDE_VALID_RANGE INVALID_TYPE_ON_FIELD_IN_RECORD JSON_PARSER_ERROR
    FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_INTEGRITY_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION
    INVALID_CROSS_REFERENCE_KEY MALFORMED_ID"""
)
GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})

LOCKED_AFTER = 5.0  # seconds; a row lock lasts as long as the other transaction, 10 s at most
TRANSIENT_AFTER = 30.0
CONCURRENT_AFTER = 30.0  # too many calls of 20 s and more at once: free again as soon as one ends
DAILY_AFTER = 1800.0  # the 24 h window rolls hour by hour and there is no Retry-After

# A field in a message that came without `fields`: the API names in it are not translated.
_NAMED = (
    re.compile(r"No such column '(\w+)'"),
    re.compile(r"duplicate value found: (\w+) duplicates"),
    re.compile(r"create/update fields: ([\w, ]+?)\."),
    re.compile(r"Required fields are missing: \[([\w, ]+)\]"),
)
_RECORD_ID = re.compile(r"\b([a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?)\b")


@dataclass(frozen=True, slots=True)
class Problem:
    """One error as Salesforce wrote it. `similar` = (object, id) of the records a duplicate rule matched."""

    code: str
    text: str
    fields: tuple[str, ...] = ()
    similar: tuple[tuple[str, str], ...] = ()


class CallRejected(Rejected):
    """A whole call refused; `problems` is for the one who sent it, and never logged: texts may hold values."""

    def __init__(self, problems: list[Problem], status: int) -> None:
        code = problems[0].code
        super().__init__(f"Salesforce refused the call: {code}.", code=code, status=status)
        self.problems = problems


def read(item: Any) -> Problem:
    """One error of a body or a row: `errorCode` in bodies, `statusCode` in collection rows."""
    if not isinstance(item, Mapping):
        return Problem("", "")
    code = str(item.get("errorCode") or item.get("statusCode") or item.get("error") or "")
    text = str(item.get("message") or item.get("error_description") or "")
    named = item.get("fields")
    fields = tuple(str(f) for f in named) if isinstance(named, list) else ()
    return Problem(code, text, fields or _fields_in(text), tuple(_similar(item)))


def read_all(content: Any) -> list[Problem]:
    """Every error of a body; empty when the body is not Salesforce's JSON."""
    items = content if isinstance(content, list) else [content]
    return [p for p in map(read, items) if p.code]


def _fields_in(text: str) -> tuple[str, ...]:
    for pattern in _NAMED:
        if found := pattern.search(text):
            return tuple(name.strip() for name in found[1].split(","))
    return ()


def record_id_in(text: str) -> str | None:
    """The record a DUPLICATE_VALUE names at its end, when it names one."""
    found = _RECORD_ID.findall(text.rpartition(":")[2])
    return found[-1] if found else None


def _similar(item: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    # The misspelling is Salesforce's; the right one is taken too should they mend it.
    result = item.get("duplicateResut") or item.get("duplicateResult") or {}
    for match in result.get("matchResults") or ():
        for hit in match.get("matchRecords") or ():
            record = hit.get("record") or {}
            if record.get("Id"):
                kind = (record.get("attributes") or {}).get("type") or match.get("entityType") or ""
                yield str(kind), str(record["Id"])


def busy(text: str) -> Busy:
    """A limit, by Salesforce's own words: the daily one is long, the one on concurrent calls short."""
    after = CONCURRENT_AFTER if "concurrent" in text.lower() else DAILY_AFTER
    return Busy(
        "Salesforce is limiting us: its API calls are used up.",
        after=after,
        hint="Setup, Company Information shows the daily limit.",
        code="REQUEST_LIMIT_EXCEEDED",
    )


def error(status: int, content: Any) -> ConnectorError:
    """The error for a whole call that failed; Salesforce's codes are kept, its bodies are not."""
    problems = read_all(content)
    if not problems:
        return _without_code(status)
    problem = problems[0]
    if problem.code in QUOTA:
        return busy(problem.text)
    if problem.code in TRANSIENT or status in (420, 502, 503, 504):
        words = "Salesforce cannot answer right now."
        return Unreachable(words, after=TRANSIENT_AFTER, code=problem.code, status=status)
    if problem.code in AUTH or status == 401:
        return not_allowed(problem)
    if problem.code == "NOT_FOUND":
        return NotFound("Salesforce does not know this object or record.", code=problem.code, status=status)
    return CallRejected(problems, status)


def _without_code(status: int) -> ConnectorError:
    """A body that is not Salesforce's: a maintenance page, a proxy, a My Domain that moved."""
    if status == 401:
        return not_allowed(Problem("INVALID_SESSION_ID", ""))
    return Unreachable(
        "Something other than Salesforce's API answered.", after=TRANSIENT_AFTER, code="not_json", status=status
    )


def not_allowed(problem: Problem) -> NotAllowed:
    """Only a person can mend it; the wording tells which setting."""
    hint = _HINTS.get(problem.code, "Check the app's OAuth settings in Salesforce, then run accounts check.")
    return NotAllowed(f"Salesforce does not let us in: {problem.code}.", hint=hint, code=problem.code)


_HINTS = {
    "API_DISABLED_FOR_ORG": "This edition has no API: Enterprise, or Professional with the API add-on, is needed.",
    "INVALID_SESSION_ID": "The app may not use the REST API: give it the scope 'Manage user data via APIs (api)'.",
    "invalid_grant": "The permission was withdrawn, or the user has not approved the app: approve it again.",
    "invalid_client": "The consumer key or secret is wrong: copy both again.",
    "invalid_client_id": "The consumer key is wrong, or the app was deleted.",
    "inactive_user": "The user the app runs as is inactive.",
    "inactive_org": "The org is inactive.",
    "invalid_app_access": "The user is not allowed to use the app: add a permission set to its policies.",
    "unsupported_grant_type": "Switch on the client credentials flow in the app's OAuth settings.",
    "no_client_credentials_user_enabled": "Choose a run-as user in the app's policies.",
}
