"""`when:` as a list of checks; each answers None when it holds, or why not in plain words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connector.core.documents.comparing import fold, shown, truthy
from connector.core.documents.expressions import Expression
from connector.core.documents.findings import listed
from connector.core.documents.words import Scope, answered_within
from connector.core.events import SILENT_TYPES

Check = Callable[[Scope], str | None]
DEFAULT_WITHIN = timedelta(hours=24)


def for_anyone(scope: Scope) -> str | None:
    """What never fires a document, whatever it says."""
    if scope.event.group_id is not None:
        return "did not match: messages in a group never fire a document"
    if scope.event.type in SILENT_TYPES:
        return f"did not match: a message of type {scope.event.type} never fires a document"
    return None


def _types(types: Sequence[str]) -> Check:
    wanted = frozenset(types)
    return lambda s: (
        None if s.event.type in wanted else f"did not match: it is a {s.event.type} message, not {listed(types)}"
    )


def _answers(document: str, answer_to: frozenset[str]) -> Check:
    """The message answers one of these, or asks of this document that wait for an answer (`<mapping>.<field>`)."""
    own, names = f"{document}.", listed(sorted(answer_to))

    def check(s: Scope) -> str | None:
        answered = s.setting.answered
        if answered is None:
            return f"did not match: it answers none of our messages, not {names}"
        step = answered.step
        if answered.template in answer_to or (step is not None and (step in answer_to or step.startswith(own))):
            return None
        return f"did not match: answers {answered.template or step or 'another message'}, not {names}"

    return check


def _within(limit: timedelta) -> Check:
    text = _duration(limit)
    return lambda s: None if answered_within(s, limit) else f"did not match: the answer came later than {text}"


def _duration(limit: timedelta) -> str:
    hours, rest = divmod(int(limit.total_seconds()), 3600)
    if rest:
        return f"{int(limit.total_seconds()) // 60} minutes"
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} hours"


def _number(numbers: Sequence[str]) -> Check:
    wanted = frozenset(_number_key(n) for n in numbers)

    def check(s: Scope) -> str | None:
        ours = {_number_key(shown(v)) for key in ("id", "name", "phone") if (v := s.setting.number.get(key))}
        if ours & wanted or _number_key(s.event.number) in wanted:
            return None
        return f"did not match: it came to another number, not {listed(numbers)}"

    return check


def _number_key(text: str) -> str:
    digits = "".join(c for c in text if c.isdigit())
    return digits if digits and set(text) <= set("+0123456789 ()-.") else fold(text)


def _says(words: Sequence[str]) -> Check:
    wanted = [f" {words_in(word)} " for word in words]

    def check(s: Scope) -> str | None:
        said = f" {words_in(s.event.text)} "
        return None if any(word in said for word in wanted) else f"did not match: it does not say {listed(words)}"

    return check


def words_in(text: str) -> str:
    """Folded, with everything but letters and figures as a space."""
    return " ".join("".join(c if c.isalnum() else " " for c in fold(text[:4096])).split())


def _matches(pattern: Any) -> Check:
    text = pattern.pattern
    return lambda s: (
        None if pattern.search(_encodable(s.event.text)) else f"did not match: the text does not match {text}"
    )


def _encodable(text: str) -> str:
    """re2 works on UTF-8, which has no lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _ids(ids: Sequence[str]) -> Check:
    wanted = frozenset(map(fold, ids))
    return lambda s: (
        None
        if fold(shown(s.answer.get("id"))) in wanted
        else f'did not match: "{shown(s.answer.get("id"))}" is not {listed(ids)}'
    )


def only_if(expression: Expression) -> Check:
    """An expression that must hold."""
    run, text = expression.run, expression.text

    def check(s: Scope) -> str | None:
        noted = len(s.notes)
        if truthy(run(s)):
            return None
        why = f" ({s.notes[-1]})" if len(s.notes) > noted else ""
        return f"did not match: {text} does not hold{why}"

    return check


def needs_record(expression: Expression) -> bool:
    """Does it look at the contact, whom only the evaluation knows?"""
    return expression.reads("contact")


def compile_when(name: str, when: Mapping[str, Any]) -> tuple[tuple[Check, ...], tuple[Check, ...]]:
    """(checks that need no CRM record, checks that do)."""
    early: list[Check] = [for_anyone]
    answer_to = frozenset(when["answer_to"])
    if "anything" not in answer_to:
        early += [_answers(name, answer_to), _within(when.get("within", DEFAULT_WITHIN))]
    early += [make(when[key]) for key, make in _MAKERS.items() if when.get(key)]
    conditions = when.get("only_if", ())
    early += [only_if(e) for e in conditions if not needs_record(e)]
    return tuple(early), tuple(only_if(e) for e in conditions if needs_record(e))


_MAKERS: dict[str, Callable[[Any], Check]] = {
    "type": _types,
    "number": _number,
    "id": _ids,
    "says": _says,
    "matches": _matches,
}


def referral(ads: Sequence[str]) -> Check:
    """It comes from a click-to-WhatsApp ad, of any or of these ids."""
    wanted = frozenset(ads)

    def check(s: Scope) -> str | None:
        ad = s.event.referral
        if ad is not None and ("any" in wanted or shown(ad.get("source_id")) in wanted):
            return None
        return "did not match: it does not come from an ad" + ("" if "any" in wanted else f" with the id {listed(ads)}")

    return check
