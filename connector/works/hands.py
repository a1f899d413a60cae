"""What a person does about events that needs the CRM: undo, and judge again what was not understood."""

from collections.abc import Sequence
from typing import Any

from connector.base import crm_kinds
from connector.connections import Connections
from connector.pipeline.again import rejudge, undo
from connector.pipeline.chores.tasks import Progress
from connector.ports import Account
from connector.store.tasks import Task

SHOWN = 100  # of what is left, told


def undo_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{event, again?, dry?} -> {undone, kept, stays}, of every CRM. Repeating it is harmless."""
    c, told = connections, {"undone": list[Any](), "kept": list[Any](), "stays": list[Any]()}
    crms = _crms(c)
    for n, account in enumerate(crms, 1):
        one = undo.do(c.store, account, c.crm(account), c.library, c.clock, {**task.args, "by": task.author})
        c.bell.ring(*one["bells"])
        told = {name: [*told[name], *one[name]] for name in told}
        progress(n, len(crms))
    return told | {"stays": list(dict.fromkeys(told["stays"]))}


def rejudge_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{events, account: a name} -> {written, left, more}. Goes on from its cursor; a second time finds it answered."""
    c, ids = connections, list(task.args["events"])
    account = next(a for a in _crms(c) if a.name == task.args["account"])
    sums = progress.cursor or {"n": 0, "written": 0, "left": [], "more": 0}
    while sums["n"] < len(ids):
        args = {"event": ids[sums["n"]], "by": task.author}
        one = rejudge.do(c.store, account, c.crm(account), c.library, c.clock, args)
        c.bell.ring(*one["bells"])
        left = [*sums["left"], *(line["why"] for line in one["left"])]
        sums = {
            "n": sums["n"] + 1, "written": sums["written"] + len(one["written"]), "left": left[:SHOWN],
            "more": sums["more"] + max(0, len(left) - SHOWN),
        }  # fmt: skip
        progress(sums["n"], len(ids), sums)
    return {name: value for name, value in sums.items() if name != "n"}


def _crms(connections: Connections) -> Sequence[Account]:
    return [account for account in connections.accounts() if account.kind in crm_kinds()]
