"""Accounts: does the connection work, whose is it, what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector import errors, webhooks, whatsapp
from connector.base import crm_kinds
from connector.connections import Connections
from connector.pipeline.chores.tasks import Progress
from connector.ports import CRM, Account, Issue, Messenger, NumberState
from connector.store import accounts as rows
from connector.store import numbers as number_rows
from connector.store import snapshots
from connector.store.tasks import Task

SEEN = "account:"  # and the account's id: the snapshot of its last check
# Findings that do not speak of what was typed in: an account is stored all the same, and the check goes on telling.
MILD = frozenset(
    {"quality", "name_status", "number_status", "token_expires", "almost_limited", "field_not_unique", "no_object",
     "field_not_created", "cannot_create_field", "no_field_access", "wrong_field", "read_only", "missing_field",
     "templates", "webhook_fields", "reconnect"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at one system told: findings, gravest first, and what may be shown of it."""

    issues: list[Issue] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"issues": [issue_json(issue) for issue in self.issues], "found": self.found}


def issue_json(issue: Issue) -> dict[str, Any]:
    """{code, message, hint, fix, blocks}; `blocks`: an account with this finding is stored only by force."""
    return {
        "code": issue.code, "message": issue.message, "hint": issue.hint, "fix": issue.fix, "blocks": blocks(issue),
    } | ({"at": issue.at.isoformat()} if issue.at else {})  # fmt: skip


def blocks(issue: Issue) -> bool:
    """What was typed in is wrong, as far as anybody can tell."""
    return not (issue.fix or issue.code in MILD or issue.code.startswith("health_"))


def as_issue(error: errors.ConnectorError) -> Issue:
    """An error as a finding."""
    return Issue(error.code or type(error).__name__, error.message, error.hint)


def number_of(api: Messenger, *, fix: bool) -> tuple[Seen, tuple[NumberState, dict[str, Any]] | None]:
    """A WhatsApp number; also its (state, profile), None when it cannot be read."""
    issues = api.check(fix=fix)
    if any(issue.code in ("token", "phone_number_id") for issue in issues):
        return Seen(issues), None
    state, profile = api.number(), api.profile()
    names = ("id", "display", "verified_name", "quality", "status", "name_status", "throughput", "tier", "health")
    return Seen(issues, {name: getattr(state, name) for name in names}), (state, profile)


def crm_of(crm: CRM, *, fix: bool) -> Seen:
    """A CRM account: whose it is."""
    issues = crm.check(fix=fix)
    return Seen(issues, {} if any(blocks(issue) for issue in issues) else dict(crm.whoami()))


def check(connections: Connections, account: Account, *, fix: bool) -> Seen:
    """One stored account; a good answer ends a pause, and refreshes what we keep of it. Raises StoreDown only.

    What was seen is kept as the snapshot `account:<id>`, for pages."""
    try:
        seen = _look(connections, account, fix=fix)
    except errors.StoreDown:
        raise
    except errors.ConnectorError as error:
        seen = Seen([as_issue(error)])
    with connections.store.write() as conn:
        snapshots.put(conn, f"{SEEN}{account.id}", seen.as_json(), connections.clock.now())
        if account.state == "needs_person" and not seen.issues:
            rows.set_state(conn, account.id, "ok", "")
    return seen


def _look(connections: Connections, account: Account, *, fix: bool) -> Seen:
    if account.kind == whatsapp.MANIFEST.kind:
        seen, number = number_of(connections.messenger(account), fix=fix)
        if number is not None:  # sends are paced by it
            with connections.store.write() as conn:
                state, profile = number
                number_rows.put(conn, account.id, account.name, state, profile, connections.clock.now())
        return seen
    if account.kind == webhooks.MANIFEST.kind:
        return Seen(webhooks.check(account))
    seen = crm_of(connections.crm(account), fix=fix)
    fields = connections.refresh_catalogue(account)
    return Seen(seen.issues, seen.found | counted(fields))


def counted(fields: Mapping[str, Any]) -> dict[str, Any]:
    """How many fields were read, by object."""
    return {"fields": {name: len(some) for name, some in fields.items()}}


def named(connections: Connections, name: str) -> Account:
    """The account of that name. Raises NotFound."""
    account = connections.account(name)
    if account is None:
        raise errors.NotFound(f"There is no account named {name!r}.", hint="It may have been removed.", code="account")
    return account


def check_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{account, fix} -> {account, issues, found}. Repeating it is harmless."""
    account = named(connections, task.args["account"])
    seen = check(connections, account, fix=bool(task.args.get("fix")))
    return {"account": account.name, **seen.as_json()}


def fields_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{account, objects?} -> {account, fields: {object: how many}}: the catalogue anew. Repeating it is harmless."""
    account = named(connections, task.args["account"])
    if account.kind not in crm_kinds():
        raise errors.Rejected(f"{account.name} is no CRM: it has no fields.", hint="Choose a CRM account.", code="kind")
    read = connections.refresh_catalogue(account, task.args.get("objects") or ())
    return {"account": account.name, **counted(read)}
