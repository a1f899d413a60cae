"""The deployment's own settings: one schema with the defaults, kept in `settings` as far as a person changed them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import sqlalchemy as sa
from marshmallow import Schema, ValidationError, fields, validate

from connector.core.text import clean
from connector.errors import Rejected
from connector.store.bulk import insert_many
from connector.store.once import once
from connector.store.tables import settings

LANGUAGES = ("en", "es", "pt")
ASKED = ("nobody", "admins", "everybody")
LONGEST = 3650  # days: ten years
_T = settings.c
_NUMBER: dict[str, Any] = {
    "invalid": "Write a whole number.",
    "null": "Write a whole number.",
    "too_large": "Write a smaller number.",
}
_TEXT: dict[str, Any] = {"invalid": "Write a text.", "null": "Write a text."}


def _days(default: int, least: int, about: str) -> fields.Integer:
    wrong = f"Write a number of days from {least} to {LONGEST}."
    return fields.Integer(
        load_default=default, strict=False, validate=validate.Range(least, LONGEST, error=wrong),
        error_messages=_NUMBER, metadata={"about": about, "unit": "days"},
    )  # fmt: skip


def _zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("There is no such time zone. Write it like America/Bogota.")


class OptionsSchema(Schema):
    """Every setting with its default, its bounds and what it is about (`metadata`: about, unit, choices)."""

    business_name = fields.String(
        load_default="", validate=validate.Length(max=100, error="Write at most 100 characters."),
        error_messages=_TEXT, metadata={"about": "The name of your business, shown in the console."},
    )  # fmt: skip
    language = fields.String(
        load_default="en", validate=validate.OneOf(LANGUAGES, error=f"Choose one of {', '.join(LANGUAGES)}."),
        error_messages=_TEXT, metadata={"about": "The console's language, until a person chooses their own.",
                                        "choices": LANGUAGES},
    )  # fmt: skip
    time_zone = fields.String(
        load_default="UTC", validate=_zone, error_messages=_TEXT,
        metadata={"about": "The time zone the console shows times in, like America/Bogota."},
    )  # fmt: skip
    second_factor = fields.String(
        load_default=ASKED[0], validate=validate.OneOf(ASKED, error=f"Choose one of {', '.join(ASKED)}."),
        error_messages=_TEXT,
        metadata={"about": "Who must have a second factor (an authenticator app): set up at their next sign-in.",
                  "choices": ASKED},
    )  # fmt: skip
    handoff_hours = fields.Integer(
        load_default=24, strict=False,
        validate=validate.Range(0, 720, error="Write a number of hours from 0 to 720; 0 = until they are given back."),
        error_messages=_NUMBER,
        metadata={"about": "How long automation is silent after a person takes over, or answers from the phone app. "
                           "0 = until somebody gives the contact back.", "unit": "hours"},
    )  # fmt: skip
    retain_raw = _days(14, 8, "How long webhooks are kept as they came. Meta repeats them for 7 days.")
    retain_text = _days(90, 8, "How long what people wrote, and what was written to them, is kept.")
    retain_audit = _days(365, 30, "How long the audit log is kept.")
    retain_sessions = _days(30, 1, "How long ended sessions, used invitations and finished tasks are kept.")


_SCHEMA = OptionsSchema()
NAMES: tuple[str, ...] = tuple(_SCHEMA.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings as they hold now; the names are those of OptionsSchema."""

    business_name: str
    language: str
    time_zone: str
    second_factor: str
    handoff_hours: int
    retain_raw: int
    retain_text: int
    retain_audit: int
    retain_sessions: int

    def asks_second_factor(self, role: str) -> bool:
        """Whether people of this role must have one."""
        return self.second_factor == "everybody" or (self.second_factor == "admins" and role == "admin")

    def before(self, name: str, now: datetime) -> datetime:
        """What is older than this is past its time: `raw`, `text`, `audit` or `sessions`."""
        return now - timedelta(days=getattr(self, f"retain_{name}"))


@once
def _stored(_: sa.Connection) -> sa.Executable:
    return sa.select(_T.name, _T.value).where(_T.name.in_(NAMES))


def get(conn: sa.Connection) -> Options:
    """What holds now: what a person set, else the default; a stored value that no longer fits is the default."""
    stored = {row.name: row.value for row in _stored(conn)}
    faults = _SCHEMA.validate(stored)
    return Options(**_SCHEMA.load({name: value for name, value in stored.items() if name not in faults}))


def put(conn: sa.Connection, given: Mapping[str, Any], now: datetime) -> dict[str, dict[str, Any]]:
    """Sets these, all or none: {name: {"before", "after"}} of what changed, for the audit log.

    Raises Rejected; `facts["fields"]` is {name: what is wrong, in plain words}."""
    old = get(conn)
    values = _checked(old, given)
    changed = {name: value for name, value in values.items() if value != getattr(old, name)}
    for name, value in changed.items():
        conn.execute(sa.delete(settings).where(_T.name == name))
        insert_many(conn, settings, [{"name": name, "value": value, "at": now}])
    return {name: {"before": getattr(old, name), "after": value} for name, value in changed.items()}


def reset(conn: sa.Connection, name: str) -> None:
    """The default holds again."""
    conn.execute(sa.delete(settings).where(_T.name == name, _T.name.in_(NAMES)))


def _checked(old: Options, given: Mapping[str, Any]) -> dict[str, Any]:
    faults = {
        clean(str(name), 100): f"There is no such setting. There are: {', '.join(NAMES)}."
        for name in given
        if name not in NAMES
    }
    known = {name: _tidy(value) for name, value in given.items() if name in NAMES}
    try:
        values = _SCHEMA.load(known, partial=True)
    except ValidationError as error:
        values = {}
        faults |= {name: " ".join(map(str, texts)) for name, texts in error.messages_dict.items()}
    values = {name: values[name] for name in known if name in values}
    raw, text = (values.get(name, getattr(old, name)) for name in ("retain_raw", "retain_text"))
    if not faults and raw > text:
        place = "retain_raw" if "retain_raw" in values else "retain_text"
        faults[place] = "Webhooks hold the same texts: they cannot be kept longer than retain_text."
    if faults:
        words = "; ".join(f"{name}: {text}" for name, text in faults.items())
        raise Rejected(words, code="settings", fields=faults)
    return values


def _tidy(value: Any) -> Any:
    """As a form or a command line has it; a truth value is no number."""
    if isinstance(value, bool):
        return None
    return clean(value, 10_000).strip() if isinstance(value, str) else value


def listing(conn: sa.Connection) -> list[dict[str, Any]]:
    """Every setting, as pages show it: {name, value, default, about, unit, choices, at}; at None: never set."""
    now = get(conn)
    times = {row.name: row.at for row in conn.execute(sa.select(_T.name, _T.at).where(_T.name.in_(NAMES)))}
    return [
        {
            "name": name, "value": getattr(now, name), "default": field.load_default,
            "about": field.metadata["about"], "unit": field.metadata.get("unit", ""),
            "choices": list(field.metadata.get("choices", ())), "at": times.get(name),
        }
        for name, field in _SCHEMA.fields.items()
    ]  # fmt: skip
