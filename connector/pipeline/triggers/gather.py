"""What the CRM says of the records that set something off: each is read once, however many events speak of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connector.core.changes import Ask
from connector.core.contact import Record
from connector.core.documents import SendDocument
from connector.core.events import RecordChanged
from connector.pipeline.triggers.firing import Fired, Judged
from connector.ports import CRM, Related
from connector.store.records import Place

PERSON = "contact"  # the language's word for the CRM's people
GONE = "the record was deleted"


@dataclass(slots=True)
class Wish:
    """One message that a document wants sent: which record set it off, to whom."""

    judged: Judged
    fired: Fired
    record: Record | None = None
    person: Record | None = None
    refused: str = ""  # in plain words, when nothing is to be sent
    nobody: str = ""  # in plain words, when it is wanted and there is nobody to send it to
    ask: Ask | None = None

    @property
    def document(self) -> SendDocument:
        return self.fired.live.document


@dataclass(slots=True)
class Gatherer:
    """One claim's questions to the CRM, in batches."""

    crm: CRM
    also: Sequence[str] = ()  # fields of every person that are read beside those the documents name
    read: dict[Place, Record] = field(default_factory=dict)

    def fill(self, judged: Sequence[tuple[RecordChanged, Place]]) -> dict[Place, Record]:
        """The fields of changes that did not say what to: {record: as it is now}."""
        wanted: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for event, place in judged:
            wanted[place[0]][place[1]].add(event.field or "")
        found: dict[Place, Record] = {}
        for object_, ids in wanted.items():
            fields = sorted({name for names in ids.values() for name in names})
            records = self.crm.read(object_, sorted(ids), fields)
            found |= {(object_, id_): record for id_, record in records.items()}
        return found

    def wishes(self, judged: Iterable[Judged]) -> list[Wish]:
        """Every message wanted, with its record and its person as the CRM has them now."""
        wishes = [Wish(one, fired) for one in judged for fired in one.fired]
        self._read_records(wishes)
        out: list[Wish] = []
        related = self._related(wishes)
        for wish in wishes:
            out += self._with_people(wish, related)
        self._read_people(out)
        return out

    # ---- records -------------------------------------------------------------------------------------------------
    def _read_records(self, wishes: Sequence[Wish]) -> None:
        ids: dict[str, set[str]] = defaultdict(set)
        fields: dict[str, set[str]] = defaultdict(set)
        for wish in wishes:
            if wish.judged.place:
                object_, record = wish.judged.place
                ids[object_].add(record)
                fields[object_] |= self._fields(wish.document)
        for object_, wanted in ids.items():
            found = self.crm.read(object_, sorted(wanted), sorted(fields[object_]))
            self.read |= {(object_, record): one for record, one in found.items()}
        for wish in wishes:
            if wish.judged.place:
                wish.record = self.read.get(wish.judged.place)
                wish.refused = "" if wish.record else GONE

    def _fields(self, document: SendDocument) -> set[str]:
        own = document.recipient == "record"
        person = (*self.crm.can.identity.values(), *self.also, *document.reads) if own else ()
        return {*document.record_reads, *(w.field for w in document.conditions), *person}

    # ---- people --------------------------------------------------------------------------------------------------
    def _related(self, wishes: Sequence[Wish]) -> dict[Place, list[Related]]:
        ids: dict[str, set[str]] = defaultdict(set)
        for wish in wishes:
            if wish.record and wish.document.recipient in ("contact", "contacts"):
                ids[wish.record.object].add(wish.record.id)
        found: dict[Place, list[Related]] = {}
        for object_, wanted in ids.items():
            answer = self.crm.related(object_, sorted(wanted), self._people)
            found |= {(object_, record): near for record, near in answer.items()}
        return found

    @property
    def _people(self) -> str:
        return self.crm.can.objects.get(PERSON, self.crm.can.object)

    def _with_people(self, wish: Wish, related: Mapping[Place, list[Related]]) -> list[Wish]:
        """The wish once for each person; a wish without one says why."""
        if wish.refused or wish.document.recipient == "call":
            return [wish]
        if wish.record is None:
            wish.refused = "the call names no record whose contact it could be sent to"
            return [wish]
        if wish.document.recipient == "record":
            wish.person = wish.record
            return [wish]
        near = related.get((wish.record.object, wish.record.id), [])
        found = sorted(near, key=lambda one: one.id) if wish.document.recipient == "contacts" else _chosen(near)
        if not found:
            wish.nobody = f"The {wish.document.word or 'record'} has no contact."
        elif len(found) > 1 and wish.document.recipient == "contact":
            wish.ask = _which(wish, found)
        else:
            return [Wish(wish.judged, wish.fired, wish.record, Record(object=r.object, id=r.id)) for r in found]
        return [wish]

    def _read_people(self, wishes: Sequence[Wish]) -> None:
        wanted = [w for w in wishes if w.person is not None and w.document.recipient != "record"]
        ids: dict[str, set[str]] = defaultdict(set)
        fields = {name for wish in wanted for name in wish.document.reads}
        fields |= {*self.crm.can.identity.values(), *self.also}
        for wish in wanted:
            if wish.person:
                ids[wish.person.object].add(wish.person.id)
        found: dict[Place, Record] = {}
        for object_, some in ids.items():
            answer = self.crm.read(object_, sorted(some), sorted(fields))
            found |= {(object_, id_): record for id_, record in answer.items()}
        for wish in wanted:
            if wish.person:
                asked = wish.person
                wish.person = found.get((asked.object, asked.id))
                wish.nobody = "" if wish.person else f"Contact {asked.id} was deleted."


def _chosen(near: Sequence[Related]) -> list[Related]:
    """The primary one, else the only one; else all there are."""
    each = {one.id: one for one in near}
    primary = [one for one in each.values() if one.primary]
    return primary if len(primary) == 1 else list(each.values())


def _which(wish: Wish, found: Sequence[Related]) -> Ask:
    word = wish.document.word or "record"
    text = f"{len(found)} contacts on the {word}, and none is the primary one: which one?"
    choices = tuple(sorted(one.id for one in found))
    return Ask(object=found[0].object, why="several_contacts", text=text, choices=choices)
