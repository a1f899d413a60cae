"""A business with a long past, filled in bulk: a million events, 100,000 contacts, 400,000 sends, in realistic states.

`python -m tests.bench.big DATABASE_URL [SHARE]` makes one (the database may be new); the tables stay as migrations
leave them. Everything lies in the 30 days before `now`; what waits, and what needs a person, is mostly new."""

import json
import random
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from connector.core.text import words
from connector.store.engine import upgrade
from connector.store.tables import metadata, to_ms

EVENTS, CONTACTS, SENDS, DAYS = 1_000_000, 100_000, 400_000, 30
NUMBERS = ("106540352242922", "106540352242923")
WHATSAPP, HUBSPOT, SALESFORCE = "wa-account", "hub-account", "sf-account"
MAPPINGS = ("webinar-interest", "nps-answer", "visit-answer", "every-text", "consent-answer")
SENDERS = ("visit-reminder", "deal-won", "invoice-due", "welcome")
TEMPLATES = ("visit_reminder_v2", "deal_won_v1", "invoice_due_v3", "welcome_v1")
FIRST = ("María José", "Ana", "Luis", "Camilo", "Sofía", "João", "Inés", "Beatriz", "Óscar", "Zoë", "Pedro", "Lucía")
LAST = ("Ñúñez", "García", "Rodríguez", "Souza", "Pérez", "Gómez", "Álvarez", "Restrepo", "Ortiz", "Müller", "Díaz")
ENDS = (  # (share of sends, state, code, who)
    (0.42, "read", "", ""), (0.36, "delivered", "", ""), (0.11, "sent", "", ""), (0.002, "accepted", "", ""),
    (0.03, "failed", "graph_131026", "customer"), (0.02, "refused", "consent", "customer"),
    (0.005, "expired", "give_up", ""), (0.005, "cancelled", "cancelled", ""), (1.0, "read", "", ""),
)  # fmt: skip
FLUSH = 20_000


@dataclass
class Sink:
    """Rows of each table, written in batches; indexes that no constraint needs are made at the end."""

    url: str
    pending: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lite = self.url.startswith("sqlite")
        if self.lite:
            self.db: Any = sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY"):
                self.db.execute(f"PRAGMA {pragma}")
            found = self.db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        else:
            address = sa.make_url(self.url)
            self.db = psycopg.connect(
                host=address.query.get("host") or address.host, user=address.username, dbname=address.database,
                password=address.password, port=address.port,
            )  # fmt: skip
            found = self.db.execute(
                "SELECT indexname, indexdef FROM pg_indexes i WHERE schemaname = current_schema() AND NOT EXISTS "
                "(SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)"
            )
        self.indexes = [(name, text) for name, text in found.fetchall() if "alembic" not in name]
        self.db.execute("BEGIN" if self.lite else "SET synchronous_commit = off")
        for name, _ in self.indexes:
            self.db.execute(f"DROP INDEX {name}")

    def put(self, table: str, columns: tuple[str, ...], row: tuple[Any, ...]) -> None:
        rows = self.pending.setdefault(table, [])
        self.columns[table] = columns
        rows.append(row)
        if len(rows) >= FLUSH:
            self.flush(table)

    def flush(self, table: str) -> None:
        rows, names = self.pending.pop(table, []), self.columns[table]
        quoted = ", ".join(f'"{name}"' for name in names)
        if self.lite:
            self.db.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({', '.join('?' * len(names))})", rows)
            return
        with self.db.cursor() as cursor, cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        for table in list(self.pending):
            self.flush(table)
        for _, text in self.indexes:
            self.db.execute(text)
        if not self.lite:
            for table in metadata.tables.values():
                if "seq" in table.c:
                    query = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'seq'), GREATEST(max(seq), 1))"
                    self.db.execute(f"{query} FROM {table.name}")
        self.db.commit()
        if self.lite:
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            self.db.autocommit = True
            self.db.execute("VACUUM (ANALYZE)")
        self.db.close()


def uuid7(ms: int, n: int) -> str:
    """As connector.ids makes them, the same each time."""
    digits = f"{ms:012x}"
    return f"{digits[:8]}-{digits[8:]}-7{n & 0xFFF:03x}-8{n >> 12 & 0xFFF:03x}-{n:012x}"


@dataclass
class Past:
    """Makes the rows. `share` 0.01 = a hundredth of everything."""

    sink: Sink
    now: datetime
    share: float = 1.0
    seq: int = 0
    changes: int = 0
    _sent: list[tuple[str, str, int, int]] = field(default_factory=list)  # id, wamid, at, contact

    def __post_init__(self) -> None:
        self.dice = random.Random(7)
        self.events, self.people = int(EVENTS * self.share), int(CONTACTS * self.share)
        self.end = to_ms(self.now)
        self.start = self.end - DAYS * 86_400_000

    def at(self, n: int) -> int:
        return self.start + (self.end - self.start) * n // self.events

    def contact(self, n: int) -> str:
        return uuid7(self.start - 1_000_000 + n, n)

    def make(self) -> None:
        self._accounts()
        self._documents()
        for n in range(self.people):
            self._person(n)
        for n in range(self.events):
            self._event(n)
        self.sink.close()

    # ---- who ---------------------------------------------------------------------------------------------------
    def _accounts(self) -> None:
        columns = ("id", "kind", "name", "settings", "state", "reason", "created_at")
        for id_, kind, settings in (
            (WHATSAPP, "whatsapp", {"phone_number_id": NUMBERS[0], "waba_id": "1022"}),
            (HUBSPOT, "hubspot", {"portal_id": "2468", "country": "CO"}), (SALESFORCE, "salesforce", {"org_id": "00D"}),
        ):  # fmt: skip
            self.sink.put("accounts", columns, (id_, kind, kind, json.dumps(settings), "ok", "", self.start))
        columns = ("id", "account", "name", "display", "throughput", "tier", "quality", "health")
        for n, number in enumerate(NUMBERS):
            self.sink.put(
                "numbers", columns, (number, WHATSAPP, "shop", f"+5730011122{n}", 80, "TIER_10K", "GREEN", "")
            )

    def _documents(self) -> None:
        versions = ("document", "n", "text", "author", "at", "state")
        for name in (*MAPPINGS, *SENDERS):
            kind = "mapping" if name in MAPPINGS else "send"
            self.sink.put("documents", ("id", "kind", "name"), (f"doc-{name}", kind, name))
            for n in range(1, 21):
                state = "live" if n == 20 else "retired"
                self.sink.put("document_versions", versions, (f"doc-{name}", n, _document(name), "ana", self.start, state))
        columns = ("account", "name", "language", "status", "category", "components", "at")
        for template in TEMPLATES:
            self.sink.put("templates", columns, (WHATSAPP, template, "es", "APPROVED", "UTILITY", "[]", self.start))

    def _person(self, n: int) -> None:
        id_, wa_id = self.contact(n), f"57300{n:07}"
        name = f"{self.dice.choice(FIRST)} {self.dice.choice(LAST)} {n}"
        wrote = self.end - self.dice.randrange(DAYS * 86_400_000) if n % 3 else None
        self.sink.put("contacts", ("id", "name", "last_inbound_at", "created_at"), (id_, name, wrote, self.start))
        keys = [("phone", "+" + wa_id)] + ([("wa_id", wa_id), ("bsuid", f"CO.{wa_id}")] if wrote else [])
        for kind, value in keys:
            self.sink.put("contact_keys", ("kind", "value", "contact", "at"), (kind, value, id_, self.start))
        for word in words(name):
            self.sink.put("contact_words", ("word", "contact"), (word, id_))
        link = ("contact", "account", "object", "record_id", "found_by", "at")
        self.sink.put("crm_links", link, (id_, HUBSPOT, "contacts", str(n), "whatsapp", self.start))
        if n % 10 == 0:
            consent = ("contact", "category", "state", "how", "at", "evidence", "event")
            state = "opted_out" if n % 50 == 0 else "opted_in"
            self.sink.put("consents", consent, (id_, "marketing", state, "stop_word", self.start, "STOP", None))

    # ---- what happened -----------------------------------------------------------------------------------------
    def _event(self, n: int) -> None:
        self.seq += 1
        lot = n % 20
        if lot < 8 and len(self._sent) < SENDS * self.share:
            self._trigger(n)
        elif lot < 12:
            self._message(n)
        elif self._sent:
            self._status(n)
        else:
            self._message(n)

    def _row(self, id_: str, lane: str, kind: str, payload: str, at: int, state: str, error: str | None = None) -> None:
        if self.seq % 2:
            delivery = ("id", "account", "received_at", "body", "state")
            self.sink.put("deliveries", delivery, (id_, WHATSAPP, at, b'{"entry": []}', "unpacked"))
        columns = (
            "seq",
            "id",
            "delivery",
            "account",
            "dedupe_key",
            "lane",
            "kind",
            "payload",
            "received_at",
            "state",
            "error",
        )
        account = WHATSAPP if kind in ("InboundMessage", "DeliveryStatus") else HUBSPOT
        self.sink.put(
            "events", columns, (self.seq, id_, id_, account, f"key.{self.seq}", lane, kind, payload, at, state, error)
        )

    def _plan(
        self, id_: str, lane: str, journey: str, state: str, body: str | None, at: int, error: str | None
    ) -> None:
        columns = ("event", "account", "event_seq", "lane", "journey", "state", "body", "error", "done_at")
        row = (id_, HUBSPOT, self.seq, lane, journey, state, body, error, at + 900 if state == "done" else None)
        self.sink.put("plans", columns, row)

    def _change(
        self, id_: str, n: int, lane: str, kind: str, body: str, state: str, outcome: str | None, at: int
    ) -> None:
        self.changes += 1
        columns = ("seq", "event", "account", "ordinal", "lane", "object", "record", "kind", "body", "state", "outcome",
                   "done_at")  # fmt: skip
        done = at + 1500 if state in ("done", "refused", "review") else None
        row = (self.changes, id_, HUBSPOT, n, lane, "contacts", lane[-6:], kind, body, state, outcome, done)
        self.sink.put("changes", columns, row)

    def _message(self, n: int) -> None:
        at, who = self.at(n), self.dice.randrange(self.people)
        id_, lane = uuid7(at, n), self.contact(who)
        text = f"Hola, mensaje {n} con algo de texto que una persona escribe"
        waits, dice = n > self.events * 0.9985, self.dice.random()
        dead = dice < 0.0002
        self._row(id_, lane, "InboundMessage", _MESSAGE % (n, who, text, n, who, text), at,
                  "dead" if dead else "new" if waits else "done", "Who?" if dead else None)  # fmt: skip
        if dead:
            return
        if waits or dice < 0.0004:
            state = "new" if waits else "dead"
            self._plan(id_, lane, "reply", state, None, at, None if waits else "KeyError: 'x'")
            return
        self._plan(id_, lane, "reply", "done", _body(self.dice.choice(MAPPINGS), dice < 0.03), at, None)
        if dice < 0.03:
            outcome = json.dumps({"document": MAPPINGS[0], "answer": f"respuesta {n % 300}"})
            self._change(id_, 0, lane, "Ask", _ASK, "review", outcome, at)
        elif dice < 0.035:
            outcome = f'{{"text":"The CRM refused the value {n % 7}.","code":"INVALID_OPTION"}}'
            self._change(id_, 0, lane, "SetField", _FIELD % text, "review" if dice < 0.032 else "refused", outcome, at)
        else:
            self._change(id_, 0, lane, "SetField", _FIELD % text, "done", '{"record":"1","ms":210}', at)
            self._change(id_, 1, lane, "LogActivity", _LOG % text, "done", '{"record":"1","ms":120}', at)

    def _trigger(self, n: int) -> None:
        at, who = self.at(n), self.dice.randrange(self.people)
        id_, kind = uuid7(at, n), self.dice.randrange(4)
        payload = f'{{"id":"{n}","object":"deals","record":"{n}","what":"changed","field":"dealstage","value":"won"}}'
        lane = f"record:{HUBSPOT}:deals:{n}"
        self._row(id_, lane, "RecordChanged", payload, at, "done")
        self._plan(id_, lane, "trigger", "done", _body(SENDERS[kind], False), at, None)
        self._send(n, at, id_, who, kind)

    def _send(self, n: int, at: int, event: str, who: int, kind: int) -> None:
        state, code, mender = self._end(n)
        next_at = self.end + 3_600_000 if state == "waiting" else self.end - 1000 if state == "ready" else None
        reason = "" if state in ("read", "delivered", "sent", "accepted") else f"It is {state} because of {code}."
        id_ = uuid7(at + 500, n)
        wamid = f"wamid.{n}" if state in ("read", "delivered", "sent", "accepted", "failed") else None
        columns = ("id", "cause", "event", "account", "crm", "lane", "number", "document", "version", "template",
                   "language", "category", "priority", "to", "body", "context", "state", "code", "reason", "who",
                   "next_at", "wamid", "rank", "attempts", "at", "started_at", "ended_at")  # fmt: skip
        rank = {"accepted": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5}.get(state, 0)
        row = (id_, f"cause.{n}", event, WHATSAPP, HUBSPOT, self.contact(who), NUMBERS[n % 2], SENDERS[kind], 20,
               TEMPLATES[kind], "es", "UTILITY", 1, f"+57300{who:07}", _TEMPLATE, _CONTEXT, state, code, reason, mender,
               next_at, wamid, rank, 1 if wamid else 0, at + 500, at + 900 if wamid else None,
               at + 1200 if next_at is None else None)  # fmt: skip
        self.sink.put("sends", columns, row)
        if wamid:
            tries = ("send", "n", "lane", "number", "started_at", "ended_at", "outcome")
            self.sink.put(
                "send_attempts", tries, (id_, 1, self.contact(who), NUMBERS[n % 2], at + 900, at + 1200, "accepted")
            )
            self._sent.append((id_, wamid, at, who))
        else:
            self._sent.append((id_, "", at, who))

    def _end(self, n: int) -> tuple[str, str, str]:
        if n > self.events * 0.99:
            state = self.dice.choices(("waiting", "ready", "in_flight", "read"), (50, 45, 0.5, 4))[0]
            return state, "quiet_hours" if state == "waiting" else "", ""
        dice = self.dice.random()
        if dice < 0.0001:
            return "unknown", "timeout", "you"
        for share, state, code, who in ENDS:
            dice -= share
            if dice < 0:
                return state, code, who
        return "read", "", ""

    def _status(self, n: int) -> None:
        at = self.at(n)
        send, wamid, _, who = self._sent[-1 - self.dice.randrange(min(len(self._sent), 500))]
        id_, lane, status = uuid7(at, n), self.contact(who), self.dice.choice(("sent", "delivered", "read"))
        payload = f'{{"id":"{n}","number":"{NUMBERS[0]}","wamid":"{wamid}","status":"{status}","send":"{send}"}}'
        self._row(id_, lane, "DeliveryStatus", payload, at, "done")
        if wamid and n % 2:
            columns = ("wamid", "status", "event", "send", "at")
            self.sink.put("statuses", columns, (wamid, status, f"key.{self.seq}", send, at))


_MESSAGE = (
    '{"id":"wamid.%d","number":"106540352242922","type":"text","wa_id":"57300%07d","name":"Ana","text":"%s",'
    '"answer":{},"raw":{"id":"wamid.%d","from":"57300%07d","type":"text","text":{"body":"%s"}}}'
)
_ASK = '{"kind":"Ask","why":"not_understood","text":"The answer is not in the map","field":"lifecyclestage"}'
_FIELD = '{"kind":"SetField","field":"whatsapp_last_answer","value":"%s"}'
_LOG = '{"kind":"LogActivity","what":"message","text":"%s","at":"2026-11-01T10:00:00+00:00"}'
_TEMPLATE = json.dumps({"type": "template", "template": {"name": "t", "components": [{"type": "body"}] * 3}})
_CONTEXT = json.dumps({"record": {"amount": "100", "dealstage": "won", "closedate": "2026-11-01"}, "contact": {}})
_MORE = "# a line of text\n" * 40
_TEXT = """mapping: %s
crm: hubspot
when: {answer_to: webinar_invite_v2, type: [button, text]}
contact: {find_by: [whatsapp, phone], if_missing: create, if_several: newest}
set:
  field_1: {from: answer.id | default(answer.text), map: {yes: Interested, no: Declined}, else: review}
  field_2: "{{ answer.text }}"
log: message
""" + _MORE
_SENDS = """send: %s
crm: hubspot
when: {deal.dealstage: {becomes: won}}
to: deal.contact
template: %s
language: es
""" + _MORE


def _document(name: str) -> str:
    """A text that can be read."""
    return _TEXT.replace("%s", name) if name in MAPPINGS else _SENDS % (name, TEMPLATES[SENDERS.index(name)])


def _body(document: str, asks: bool) -> str:
    """The plan of an event that one of the documents matched."""
    parts: list[dict[str, Any]] = []
    for name in MAPPINGS if document in MAPPINGS else (document,):
        mine = name == document
        why = "answers webinar_invite_v2" if mine else "did not match: it is a text message, not button"
        reason = {"field": "whatsapp_last_answer", "because": "written as it is", "outcome": "write", "value": "Hola",
                  "change": 0}  # fmt: skip
        parts.append(
            {"document": name, "version": 20, "matched": mine, "because": why, "outcome": "review" if asks else "",
             "reasons": [reason] if mine else []} | ({"ordinals": [0]} if mine else {})
        )  # fmt: skip
    return json.dumps(parts, separators=(",", ":"))


def fill(url: str, share: float = 1.0, now: datetime | None = None) -> float:
    """Makes the tables and fills them; the seconds it took."""
    started = time.monotonic()
    upgrade(url)
    Past(Sink(url), now or datetime.now(UTC), share).make()
    return time.monotonic() - started


def main(args: Sequence[str]) -> Iterator[str]:
    yield f"{fill(args[0], float(args[1]) if len(args) > 1 else 1.0):.0f} s"


if __name__ == "__main__":
    print(*main(sys.argv[1:]))
