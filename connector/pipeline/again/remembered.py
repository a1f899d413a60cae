"""An event's CRM as our own rows remember it: a stand-in that answers at once and asks nobody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.core.contact import Record, Value
from connector.core.documents.words import RECORD, is_record
from connector.ports import Capabilities, ContactKey, Related
from connector.store import changes, contacts, plans, records, telling
from connector.store.engine import Store

Place = tuple[str, str]
PEOPLE = ("contacts", "Contact", "Lead")
SEVERAL, NOBODY = "several_records", "no_record"


@dataclass(slots=True)
class Remembered:
    """Answers `find`, `read` and `related` out of `values`; what was not remembered is absent."""

    account: str
    people: list[Place] = field(default_factory=list)  # whom the search found
    values: dict[Place, dict[str, Value]] = field(default_factory=dict)
    near: list[Place] = field(default_factory=list)  # the people of the record whose event it was

    @property
    def can(self) -> Capabilities:
        objects = {name for name, _ in (*self.people, *self.values, *self.near)}
        person = next((o for o, _ in (*self.people, *self.near)), None) or next(iter(objects & set(PEOPLE)), "contacts")
        words = {word: o for word in RECORD if word != "record" for o in sorted(objects) if is_record(word, o)}
        return Capabilities(
            batch=100, read_batch=100, object=person, identity={}, objects={"contact": person, **words}
        )  # fmt: skip

    def note(self, place: Place, given: Mapping[str, Value]) -> None:
        """Values of one record; what is known already stands."""
        self.values[place] = {**given, **self.values.get(place, {})}

    def known(self, places: Iterable[Place]) -> set[str]:
        """The fields remembered of these records."""
        return {name for place in places for name in self.values.get(place, {})}

    # ---- what the pipeline asks of a CRM -------------------------------------------------------------------------
    def find(self, keys: Sequence[ContactKey], fields: Sequence[str]) -> dict[ContactKey, list[Record]]:  # noqa: ARG002
        return {key: [self._record(place) for place in self.people] for key in keys}

    def read(self, object: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:  # noqa: ARG002
        return {id_: self._record((object, id_)) for id_ in ids}

    def related(self, object: str, ids: Sequence[str], to: str) -> dict[str, list[Related]]:  # noqa: ARG002
        return {id_: [Related(o, i, primary=len(self.near) == 1) for o, i in self.near] for id_ in ids}

    def _record(self, place: Place) -> Record:
        return Record(object=place[0], id=place[1], fields=self.values.get(place, {}))


def of_reply(store: Store, account: str, event: Any) -> Remembered:
    """What the plans of this reply noted: the values that stood there before, and whose record it was."""
    made = Remembered(account)
    with store.read() as conn:
        bodies = [
            body for plan in plans.of_event(conn, event.id) if plan.account == account for body in plan.body or []
        ]
        rows = {c.ordinal: c for c in changes.of_event(conn, event.id) if c.account == account}
        lane = contacts.heirs(conn, [event.lane]).get(event.lane, event.lane) if event.lane else ""
        link = contacts.links(conn, account, [lane]).get(lane) if lane else None
    own: Place | None = (link.object, link.id) if link else None
    for body in bodies:
        if not body["matched"] or body.get("undone") or body.get("replayed"):
            continue
        ordinals = body.get("ordinals", [])
        for reason in body["reasons"]:
            row = rows.get(ordinals[reason["change"]]) if reason.get("change") is not None else None
            if reason.get("code") == NOBODY:
                return made
            if reason.get("code") == SEVERAL and row is not None:
                made.people = [(row.object, str(id_)) for id_ in row.body.get("choices", [])]
                return made
            own = _note(made, reason, row, own)
    if own is not None:
        made.people = [own]
    return made


def _note(made: Remembered, reason: Mapping[str, Any], row: Any, own: Place | None) -> Place | None:
    """One field's earlier value; the contact's own record becomes known by the first change to it."""
    name, dotted = str(reason["field"]), "." in str(reason["field"])
    place = (row.object, row.record) if row is not None and row.record else None
    if not dotted and own is None:
        own = place
    where = place if dotted else own
    spoken = reason["outcome"] in ("write", "keep") and reason.get("code") != "already_set"
    if where is not None and spoken:
        made.note(where, {name.rpartition(".")[2]: reason.get("before")})
    return own


def of_trigger(store: Store, account: str, event: Any, phones: Sequence[str]) -> Remembered:
    """What an event of the CRM said itself, what its sends kept, what we know of its record's watched fields."""
    made, payload = Remembered(account), event.payload
    place = (str(payload.get("object") or ""), str(payload.get("record") or ""))
    with store.read() as conn:
        sent = telling.history(conn, event.id)
        stored = records.values(conn, account, [place] if place[1] else [])
    if place[1] and payload.get("field") and payload.get("value") is not None:
        made.note(place, {payload["field"]: payload["value"]})
    for send in sent:
        kept, person = send["context"] or {}, send["person"]
        if place[1]:
            made.note(place, kept.get("record") or {})
        if person:
            whom = (person[1], person[2])
            made.near = [*dict.fromkeys([*made.near, whom])]
            made.note(whom, kept.get("contact") or {})
            made.note(whom, {name: send["to"] for name in phones[:1] if send["to"]})
    if place[1]:
        made.note(place, {name: known.value for name, known in stored.get(place, {}).items()})
    return made
