"""Every table and column, those of tomorrow too: after an erasure the person's phone stands in none of them.

The rows are made from the tables as they are declared: each column of text, JSON or bytes holds the phone, unless it is
named here as one that never can. Who adds a column adds an eraser for it (store/mentions.py), or a line here.
"""

import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from connector.pipeline.people import privacy
from connector.store.engine import Store, open_store
from connector.store.secrets import Keyring
from connector.store.tables import Json, Time, metadata

NOW = datetime.now(UTC)
OLD = NOW - timedelta(hours=1)
PHONE, CONTACT, ACCOUNT = "573017778899", "c1", "acc"
# Ids and words of ours, whatever the table: a phone cannot get there.
NEVER = frozenset({
    "id", "account", "contact", "send", "delivery", "kind", "state", "category", "who", "label", "outcome",
    "journey", "document", "template", "language", "step", "number", "object", "broadcast", "version", "role",
    "password", "hash", "hint", "csrf", "user", "source", "crm", "session", "scope", "way", "mime", "media",
    "sha256", "declared", "format", "status", "quality", "tier", "health", "template_id", "correct_category",
    "previous_category", "flow", "waits", "found_by", "how", "started_by", "ended_by", "asked", "behind",
    "answered_by", "goal", "task", "callback", "wait_for", "merged_into", "spec", "value_hash", "wish",
    "display", "verified_name", "campaign", "condition",
})  # fmt: skip
# Tables of the business itself: its people, its systems, its texts. They are no customers.
OURS = frozenset({
    "accounts", "numbers", "documents", "document_versions", "templates", "catalogue", "users", "sessions",
    "invites", "throttles", "api_tokens", "settings", "timers", "cursors", "counters", "figures", "tallies",
    "report_days", "goals_reached", "totals", "uploads", "upload_parts", "erasures", "erased_ids", "audit_chain",
    "consents_asked", "recovery_codes",
})  # fmt: skip
# Columns with the reason why they are left.
LEFT = {
    "alarm_calls.alarm", "alarm_calls.target", "alarm_calls.what", "alarms.code", "alarms.id", "audit.action",
    "audit.digest", "broadcast_people.code", "broadcast_people.person", "broadcasts.author", "broadcasts.cursor",
    "broadcasts.key", "broadcasts.name", "broadcasts.reason", "broadcasts.source", "broadcasts.starter",
    "callbacks.event", "changes.event", "changes.lane", "changes.record", "conversations.outcome",
    "crm_links.record_id", "events.lane", "findings.code", "findings.document", "holds.event", "media.event",
    "media.media_id", "media_ids.media_id", "media_ids.reason", "own_writes.field", "own_writes.record",
    "plans.event", "plans.lane", "record_values.field", "record_values.record", "send_attempts.code",
    "send_attempts.lane", "sends.code", "sends.event", "sends.lane", "sends.pricing", "sends.record",
    "shadows.event", "snapshots.name", "statuses.send", "tasks.author", "tasks.kind",
}  # fmt: skip


@pytest.fixture
def full(sqlite_url: str, home: Path) -> Store:
    """A row in every table, with the phone wherever one could stand."""
    store = open_store(sqlite_url, home=home)
    store.keyring = Keyring([Fernet.generate_key().decode()])
    with store.write() as conn:
        for table in (one for one in metadata.sorted_tables if one.name not in ("erasures", "erased_ids")):
            conn.execute(sa.insert(table).values(row(table)))
        conn.execute(sa.text("DELETE FROM contact_keys"))
        keys = metadata.tables["contact_keys"]
        conn.execute(sa.insert(keys).values(kind="wa_id", value=PHONE, contact=CONTACT, at=OLD))
        conn.execute(sa.text("UPDATE contacts SET merged_into = NULL"))
    return store


def row(table: sa.Table) -> dict[str, Any]:
    return {column.name: cell(column) for column in table.columns if column.name != "seq"}


FIXED = {"contact": CONTACT, "lane": CONTACT, "account": ACCOUNT, "crm": ACCOUNT, "record": "1512"}
STATES = {"deliveries": "unpacked", "events": "done", "plans": "done", "changes": "done", "sends": "read",
          "tasks": "done", "broadcasts": "done", "erasures": "done"}  # fmt: skip


def cell(column: sa.Column[Any]) -> Any:
    name = column.name
    if isinstance(column.type, Time):
        return OLD
    if isinstance(column.type, sa.Integer | sa.BigInteger):
        return 0
    if column.table.name == "upload_parts":
        return {"upload": "id-1"}.get(
            name, zlib.compress(f"phone;name\n+57 301 777 8899;Zoraida\n{PHONE};Z\n".encode())
        )
    if isinstance(column.type, sa.LargeBinary):
        return f'{{"from":"{PHONE}","text":"call {PHONE}"}}'.encode()
    if name == "state" and not isinstance(column.type, Json):
        return STATES.get(column.table.name, "stored")
    if column.table.name in ("contacts", "conversations") and name == "id":
        return CONTACT
    if harmless(column):
        told = FIXED.get(name, f"{name}-1")
        return [told] if isinstance(column.type, Json) else told
    if name == "headers":
        return f'{{"x-hook-query":"to={PHONE}"}}'
    if isinstance(column.type, Json):
        return {"of": f"+{PHONE}", "raw": {"from": PHONE}, "list": [PHONE]}
    return f"of {PHONE} here"


def harmless(column: sa.Column[Any]) -> bool:
    full_name = f"{column.table.name}.{column.name}"
    return column.table.name in OURS or full_name in LEFT or (
        column.name in NEVER and not isinstance(column.type, Json)
    )  # fmt: skip


def found(store: Store) -> list[str]:
    with store.read() as conn:
        return [
            f"{table.name}.{name}"
            for table in metadata.sorted_tables
            for row_ in conn.execute(sa.text(f'SELECT * FROM "{table.name}"')).mappings()
            for name, value in row_.items()
            if any(one in plain(table.name, value) for one in (PHONE, "Zoraida"))
        ]


def plain(table: str, value: Any) -> str:
    if isinstance(value, bytes):
        return (zlib.decompress(value) if table == "upload_parts" else value).decode()
    return str(value)


def test_no_column_of_any_table_keeps_an_erased_persons_phone(full: Store) -> None:
    assert len(found(full)) > 40
    privacy.erase(full, CONTACT, "ana", NOW)
    assert "\n".join(found(full)) == ""
    path = Path(str(full.engine.url.database))
    for file in (path, path.with_name(path.name + "-wal")):
        assert not file.exists() or PHONE.encode() not in file.read_bytes()
    full.close()


def test_every_name_in_these_lists_is_of_a_column_there_is() -> None:
    columns = {f"{t.name}.{c.name}" for t in metadata.sorted_tables for c in t.columns}
    assert columns >= LEFT
    assert set(metadata.tables) >= OURS
