"""Field writes: known records by batch update, newcomers by upsert on our unique field, a hundred at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connector.core.changes import Outcome
from connector.crm.batch import chunks, waves
from connector.crm.hubspot import client as hubspot
from connector.crm.hubspot.faults import Refusal
from connector.crm.hubspot.find import BATCH, CONTACTS, USER_ID, WA_ID, Finder
from connector.crm.hubspot.properties import Properties, to_hubspot
from connector.crm.hubspot.rows import Item, Row, settle
from connector.ports import Field, RecordChange

STAGE = "lifecyclestage"
NAMES = ("firstname", "lastname", "email")  # a new contact needs one of them; a phone alone is refused
Fields = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class RecordWriter:
    """`write` of RecordChanges, over one client. It may be repeated: values are absolute, newcomers have our id."""

    client: hubspot.Client
    properties: Properties
    finder: Finder

    def write(self, changes: Sequence[RecordChange]) -> list[Outcome]:
        """Same length, same order; a record named twice is written twice, in order."""
        outcomes: dict[int, Outcome] = {}
        numbered = list(enumerate(changes))
        for wave in waves(numbered, lambda pair: pair[1].record or (pair[1].wa_id, pair[1].user_id)):
            for part in chunks(wave, BATCH):
                done = self._batch([change for _, change in part])
                outcomes.update({n: outcome for (n, _), outcome in zip(part, done, strict=True)})
        return [outcomes[n] for n, _ in numbered]

    def _batch(self, changes: Sequence[RecordChange]) -> list[Outcome]:
        name = changes[0].object
        fields = self.properties.of(name)
        rows = [_row(change, fields) for change in changes]
        self._identify(name, changes, rows)
        known = [row for row in rows if row.id and not row.id_property and row.outcome is None]
        for row in known:
            if not row.properties:
                row.done({})
        known = [row for row in known if row.properties]
        self._clear_stages(name, known, fields)
        unique = [field.name for field in fields.values() if field.unique]
        settle(self.client, hubspot.objects(name, "batch", "update"), known, unique)
        settle(self.client, hubspot.objects(name, "batch", "upsert"), [row for row in rows if row.id_property], unique)
        return [row.outcome or Outcome(state="retry", text="HubSpot was not asked.", code="silent") for row in rows]

    # ---- newcomers -----------------------------------------------------------------------------------------------
    def _identify(self, name: str, changes: Sequence[RecordChange], rows: Sequence[Row]) -> None:
        """Changes without a record: whoever has our id already is updated, the rest become upserts.

        Asking first keeps the name of an existing contact: HubSpot wants a name in every create, and an upsert cannot
        say "only when new". Should another worker create the same person in between, the upsert meets the contact that
        worker made a moment ago, with the same name and our unique value: one record, nothing lost."""
        pairs = [(change, row) for change, row in zip(changes, rows, strict=True) if not row.id]
        for change, row in pairs:
            if name != CONTACTS or not (change.wa_id or change.user_id):
                row.refuse("There is no record, and nothing to create one by.", "no_identity")
        pairs = [(change, row) for change, row in pairs if row.outcome is None]
        existing = self._existing([change for change, _ in pairs])
        for change, row in pairs:
            if item := existing.get(change.id):
                _adopt(row, change, item)
            else:
                _introduce(row, change)

    def _existing(self, changes: Sequence[RecordChange]) -> dict[str, Item]:
        """Change id -> the contact that has its wa_id, else its BSUID."""
        found: dict[str, Item] = {}
        wa_ids = {change.id: change.wa_id for change in changes if change.wa_id}
        user_ids = {change.id: change.user_id for change in changes if change.user_id}
        for by, values in ((WA_ID, wa_ids), (USER_ID, user_ids)):
            asked = {id_: value for id_, value in values.items() if id_ not in found}
            items = self.finder.identified(by, list(asked.values()), ()) if asked else {}
            found.update({id_: items[value] for id_, value in asked.items() if value in items})
        return found

    # ---- lifecycle stage -----------------------------------------------------------------------------------------
    def _clear_stages(self, name: str, rows: Sequence[Row], fields: Fields) -> None:
        """HubSpot moves a lifecycle stage only forward: to go back it must be emptied first."""
        order = {value: n for n, (value, _) in enumerate(fields[STAGE].options)} if STAGE in fields else {}
        staged = {str(row.id): row for row in rows if row.properties.get(STAGE) in order}
        if not staged:
            return
        back = []
        for item in self.finder.read(name, list(staged), [STAGE]):
            row, now = staged.get(str(item["id"])), item["properties"].get(STAGE)
            if row and order.get(now, -1) > order[row.properties[STAGE]]:
                back.append({"id": row.id, "objectWriteTraceId": row.trace, "properties": {STAGE: ""}})
        if back:
            try:
                self.client.post(hubspot.objects(name, "batch", "update"), {"inputs": back})
            except Refusal:
                return  # the write that follows meets the same refusal and reports it row by row


def _row(change: RecordChange, fields: Fields) -> Row:
    kinds = {name: fields[name].type if name in fields else "text" for name in change.fields}
    properties = {name: to_hubspot(value, kinds[name]) for name, value in change.fields.items()}
    return Row(trace=change.id, properties=properties, id=change.record)


def _adopt(row: Row, change: RecordChange, item: Item) -> None:
    """The person is there already: an update, which also fills in our id that is still missing."""
    row.id = str(item["id"])
    for name, value in ((WA_ID, change.wa_id), (USER_ID, change.user_id)):
        if value and not item["properties"].get(name):
            row.properties.setdefault(name, value)


def _introduce(row: Row, change: RecordChange) -> None:
    """A newcomer: an upsert by our unique field with the profile name, and the phone where nothing else was mapped."""
    row.id_property, row.id = (WA_ID, change.wa_id) if change.wa_id else (USER_ID, change.user_id)
    properties = row.properties
    properties.pop(row.id_property, None)
    if change.wa_id and change.user_id:
        properties.setdefault(USER_ID, change.user_id)
    if change.phone:
        properties.setdefault("phone", change.phone)
    if not any(properties.get(name) for name in NAMES[:2]):
        first, _, last = change.name.strip().partition(" ")
        properties.update({name: part for name, part in (("firstname", first), ("lastname", last.strip())) if part})
    if not any(properties.get(name) for name in NAMES):
        properties["firstname"] = change.phone or f"WhatsApp {row.id}"
