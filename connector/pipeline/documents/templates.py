"""Templates: all that Meta shows, kept; what Meta changed of them, told to a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.core.events import TemplateUpdate
from connector.core.template import Template
from connector.ports import Account, Messenger
from connector.store import chores, findings, holding
from connector.store import templates as rows
from connector.store.engine import Store
from connector.store.findings import Finding

GONE = "DELETED"
DRIFT = "drift"  # the chore that looks at the documents anew
# What an event means for sending; any other word is a status by itself. A flagged one can still be sent.
STATUSES = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED", "FLAGGED": "APPROVED"}
STOPPED = {  # status: the code of its finding, and what to do
    "REJECTED": ("template_rejected", "Edit it: connector templates edit; or appeal in WhatsApp Manager."),
    "PAUSED": ("template_paused", "Meta lifts the first pauses by itself; send less, to people who asked for it."),
    "DISABLED": ("template_disabled", "Make a new one with another name: connector templates create."),
}
CATEGORY, DUE = "template_category", "template_category_due"
ALL = (CATEGORY, DUE, *(code for code, _ in STOPPED.values()))


@dataclass(frozen=True, slots=True)
class Sync:
    """What a sync found, each as `name language`."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    category_changes: tuple[str, ...] = ()  # Meta moved it: its price differs


def sync(store: Store, account: Account, messenger: Messenger, now: datetime) -> Sync:
    """Reads every template of one WhatsApp account and keeps it; what Meta no longer has is DELETED, not forgotten."""
    found = {(t.name, t.language): t for t in messenger.templates()}
    with store.write() as conn:
        before = {(r.name, r.language): r for r in rows.rows(conn, account.id)}
        older = {k for k, r in before.items() if r.at <= now}  # a webhook has spoken of the others since we asked
        moved = [k for k, t in found.items() if k in older and _moved(before[k].category, t.category)]
        gone = [k for k in sorted(older - found.keys()) if before[k].status != GONE]
        rows.put(conn, account.id, list(found.values()), now)
        rows.set_status(conn, account.id, gone, now, GONE)
        news = [(template, before[key].status) for key, template in found.items() if key in older]
        told = _tell_status(conn, account.id, news, gone)
        told += [_category(account.id, key, before[key].category, found[key].category) for key in moved]
        findings.raise_(conn, told, now)
    return Sync(
        added=_named(k for k in found if k not in before),
        changed=_named(k for k, t in found.items() if k in before and _differs(before[k], t)),
        gone=_named(gone),
        category_changes=_named(moved),
    )


def heard(conn: Any, account: str, update: TemplateUpdate, now: datetime) -> None:
    """Applies what a webhook says of one template at once, and tells a person what matters."""
    if update.name and update.what in HEARD:
        HEARD[update.what](conn, account, update, now)
    chores.soon(conn, DRIFT)  # also for what only a sync can show: its new text


def _heard_status(conn: Any, account: str, update: TemplateUpdate, now: datetime) -> None:
    status = STATUSES.get(update.value, update.value)
    before = rows.one(conn, account, update.name, update.language)
    values = {"status": status, "reason": "" if status == "APPROVED" else update.reason}
    rows.set_values(conn, account, update.name, update.language, now, **values)
    template = Template(name=update.name, language=update.language, status=status, reason=values["reason"])
    findings.raise_(conn, _tell_status(conn, account, [(template, before.status if before else "")]), now)
    if status == "APPROVED":
        holding.wake(conn, update.name, now)


def _heard_quality(conn: Any, account: str, update: TemplateUpdate, now: datetime) -> None:
    rows.set_values(conn, account, update.name, update.language, now, quality=update.value)


def _heard_category(conn: Any, account: str, update: TemplateUpdate, now: datetime) -> None:
    """Done: it costs what the new category costs from now on."""
    before = rows.one(conn, account, update.name, update.language)
    was, category = (before.category if before else "").lower(), update.value.lower()
    given = {"category": category, "correct_category": ""} | ({"previous_category": was} if was else {})
    rows.set_values(conn, account, update.name, update.language, now, **given)
    findings.clear(conn, DUE, [_key(account, update.name, update.language)])
    if _moved(was, category):
        findings.raise_(conn, [_category(account, (update.name, update.language), was, category)], now)


def _heard_correct(conn: Any, account: str, update: TemplateUpdate, now: datetime) -> None:
    """Announced: it will be another category soon."""
    name, language, due = update.name, update.language, update.value.lower()
    rows.set_values(conn, account, name, language, now, correct_category=due)
    text = f"Meta will make {name} ({language}) a {due} template. {update.reason}".strip()
    hint = "Its price will differ. Edit its text to keep the category, or ask Meta for a review."
    findings.raise_(conn, [Finding(DUE, _key(account, name, language), text, hint)], now)


HEARD = {
    "status": _heard_status,
    "quality": _heard_quality,
    "category": _heard_category,
    "correct_category": _heard_correct,
}


def _tell_status(
    conn: Any, account: str, news: Iterable[tuple[Template, str]], gone: Sequence[rows.Key] = ()
) -> list[Finding]:
    """(template, its status before): what stopped since, to be told; what is anything else, or gone, is mended."""
    mended = {code: [_key(account, *key) for key in gone] for code in ALL}
    told = []
    for template, before in news:
        key = _key(account, template.name, template.language)
        for status, (code, hint) in STOPPED.items():
            if template.status != status:
                mended[code].append(key)
            elif before != status:
                why = f" Meta says: {template.reason}" if template.reason else ""
                text = f"The template {template.name} ({template.language}) is {status.lower()}.{why}"
                told.append(Finding(code, key, text, hint))
    for code, keys in mended.items():
        findings.clear(conn, code, keys)
    return told


def _category(account: str, key: rows.Key, was: str, category: str) -> Finding:
    name, language = key
    text = f"Meta made {name} ({language}) a {category} template; it was {was}."
    hint = "Each message costs what its category costs. Seen: connector templates check --seen."
    return Finding(CATEGORY, _key(account, name, language), text, hint)


def _moved(was: str, category: str) -> bool:
    return bool(was) and bool(category) and was.lower() != category


def _differs(row: Any, template: Template) -> bool:
    old = (row.status, row.category, row.quality, row.format, row.components)
    new = (template.status, template.category, template.quality, template.format, list(template.components))
    return old != new


def _key(account: str, name: str, language: str) -> str:
    return f"{account}:{name}:{language}"


def _named(keys: Iterable[rows.Key]) -> tuple[str, ...]:
    return tuple(f"{name} {language}" for name, language in keys)
