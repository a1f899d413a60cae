"""What the journal is told of: deliveries before they are acknowledged, messages before they leave, what became of
them, and our own writes of watched fields. Nothing of it is done where there is no journal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.tables import contact_keys, sends, to_ms

if TYPE_CHECKING:
    from connector.store.engine import Store
    from connector.store.outcomes import Result
    from connector.store.own_writes import Written
    from connector.store.sending import Started

DELIVERY, SEND, RESULT, OWN = "delivery", "send", "result", "own"
_S, _K = sends.c, contact_keys.c


def delivery(row: tuple[str, str, int, str, bytes]) -> dict[str, Any]:
    """One committed delivery (id, account, received_at in ms, headers, body)."""
    id_, account, at, headers, body = row
    return {"kind": DELIVERY, "at": at, "id": id_, "account": account, "headers": headers, "body": body}


def leaving(store: "Store", conn: sa.Connection, started: Sequence["Started"], now: datetime) -> None:
    """These messages are about to leave, in the transaction of their claim. Raises StoreDown."""
    if store.journal is None or not started:
        return
    rows = conn.execute(sa.select(sends).where(among(conn, _S.id, [one.id for one in started]))).all()
    lanes = sorted({row.lane for row in rows if row.lane})
    keys: dict[str, list[list[str]]] = {}
    for key in conn.execute(sa.select(_K.contact, _K.kind, _K.value).where(among(conn, _K.contact, lanes))):
        keys.setdefault(key.contact, []).append([key.kind, key.value])
    store.journal.append(
        {"kind": SEND, "at": to_ms(now), "row": _plain(row), "keys": keys.get(row.lane or "", [])} for row in rows
    )


def came_back(store: "Store", results: Sequence["Result"], now: datetime) -> None:
    """What became of them, in the transaction that stores it. Raises StoreDown."""
    if store.journal is not None:
        store.journal.append(
            {"kind": RESULT, "at": to_ms(now), "id": one.send.id, "n": one.send.n, "outcome": one.outcome,
             "wamid": one.wamid, "code": one.code, "reason": one.reason}
            for one in results
        )  # fmt: skip


def wrote(store: "Store", account: str, rows: Sequence["Written"], now: datetime) -> None:
    """We are about to write these watched fields: what the CRM says of them is our own doing. Raises StoreDown."""
    if store.journal is not None:
        store.journal.append(
            {"kind": OWN, "at": to_ms(now), "account": account, "object": o, "record": r, "field": f, "value": v}
            for o, r, f, v in rows
        )


def _plain(row: Any) -> Mapping[str, Any]:
    """As JSON takes it: times as milliseconds."""
    return {k: to_ms(v) if isinstance(v, datetime) else v for k, v in row._mapping.items()}
