"""What of the stored rows is out of the ordinary, each an alarm; by indexes, so that a look is cheap."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connector.core import alarms as core
from connector.core.alarms import Alarm
from connector.store import backup_notes, findings, health, heard, snapshots
from connector.store.tables import accounts, in_state, numbers, sends

LAG = timedelta(minutes=15)
DOUBT = timedelta(hours=1)  # statuses that may settle a send in doubt have come by then
BACKUP = timedelta(hours=36)  # a nightly one that failed once is late by then
SOON = timedelta(days=14)
SEEN = "account:"  # and its id: the snapshot of its last check
TEMPLATES = ("template_paused", "template_disabled", "template_rejected")
_A, _S = accounts.c, sends.c


def found(conn: sa.Connection, now: datetime, systems: Mapping[str, str]) -> list[Alarm]:
    """All of them. `systems`: {account id: its name} of those whose webhooks come by themselves."""
    return [
        *_silent(conn, now, systems), *_late(conn, now), *_people(conn), *_unknown(conn, now), *_numbers(conn),
        *_templates(conn), *_backup(conn, now), *_tokens(conn, now),
    ]  # fmt: skip


def _silent(conn: sa.Connection, now: datetime, systems: Mapping[str, str]) -> list[Alarm]:
    hours, last = heard.hours(conn, now), heard.last(conn)
    told = []
    for id_, name in systems.items():
        quiet = core.silence(hours.get(id_, ()), last[id_], now) if id_ in last else None
        if quiet is not None:
            told.append(core.silent(name, id_, quiet, last[id_]))
    return told


def _late(conn: sa.Connection, now: datetime) -> list[Alarm]:
    names = _names(conn)
    lags = [lag for lag in health.lags(conn, now) if lag.since is not None and lag.since < now - LAG]
    return [core.late(lag.stage, lag.since, now, names.get(lag.account, "")) for lag in lags if lag.since]


def _people(conn: sa.Connection) -> list[Alarm]:
    rows = conn.execute(sa.select(_A.id, _A.name, _A.reason).where(_A.state == "needs_person").order_by(_A.name))
    hint = "Mend it, then: connector accounts check. Nothing is lost meanwhile, it waits."
    return [Alarm("needs_person", r.id, f"The account {r.name} needs a person: {r.reason}"[:400], hint) for r in rows]


def _unknown(conn: sa.Connection, now: datetime) -> list[Alarm]:
    old = sa.and_(in_state(sends, "unknown"), _S.started_at < now - DOUBT)
    some = sa.select(_S.id).where(old).limit(1000).subquery()
    n = conn.execute(sa.select(sa.func.count()).select_from(some)).scalar()
    hint = "connector sends list --state unknown: look at the chat, then resend or cancel it."
    return [Alarm("unknown_sends", "", f"{n} messages may or may not have been sent.", hint)] if n else []


def _numbers(conn: sa.Connection) -> list[Alarm]:
    told = []
    for row in conn.execute(sa.select(numbers).order_by(numbers.c.id)):
        name = row.name or row.id
        if row.quality == "RED":
            hint = "Send less, and only to people who asked for it: Meta lowers the limit next."
            told.append(Alarm("number_quality", row.id, f"The quality of the number {name} is low.", hint))
        if row.health in ("LIMITED", "BLOCKED"):
            word = row.health.lower()
            hint = "connector accounts check says why."
            told.append(Alarm("number_health", row.id, f"Meta says that sending from {name} is {word}.", hint))
    return told


def _templates(conn: sa.Connection) -> list[Alarm]:
    rows: Sequence[Any] = [row for row in findings.all_(conn) if row.code in TEMPLATES]
    return [Alarm(row.code, row.key, row.message[:400], row.hint[:400]) for row in rows]


def _backup(conn: sa.Connection, now: datetime) -> list[Alarm]:
    """Only where backups are made by us at all: a database may be backed up by its own house."""
    noted, good, told = backup_notes.last(conn), backup_notes.last_good(conn), list[Alarm]()
    if noted and not noted.get("ok"):
        text = f"The last backup failed: {noted.get('error') or 'it did not say why'}"
        told.append(Alarm("backup_failed", "", text[:400], "Mend it, then: connector backup"))
    if good is not None and good <= now - BACKUP:
        text = f"The last backup is of {good:%Y-%m-%d %H:%M} UTC."
        told.append(Alarm("backup_old", "", text, "Make one, and look why the usual one was not made."))
    return told


def _tokens(conn: sa.Connection, now: datetime) -> list[Alarm]:
    """By the last check of each account: the day a token ends."""
    names, told = _names(conn), []
    for name, body in snapshots.beginning(conn, SEEN).items():
        for issue in body.get("issues", ()):
            id_, at = name.removeprefix(SEEN), str(issue.get("at") or "")
            if issue.get("code") == "token_expires" and id_ in names and at and datetime.fromisoformat(at) < now + SOON:
                told.append(Alarm("token_expires", id_, f"{names[id_]}: {issue['message']}", issue.get("hint", "")))
    return told


def _names(conn: sa.Connection) -> dict[str, str]:
    return {row.id: row.name for row in conn.execute(sa.select(_A.id, _A.name))}
