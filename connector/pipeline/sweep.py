"""The sweep: rings for whatever waits, so that a lost ring costs latency and nothing else."""

from datetime import datetime, timedelta

from connector.pipeline.drain import SETTLE
from connector.store import accounts, changes, deliveries, parks, plans
from connector.store.engine import Store


def due(store: Store, now: datetime) -> list[str]:
    """The bells that have work: unpack, handle:<account>, write:<account>; parked and paused accounts stay silent."""
    with store.read() as conn:
        bells = ["unpack"] if deliveries.claim_deliveries(conn, 1) else []
        handle = plans.accounts_due(conn, now)
        write = changes.accounts_due(conn, now, now - timedelta(seconds=SETTLE))
        names = sorted({*handle, *write})
        held = set(parks.parked(conn, "account", names, now)) | {
            name for name in names if accounts.state(conn, name) != "ok"
        }
    bells += [f"handle:{name}" for name in handle if name not in held]
    return bells + [f"write:{name}" for name in write if name not in held]
