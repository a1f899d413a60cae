"""The tests of a `send:` document: the trigger is met, the phone reachable, the template approved, unless given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.core.changes import Change, CreateTask, LogActivity, SetField
from connector.core.contact import Contact, Record, RecordRef, Setting
from connector.core.documents.comparing import fold, shown
from connector.core.documents.document import SendDocument, Test, Watch
from connector.core.documents.send_fires import fires, wanted
from connector.core.documents.send_gates import language_of
from connector.core.documents.send_prepare import prepare
from connector.core.documents.send_truth import truth
from connector.core.documents.send_words import scope_of
from connector.core.documents.tested import alike, moment_of
from connector.core.documents.words import PERSON, RECORD
from connector.core.events import Event, RecordChanged, TimerDue, TriggerCalled
from connector.core.quiet import zones_for
from connector.core.sending import Case, Prepared
from connector.core.template import Template

PHONE = "+573001112222"
_TUESDAY = datetime(2026, 11, 24, 10)  # noqa: DTZ001 - a wall clock, whose zone the contact gives
_OUTCOMES = {"ready": "sends", "waiting": "waits"}
_FAILURE = {"reason": "the number is not on WhatsApp", "code": "131026", "who": "customer"}
_MEDIA = ("image", "video", "document")


@dataclass(slots=True)
class Run:
    """One test carried out."""

    prepared: Prepared
    values: dict[str, str] = field(default_factory=dict)
    changes: dict[str, tuple[Change, ...]] = field(default_factory=dict)


def run_send(document: SendDocument, test: Test) -> str:
    """What came instead of what; "" when all is as expected."""
    run = carried_out(document, Given(document, test.given))
    wrong = [said for key, wish in test.expect.items() if (said := _miss(key, wish, run))]
    if wrong and run.prepared.reason:
        wrong.append(run.prepared.reason)
    return "; ".join(wrong)


def carried_out(document: SendDocument, given: "Given", templates: Sequence[Template] | None = None) -> Run:
    """One test's message through its gates; without `templates` one that fits is made up."""
    case = given.case()
    starts, why = (True, "") if given.met() else fires(document, case.event, given.before, given.now)
    if starts:
        starts, why = wanted(document, case, given.now)
    if not starts:
        return Run(Prepared(state="no_match", reason=why))
    templates = given.templates(case) if templates is None else templates
    prepared = prepare(document, case, templates, given.now)
    scope = scope_of(document, case, given.now)
    run = Run(prepared, {key: shown(e.run(scope)) for key, e in document.values.items()})
    record = RecordRef("crm", case.record.object, "77") if case.record is not None else None
    person = RecordRef("crm", case.person.object, "1512") if case.person is not None else None
    failure = _FAILURE | given.part("failure")
    for what in document.after:
        run.changes[what] = truth(
            document, what, prepared.context, failure, record, person, given.now, case.setting
        )  # fmt: skip
    return run


# ---- given -------------------------------------------------------------------------------------------------------
class Given:
    """The sparse words of `given`, and what is made up around them."""

    def __init__(self, document: SendDocument, given: Mapping[str, Any]) -> None:
        self.document, self.given = document, given
        self.object = document.word or "record"
        self.before: dict[str, Any] = {}
        zone = self.part("contact").get("time_zone")
        zones = zones_for("contact", shown(zone) or None, self.phone() or PHONE, "UTC")
        self.now = moment_of(given["now"]) if "now" in given else _TUESDAY.replace(tzinfo=ZoneInfo(zones[0]))
        self.now = self.now.astimezone(UTC)

    def part(self, word: str) -> dict[str, Any]:
        return {key[len(word) + 1 :]: value for key, value in self.given.items() if key.startswith(f"{word}.")}

    def word(self, name: str) -> str:
        return shown(self.given.get(name, ""))

    def phone(self) -> str:
        return self.word("phone") if self.word("phone") != "none" else ""

    def met(self) -> bool:
        """Does nothing in `given` speak of the trigger?"""
        names = {f"{w.word}.{w.field}" for w in self.document.triggers}
        names |= {f"record.{w.field}" for w in self.document.triggers}
        return not names & set(self.given) and "trigger" not in self.given

    def case(self) -> Case:
        record, person = self.record(), self.person()
        if self.document.recipient == "record":
            record = Record(object=self.object, id="77", fields={**person.fields, **record.fields})
            person = record
        return Case(
            event=self.event(record),
            record=record if self.document.word else None,
            person=person if self.document.recipient != "call" else None,
            contact=self.contact(),
            called=self.called(),
            setting=Setting(
                account=self.document.crm, number={"id": "100000000000001", "name": "main"} | self.part("number"),
                locale=self.word("locale") or None, country=self.word("country") or None,
            ),
            created_at=moment_of(self.given["created_at"]) if "created_at" in self.given else self.now,
            sent_at=tuple(map(moment_of, _many(self.given.get("sent_at", ())))),
        )  # fmt: skip

    # ---- the record that starts it -------------------------------------------------------------------------------
    def record(self) -> Record:
        words = (*RECORD, "contact") if self.document.recipient == "record" else RECORD
        fields = {key: value for word in words for key, value in self.part(word).items()}
        watches = (*self.document.triggers[:1], *self.document.conditions)
        made = {w.field: w.value[0] for w in watches if w.value}
        if self.document.date is not None:
            made[self.document.date.field] = f"{self.now:%Y-%m-%d}"
        return Record(object=self.object, id="77", fields=made | fields)

    def event(self, record: Record) -> Event:
        """The event the document waits for, with what is given of it."""
        document = self.document
        if self.word("trigger") == "no":
            return RecordChanged(id="e1", at=self.now, object="", record="77", what="changed")
        if document.date is not None or document.every is not None or document.segment:
            value = shown(record.fields.get(document.date.field)) if document.date is not None else ""
            return TimerDue(
                id="e1", at=self.now, document=document.name, object=self.object, record="77", value=value
            )  # fmt: skip
        if not document.triggers:
            return TriggerCalled(
                id="e1", at=self.now, trigger=document.webhook or document.name, object=self.object, record="77"
            )  # fmt: skip
        return self._change(self._watch(), record)

    def _watch(self) -> Watch:
        """The trigger that `given` speaks of, else the first."""
        names = {key.rpartition(".")[2] for key in self.given}
        return next((w for w in self.document.triggers if w.field in names), self.document.triggers[0])

    def _change(self, watch: Watch, record: Record) -> RecordChanged:
        value = shown(record.fields.get(watch.field, "changed")) if watch.field else None
        what = "changed" if watch.field else "created"
        return RecordChanged(
            id="e1", at=self.now, object=self.object, record="77", what=what, field=watch.field or None, value=value
        )  # fmt: skip

    # ---- the recipient -------------------------------------------------------------------------------------------
    def person(self) -> Record:
        fields = {key: value for key, value in self.part("contact").items() if key not in PERSON or key == "phone"}
        return Record(object="contact", id="1512", fields=self._reachable("contact") | fields)

    def called(self) -> dict[str, Any]:
        return self._reachable("webhook") | self.part("webhook")

    def _reachable(self, word: str) -> dict[str, Any]:
        """A phone where the document looks first, unless one is given or there is none."""
        paths = [path for e in self.document.phone for path in sorted(e.paths)]
        spoken = {".".join(path) for path in paths} & set(self.given)
        if spoken or self.word("phone") == "none" or not paths or paths[0][0] not in (word, *self._records(word)):
            return {}
        return {paths[0][1]: self.phone() or PHONE}

    def _records(self, word: str) -> tuple[str, ...]:
        return RECORD if word == "contact" and self.document.recipient == "record" else ()

    def contact(self) -> Contact:
        own, phone = self.part("contact"), self.phone() or (None if self.word("phone") == "none" else PHONE)
        return Contact(
            id="c1",
            name=shown(own.get("name", "Ana Ruiz")),
            wa_id=shown(own.get("whatsapp_id")) or None,
            phone=phone,
            time_zone=shown(own.get("time_zone")) or None,
            consents=self.consents(),
        )

    def consents(self) -> dict[str, str]:
        """`consent: opted_out` is a STOP; `consent: opted_in` is leave for what this template is."""
        said = {key: shown(value) for key, value in self.part("consent").items()}
        word = self.word("consent")
        if word in ("opted_in", "opted_out"):
            said["all" if word == "opted_out" else self.category()] = word
        return said

    # ---- the template --------------------------------------------------------------------------------------------
    def category(self) -> str:
        return self.word("category") or ("marketing" if self.document.consent == "opted_in" else "utility")

    def templates(self, case: Case) -> Sequence[Template]:
        """One that fits; `template: none` or a status such as PAUSED say otherwise."""
        given = self.word("template")
        if given == "none":
            return ()
        wish = self.word("language") or language_of(self.document, scope_of(self.document, case, self.now)) or "en"
        return (
            Template(
                name=self.document.template,
                language=wish,
                status=given.upper() or "APPROVED",
                category=self.category(),
                format="positional" if all(k.isdigit() for k in self._body()) else "named",
                components=tuple(self._components()),
            ),
        )

    def _body(self) -> list[str]:
        return [key for key in self.document.values if "." not in key]

    def _components(self) -> list[dict[str, Any]]:
        keys = list(self.document.values)
        made: list[dict[str, Any]] = [{"type": "BODY", "text": " ".join(f"x {{{{{k}}}}}" for k in self._body()) or "x"}]
        heads = [key.removeprefix("header.") for key in keys if key.startswith("header.")]
        kind = next((head for head in heads if head in _MEDIA), "location" if "latitude" in heads else "text")
        if heads:
            made.append({"type": "HEADER", "format": kind.upper(), "text": f"{{{{{heads[0]}}}}}"})
        replies = [{"type": "QUICK_REPLY", "text": id_} for id_ in self.document.buttons]
        return [*made, {"type": "BUTTONS", "buttons": _buttons(keys, replies)}]


def _buttons(keys: list[str], replies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The quick replies, and a link or code where `with:` has its place."""
    made = {key.removeprefix("button."): key for key in keys if key.startswith("button.")}
    rest = iter(replies)
    buttons: list[dict[str, Any]] = []
    for place in sorted(int(name) for name in made if name.isdigit() and int(name) < 10):
        buttons += [reply for _, reply in zip(range(place - len(buttons)), rest, strict=False)]
        buttons.append({"type": "URL", "text": "x", "url": "https://example.com/{{1}}"})
    buttons += rest
    return buttons + [
        {"type": name.upper(), "text": "x", "url": "https://example.com/{{1}}"} for name in made if not name.isdigit()
    ]


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


# ---- expect ------------------------------------------------------------------------------------------------------
def _miss(key: str, wish: str, run: Run) -> str:
    found = found_of(key, run)
    if key in ("because", "code"):
        said = f"{run.prepared.code} {run.prepared.reason}" if key == "because" else run.prepared.code
        return "" if fold(wish) in fold(said) else f"{key}: {said!r} does not say {wish!r}"
    if key == "until" and wish != "none":
        same = run.prepared.until is not None and moment_of(wish) == run.prepared.until
        return "" if same else f"until: expected {wish}, got {found}"
    return "" if alike(wish, found, key == "outcome") else f"{key}: expected {wish}, got {found}"


def found_of(key: str, run: Run) -> str:
    """What one word of `expect` finds."""
    prepared = run.prepared
    if key.startswith("after."):
        _, what, name = key.split(".", 2)
        return _told(name, run.changes.get(what, ()))
    if key.startswith("with."):
        return run.values.get(key[5:], "none")
    plain = {
        "outcome": _OUTCOMES.get(prepared.state, prepared.state),
        "until": shown(prepared.until) or "none",
        "to": prepared.to or "none",
        "language": prepared.language or "none",
        "template": prepared.template or "none",
        "buttons": ", ".join(prepared.buttons.values()) or "none",
    }
    return plain.get(key, "none")


def _told(name: str, changes: Sequence[Change]) -> str:
    """What one step of `after:` writes."""
    if name == "task":
        return next((c.title for c in changes if isinstance(c, CreateTask)), "none")
    if name == "log":
        return next((c.what for c in changes if isinstance(c, LogActivity)), "none")
    word, _, field_ = name.rpartition(".")
    for change in changes:
        if isinstance(change, SetField) and change.field == field_ and _of(change, word):
            return "cleared" if change.value is None else shown(change.value)
    return "unchanged"


def _of(change: SetField, word: str) -> bool:
    return change.record is not None and (change.record.id == "77") is bool(word)
