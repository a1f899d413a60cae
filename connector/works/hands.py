"""What a person does about one event that needs the CRM: undo, try with what it says now, make a test of that."""

from collections.abc import Callable, Mapping
from typing import Any

from connector import errors
from connector.base import crm_kinds
from connector.connections import Connections
from connector.pipeline import making, trying, undo
from connector.pipeline.tasks import Progress
from connector.store.tasks import Task

Verb = Callable[..., Mapping[str, Any]]


def undo_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{event, again?, dry?} -> {undone, kept, stays}, of every CRM. Repeating it is harmless."""
    crms = [account for account in connections.accounts() if account.kind in crm_kinds()]
    told: dict[str, Any] = {"undone": [], "kept": [], "stays": []}
    for n, account in enumerate(crms, 1):
        args = {**task.args, "by": task.author}
        one = undo.do(
            connections.store, account, connections.crm(account), connections.library, connections.clock, args
        )
        connections.bell.ring(*one["bells"])
        told = {name: [*told[name], *one[name]] for name in told}
        progress(n, len(crms))
    return told | {"stays": list(dict.fromkeys(told["stays"]))}


def try_task(connections: Connections, task: Task, _: Progress) -> Mapping[str, Any]:
    """{account, event, text | document, version?} -> what it would make of the event now. Nothing is written."""
    return _with(connections, task, trying.do)


def test_task(connections: Connections, task: Task, _: Progress) -> Mapping[str, Any]:
    """The same -> {text, name, given, expect, differs}. Nothing is written."""
    return _with(connections, task, making.do)


def _with(connections: Connections, task: Task, verb: Verb) -> Mapping[str, Any]:
    account = connections.account(task.args["account"])
    if account is None:
        raise errors.NotFound(f"There is no account named {task.args['account']!r}.", code="account")
    crm = connections.crm(account)
    return verb(connections.store, account, crm, connections.library, connections.clock, task.args)
