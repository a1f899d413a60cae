"""What a CRM itself needs of us, as files: its adapter makes them of what the live documents wait for."""

from collections.abc import Collection
from typing import Any

from connector import crm, errors
from connector.base import crm_kinds, hook_path
from connector.connections import Connections
from connector.pipeline.chores.tasks import Progress
from connector.ports import HOOK_MARK, Account, Packing
from connector.store import accounts
from connector.store.tasks import Task
from connector.works.accounts import named


def watched(connections: Connections, account: Account) -> dict[str, list[str]]:
    """{record word: fields} that the live send: documents of this account wait for."""
    found: dict[str, list[str]] = {}
    for live in connections.library.shelf(account.name).sends:
        fields = [(watch.word, watch.field) for watch in live.document.triggers]
        if goal := live.document.goal:
            fields.append((live.document.word if goal.word == "record" else goal.word, goal.field))
        fields += [(live.document.date.word, live.document.date.field)] if live.document.date else []
        for word, field in fields:
            if word and field and field not in found.setdefault(word, []):
                found[word].append(field)
    return found


def packing(
    connections: Connections, account: Account, url: str, *, hook: str = "", switches: Collection[str] = ()
) -> Packing:
    """What the files of this account are made of."""
    return Packing(
        account=account,
        url=url,
        hook=hook or hook_path(account),
        watched=watched(connections, account),
        sends=[live.document.name for live in connections.library.shelf(account.name).sends],
        tokens=accounts.tokens(connections.store, connections.keyring, account.id),
        switches=frozenset(switches),
    )


def package_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{account, url?} -> {account, files}, with HOOK_MARK where the hook's address stands. Repeating it is harmless."""
    account = named(connections, task.args["account"])
    if account.kind not in crm_kinds():
        raise errors.Rejected(f"There is no package for {account.kind}.", code="no_package")
    url = str(task.args.get("url") or connections.config.public_url).rstrip("/")
    return {"account": account.name, "files": dict(crm.pack(packing(connections, account, url, hook=HOOK_MARK)))}
