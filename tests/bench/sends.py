"""A business with many messages to send: rows of `sends` as the trigger stores them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.ids import new_id
from connector.store import sends
from connector.store.engine import Store, insert_many, open_store, upgrade
from connector.store.tables import accounts, contact_keys, contacts, numbers
from tests.bench import servers

NUMBER, WABA = "106540000000001", "bench-waba"
PART = 5_000


def body() -> dict[str, Any]:
    """A template with two values, about as long as most."""
    values = [{"type": "text", "parameter_name": n, "text": v} for n, v in (("first_name", "Ana"), ("order", "A-1077"))]
    components = [{"type": "body", "parameters": values}]
    return {"type": "template", "template": {"name": "order_out", "language": {"code": "es"}, "components": components}}


def row(lane: str | None, phone: str, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    given = {
        "id": new_id(), "cause": new_id(), "event": None, "account": WABA, "crm": "hub", "lane": lane, "number": NUMBER,
        "document": "order-out", "version": 1, "template": "order_out", "language": "es", "category": "utility",
        "priority": 1, "to": phone, "user_id": None, "body": body(), "context": {}, "state": "ready", "label": "",
        "next_at": now, "give_up_at": None, "at": now,
    }  # fmt: skip
    return given | more


def fill(store: Store, count: int, **more: Any) -> None:
    """`count` ready sends, each to a person of its own."""
    now = datetime.now(UTC)
    for start in range(0, count, PART):
        phones = [f"+57{start + n + 3_000_000_000}" for n in range(min(PART, count - start))]
        people = {phone: new_id() for phone in phones}
        with store.write() as conn:
            insert_many(conn, contacts, [{"id": i, "name": "", "created_at": now} for i in people.values()])
            keys = [{"kind": "wa_id", "value": p[1:], "contact": i, "at": now} for p, i in people.items()]
            insert_many(conn, contact_keys, keys, ignore_conflicts=True)
            sends.add(conn, [row(people[phone], phone, **more) for phone in phones])
    if store.dialect == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("VACUUM ANALYZE")  # as autovacuum does


@contextmanager
def business(dialect: str, throughput: int) -> Iterator[tuple[Store, str, Path]]:
    """(store, database address, home) of a business with one number of that throughput."""
    with servers.folder() as home:
        if dialect == "sqlite":
            yield from _open(f"sqlite:///{home / 'bench.db'}", home, throughput)
        else:
            with servers.postgres() as server:
                yield from _open(server.database(), home, throughput)


def _open(url: str, home: Path, throughput: int) -> Iterator[tuple[Store, str, Path]]:
    upgrade(url)
    store = open_store(url, home=home)
    try:
        with store.write() as conn:
            given = {"id": WABA, "kind": "whatsapp", "name": "bench", "settings": {"phone_number_id": NUMBER}}
            conn.execute(sa.insert(accounts).values(**given, created_at=datetime.now(UTC)))
            conn.execute(sa.insert(numbers).values(id=NUMBER, account=WABA, throughput=throughput))
        yield store, url, home
    finally:
        store.close()
