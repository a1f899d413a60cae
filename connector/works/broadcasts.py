"""Broadcasts: the forecast, the plan."""

from collections.abc import Callable
from typing import Any

from connector import errors
from connector.connections import Connections
from connector.core import documents as language
from connector.core import prices
from connector.core.documents import SendDocument
from connector.pipeline.broadcasts import acts, members
from connector.pipeline.broadcasts import told as telling
from connector.pipeline.broadcasts.audience import Reader
from connector.pipeline.broadcasts.forecast import Forecaster
from connector.pipeline.broadcasts.look import Look
from connector.pipeline.broadcasts.plan import Planner
from connector.pipeline.chores.tasks import Progress
from connector.store import broadcasts, documents
from connector.store.tasks import Task


def lists_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{crm, kind, text} -> {kind, found: [{value, name, size}]}: what there is to choose from. Writes nothing."""
    c, kind = connections, str(task.args["kind"])
    account = c.account(str(task.args["crm"]))
    if account is None:
        raise errors.NotFound("The CRM account of this document is gone.", hint="Connect it again.", code="account")
    crm = c.crm(account)
    if kind not in crm.can.audiences:
        hint = f"Choose one of: {', '.join(crm.can.audiences)}."
        raise errors.Rejected(f"{account.name} knows no {kind}.", hint=hint, code="audience")
    found = crm.audiences(kind, str(task.args["text"]))
    return {"kind": kind, "found": [{"value": one.id, "name": one.name, "size": one.size} for one in found]}


def forecast_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{broadcast} -> the forecast, which its row keeps too. Repeating it is harmless."""
    id_ = str(task.args["broadcast"])
    told = foretell(connections, id_, progress, task.id)
    return {"broadcast": id_} | {name: told[name] for name in ("read", "sendable", "held", "refused")}


def foretell(c: Connections, id_: str, progress: Callable[[int, int | None], None], task: str = "") -> dict[str, Any]:
    """The forecast of a broadcast, kept on its row while it is a draft and no newer one was asked for."""
    look, reader = _eyes(c, id_)
    told = Forecaster(c.store, look, reader, c.clock, prices.shipped()).run(progress)
    with c.store.write() as conn:
        row = broadcasts.get(conn, id_)
        if row is not None and row.task == task:
            broadcasts.move(conn, id_, [broadcasts.DRAFT], broadcasts.DRAFT, forecast=told)
    return told


def plan_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{broadcast} -> {planned, refused}. Goes on where the last page ended; a page is planned once, whoever plans."""
    c, id_ = connections, str(task.args["broadcast"])
    try:
        look, reader = _eyes(c, id_)
        Planner(c.store, look, reader, c.clock).run(progress, c.bell.ring)
    except errors.StoreDown:
        raise
    except errors.TryAgain as error:  # the clock takes it up again
        raise errors.TryAgain(error.message, hint="It goes on by itself.", code=acts.AGAIN) from error
    except errors.ConnectorError as error:
        with c.store.write() as conn:
            broadcasts.note(conn, id_, reason=str(error)[:500])
        raise
    with c.store.read() as conn:
        row = broadcasts.get(conn, id_)
    return {"broadcast": id_, "planned": row.planned, "refused": row.refused}


def members_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{broadcast} -> {told, refused}: the campaign's members hear of their messages. Repeating it changes nothing."""
    c, id_ = connections, str(task.args["broadcast"])
    look, _ = _eyes(c, id_)
    with c.store.read() as conn:
        row = broadcasts.get(conn, id_)
    sums = progress.cursor or {"line": 0, "told": 0, "refused": 0, "why": ""}
    while (page := members.page(c.store, id_, sums["line"])).last:
        for outcome in look.crm.enrol(row.campaign, page.members):
            name = "told" if outcome.state == "done" else "refused"
            sums = sums | {name: sums[name] + 1} | ({"why": outcome.text} if name == "refused" else {})
        sums = sums | {"line": page.last}
        progress(sums["told"] + sums["refused"], row.planned, sums)
    return {name: value for name, value in sums.items() if name != "line"}


def _eyes(c: Connections, id_: str) -> tuple[Look, Reader]:
    with c.store.read() as conn:
        row = broadcasts.get(conn, id_)
        version = documents.get(conn, row.document, row.version) if row is not None else None
    if row is None or version is None:
        raise errors.NotFound(f"There is no broadcast {id_}.", code="broadcast")
    document = language.read(version.text)
    account = next((a for a in c.accounts() if a.id == row.crm), None)
    if account is None or not isinstance(document, SendDocument):
        raise errors.NotFound("The CRM account of this broadcast is gone.", hint="Connect it again.", code="account")
    crm = c.crm(account)
    look = Look(id_, document, row.version, account, crm)
    return look, Reader(c.store, account, crm, document, telling.source_of(row), row.source.get("phone_column", ""))
