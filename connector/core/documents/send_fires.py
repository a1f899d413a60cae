"""Does an event start a send? First by the event alone, then by the values of its record."""

from collections.abc import Callable, Mapping
from datetime import datetime

from connector.core.canonical import canonical
from connector.core.contact import Record, Value
from connector.core.documents.comparing import fold, shown
from connector.core.documents.document import SendDocument, Watch
from connector.core.documents.send_words import scope_of
from connector.core.documents.words import is_record
from connector.core.events import Event, RecordChanged, TimerDue, TriggerCalled
from connector.core.sending import Case

Said = tuple[bool, str]  # does it hold, and why (not), in plain words
POLL = "poll"  # RecordChanged.source of a catch-up: it saw a value, nobody said that it changed


def fires(document: SendDocument, event: Event, before: Mapping[str, Value], now: datetime) -> Said:
    """Does this event start the document? `before` has the stored values of its record; a missing one is not known."""
    del now
    if isinstance(event, RecordChanged):
        return _changed(document, event, before)
    if isinstance(event, TriggerCalled):
        return _called(document, event)
    if isinstance(event, TimerDue):
        return _due(document, event)
    return False, f"did not match: a {event.kind} never starts a message"


def _changed(document: SendDocument, event: RecordChanged, before: Mapping[str, Value]) -> Said:
    watches = document.triggers if document.date is None and document.every is None else ()
    if not watches or not is_record(document.word, event.object):
        return False, f"did not match: it waits for {_awaited(document)}"
    if event.what not in ("created", "changed"):
        return False, f"did not match: the record was {event.what}"
    if event.ours and not document.own_changes:
        return False, "did not match: this connector made the change itself"
    said = [_ONE[watch.how](watch, event, before) for watch in watches]
    return next((one for one in said if one[0]), (False, f"did not match: {'; '.join(why for _, why in said)}"))


def _awaited(document: SendDocument) -> str:
    if document.segment:
        return "its broadcast"
    if document.date is not None or document.every is not None:
        return "its time"
    return " or ".join(map(str, document.triggers)) or f"a call of its link {document.webhook}"


# ---- one watch ---------------------------------------------------------------------------------------------------
def _created(watch: Watch, event: RecordChanged, before: Mapping[str, Value]) -> Said:
    del before
    return (True, f"the {watch.word} was created") if event.what == "created" else (False, "the record is not new")


def _becomes(watch: Watch, event: RecordChanged, before: Mapping[str, Value]) -> Said:
    moved, why = _changes(watch, event, before)
    return (_has(watch, event.value), _stands(watch, event.value)) if moved else (False, why)


def _changes(watch: Watch, event: RecordChanged, before: Mapping[str, Value]) -> Said:
    if event.field != watch.field:
        return False, f"{watch.field} did not change"
    if watch.field not in before:
        seen = event.source == POLL
        return not seen, f"{watch.field} was seen for the first time" if seen else f"{watch.field} changed"
    if event.value is not None and canonical(before[watch.field]) == canonical(event.value):
        return False, f"{watch.field} was {shown(event.value) or 'empty'} already"
    return True, f"{watch.field} changed"


def _is(watch: Watch, event: RecordChanged, before: Mapping[str, Value]) -> Said:
    del before
    if event.field != watch.field:
        return False, f"the event is not about {watch.field}"
    return _has(watch, event.value), _stands(watch, event.value)


_ONE: dict[str, Callable[[Watch, RecordChanged, Mapping[str, Value]], Said]] = {
    "created": _created,
    "becomes": _becomes,
    "changes": _changes,
    "is": _is,
}


def _has(watch: Watch, value: Value) -> bool:
    """One of the wanted values; where the event does not say the value, `wanted` looks at the record."""
    if value is None:
        return True
    return canonical(value) in map(canonical, watch.value) or fold(shown(value)) in map(fold, watch.value)


def _stands(watch: Watch, value: Value) -> str:
    where = f"{watch.word}.{watch.field}"
    if value is None:
        return f"{where} changed; the record says what to"
    if _has(watch, value):
        return f"{where} {'became' if watch.how == 'becomes' else 'is'} {shown(value)}"
    return f"{where} is {shown(value) or 'empty'}, not {' or '.join(watch.value)}"


# ---- calls and times -----------------------------------------------------------------------------------------------
def _called(document: SendDocument, event: TriggerCalled) -> Said:
    if not event.trigger or event.trigger not in (document.webhook, document.name):
        return False, f"did not match: the call is for {event.trigger or event.template or 'another document'}"
    if document.word and not is_record(document.word, event.object):
        return False, f"did not match: the call names no {document.word}"
    return True, f"{event.trigger} was called"


def _due(document: SendDocument, event: TimerDue) -> Said:
    if event.document != document.name or (document.date is None and document.every is None):
        return False, f"did not match: the time is for {event.document}"
    return True, "its time has come"


# ---- with the record's values ----------------------------------------------------------------------------------------
def wanted(document: SendDocument, case: Case, now: datetime) -> Said:
    """Do the record's values still want it? only_if, the date it waited for, and what stands beside a time."""
    if document.word and case.record is None:
        return False, f"did not match: the {document.word} is not there any more"
    if case.record is not None and (why := _moved_on(document, case.record, case.event)):
        return False, f"did not match: {why}"
    scope = scope_of(document, case, now)
    failed = next((said for check in document.only_if if (said := check(scope))), None)
    return (False, failed) if failed else (True, "every condition holds")


def _moved_on(document: SendDocument, record: Record, event: Event) -> str:
    """What of the trigger the record itself contradicts."""
    if isinstance(event, TimerDue) and document.date is not None:
        value = record.fields.get(document.date.field)
        if canonical(value) != canonical(event.value):
            return f"{document.date.field} is {shown(value) or 'empty'} now, not {event.value}"
    watches = document.conditions
    if isinstance(event, RecordChanged) and event.value is None and event.what != "created":
        watches = tuple(w for w in document.triggers if w.value and w.field == event.field)
    elif isinstance(event, RecordChanged):
        watches = ()
    return next((_stands(w, _value(record, w)) for w in watches if not _has(w, _value(record, w))), "")


def _value(record: Record, watch: Watch) -> Value:
    value = record.fields.get(watch.field)
    return "" if value is None else value
