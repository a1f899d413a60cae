"""WhatsApp templates: read anew, submitted, changed, deleted."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from connector import errors
from connector.connections import Connections
from connector.core import template as language
from connector.core.template import Template
from connector.pipeline.chores.tasks import Progress
from connector.pipeline.documents import templates as journey
from connector.ports import Account
from connector.store import chores
from connector.store import templates as rows
from connector.store.tasks import Task

SYNC = "Run: connector templates sync"


def senders(connections: Connections, name: str = "") -> list[Account]:
    """The WhatsApp accounts, or the one that is named. Raises NotFound."""
    found = [a for a in connections.accounts() if a.kind == "whatsapp" and name in ("", a.name)]
    if not found:
        text = f"There is no WhatsApp account{f' named {name!r}' if name else ''}."
        raise errors.NotFound(text, hint="See: connector accounts list", code="account")
    return found


def sync(connections: Connections, account: Account) -> journey.Sync:
    """Every template as Meta has it; the documents are looked at anew soon."""
    found = journey.sync(connections.store, account, connections.messenger(account), connections.clock.now())
    with connections.store.write() as conn:
        chores.soon(conn, journey.DRIFT)
    return found


def create(connections: Connections, account: Account, body: Mapping[str, Any]) -> Template:
    """Submits a new one for review, once Meta's rules let it through. Raises Rejected."""
    _fits(body)
    made = connections.messenger(account).create_template(body)
    _submitted(connections, account, made)
    return made


def edit(connections: Connections, account: Account, body: Mapping[str, Any]) -> Template:
    """Replaces all components of one; reviewed anew. Raises NotFound, Rejected."""
    _fits(body)
    with connections.store.read() as conn:
        row = rows.one(conn, account.id, body["name"], body["language"])
    if row is None or not row.template_id:
        raise errors.NotFound(f"{body['name']} ({body['language']}) is not known.", hint=SYNC, code="template")
    connections.messenger(account).edit_template(row.template_id, body)
    changed = language.from_graph({**body, "id": row.template_id, "status": "PENDING"})
    _submitted(connections, account, changed)
    return changed


def delete(connections: Connections, account: Account, name: str, code: str = "") -> list[str]:
    """Deletes one language, or all of them; the languages. Raises NotFound."""
    with connections.store.read() as conn:
        found = [r for r in rows.rows(conn, account.id) if r.name == name and code in ("", r.language)]
    found = [row for row in found if row.status != journey.GONE]
    if not found or (code and not found[0].template_id):
        raise errors.NotFound(f"There is no template {f'{name} {code}'.strip()}.", hint=SYNC, code="template")
    connections.messenger(account).delete_template(name, found[0].template_id if code else "")
    now = connections.clock.now()
    with connections.store.write() as conn:
        for row in found:
            rows.set_values(conn, account.id, row.name, row.language, now, status=journey.GONE)
        chores.soon(conn, journey.DRIFT)
    return [row.language for row in found]


def _fits(body: Mapping[str, Any]) -> None:
    wrong = language.rules(body)
    if wrong:
        text = " ".join(f"{misfit.text} {misfit.hint}".strip() for misfit in wrong)
        found = [{"place": m.key, "code": m.code, "message": m.text, "hint": m.hint} for m in wrong]
        hint = "Nothing was submitted."
        raise errors.Rejected(f"Meta would refuse it: {text}", hint=hint, code="template_rules", findings=found)


def _submitted(connections: Connections, account: Account, template: Template) -> None:
    """Kept at once, so that the list says since when Meta looks at it."""
    now = connections.clock.now()
    with connections.store.write() as conn:
        rows.put(conn, account.id, [template], now)
        rows.set_values(conn, account.id, template.name, template.language, now, submitted_at=now)


# ---- tasks -------------------------------------------------------------------------------------------------------
def sync_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{account?} -> {account: {added, changed, gone, category_changes}}. Repeating it is harmless."""
    accounts = senders(connections, task.args.get("account") or "")
    done: dict[str, Any] = {}
    for account in accounts:
        done[account.name] = asdict(sync(connections, account))
        progress(len(done), len(accounts))
    return done


def create_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{account, template} -> {name, language, status, category}; `template` as Graph takes it. Not repeated."""
    return _told(create(connections, _one(connections, task), task.args["template"]))


def edit_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{account, template} -> {name, language, status, category}. Not repeated: Meta counts edits."""
    return _told(edit(connections, _one(connections, task), task.args["template"]))


def delete_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{account, name, language?} -> {name, languages}. Not repeated."""
    name, code = task.args["name"], task.args.get("language") or ""
    return {"name": name, "languages": delete(connections, _one(connections, task), name, code)}


def _one(connections: Connections, task: Task) -> Account:
    found = senders(connections, task.args.get("account") or "")
    if len(found) > 1:
        which = " or ".join(account.name for account in found)
        raise errors.Rejected("There are several WhatsApp accounts.", hint=f"Name one: {which}.", code="account")
    return found[0]


def _told(template: Template) -> dict[str, Any]:
    return {name: getattr(template, name) for name in ("name", "language", "status", "category")}
