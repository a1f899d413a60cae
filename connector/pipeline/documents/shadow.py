"""Shadows: a version that judges beside the live one, with the same inputs; it writes nothing and can hurt nobody."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core import changes as core_changes
from connector.core import documents as language
from connector.core.changes import Ask, Change, LogActivity, Plan, SetConsent, SetField
from connector.core.contact import Contact, Setting
from connector.core.events import InboundMessage
from connector.pipeline.documents.library import Live
from connector.pipeline.documents.versions import Made, put
from connector.pipeline.drain import log
from connector.store import documents as rows
from connector.store import shadows
from connector.store.engine import Store

Json = dict[str, Any]
EXAMPLES = 20
SCANNED = 2000  # differences that are counted by field
UNREAD = "its contact was not looked up, as the live version does not match"
Seen = tuple[Live | Any, Json, Json]  # the shadow, what the live version made of it, what the shadow would


# ---- beside the handler ------------------------------------------------------------------------------------------
def beside(
    shades: Sequence[Live], event: InboundMessage, person: Contact, documents: Sequence[language.MappingDocument],
    plans: Sequence[Plan], now: datetime, setting: Setting, *, looked_up: bool,
) -> list[Seen]:  # fmt: skip
    """What each shadow makes of this event; one that fails is left out, whatever it fails of."""
    out = []
    for shade in shades:
        try:
            seen = _judged(shade, event, person, documents, plans, now, setting, looked_up=looked_up)
        except Exception:  # noqa: BLE001 - a shadow must never hurt the live version
            log.exception("the shadow of %s failed", shade.document.name)
            continue
        if seen is not None:
            out.append(seen)
    return out


def _judged(
    shade: Live, event: InboundMessage, person: Contact, documents: Sequence[language.MappingDocument],
    plans: Sequence[Plan], now: datetime, setting: Setting, *, looked_up: bool,
) -> Seen | None:  # fmt: skip
    name = shade.document.name
    fits, why = language.could_match(event, shade.document, now, setting)
    live = next((plan for plan in plans if plan.document == name), Plan(document=name))
    if not fits and not live.matched:
        return None
    if not fits:
        return _seen(shade, gist(live), gist(Plan(document=name, because=why)))
    if not looked_up:
        return _seen(shade, gist(live), gist(Plan(document=name, matched=True, because=UNREAD)))
    before = [d for d in documents if d.name < name]  # who comes first by name takes a field first
    made = language.evaluate_all(event, person, [*before, shade.document], now, setting)
    return _seen(shade, gist(live), gist(made[-1]))


def gist(plan: Plan) -> Json:
    """What of a plan is compared: what would be written, said and asked, not in which words it is explained."""
    fields: dict[str, Any] = {}
    others: list[Json] = []
    for reason in plan.reasons:
        if reason.outcome != "write":
            fields[reason.field] = {"outcome": reason.outcome}
    by_change = {r.change: r.field for r in plan.reasons if r.change is not None}
    for n, change in enumerate(plan.changes):
        if isinstance(change, SetField):
            fields[by_change.get(n, change.field)] = {"outcome": "write", "value": change.value}
        elif not isinstance(change, Ask):
            others.append(_other(change))
    outcome = plan.outcome or "done" if plan.matched else "no_match"
    return {"matched": plan.matched, "outcome": outcome, "fields": fields, "others": others, "because": plan.because}


def _other(change: Change) -> Json:
    """A timeline entry is told by its kind, the rest by what it says."""
    if isinstance(change, LogActivity):
        return {"kind": change.kind, "what": change.what}
    if isinstance(change, SetConsent):
        return {"kind": change.kind, "category": change.category, "state": change.state}
    body = core_changes.dump(change)
    return {name: value for name, value in body.items() if name not in ("at", "record", "object")}


def both(
    shades: Sequence[Any], live: Mapping[str, tuple[bool, str]], said: Mapping[str, tuple[bool, str]]
) -> list[Seen]:  # fmt: skip
    """The same of `send:` documents, {name: (does it start, why)}: of each shadow, where either of the two starts."""
    nothing = (False, "")
    out = []
    for shade in shades:
        one, other = live.get(shade.document.name, nothing), said.get(shade.document.name, nothing)
        if one[0] or other[0]:
            sides = [{"matched": starts, "because": why} for starts, why in (one, other)]
            out.append(_seen(shade, sides[0], sides[1]))
    return out


def _seen(shade: Any, live: Json, shadow: Json) -> Seen:
    json.dumps([live, shadow], allow_nan=False)  # what cannot be stored fails here, beside the live version
    return shade, live, shadow


def as_rows(event: str, account: str, seen: Sequence[Seen], now: datetime) -> list[Json]:
    """The rows of one event; where both say the same, only that."""
    out = []
    for shade, live, shadow in seen:
        differs = _told(live) != _told(shadow)
        out.append(
            {
                "event": event, "account": account, "document": shade.document.name, "version": shade.version,
                "differs": int(differs), "body": {"live": live, "shadow": shadow} if differs else None, "at": now,
            }
        )  # fmt: skip
    return out


def _told(side: Json) -> Json:
    return {name: value for name, value in side.items() if name != "because"}


def keep(conn: Any, made: Sequence[Json], add: Callable[[Any, Sequence[Json]], None] = shadows.add) -> None:
    """Stores the rows in the caller's transaction, or not at all."""
    if made:
        try:
            add(conn, made)
        except Exception:  # noqa: BLE001 - the live version's rows must not suffer
            log.exception("%d rows of shadows could not be stored", len(made))


# ---- a person's hands --------------------------------------------------------------------------------------------
def start(store: Store, text: str, author: str, now: datetime, **how: Any) -> Made:
    """Checks and tests the text and lets it judge beside the live version, from now on; the one before it ends.

    `how`: base, note, fields, templates, as for `versions.put`."""
    return put(store, text, author, now, state="shadow", **({"base": None} | how))


def stop(store: Store, name: str) -> bool:
    """The shadow is an ordinary draft again; what it would have done stays in the report."""
    with store.write() as conn:
        return rows.end_shadow(conn, name)


def report(store: Store, name: str, version: int | None = None, examples: int = EXAMPLES) -> Json | None:
    """{document, version, running, since, events, differing, by: {field: n}, examples: [{event, id, at, message, live,
    shadow}]}.

    Of the shadow there is, else of `version`; None when there is neither."""
    with store.read() as conn:
        now = rows.shadow_version(conn, name)
        n = version if version is not None else now.n if now is not None else None
        row = rows.get(conn, name, n) if n is not None else None
        if row is None:
            return None
        events, differing = shadows.counts(conn, name, row.n)
        found = shadows.differing(conn, name, row.n, SCANNED)
    by: dict[str, int] = {}
    for one in found:
        for what in differences(one.body["live"], one.body["shadow"]):
            by[what] = by.get(what, 0) + 1
    return {
        "document": name, "version": row.n, "running": now is not None and now.n == row.n, "since": row.at.isoformat(),
        "events": events, "differing": differing,
        "by": dict(sorted(by.items(), key=lambda item: (-item[1], item[0]))),
        "examples": [_example(one) for one in found[:examples]],
    }  # fmt: skip


def differences(live: Mapping[str, Any], shadow: Mapping[str, Any]) -> list[str]:
    """On what the two differ: fields by name, `matched`, and what else is said or done."""
    if live["matched"] != shadow["matched"]:
        return ["matched"]
    fields = {**live.get("fields", {}), **shadow.get("fields", {})}
    out = [f for f in fields if live.get("fields", {}).get(f) != shadow.get("fields", {}).get(f)]
    kinds = {one["kind"] for side in (live, shadow) for one in side.get("others", ())}
    for kind in sorted(kinds):
        mine, theirs = ([o for o in side.get("others", ()) if o["kind"] == kind] for side in (live, shadow))
        out += [kind] if mine != theirs else []
    return out or ["outcome"]


def _example(row: Any) -> Json:
    told = row.payload.get("text") or row.payload.get("value") or row.payload.get("trigger") or ""
    return {"event": row.event, "id": row.id, "at": row.at.isoformat(), "message": str(told)[:200], **row.body}
