"""What is taken out of stored texts: the items of one person out of a body, the words out of events and changes."""

import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

GONE = "[erased]"
MARK = "texts_gone"  # key of an emptied payload: "erased", or the days after which its text went
# What of an event says nothing about the person; an erased one keeps only these.
KEPT = frozenset(
    {"id", "at", "number", "type", "wamid", "status", "what", "object", "record", "field", "into", "source", "ours",
     "snapshot", "code", "who", "park", "category", "state", "how", "trigger", "template", "document", "event",
     "severity", "send", "wait_for", "ask", "choice", "template_id"}
)  # fmt: skip
WORDS = frozenset({"text", "answer", "raw", "values", "value", "referral"})  # what somebody wrote
RECORD_KEYS = frozenset({"objectId", "hs_object_id", "vid", "record", "record_id", "recordId", "Id", "fromObjectId"})
_DEEPEST = 400  # levels; what is nested deeper is scrubbed as bytes


@dataclass(frozen=True, slots=True)
class Traces:
    """How one person is recognised: phones as digits, user ids, e-mails; their CRM records; items that are theirs."""

    ids: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()  # `canonical` of each
    words: frozenset[str] = frozenset()  # texts of these items, for bodies that are not JSON

    def __or__(self, other: "Traces") -> "Traces":
        return Traces(
            self.ids | other.ids, self.records | other.records, self.items | other.items, self.words | other.words
        )


def of_items(raws: Collection[Any]) -> Traces:
    """Traces of items that are the person's own."""
    found: set[str] = set()
    for raw in raws:
        _collect(raw, found)
    return Traces(items=frozenset(map(canonical, raws)), words=frozenset(found))


def _collect(value: Any, into: set[str]) -> None:
    if isinstance(value, str) and len(value) > 1:
        into.add(value)
    for one in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _collect(one, into)


def canonical(value: Any) -> str:
    """The same text for the same JSON, whoever decoded its numbers."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def pattern(ids: Collection[str]) -> re.Pattern[str] | None:
    """Finds each as a whole: no digit before or after a number, no letter around another id."""
    digits = "|".join(sorted((re.escape(i) for i in ids if i.isdigit()), key=len, reverse=True))
    others = "|".join(sorted((re.escape(i) for i in ids if i and not i.isdigit()), key=len, reverse=True))
    parts = [rf"(?<![0-9])\+?(?:{digits})(?![0-9])"] if digits else []
    parts += [rf"(?<![0-9A-Za-z])(?:{others})(?![0-9A-Za-z])"] if others else []
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def scrub(value: Any, found: re.Pattern[str]) -> Any:
    """The same value with [erased] wherever the person is named."""
    if isinstance(value, str):
        return found.sub(GONE, value)
    if isinstance(value, Mapping):
        return {scrub(k, found): scrub(v, found) for k, v in value.items()}
    if isinstance(value, list):
        return [scrub(v, found) for v in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and found.search(str(value)):
        return GONE
    return value


# ---- bodies ------------------------------------------------------------------------------------------------------
def body(raw: bytes, traces: Traces) -> bytes | None:
    """The body without the person's items, the others' as they were; None when there is nothing of theirs in it."""
    try:
        new = _json(raw.decode("utf-8", "replace").removeprefix("\ufeff"), traces)
    except (ValueError, RecursionError):
        new = _bytes(raw, traces)
    return None if new == raw else new


def _json(text: str, traces: Traces) -> bytes:
    """Numbers keep their digits: each travels as a text behind a word nobody can guess."""
    word = f"\ue000{secrets.token_hex(8)}:"
    keep = json.JSONDecoder(parse_int=word.__add__, parse_float=word.__add__, parse_constant=word.__add__)
    tree = keep.decode(text)
    cutter = _Cutter(traces, word, pattern(traces.ids))
    kept = cutter.cut(tree)
    if not cutter.found:
        return text.encode()
    out = json.dumps({} if kept is _CUT else kept, separators=(",", ":"))
    return re.sub(f'"{json.dumps(word)[1:-1]}'.replace("\\", r"\\") + r'([^"\\]*)"', r"\1", out).encode()


def cut(value: Any, traces: Traces) -> tuple[bool, Any]:
    """(whether the value as a whole is the person's, the value without them); of stored JSON."""
    kept = _Cutter(traces, "", pattern(traces.ids)).cut(value)
    return kept is _CUT, {} if kept is _CUT else kept


_CUT: Any = object()


@dataclass(slots=True)
class _Cutter:
    """One walk through a body: an object that names the person itself goes; elsewhere only the name goes."""

    traces: Traces
    word: str
    named: re.Pattern[str] | None
    found: bool = False

    def cut(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return [kept for one in value if (kept := self.cut(one)) is not _CUT]
        return self._text(value) if isinstance(value, str) else value

    def _object(self, value: dict[str, Any]) -> Any:
        if self._is_theirs(value):
            self.found = True
            return _CUT
        out = {}
        for name, inner in value.items():
            kept = self.cut(inner)
            out[self._text(name)] = {} if kept is _CUT else kept
        return out

    def _is_theirs(self, value: dict[str, Any]) -> bool:
        for name, inner in value.items():
            plain = _scalar(inner).removeprefix(self.word)
            if plain and (plain.removeprefix("+") in self.traces.ids or plain.lower() in self.traces.ids):
                return True
            if plain and name in RECORD_KEYS and plain in self.traces.records:
                return True
        return bool(self.traces.items) and canonical(self._without_word(value)) in self.traces.items

    def _without_word(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: self._without_word(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._without_word(v) for v in value]
        if self.word and isinstance(value, str) and value.startswith(self.word):
            return _number(value.removeprefix(self.word))
        return value

    def _text(self, value: str) -> str:
        if self.named is None or not self.named.search(value):
            return value
        self.found = True
        return self.named.sub(GONE, value.removeprefix(self.word))


def _scalar(value: Any) -> str:
    """A text, or a whole number as text; "" for anything else."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _number(text: str) -> Any:
    """As the readers have it: a whole number as it is, another one as its float says."""
    try:
        return text if text.lstrip("-").isdigit() else str(float(text))
    except ValueError:
        return text


def _bytes(raw: bytes, traces: Traces) -> bytes:
    """What is no JSON: the person's names, and the texts of their items between two tags."""
    text = raw.decode("utf-8", "surrogateescape")
    named = pattern(traces.ids)
    for word in sorted(traces.words, key=len, reverse=True):
        text = text.replace(f">{escape(word)}<", f">{GONE}<")
    return (named.sub(GONE, text) if named else text).encode("utf-8", "surrogateescape")


# ---- rows --------------------------------------------------------------------------------------------------------
def erased(payload: Mapping[str, Any], key: str) -> dict[str, Any]:
    """An event's payload without the person; `key` stands for its id."""
    kept = {name: value for name, value in payload.items() if name in KEPT}
    return kept | {"id": key, MARK: "erased"} | ({"wamid": ""} if "wamid" in kept else {})


def emptied(payload: Mapping[str, Any], days: int) -> dict[str, Any]:
    """An event's payload without what somebody wrote."""
    return {name: value for name, value in payload.items() if name not in WORDS} | {MARK: days}


def told(payload: Mapping[str, Any]) -> str:
    """Why an event has no text any more, in plain words; "" when it has all it had."""
    mark = payload.get(MARK)
    if mark is None:
        return ""
    return "the person was erased" if mark == "erased" else f"text removed after {mark} days"


_SAID = frozenset({"value", "values", "evidence", "choices", "text", "title", "body", "name"})


def change(body: Mapping[str, Any]) -> dict[str, Any]:
    """A change without its words; its kind, record and field stay, the value stands last as core.changes has it."""
    kept = {k: v for k, v in body.items() if k not in _SAID}
    kept |= {name: "" for name in ("text", "title", "name") if name in body}
    return kept | ({"value": None} if "value" in body else {})


def outcome(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the CRM answered, without its words: they may repeat the value."""
    if found is None:
        return None
    return {k: v for k, v in found.items() if k in ("state", "code", "ms", "record", "activity", "created")}


def plan(found: Any) -> Any:
    """Every document's verdict without the values it speaks of."""
    if not isinstance(found, list):
        return found
    return [
        {**one, "because": "", "reasons": [_reason(reason) for reason in one.get("reasons", ())]} | _flow(one)
        for one in found
        if isinstance(one, Mapping)
    ]


def _flow(one: Mapping[str, Any]) -> dict[str, Any]:
    """What a conversation made of it, without what was kept and said."""
    return {"flow": {**one["flow"], "saved": {}, "said": []}} if isinstance(one.get("flow"), Mapping) else {}


def _reason(reason: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in reason.items() if k in ("field", "outcome", "code", "change")} | {"because": ""}
