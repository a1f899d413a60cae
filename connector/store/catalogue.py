"""What we last saw of a CRM's fields, by account and object."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.store.bulk import insert_many
from connector.store.counters import GENERATION, bump
from connector.store.once import once
from connector.store.tables import accounts, catalogue

_T = catalogue.c


def put(conn: sa.Connection, account: str, object: str, body: Any, now: datetime) -> None:
    """Keeps `body` (JSON-ready) as the newest; workers that cached the old one notice when it differs."""
    before = get(conn, account, object)
    here = (_T.account == account, _T.object == object)
    if conn.execute(sa.update(catalogue).where(*here).values(body=body, at=now)).rowcount == 0:
        insert_many(
            conn, catalogue, [{"account": account, "object": object, "body": body, "at": now}], ignore_conflicts=True
        )
    if before != body:
        bump(conn, GENERATION)


def get(conn: sa.Connection, account: str, object: str) -> Any:
    """The body as it was put, None when there is none."""
    return _body(conn, account, object).scalar()


@once
def _body(_: sa.Connection, account: str, object: str) -> sa.Executable:
    return sa.select(_T.body).where(_T.account == account, _T.object == object)


def of_account(conn: sa.Connection, name: str) -> dict[str, Any]:
    """{object: body} of the account of this name."""
    query = sa.select(_T.object, _T.body).join(accounts, accounts.c.id == _T.account).where(accounts.c.name == name)
    return {row.object: row.body for row in conn.execute(query) if row.body}


def seen_at(conn: sa.Connection, account: str, object: str) -> datetime | None:
    """When it was put."""
    return conn.execute(sa.select(_T.at).where(_T.account == account, _T.object == object)).scalar()
