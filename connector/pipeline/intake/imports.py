"""Messages another tool sent, made known so that `answer_to` can tell what a reply answers."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate, validates_schema

from connector.core.text import clean
from connector.errors import Rejected
from connector.ids import new_id
from connector.store import sends, veil
from connector.store.contacts import Person, Resolver
from connector.store.engine import Store

BATCH = 1000
EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)  # WhatsApp's first year
SKEW = timedelta(days=1)  # a wrong clock or zone of the other tool's
LONGEST = 4096  # characters of any one value


class SentSchema(Schema):
    """One message: {wamid, to | user_id, template | step, sent_at, number?, category?, buttons?, record?}.

    `buttons` is {label: id}; `record` is [account, object, id]: what a dotted field of a mapping writes to.
    """

    class Meta:
        unknown = EXCLUDE

    wamid = fields.String(required=True, validate=validate.Regexp(r"[!-~]{1,200}\Z", error="This is no message id."))
    to = fields.String(load_default="", validate=validate.Length(max=32))
    user_id = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=140))
    number = fields.String(load_default="", validate=validate.Length(max=64))
    template = fields.String(load_default="", validate=validate.Length(max=512))
    step = fields.String(load_default="", validate=validate.Length(max=512))
    sent_at = fields.AwareDateTime(required=True, default_timezone=UTC)
    buttons = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    record = fields.List(fields.String(), load_default=None, allow_none=True, validate=validate.Length(equal=3))
    category = fields.String(load_default="", validate=validate.Length(max=40))

    @pre_load
    def as_a_spreadsheet_has_it(self, data: Any, **_: Any) -> Any:
        """An empty cell is no value, a phone may be a number, `buttons` and `record` are JSON in their cells."""
        if not isinstance(data, Mapping):
            raise ValidationError("It is no JSON object: {...}", "this row")
        given = {k: _safe(v) for k, v in data.items() if k in self.fields and v not in (None, "")}
        if isinstance(given.get("to"), int):
            given["to"] = str(given["to"])
        return given | {k: _cell(given[k]) for k in ("buttons", "record") if k in given}

    @validates_schema
    def says_enough(self, data: Mapping[str, Any], **_: Any) -> None:
        """Without these a reply could never be told to answer it."""
        if not data.get("template") and not data.get("step"):
            raise ValidationError("Give the template that was sent, or the step.", "template")
        if not digits(data.get("to", "")) and not data.get("user_id"):
            raise ValidationError("Give the number it was sent to, or the user id.", "to")


def _safe(value: Any) -> Any:
    """Texts without what databases refuse."""
    if isinstance(value, str):
        return clean(value, LONGEST)
    if isinstance(value, list):
        return [_safe(v) for v in value[:LONGEST]]
    return {_safe(k): _safe(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _cell(value: Any) -> Any:
    try:
        return _safe(json.loads(value)) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def digits(text: str) -> str:
    """The digits of a phone number."""
    return "".join(c for c in text if c.isascii() and c.isdigit())


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to; `refused` is [(row number, why)]."""

    new: int
    known: int
    refused: list[tuple[int, str]]


def read_rows(text: str, *, csv_: bool) -> list[Any]:
    """The rows of a file (JSON lines, a JSON list, CSV), each as it stands there. Raises Rejected.

    A line that is no JSON stays a text, and is refused as a row."""
    try:
        if csv_:
            return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
        if text.lstrip().startswith("["):
            return list(json.loads(text))
    except (ValueError, RecursionError, csv.Error) as error:
        hint = "Give JSON lines, a JSON list, or CSV with a header."
        raise Rejected(f"It cannot be read: {error}", hint=hint, code="unreadable") from None
    whole = _line(text)
    return [_line(line) for line in text.splitlines() if line.strip()] if isinstance(whole, str) else [whole]


def _delimiter(text: str) -> str:
    """A spreadsheet writes what its country uses."""
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _line(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def import_sends(store: Store, rows: Iterable[Any], now: datetime) -> Imported:
    """Stores the messages; a wamid that is known already is left alone, a bad row is named and left out."""
    good: list[dict[str, Any]] = []
    refused: list[tuple[int, str]] = []
    new = read = 0
    schema = SentSchema()
    for n, row in enumerate(rows, 1):
        try:
            sent = schema.load(row)
            if not EARLIEST < sent["sent_at"] < now + SKEW:
                raise ValidationError({"sent_at": ["This is not when a message was sent."]})
            good.append(sent)
        except (ValidationError, RecursionError) as error:
            refused.append((n, _why(error)))
        if len(good) == BATCH:  # a file may be larger than memory
            new, read = new + _store(store, good, now), read + len(good)
            good.clear()
    new, read = new + _store(store, good, now), read + len(good)
    return Imported(new, read - new, refused)


def _why(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "It is nested too deep."
    return "; ".join(f"{k}: {_words(v)}" for k, v in error.messages_dict.items())


def _words(value: Any) -> str:
    """A message, or those of a list's or dictionary's parts."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else [str(value)]
    return value if isinstance(value, str) else " ".join(_words(part) for part in parts)


def _store(store: Store, rows: list[dict[str, Any]], now: datetime) -> int:
    with store.write() as conn:
        rows = _not_erased(store, conn, rows)
        resolver = Resolver(conn, now)
        people = [Person(digits(r["to"]) or None, r["user_id"]) for r in rows]
        resolver.load(key for person in people for key in person.keys)
        lanes = [resolver.resolve(person) for person in people]
        resolver.flush()
        veil.inherit(store, conn, resolver.given)
        added = sends.add(conn, [_row(r, resolver.final(lane)) for r, lane in zip(rows, lanes, strict=True)])
        sends.catch_up(conn, [r["wamid"] for r in rows])
    return added


def _not_erased(store: Store, conn: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A message to somebody who was erased stays erased, though the file still has it."""
    veiled = veil.of(store, conn)
    if veiled is None:
        return rows
    gone = veil.veiled_sends(conn, [veiled.key(row["wamid"]) for row in rows])
    return [row for row in rows if veiled.key(row["wamid"]) not in gone]


def _row(sent: Mapping[str, Any], lane: str | None) -> dict[str, Any]:
    return {
        "id": new_id(), "cause": f"import:{sent['wamid']}", "wamid": sent["wamid"], "lane": lane, "to": sent["to"],
        "number": sent["number"], "template": sent["template"], "step": sent["step"], "category": sent["category"],
        "buttons": sent["buttons"] or None, "record": sent["record"], "at": sent["sent_at"],
        "state": "accepted", "rank": 1, "label": "imported",
    }  # fmt: skip
