"""Templates as Meta last showed them, by WhatsApp account, name and language."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connector.core.template import Template
from connector.store.bulk import insert_many
from connector.store.tables import templates

_T = templates.c
Key = tuple[str, str]  # name, language
CONTENT = ("template_id", "components", "format", "synced_at")
STATE = ("status", "category", "quality", "reason", "previous_category", "at")  # what webhooks speak of too


def known(conn: sa.Connection, account: str, names: Sequence[str] = ()) -> list[Template]:
    """Those whose components we have seen, of one WhatsApp account ("" = of all); deleted ones too, by their status."""
    return [_template(row) for row in _rows(conn, account, names) if row.components is not None]


def rows(conn: sa.Connection, account: str = "", names: Sequence[str] = ()) -> Sequence[sa.Row[Any]]:
    """Every row (of these names), also what was only heard of, by name and language."""
    return _rows(conn, account, names)


def approved(conn: sa.Connection) -> list[Key]:
    """(name, language) of what can be sent, over all accounts."""
    query = sa.select(_T.name, _T.language).where(_T.status == "APPROVED").distinct()
    return [(row.name, row.language) for row in conn.execute(query.order_by(_T.name, _T.language))]


def one(conn: sa.Connection, account: str, name: str, language: str) -> sa.Row[Any] | None:
    """One row."""
    return conn.execute(sa.select(templates).where(_same(account, name, language))).first()


def put(conn: sa.Connection, account: str, found: Sequence[Template], now: datetime) -> None:
    """Keeps these as they are now; what a webhook said after `now` (when they were asked for) stays."""
    if not found:
        return
    insert_many(conn, templates, [_new(account, t, now) for t in found], ignore_conflicts=True)
    b = sa.bindparam
    same = sa.and_(_T.account == account, _T.name == b("k_name"), _T.language == b("k_language"))
    for names, mine in ((CONTENT, same), (STATE, sa.and_(same, _T.at <= now))):
        step = sa.update(templates).where(mine).values({name: b(f"v_{name}") for name in names})
        conn.execute(step, [_bound(t, names, now) for t in found])


def _bound(template: Template, names: Sequence[str], now: datetime) -> dict[str, Any]:
    values = _values(template, now)
    return {"k_name": template.name, "k_language": template.language, **{f"v_{name}": values[name] for name in names}}


def set_values(conn: sa.Connection, account: str, name: str, language: str, now: datetime, **values: Any) -> None:
    """What Meta said of one in a webhook, or what we did to it; one we had not seen is remembered."""
    row = {"account": account, "name": name, "language": language, "at": now} | values
    insert_many(conn, templates, [row], ignore_conflicts=True)
    conn.execute(sa.update(templates).where(_same(account, name, language)).values(at=now, **values))


def set_status(conn: sa.Connection, account: str, keys: Sequence[Key], now: datetime, status: str) -> None:
    """The same word for many that we know."""
    b = sa.bindparam
    step = sa.update(templates).where(_T.account == account, _T.name == b("n"), _T.language == b("l"))
    if keys:
        conn.execute(step.values(status=status, at=now), [{"n": name, "l": language} for name, language in keys])


def _same(account: str, name: str, language: str) -> sa.ColumnElement[bool]:
    return sa.and_(_T.account == account, _T.name == name, _T.language == language)


def _rows(conn: sa.Connection, account: str, names: Sequence[str]) -> Sequence[sa.Row[Any]]:
    query = sa.select(templates).order_by(_T.name, _T.language, _T.account)
    query = query.where(_T.account == account) if account else query
    return conn.execute(query.where(_T.name.in_(list(names))) if names else query).all()


def _new(account: str, template: Template, now: datetime) -> dict[str, Any]:
    submitted = now if template.status == "PENDING" else None
    key = {"account": account, "name": template.name, "language": template.language}
    return {**key, **_values(template, now), "submitted_at": submitted}


def _values(template: Template, now: datetime) -> dict[str, Any]:
    return {
        "template_id": template.id, "status": template.status, "category": template.category,
        "quality": template.quality, "components": [dict(c) for c in template.components], "format": template.format,
        "reason": template.reason, "previous_category": template.previous_category, "at": now, "synced_at": now,
    }  # fmt: skip


def _template(row: sa.Row[Any]) -> Template:
    return Template(
        name=row.name,
        language=row.language,
        status=row.status,
        category=row.category,
        format=row.format,
        components=tuple(row.components),
        id=row.template_id,
        quality=row.quality,
        previous_category=row.previous_category,
        reason=row.reason,
        account=row.account,
    )
