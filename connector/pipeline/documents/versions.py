"""A document's versions in a person's hands: saved, published, shadowed, rolled back, switched off and on, compared."""

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.core import documents as language
from connector.core.documents import SendDocument
from connector.errors import BadDocument
from connector.pipeline.documents.publish import Look, Templates, Verdict, judge, lift, unknown
from connector.store import documents as rows
from connector.store import records
from connector.store.engine import Store

STATES = {"draft": "saved", "shadow": "shadowed", "live": "published"}
ALIKE = 250_000  # pairs of equal lines: each round of difflib looks at all of them
ANY_BASE = None  # whoever did not read before writes over nobody: no comparison is asked for


@dataclass(frozen=True, slots=True)
class Made:
    """What one act came to. `did`: saved shadowed published unchanged off on conflict refused missing."""

    name: str
    did: str
    version: int | None = None
    why: str = ""
    other: dict[str, Any] | None = None  # conflict: {version, text, author, at, state} of what was saved meanwhile
    verdict: Verdict | None = field(default=None, repr=False)  # refused: findings and tests


def put(
    store: Store, text: str, author: str, now: datetime, *, base: int | None, state: str = "draft", note: str = "",
    fields: Look = unknown, templates: Templates = unknown,
) -> Made:  # fmt: skip
    """Saves a draft, or checks, tests and publishes (state live or shadow); compare-and-set on `base`.

    `base` is the newest version the author had seen (0 = none); another one there now is a conflict, and nothing is
    written. A draft may be wrong, as long as it says its kind and name; whatever judges messages may not."""
    verdict = judge(text, fields, templates)
    name = named(text, verdict)
    if name is None or (state != "draft" and not verdict.good):
        return Made(name[1] if name else "", "refused", why=_wrong(verdict), verdict=verdict)
    with store.write() as conn:
        rows.claim(conn, *name)
        last = rows.latest(conn, name[1])
        if base is not None and base != (last.n if last else 0) and last is not None:
            if last.text == text and last.state == state:
                return Made(name[1], "unchanged", last.n)
            why = f"Version {last.n} by {last.author} was saved meanwhile."
            return Made(name[1], "conflict", last.n, why, shown(last))
        if state == "draft" and last is not None and last.text == text:
            return Made(name[1], "unchanged", last.n)
        n = rows.publish(conn, *name, text, author, now, state=state, note=note)
        if n is not None and state == "live":
            lift(conn, name[1], now)
    return Made(name[1], STATES[state] if n else "unchanged", n or (last.n if last else None))


def named(text: str, verdict: Verdict | None = None) -> tuple[str, str] | None:
    """(kind, name), also of a draft that cannot be compiled yet; None when the text does not say."""
    if verdict is not None and verdict.document is not None:
        return verdict.document.kind, verdict.document.name
    return language.kind_and_name(text)


def _wrong(verdict: Verdict) -> str:
    first = next(iter(verdict.errors), None)
    if first is not None:
        return f"Line {first.line}: {first.message}"
    failed = [t for t in verdict.tests if not t.passed]
    return f"The test {failed[0].name!r} fails: {failed[0].message}" if failed else "It cannot be read."


def roll_back(
    store: Store, name: str, n: int | None, author: str, now: datetime, *, note: str = "",
    fields: Look = unknown, templates: Templates = unknown,
) -> Made:  # fmt: skip
    """Publishes the text of version `n` (None = the one that was live before) again, as a new version."""
    with store.read() as conn:
        found = rows.versions(conn, name)
    now_live = next((v for v in found if v.state == "live"), None)
    if n is None:
        n = next((v.n for v in found if v.state in ("retired", "off") and (not now_live or v.n < now_live.n)), None)
    wanted = next((v for v in found if v.n == n), None)
    if wanted is None:
        why = f"{name} has no version {n}." if n else f"{name} has no earlier version to go back to."
        return Made(name, "missing", why=why)
    note = " ".join(filter(None, (f"rolled back to version {wanted.n}.", note))).rstrip(".")
    return put(
        store, wanted.text, author, now, base=ANY_BASE, state="live", note=note, fields=fields, templates=templates
    )


def switch_off(store: Store, name: str, author: str, now: datetime) -> Made:
    """The document does nothing any more; its versions stay."""
    del author, now  # the caller's audit says who and when
    with store.write() as conn:
        live = rows.live_version(conn, name)
        gone = rows.retire(conn, name)
    if not gone or live is None:
        return Made(name, "missing", why=f"{name} is not live.")
    return Made(name, "off", live.n)


def switch_on(
    store: Store, name: str, author: str, now: datetime, *, fields: Look = unknown, templates: Templates = unknown
) -> Made:  # fmt: skip
    """The version that was switched off goes on, as a new version: from now, not with what happened meanwhile."""
    with store.read() as conn:
        found = rows.versions(conn, name)
        others = rows.live(conn)
    if any(v.state == "live" for v in found):
        return Made(name, "unchanged", next(v.n for v in found if v.state == "live"), f"{name} is live.")
    last = next((v for v in found if v.state in ("off", "retired")), None)
    if last is None:
        return Made(name, "missing", why=f"{name} was never live: publish it.")
    made = put(
        store, last.text, author, now, base=ANY_BASE, state="live", note=f"on again: version {last.n}",
        fields=fields, templates=templates,
    )  # fmt: skip
    if made.did == "published":
        _forget(store, last.text, [row.text for row in others])
        return Made(name, "on", made.version)
    return made


def _forget(store: Store, text: str, others: Sequence[str]) -> None:
    """What the watched fields were when it was switched off says nothing of what changes from now on."""
    document = language.read(text)
    if not isinstance(document, SendDocument):
        return
    kept = {w.field for t in others if isinstance(d := _read(t), SendDocument) for w in d.watches}
    fields = {w.field for w in document.watches if w.field} - kept
    with store.write() as conn:
        records.forget(conn, document.crm, sorted(fields))


def _read(text: str) -> language.Document | None:
    try:
        return language.read(text)
    except BadDocument:
        return None


def history(store: Store, name: str) -> list[dict[str, Any]]:
    """Every version, newest first: {version, text, author, at, state, note}."""
    with store.read() as conn:
        return [shown(row) for row in rows.versions(conn, name)]


def shown(row: Any) -> dict[str, Any]:
    """One version as JSON."""
    return {
        "version": row.n, "text": row.text, "author": row.author, "at": row.at.isoformat(), "state": row.state,
        "note": row.note,
    }  # fmt: skip


def diff(before: str, after: str, context: int = 3) -> list[dict[str, Any]]:
    """Lines that differ, and some around them: {kind: same gone new skip, text, before, after (line numbers)}."""
    old, new = before.splitlines(), after.splitlines()
    out: list[dict[str, Any]] = []
    for group in _matcher(old, new).get_grouped_opcodes(context):
        if group[0][1] or group[0][3]:
            out.append({"kind": "skip", "text": "", "before": None, "after": None})
        for _, a, b, c, d in group:
            same = old[a:b] == new[c:d]
            if same:
                out += [
                    {"kind": "same", "text": old[a + k], "before": a + k + 1, "after": c + k + 1} for k in range(b - a)
                ]
                continue
            out += [{"kind": "gone", "text": old[k], "before": k + 1, "after": None} for k in range(a, b)]
            out += [{"kind": "new", "text": new[k], "before": None, "after": k + 1} for k in range(c, d)]
    return out


def _matcher(old: list[str], new: list[str]) -> "difflib.SequenceMatcher[str]":
    """Line by line; what lies between the first and the last difference as a whole, where lines are too much alike."""
    found = difflib.SequenceMatcher(None, old, new, autojunk=False)
    there = Counter(new)
    if sum(n * there[line] for line, n in Counter(old).items()) <= ALIKE:
        return found
    a, b = len(old), len(new)
    head = next((n for n, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(a, b))
    tail = 0
    while tail < min(a, b) - head and old[a - 1 - tail] == new[b - 1 - tail]:
        tail += 1
    codes = [
        ("equal", 0, head, 0, head),
        ("replace", head, a - tail, head, b - tail),
        ("equal", a - tail, a, b - tail, b),
    ]
    found.opcodes = [code for code in codes if code[2] > code[1] or code[4] > code[3]]  # type: ignore[attr-defined]
    return found


def compare(store: Store, name: str, a: int, b: int) -> list[dict[str, Any]] | None:
    """What differs between two versions, as `diff`; None when there is no such version."""
    with store.read() as conn:
        one, other = rows.get(conn, name, a), rows.get(conn, name, b)
    return None if one is None or other is None else diff(one.text, other.text)
