"""The promises and what needs mending, counted; kept, so that pages show it without asking."""

from typing import Any

from connector.connections import Connections
from connector.pipeline.chores.tasks import Progress
from connector.store import audit_chain, doctor, findings, snapshots
from connector.store.tasks import Task

NAME = "doctor"  # of the snapshot
AUDITED = 10_000  # of the newest lines of the audit log; `connector audit verify` looks at all


def checkup(connections: Connections) -> dict[str, Any]:
    """{ok, findings: [{code, count, examples, hint}], counts}: every invariant and finding, as they are now."""
    with connections.store.read() as conn:
        found = [*doctor.findings(conn, connections.clock.now()), *findings.summed(conn)]
        found += audit_chain.summed(conn, AUDITED)
        return {"ok": not found, "findings": found, "counts": doctor.counts(conn)}


def keep(connections: Connections) -> dict[str, Any]:
    """The same, stored as the snapshot `doctor`."""
    found = checkup(connections)
    with connections.store.write() as conn:
        snapshots.put(conn, NAME, found, connections.clock.now())
    return found


def doctor_task(connections: Connections, _: Task, __: Progress) -> dict[str, Any]:
    """{} -> {ok, findings, counts}. Repeating it is harmless."""
    return keep(connections)
