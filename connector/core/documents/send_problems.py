"""The checks of a `send:` document that need more than one word at a time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector.core import audience
from connector.core.documents.expressions import Expression
from connector.core.documents.findings import Problem, did_you_mean, listed
from connector.core.documents.mapping import expressions_of
from connector.core.documents.words import RECORD

Path = tuple[str | int, ...]
Wrong = tuple[Path, Problem]
PEOPLE = ("contact", "lead", "record")  # records that may be the recipient themselves
AFTER = ("sent", "delivered", "read", "replied", "failed")
NEEDED = (
    "now", "consent", "phone", "template", "category", "language", "sent_at", "created_at", "trigger", "locale",
    "country", "contact",
)  # fmt: skip
GIVEN = re.compile(rf"(?:contact|webhook|failure|number|consent|{'|'.join(RECORD)})\..+|{'|'.join(NEEDED)}")
EXPECT = re.compile(
    r"outcome|until|because|code|to|language|template|buttons|with\..+|"
    rf"after\.(?:{'|'.join(AFTER)})(?:\.(?:task|log|[A-Za-z0-9_.]+))"
)


@dataclass(frozen=True, slots=True)
class Start:
    """Whose record starts it, who gets it ("" = it does not say), and where the phone stands."""

    word: str
    recipient: str
    target: str
    phone: tuple[Expression, ...]


def start_of(data: Mapping[str, Any]) -> Start:
    """What `when:` and `to:` say together."""
    to = data.get("to", {})
    if isinstance(to, str):
        to = {"contact": to}
    target, phone = to.get("contact", "").strip(), to.get("phone", ())
    words = _words(data.get("when", {}))
    word = words[0] if words else target.partition(".")[0]
    if "segment" in data.get("when", {}) and not target:
        word = "contact"
    return Start(word, _recipient(word, target, bool(phone)), target, phone)


def _words(when: Mapping[str, Any]) -> list[str]:
    words = [watch.word for watch in when.get("watches", ())]
    return list(dict.fromkeys(words + ([when["date"].word] if "date" in when else [])))


def _recipient(word: str, target: str, phone: bool) -> str:
    if not target:
        return "record" if word in PEOPLE else "call" if not word and phone else ""
    if target in ("record", "contact", word):
        return "record" if word in PEOPLE else ""
    head, _, tail = target.rpartition(".")
    return tail if head == word and tail in ("contact", "contacts") else ""


def problems(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """What no single word shows."""
    start = start_of(data)
    for check in _CHECKS:
        yield from check(data, start)


def _when(data: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    when = data.get("when", {})
    watches, timed = when.get("watches", ()), [k for k in ("date", "every") if k in when]
    if "segment" in when:
        yield from _broadcast(when, start)
        return
    if "at" in when:
        hint = "Add segment: list NAME, or write every: monday 09:00"
        yield ("when", "at"), Problem("`at` is when a broadcast begins: add `segment`.", code="together", hint=hint)
        return
    if not (watches or timed or "webhook" in when):
        hint = "Write for example deal.dealstage: {becomes: won}, webhook: a-name, or every: monday 09:00"
        yield ("when",), Problem("It does not say what starts the message.", code="nothing", hint=hint)
    if len(timed) > 1:
        yield ("when", "every"), Problem("`date` and `every` cannot stand together.", code="together", hint=_SPLIT)
    words = _words(when)
    if "every" in when and start.word and not any(w.how == "is" for w in watches):
        hint = f"Say which: {start.word}.field: {{is: value}}"
        yield ("when", "every"), Problem(f"It would go to every {start.word}.", code="everybody", hint=hint)
    for watch in watches:
        path = ("when", f"{watch.word}.{watch.field or 'created'}")
        if watch.word != words[0]:
            message = f"The message is started by a {words[0]}; `{watch.word}` is another record."
            yield path, Problem(message, code="together", hint=_SPLIT)
        elif timed and watch.how != "is":
            hint = f"Write {watch.word}.{watch.field or 'field'}: {{is: value}}, or make a second document."
            yield path, Problem(f"Beside `{timed[0]}` a field only narrows: it takes `is`.", code="together", hint=hint)
    if "date" in when and when["date"].word not in ("contact", *RECORD):
        hint = did_you_mean(when["date"].word, ("contact", *RECORD)) or "Write for example contact.renewal_date"
        yield ("when", "date"), Problem(f"'{when['date'].word}' is not a record.", code="field", hint=hint)
    elif watches and "date" in when and when["date"].word != words[0]:
        message = f"The date is of a {when['date'].word}, the field of a {words[0]}."
        yield ("when", "date"), Problem(message, code="together", hint=_SPLIT)


def _broadcast(when: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    """Nothing else starts a broadcast, and its people are whom it goes to."""
    others = [k for k in ("date", "every", "webhook", "own_changes") if k in when]
    others += [f"{w.word}.{w.field or 'created'}" for w in when.get("watches", ())]
    for key in others:
        said = f"`segment` is a broadcast: `{key}` cannot stand beside it."
        yield ("when", key), Problem(said, code="together", hint=_SPLIT)
    source = audience.parse(when["segment"])
    if "at" in when and (source is None or source.kind == "csv"):
        hint = "Name a list of the CRM: segment: list NAME. Or delete `at` and start it by hand."
        said = f"At that time nobody is there to choose the people of `{when['segment'][:60]}`."
        yield ("when", "at"), Problem(said, code="together", hint=hint)
    if start.word not in ("contact", "lead") and not others:
        hint = "Delete `to.contact`, or write to: lead"
        yield ("to",), Problem("A broadcast goes to the people of its list themselves.", code="to", hint=hint)


_SPLIT = "Make two documents of it."


def _to(data: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    if start.recipient:
        return
    word = start.word
    if not start.target and not word:
        hint = "Write to: {phone: webhook.phone}" if "webhook" in data.get("when", {}) else "Write to: {contact: ...}"
        yield ("to",), Problem("It does not say to whom.", code="missing", hint=hint)
    elif not start.target:
        hint = f"Write to: {{contact: {word}.contact}}"
        yield ("to",), Problem(f"It does not say to whom: a {word} is no person.", code="missing", hint=hint)
    else:
        known = ["record", word] if word in PEOPLE else [f"{word}.contact", f"{word}.contacts"]
        path = ("to", "contact") if isinstance(data["to"], Mapping) else ("to",)
        new = known[0] if word not in PEOPLE and start.target in ("contact", "contacts", "record") else ""
        said = f"'{start.target[:60]}' is nobody this message can go to."
        yield path, Problem(said, code="to", hint=f"Write {listed(known)}.", old=start.target if new else "", new=new)


def _words_used(data: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    """Paths that would always be empty."""
    for path, expression in expressions_of(data):
        for found in sorted(expression.paths):
            if found[0] == "failure" and path[:2] != ("after", "failed"):
                yield path, Problem("`failure` is known only in `after: failed:`.", code="word", hint="Move it there.")
            elif found[0] == "webhook" and "webhook" not in data.get("when", {}):
                hint = "Add webhook: a-name in `when:`, or take another word."
                yield path, Problem(f"`{'.'.join(found)}` is empty: no link starts this.", code="word", hint=hint)
            elif found[0] in RECORD and found[0] not in ("record", start.word) and not _same(found[0], start.word):
                other = f"`{start.word}.{found[1]}`" if start.word else "a word of the call: webhook.<name>"
                message = f"`{'.'.join(found)}` is empty: no {found[0]} starts this."
                old, new = ".".join(found), f"{start.word}.{found[1]}" if start.word else ""
                hint = f"Write {other}, or let a {found[0]} start it."
                yield path, Problem(message, code="word", hint=hint, old=old if new else "", new=new)


def _same(word: str, start: str) -> bool:
    """`record` starts it: any record word may be meant."""
    return start == "record" or word == start


def _after(data: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    for what, step in data.get("after", {}).items():
        places: list[tuple[Path, str]] = [(("after", what, "set", name), name) for name in step.get("set", {})]
        places += [(("after", what, "clear", n), name) for n, name in enumerate(step.get("clear", ()))]
        for path, name in places:
            yield from _field_name(path, name, start)
        for n, name in enumerate(step.get("clear", ())):
            if name in step.get("set", {}):
                said = Problem(f"'{name}' is set and cleared.", code="together", hint="Keep one of the two.")
                yield ("after", what, "clear", n), said


def _loop(data: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    """With `own_changes` a document must not set what starts it."""
    when = data.get("when", {})
    if not (when.get("own_changes") or data.get("own_changes")):
        return
    watched = {w.field for w in when.get("watches", ()) if w.field}
    for what, step in data.get("after", {}).items():
        for name in step.get("set", {}):
            word, _, field = name.rpartition(".")
            if field in watched and (word or start.recipient == "record"):
                said = f"It sets '{name}', which starts it again and again."
                hint = "Delete `own_changes: yes`, or set another field."
                yield ("after", what, "set", name), Problem(said, code="loop", hint=hint)


def _field_name(path: Path, name: str, start: Start) -> Iterator[Wrong]:
    word, dot, rest = name.rpartition(".")
    if not dot:
        return
    if word == "contact":
        hint = f"Write {rest}"
        said = "A field of the contact stands without `contact.`."
        yield path, Problem(said, code="field", hint=hint, old=name, new=rest)
    elif word not in ("record", start.word) or not rest:
        known = [start.word, "record"] if start.word else []
        hint = did_you_mean(word, known) or (
            f"Before the dot stands {listed(known)}." if known else "Set a bare field."
        )
        yield path, Problem(f"'{word[:60]}' is not the record that starts this.", code="field", hint=hint)


def _goal(data: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    """Only a record that the message knows of can be followed."""
    goal = data.get("goal")
    known = [word for word in (start.word, "record" if start.word else "") if word]
    known += ["contact"] if start.recipient in ("record", "contact", "contacts") else []
    if goal is None or goal.word in known:
        return
    hint = f"Before the dot stands {listed(known)}." if known else "A call without a record has no goal: delete it."
    said = f"'{goal.word}' is no record of this message."
    yield ("goal", f"{goal.word}.{goal.field}"), Problem(said, code="field", hint=hint)


def _buttons(data: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    del start
    ids = data.get("buttons", ())
    for index, id_ in enumerate(ids):
        if not id_.strip() or len(id_) > 128:
            yield ("buttons", index), Problem("An id has 1 to 128 characters.", code="name", hint="Shorten it.")
        elif id_ in ids[:index]:
            said = f"Two buttons have the id '{id_[:60]}'."
            yield ("buttons", index), Problem(said, code="doubled", hint="Give each its own.")


def _tests(data: Mapping[str, Any], start: Start) -> Iterator[Wrong]:
    """A misspelt test shows nothing."""
    words = ("contact", "webhook", "failure", "consent", start.word or "record", *NEEDED)
    known = ["outcome", "until", "because", "to", "language", "template", "buttons"]
    known += [f"with.{name}" for name in data.get("with_", {})]
    for what, step in data.get("after", {}).items():
        named = [*step.get("set", {}), *step.get("clear", ()), *(k for k in ("task", "log") if k in step)]
        known += [f"after.{what}.{name}" for name in named]
    for index, test in enumerate(data.get("tests", ())):
        for key in test.get("given", {}):
            if not GIVEN.fullmatch(key):
                hint = did_you_mean(key.partition(".")[0], words) or f"It can give {', '.join(words)}."
                said = Problem(f"A test cannot give '{key[:60]}'.", code="test_word", hint=hint)
                yield ("tests", index, "given", key), said
        for key in test.get("expect", {}):
            if not EXPECT.fullmatch(key) or (key.startswith(("with.", "after.")) and key not in known):
                hint = did_you_mean(key, known) or f"It can expect {', '.join(known[:7])}."
                said = Problem(f"Nothing here is '{key[:60]}'.", code="test_word", hint=hint)
                yield ("tests", index, "expect", key), said


_CHECKS = (_when, _to, _words_used, _after, _loop, _goal, _buttons, _tests)
