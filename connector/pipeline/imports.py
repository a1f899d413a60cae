"""Messages another tool sent, made known so that `answer_to` can tell what a reply answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate

from connector.core.ids import new_id
from connector.core.text import clean
from connector.store import sends
from connector.store.contacts import Person, Resolver
from connector.store.engine import Store

BATCH = 1000


class SentSchema(Schema):
    """One message: {wamid, to, template | step, sent_at, number?, user_id?, buttons? {label: id}, record? [account, object, id]}."""

    class Meta:
        unknown = EXCLUDE

    wamid = fields.String(required=True, validate=validate.Length(1, 200))
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
    def numbers_are_text(self, data: Any, **_: Any) -> Any:
        """A spreadsheet's number for a phone is taken as its digits."""
        if isinstance(data, Mapping) and isinstance(data.get("to"), int):
            return {**data, "to": str(data["to"])}
        return data


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to; `refused` is [(row number, why)]."""

    new: int
    known: int
    refused: list[tuple[int, str]]


def import_sends(store: Store, rows: Iterable[Any], now: datetime) -> Imported:
    """Stores the messages; a wamid that is known already is left alone, a bad row is named and left out."""
    good: list[dict[str, Any]] = []
    refused: list[tuple[int, str]] = []
    schema = SentSchema()
    for n, row in enumerate(rows, 1):
        try:
            good.append(schema.load(row))
        except ValidationError as error:
            refused.append(
                (n, "; ".join(f"{k}: {' '.join(map(str, v))}" for k, v in error.normalized_messages().items()))
            )
    new = sum(_store(store, good[i : i + BATCH], now) for i in range(0, len(good), BATCH))
    return Imported(new, len(good) - new, refused)


def _store(store: Store, rows: list[dict[str, Any]], now: datetime) -> int:
    with store.write() as conn:
        resolver = Resolver(conn, now)
        people = [
            Person("".join(c for c in r["to"] if c.isascii() and c.isdigit()) or None, r["user_id"]) for r in rows
        ]
        resolver.load(key for person in people for key in person.keys)
        lanes = [resolver.resolve(person) for person in people]
        resolver.flush()
        added = sends.add(conn, [_row(r, resolver.final(lane)) for r, lane in zip(rows, lanes, strict=True)])
        sends.catch_up(conn, [r["wamid"] for r in rows])
    return added


def _row(sent: Mapping[str, Any], lane: str | None) -> dict[str, Any]:
    return {
        "id": new_id(), "cause": f"import:{sent['wamid']}", "lane": lane, "number": sent["number"], "template": sent["template"],
        "step": sent["step"], "category": sent["category"], "to": clean(sent["to"], 32), "buttons": sent["buttons"] or None,
        "record": sent["record"], "state": "accepted", "label": "imported", "wamid": sent["wamid"], "rank": 1, "at": sent["sent_at"],
    }  # fmt: skip
