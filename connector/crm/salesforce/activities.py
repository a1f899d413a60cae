"""Timeline entries and tasks: Salesforce Tasks, upserted by our own external id so that writing twice is safe."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.core.changes import Outcome
from connector.core.contact import Value
from connector.crm.salesforce.client import Client
from connector.crm.salesforce.find import batches, is_id, select
from connector.crm.salesforce.rows import Row
from connector.crm.salesforce.schema import REF, Schema, safe_object
from connector.crm.salesforce.write import Writer
from connector.ports import ActivityChange

SUBJECT, DESCRIPTION = 255, 32_000  # characters; Task object reference
PEOPLE = frozenset({"Contact", "Lead"})  # WhoId takes these, WhatId everything else
USER_PREFIX = "005"  # of a user's id; a queue's is 00G, and a task cannot always belong to one
_TITLES = {"message": "WhatsApp message", "note": "WhatsApp note", "task": "WhatsApp: please look"}


class Activities:
    """`write` of the port for activities."""

    def __init__(self, client: Client, schema: Schema, writer: Writer, zone: str | None) -> None:
        self._client, self._schema, self._writer = client, schema, writer
        self._zone = zone

    def write(self, changes: Sequence[ActivityChange]) -> list[Outcome]:
        """One outcome a change, in order; `activity` is the Task's id."""
        looked = [c for c in changes if c.kind == "task" or c.look_first]
        found = self._already([ref for c in looked for ref in (c.ref, c.former) if ref])
        there = {c.ref: id_ for c in looked if (id_ := found.get(c.ref) or found.get(c.former))}
        owners, notes = self._owners(changes)
        made = {c.id: self._row(c, owners.get(c.id)) for c in changes if c.ref not in there}
        wrote = dict(zip(made, self._writer.run(list(made.values())), strict=True))
        return [_outcome(c, wrote.get(c.id), there.get(c.ref), notes.get(c.id)) for c in changes]

    def _already(self, refs: Sequence[str]) -> dict[str, str]:
        """Tasks that exist: a second upsert would reopen what somebody has done or handed on since."""
        found: dict[str, str] = {}
        for group in batches(refs):
            for row in self._client.query(select(["Id", REF], "Task", REF, group)):
                found.setdefault(str(row[REF]), str(row["Id"]))
        return found

    def _row(self, change: ActivityChange, owner: str | None) -> Row:
        link = "WhoId" if change.object in PEOPLE else "WhatId"
        done = change.kind != "task"
        fields: dict[str, Value] = {
            link: change.record,
            "Subject": " ".join((change.title or _TITLES.get(change.kind, "WhatsApp")).split())[:SUBJECT],
            "Description": change.text[:DESCRIPTION],
            "Status": "Completed" if done else "Not Started",
            "Priority": "Normal",
            "ActivityDate": self._day(change.at),
        }
        if owner:
            fields["OwnerId"] = owner
        return Row("Task", "upsert", fields, {REF: change.ref}, must=frozenset({link, "Subject"}))

    def _day(self, at: datetime) -> str:
        """ActivityDate has no time: the day it was where the business is."""
        try:
            return at.astimezone(ZoneInfo(self._zone)).date().isoformat() if self._zone else at.date().isoformat()
        except (ZoneInfoNotFoundError, ValueError):
            return at.date().isoformat()

    # ---- owners ----
    def _owners(self, changes: Sequence[ActivityChange]) -> tuple[dict[str, str], dict[str, str]]:
        """Change id -> owner id, and change id -> why it has none (the task then belongs to our own user)."""
        tasks = [c for c in changes if c.kind == "task" and c.owner]
        of_records = self._record_owners([c for c in tasks if c.owner == "owner"])
        users = self._users([c.owner for c in tasks if c.owner != "owner"])
        owners: dict[str, str] = {}
        notes: dict[str, str] = {}
        for change in tasks:
            found = (
                of_records.get(change.record[:15]) if change.owner == "owner" else users.get(change.owner.casefold())
            )
            if found and found.startswith(USER_PREFIX):
                owners[change.id] = found
            else:
                notes[change.id] = _why(change, found)
        return owners, notes

    def _record_owners(self, tasks: Sequence[ActivityChange]) -> dict[str, str]:
        by_object: dict[str, list[str]] = {}
        for change in tasks:
            if is_id(change.record):
                by_object.setdefault(safe_object(change.object), []).append(change.record)
        found: dict[str, str] = {}
        for object, ids in by_object.items():
            if "OwnerId" not in self._schema.known(object):  # a detail record: its master's owner is nobody here
                continue
            rows = self._client.retrieve(object, list(dict.fromkeys(ids)), ["Id", "OwnerId"])
            found.update({str(r["Id"])[:15]: str(r.get("OwnerId") or "") for r in rows})
        return found

    def _users(self, mails: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for group in batches(mails):
            rows = self._client.query(select(["Id", "Email"], "User", "Email", group, "IsActive = true AND "))
            for row in rows:
                found.setdefault(str(row["Email"]).casefold(), str(row["Id"]))
        return found


def _why(change: ActivityChange, found: str | None) -> str:
    if change.owner != "owner":
        return f"Salesforce has no active user {change.owner}: the task is with our own user."
    return (
        "The record belongs to a queue: the task is with our own user."
        if found
        else "The record's owner is unknown: the task is with our own user."
    )


def _outcome(change: ActivityChange, wrote: Outcome | None, there: str | None, note: str | None) -> Outcome:
    refused: Mapping[str, str] = {"owner": note} if note and not there else {}
    if wrote is None:
        return Outcome(state="done", record=change.record, activity=there)
    task = wrote.record if wrote.state == "done" else None
    return replace(wrote, record=change.record, activity=task, refused={**wrote.refused, **refused})
