"""The tables. Ids are text (uuid7, or the vendor's own); times are whole milliseconds UTC; JSON is text, ASCII-escaped.

JSON stays `text` on Postgres too: json and jsonb refuse U+0000 and lone surrogates, which customers do send
(docs/decisions/0002).
Partial indexes on the pending states keep a claim's cost flat however long the history is.
"""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(at: datetime) -> int:
    """Whole milliseconds since 1970 of an aware time."""
    delta = at - EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def from_ms(value: int) -> datetime:
    """The aware UTC time of whole milliseconds since 1970."""
    return datetime.fromtimestamp(value / 1000, UTC)


class Time(sa.types.TypeDecorator[datetime]):
    """An aware datetime, kept as whole milliseconds UTC so that both databases count and compare alike."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else to_ms(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else from_ms(value)


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode  # json.dumps makes an encoder at each call


class Json(sa.types.TypeDecorator[Any]):
    """A JSON value as ASCII text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else _encode(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)


metadata = sa.MetaData()
# Marks a column whose text, or whose JSON, holds what a Keyring encrypted: `connector keys rotate` finds it by that.
SEALED = {"sealed": True}
Id = sa.Text
BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """A table of ours; SQLite rowids are never used again after a delete."""
    return sa.Table(name, metadata, *parts, sqlite_autoincrement=True)


def seq() -> sa.Column[int]:
    return sa.Column("seq", BigId, sa.Identity(always=False), primary_key=True, autoincrement=True)


def text(name: str, default: str | None = None, *, info: dict[str, Any] | None = None) -> sa.Column[str]:
    """A text column: never null when it has a default."""
    if default is None:
        return sa.Column(name, sa.Text, info=info)
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def pending(name: str, on: sa.Table, condition: str, *columns: str) -> None:
    """A partial index: only the rows that still wait are in it."""
    where = sa.text(condition)
    sa.Index(name, *(on.c[c] for c in columns), postgresql_where=where, sqlite_where=where)


def in_state(of: sa.FromClause, *states: str) -> sa.ColumnElement[bool]:
    """`state` is one of these, as the partial indexes spell it: SQLite looks past an IN with parameters (measured)."""
    column = of.c.state
    literals: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{state}'") for state in states]
    return column == literals[0] if len(states) == 1 else column.in_(literals)


accounts = table(
    "accounts",
    sa.Column("id", Id, primary_key=True),
    text("kind", ""),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("settings", Json, nullable=False),
    text("secrets", info=SEALED),  # encrypted JSON
    text("token", info=SEALED),  # encrypted JSON: the access token and what came with it
    text("state", "ok"),  # ok paused needs_person removed
    text("reason", ""),
    sa.Column("created_at", Time, nullable=False),
)

numbers = table(
    "numbers",
    sa.Column("id", Id, primary_key=True),  # phone_number_id
    text("account", ""),
    text("name", ""),
    text("display", ""),
    sa.Column("throughput", sa.Integer),
    text("tier", ""),
    text("health", ""),
    sa.Column("state", Json),  # the last account alerts by field
    text("verified_name", ""),
    text("quality", ""),  # GREEN YELLOW RED UNKNOWN
    sa.Column("profile", Json),  # the business profile as Meta has it
    sa.Column("checked_at", Time),
)

deliveries = table(
    "deliveries",
    seq(),
    sa.Column("id", Id, nullable=False),
    sa.Column("account", Id, nullable=False),
    sa.Column("received_at", Time, nullable=False),
    text("headers", "{}"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    text("state", "new"),  # new unpacked dead
    number("attempts"),
    text("error"),
)
sa.Index("deliveries_id", deliveries.c.id)  # not unique: a group whose commit broke off is stored again
pending("deliveries_new", deliveries, "state = 'new'", "seq")
pending("deliveries_dead", deliveries, "state = 'dead'", "seq")

contacts = table(
    "contacts",
    sa.Column("id", Id, primary_key=True),
    text("name", ""),
    text("merged_into"),
    sa.Column("last_inbound_at", Time),
    sa.Column("created_at", Time, nullable=False),
)
sa.Index("contacts_last", contacts.c.last_inbound_at, contacts.c.id)
pending("contacts_merged", contacts, "merged_into IS NOT NULL", "merged_into")

contact_keys = table(
    "contact_keys",
    sa.Column("kind", sa.Text, primary_key=True),  # bsuid wa_id (unique) · phone email (search hints)
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("contact", Id, primary_key=True),
    sa.Column("at", Time, nullable=False),
)
_IDENTITY = sa.text("kind IN ('bsuid', 'wa_id')")
sa.Index(
    "contact_keys_identity",
    contact_keys.c.kind,
    contact_keys.c.value,
    unique=True,
    postgresql_where=_IDENTITY,
    sqlite_where=_IDENTITY,
)
sa.Index("contact_keys_contact", contact_keys.c.contact)

crm_links = table(
    "crm_links",
    sa.Column("contact", Id, primary_key=True),
    sa.Column("account", Id, primary_key=True),
    text("object", ""),
    text("record_id", ""),
    text("found_by", ""),
    sa.Column("at", Time, nullable=False),
)
sa.Index("crm_links_record", crm_links.c.account, crm_links.c.record_id)

events = table(
    "events",
    seq(),
    sa.Column("id", Id, nullable=False, unique=True),
    text("delivery"),
    sa.Column("account", Id, nullable=False),
    sa.Column("dedupe_key", sa.Text, nullable=False),
    text("lane"),  # the contact; null = concerns no contact
    text("kind", ""),
    sa.Column("payload", Json, nullable=False),
    sa.Column("received_at", Time, nullable=False),
    text("state", "new"),  # new done dead
    number("attempts"),
    sa.Column("next_at", Time),
    text("error"),
    sa.UniqueConstraint("dedupe_key", "account", name="events_dedupe"),
)
sa.Index("events_lane", events.c.lane, events.c.seq)
sa.Index("events_delivery", events.c.delivery)
pending("events_new", events, "state = 'new'", "seq")
pending("events_told", events, "kind <> 'DeliveryStatus'", "seq")  # what a person looks through
pending("events_dead", events, "state = 'dead'", "seq")
pending("events_dead_id", events, "state = 'dead'", "id")

plans = table(  # one per CRM account the event concerns, so that one CRM down does not hold the other
    "plans",
    sa.Column("event", Id, primary_key=True),
    sa.Column("account", Id, primary_key=True),
    sa.Column("event_seq", BigId, nullable=False),
    sa.Column("lane", Id, nullable=False),
    text("journey", "reply"),  # reply: a message is judged by mappings · trigger: a CRM event by send: documents
    text("state", "new"),  # new done dead
    number("attempts"),
    sa.Column("next_at", Time),
    sa.Column("body", Json),  # [dump_plan, ...] one per document
    text("error"),
    sa.Column("done_at", Time),
)
pending("plans_new_journey", plans, "state = 'new'", "account", "journey", "event_seq")
pending("plans_lane", plans, "state = 'new'", "lane", "account")
pending("plans_dead", plans, "state = 'dead'", "event_seq")
pending("plans_dead_event", plans, "state = 'dead'", "event")

changes = table(
    "changes",
    seq(),
    sa.Column("event", Id, nullable=False),
    sa.Column("account", Id, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("lane", Id, nullable=False),
    text("object", ""),
    text("record", ""),  # "" = the lane's own record, not known yet (an upsert by our unique field)
    text("kind", ""),  # SetField LogActivity CreateTask Ask SendMessage ...
    sa.Column("body", Json, nullable=False),
    text("state", "new"),  # new in_flight done refused review kept (stored, carried out by a later release)
    number("attempts"),
    sa.Column("next_at", Time),
    sa.Column("started_at", Time),
    sa.Column("outcome", Json),
    sa.Column("done_at", Time),
    sa.UniqueConstraint("event", "account", "ordinal", name="changes_once"),
)
pending("changes_pending", changes, "state IN ('new', 'in_flight')", "account", "seq")
pending("changes_pending_lane", changes, "state IN ('new', 'in_flight')", "lane", "account")
pending("changes_pending_record", changes, "state IN ('new', 'in_flight')", "account", "record")
pending("changes_review", changes, "state = 'review'", "seq")
pending("changes_review_event", changes, "state = 'review'", "event")
pending("changes_refused", changes, "state = 'refused'", "event")
sa.Index("changes_record", changes.c.account, changes.c.record, changes.c.seq)

sends = table(
    "sends",
    sa.Column("id", Id, primary_key=True),  # = biz_opaque_callback_data
    sa.Column("cause", sa.Text, nullable=False, unique=True),
    text("event"),  # events.id of what caused it; null = another tool's
    text("account", ""),  # the WhatsApp account
    text("crm", ""),  # the CRM account whose document it is
    text("lane"),
    text("number", ""),
    text("document", ""),
    number("version"),
    text("template", ""),
    text("language", ""),
    text("step", ""),  # flow.step or mapping.field of an ask_again
    text("category", ""),  # marketing utility authentication service
    number("priority"),  # 0 a reply to a person who waits, 1 everything else
    text("to", ""),  # E.164, what WhatsApp is told
    text("user_id"),  # BSUID, where no phone is known
    sa.Column("body", Json),  # the frozen message: {"type": ..., ...}
    sa.Column("buttons", Json),  # label -> id
    sa.Column("record", Json),  # [account, object, id] of the record whose event sent it
    sa.Column("person", Json),  # [account, object, id] of the recipient's own record
    sa.Column("context", Json),  # what its document may still ask for: {record, contact, webhook}
    text("callback"),  # a workflow action that waits: its callback id
    text("state", "waiting"),
    text("code", ""),  # of the reason: consent quiet_hours parameter graph_131047 ...
    text("reason", ""),
    text("who", ""),  # who can mend it: you Meta CRM customer
    text("label", ""),
    sa.Column("next_at", Time),
    sa.Column("give_up_at", Time),
    sa.Column("wamid", sa.Text, unique=True),
    number("rank"),
    number("attempts"),
    sa.Column("at", Time, nullable=False),
    sa.Column("started_at", Time),  # of the last attempt
    sa.Column("ended_at", Time),  # accepted, or ended without
    sa.Column("pricing", Json),  # {type, category}
    text("answered_by"),  # the event that answered it
    number("tell"),  # 1: its document's `after:`, or a callback, has something to hear
    number("told"),  # the rank that was told
    number("told_reply"),
    text("goal"),  # the lane of the record whose change says that it did what it was meant to
    text("broadcast", ""),  # the broadcast it belongs to
    text("behind"),  # the send that must have left, or ended, before this one: what is said to a person stays in order
)
pending("sends_broadcast", sends, "broadcast <> ''", "broadcast", "state")
sa.Index("sends_lane", sends.c.lane, sends.c.at)
sa.Index("sends_at", sends.c.at)
sa.Index("sends_event", sends.c.event)
pending("sends_open", sends, "state IN ('waiting', 'ready', 'in_flight', 'unknown')", "id")
pending("sends_waiting", sends, "state = 'waiting'", "crm", "next_at")
pending("sends_ready", sends, "state = 'ready'", "number", "priority", "next_at")
pending("sends_in_flight", sends, "state = 'in_flight'", "number", "started_at")
pending("sends_unknown", sends, "state = 'unknown'", "number", "started_at")
pending("sends_doubt", sends, "state = 'unknown'", "event", "id")
pending("sends_ended", sends, "state IN ('failed', 'refused', 'expired', 'cancelled')", "event")
for _state in ("failed", "refused", "expired", "cancelled"):  # for lists: an index of them all by state is not taken
    pending(f"sends_{_state}", sends, f"state = '{_state}'", "id")
pending("sends_held", sends, "state IN ('waiting', 'ready')", "document")
pending("sends_goal", sends, "goal IS NOT NULL", "goal")
pending("sends_tell", sends, "tell = 1", "crm")

send_attempts = table(  # append-only facts: one row per request that may have left
    "send_attempts",
    sa.Column("send", Id, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    text("lane"),
    text("number", ""),
    sa.Column("started_at", Time, nullable=False),
    sa.Column("ended_at", Time),
    text("outcome"),  # accepted again park failed unknown not_sent; null = under way, or its process died
    text("code"),
    text("text"),
)
sa.Index("send_attempts_lane", send_attempts.c.lane, send_attempts.c.started_at)

record_values = table(  # what a CRM's watched fields were when we last heard: `becomes` is a difference
    "record_values",
    sa.Column("account", Id, primary_key=True),
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("record", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    text("value"),
    sa.Column("at", Time, nullable=False),
)

own_writes = table(  # our own writes of watched fields: each absorbs one event (echo guard)
    "own_writes",
    seq(),
    sa.Column("account", Id, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    text("value_hash", ""),
    sa.Column("started_at", Time, nullable=False),
    sa.Column("ended_at", Time),
    number("used"),
)
sa.Index("own_writes_record", own_writes.c.account, own_writes.c.record, own_writes.c.field)
sa.Index("own_writes_started", own_writes.c.started_at)

callbacks = table(  # workflow actions that wait for what becomes of their message
    "callbacks",
    sa.Column("account", Id, primary_key=True),
    sa.Column("callback", sa.Text, primary_key=True),
    text("send"),
    text("event"),
    text("wait_for", "reply"),  # sent delivered reply
    sa.Column("expires_at", Time, nullable=False),
    text("state", "waiting"),  # waiting completed expired
)
pending("callbacks_waiting", callbacks, "state = 'waiting'", "expires_at")

timers = table(  # the next moment of a document that has a time of its own
    "timers",
    sa.Column("document", sa.Text, primary_key=True),
    sa.Column("next_at", Time, nullable=False),
    text("spec", ""),  # what it was computed from; another spec computes anew
)

cursors = table(  # how far a catch-up poll has come
    "cursors",
    sa.Column("account", Id, primary_key=True),
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("at", Time, nullable=False),
    sa.Column("polled_at", Time),
)

findings = table(  # what a person should know: drift, a template's new category, ...; gone when it is mended
    "findings",
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    text("message", ""),
    text("hint", ""),
    text("document", ""),  # the document it stops, if any
    sa.Column("at", Time, nullable=False),
)

statuses = table(  # append-only facts
    "statuses",
    sa.Column("wamid", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, primary_key=True),
    sa.Column("event", Id, primary_key=True),
    sa.Column("send", Id),
    sa.Column("at", Time),
)
sa.Index("statuses_send", statuses.c.send)

consents = table(  # append-only: the newest row of a contact and category counts
    "consents",
    seq(),
    sa.Column("contact", Id, nullable=False),
    text("category", ""),
    text("state", ""),
    text("how", ""),
    sa.Column("at", Time, nullable=False),
    text("evidence", ""),
    text("event"),
)
sa.Index("consents_contact", consents.c.contact, consents.c.category, consents.c.seq)

documents = table(
    "documents",
    sa.Column("id", Id, primary_key=True),
    text("kind", ""),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)

document_versions = table(
    "document_versions",
    sa.Column("document", Id, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    text("text", ""),
    text("author", ""),
    sa.Column("at", Time, nullable=False),
    text("state", "draft"),  # draft shadow live retired · off: was live when a person switched the document off
    text("note", ""),  # why it was made: rolled back to version 3, ...
)
pending("document_versions_live", document_versions, "state = 'live'", "document")

templates = table(
    "templates",
    sa.Column("account", Id, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, primary_key=True),
    text("template_id", ""),
    text("status", ""),
    text("category", ""),
    text("quality", ""),
    sa.Column("components", Json),
    sa.Column("at", Time, nullable=False),
    text("format", "positional"),  # of its parameters: positional | named
    text("reason", ""),  # why Meta rejected or paused it
    text("previous_category", ""),  # what it was before Meta changed it
    text("correct_category", ""),  # what Meta announced it will be
    sa.Column("submitted_at", Time),
    sa.Column("synced_at", Time),  # null = only heard of in a webhook
)

catalogue = table(
    "catalogue",
    sa.Column("account", Id, primary_key=True),
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("body", Json, nullable=False),
    sa.Column("at", Time, nullable=False),
)

parks = table(
    "parks",
    sa.Column("scope", sa.Text, primary_key=True),  # account number template contact
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("until", Time, nullable=False),
    text("reason", ""),
    number("tries"),
)

counters = table(  # refused calls and the like: counted, never stored
    "counters",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False, server_default="0"),
)

tasks = table(  # long or slow work that a person asked for and a worker does
    "tasks",
    sa.Column("id", Id, primary_key=True),
    text("kind", ""),
    sa.Column("args", Json, info=SEALED),  # the secrets of a form, of some kinds
    text("state", "new"),  # new running paused done failed cancelled
    number("done"),
    number("total"),
    sa.Column("at", Time, nullable=False),
    sa.Column("result", Json),
    text("author", ""),
    text("wish", ""),  # what a person wants of it while it runs: pause cancel
    text("error", ""),
    sa.Column("started_at", Time),
    sa.Column("beat_at", Time),  # the last sign of life of the worker that has it
    sa.Column("ended_at", Time),
    sa.Column("cursor", Json),  # how far it came, so that another worker can go on
    number("attempts"),  # starts since it last got on: what ends its workers is not begun for ever
)
pending("tasks_open", tasks, "state IN ('new', 'running')", "at")
sa.Index("tasks_at", tasks.c.at)

# ---- people of the console ---------------------------------------------------------------------------------------
users = table(
    "users",
    sa.Column("id", Id, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, unique=True),  # in lower case
    text("name", ""),
    text("password", ""),  # argon2id; "" = none yet, only a one-time link lets in
    text("role", "viewer"),  # viewer editor publisher admin
    text("language", ""),  # en es pt; "" = as the browser says
    text("state", "active"),  # active disabled
    sa.Column("at", Time, nullable=False),
    sa.Column("seen_at", Time),
    sa.Column("totp", sa.Text, info=SEALED),  # encrypted seed of the second factor; null = none
    sa.Column("totp_new", sa.Text, info=SEALED),  # encrypted seed that waits for its first code
    sa.Column("totp_step", sa.BigInteger, nullable=False, server_default="0"),  # of the newest code used: each once
    sa.Column("totp_at", Time),
)

recovery_codes = table(  # ten for whoever lost the app, each once
    "recovery_codes",
    sa.Column("hash", sa.Text, primary_key=True),  # SHA-256 of the person and the code (120 random bits)
    sa.Column("user", Id, nullable=False),
    sa.Column("used_at", Time),
)
sa.Index("recovery_codes_user", recovery_codes.c.user)

sessions = table(
    "sessions",
    sa.Column("id", Id, primary_key=True),  # SHA-256 of the cookie's token
    sa.Column("user", Id, nullable=False),
    text("csrf", ""),
    sa.Column("at", Time, nullable=False),
    sa.Column("seen_at", Time, nullable=False),
    sa.Column("expires_at", Time, nullable=False),
    sa.Column("proved_at", Time),  # when its person last showed a password or a code
    text("agent", ""),  # the browser, as it calls itself
    text("network", ""),  # where from
    number("enrol"),  # 1 = first of all a second factor is to be set up
)
sa.Index("sessions_user", sessions.c.user)

invites = table(  # one-time links: the first admin, an invited colleague, a forgotten password
    "invites",
    sa.Column("id", Id, primary_key=True),  # SHA-256 of the link's token
    text("user"),  # null = the first admin, who is made when the link is used
    sa.Column("expires_at", Time, nullable=False),
    sa.Column("used_at", Time),
)

throttles = table(  # tries that failed, by address and by e-mail: slows guessing down
    "throttles",
    sa.Column("key", sa.Text, primary_key=True),
    number("n"),
    sa.Column("until", Time, nullable=False),  # before it no further try is looked at
    sa.Column("at", Time, nullable=False),
)

api_tokens = table(
    "api_tokens",
    sa.Column("id", Id, primary_key=True),
    text("name", ""),
    sa.Column("hash", sa.Text, nullable=False, unique=True),  # SHA-256 of the token
    text("hint", ""),  # its last four characters
    text("role", "viewer"),
    text("author", ""),
    sa.Column("at", Time, nullable=False),
    sa.Column("used_at", Time),
    sa.Column("expires_at", Time),
    sa.Column("revoked_at", Time),
    sa.Column("user", Id),  # who made it: it opens nothing while they are disabled, and never more than they may
    sa.Column("scopes", Json),  # what it is for; null = whatever its role may (made before there were scopes)
    sa.Column("networks", Json),  # where it may come from; null = anywhere
)

audit = table(  # append-only: who changed what
    "audit",
    seq(),
    sa.Column("at", Time, nullable=False),
    text("who", ""),  # an e-mail, "token: NAME", or "command line"
    text("action", ""),  # document.publish account.add sends.pause ...
    text("object", ""),
    sa.Column("detail", Json),
    text("digest", ""),  # keyed hash of who, object and detail as they were written
    text("hash", ""),  # keyed hash of the line before, time, action and digest; "" = of a version without the chain
    number("erased"),  # how often a person was taken out of it
)

audit_chain = table(  # one row: both ends of the chain, sealed
    "audit_chain",
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.Text, info=SEALED),  # encrypted; null = the chain has none
    text("hash", ""),  # of the newest line
    sa.Column("born", sa.BigInteger, nullable=False, server_default="0"),  # lines up to this are older than the chain
    sa.Column("cut", sa.BigInteger, nullable=False, server_default="0"),  # retention took lines up to this
    text("anchor", ""),  # hash of the last one it took
    text("seal", ""),  # keyed hash of this row
)

settings = table(  # of the whole deployment, set in the console
    "settings",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", Json, info=SEALED),  # of some names
    sa.Column("at", Time, nullable=False),
)

# ---- people who were erased --------------------------------------------------------------------------------------
erasures = table(  # one for each person: how far it came, and that it was done
    "erasures",
    sa.Column("contact", Id, primary_key=True),
    sa.Column("at", Time, nullable=False),
    text("who", ""),
    text("state", "running"),  # running done
    text("work", info=SEALED),  # encrypted JSON while it runs: whom to look for, how far it came; null = done
    sa.Column("counts", Json),  # {table: rows}
)

erased_ids = table(  # who was erased, as a hash: an opt-out holds, and what is delivered again is known
    "erased_ids",
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("contact", Id, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Column("consents", Json),  # {category: [time, how]} of what was opted out
)
sa.Index("erased_ids_contact", erased_ids.c.contact)

# ---- what pages show without counting ----------------------------------------------------------------------------
figures = table(  # sums by hour or day
    "figures",
    sa.Column("kind", sa.Text, primary_key=True),  # events matched review refused sent ...
    sa.Column("name", sa.Text, primary_key=True),  # a document, a template, ""
    sa.Column("at", Time, primary_key=True),  # the beginning of its hour or day
    sa.Column("n", sa.BigInteger, nullable=False, server_default="0"),
)

snapshots = table(  # the last answer to a question that is slow to ask
    "snapshots",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", Json),
    sa.Column("at", Time, nullable=False),
)

tallies = table(  # how many rows a long table has, so that nobody counts them all
    "tallies",
    sa.Column("name", sa.Text, primary_key=True),  # events deliveries
    sa.Column("upto", sa.BigInteger, nullable=False, server_default="0"),  # rows up to this seq ...
    sa.Column("n", sa.BigInteger, nullable=False, server_default="0"),  # ... are so many
    sa.Column("mark", sa.BigInteger),  # the seq that is next ...
    sa.Column("horizon", sa.BigInteger),  # ... once every transaction before this one has ended (Postgres)
)

# In byte order on both databases, so that a prefix is a range.
Bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
contact_words = table(  # the words of a contact's name, folded: what a search by name begins with
    "contact_words",
    sa.Column("word", Bytewise, primary_key=True),
    sa.Column("contact", Id, primary_key=True),
)
sa.Index("contact_words_contact", contact_words.c.contact)

shadows = table(  # what a version beside the live one would have done with an event
    "shadows",
    sa.Column("event", Id, primary_key=True),
    sa.Column("account", Id, primary_key=True),
    sa.Column("document", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    number("differs"),
    sa.Column("body", Json),
    sa.Column("at", Time, nullable=False),
)
sa.Index("shadows_document", shadows.c.document, shadows.c.version, shadows.c.at)

# ---- reports -----------------------------------------------------------------------------------------------------
report_days = table(  # what became of the messages of a day; counted by a chore, kept longer than they are
    "report_days",
    sa.Column("day", Time, primary_key=True),  # its beginning, UTC
    sa.Column("document", sa.Text, primary_key=True),
    sa.Column("template", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, primary_key=True),  # phone_number_id
    sa.Column("what", sa.Text, primary_key=True),  # state ended answered awaited after price goal goals silent
    sa.Column("key", sa.Text, primary_key=True),  # the state, the code of a reason, the step of a time, ...
    sa.Column("n", sa.BigInteger, nullable=False, server_default="0"),
)

goals_reached = table(  # messages that led to what they were meant to
    "goals_reached",
    sa.Column("send", Id, primary_key=True),
    text("document", ""),
    sa.Column("at", Time, nullable=False),
)
# ---- broadcasts: one document to many people (docs/decisions/0021) ------------------------------------------------
broadcasts = table(
    "broadcasts",
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # who asks twice with one key gets one broadcast
    text("name", ""),
    text("document", ""),
    number("version"),
    text("crm", ""),  # the CRM account whose document it is
    sa.Column("source", Json, nullable=False),  # {kind, value, object, file, name}
    text("campaign", ""),  # of the CRM: what became of each is written to its members
    text("state", "draft"),  # draft scheduled planning running done cancelled
    text("reason", ""),
    text("author", ""),
    text("starter", ""),
    text("task", ""),  # that forecasts, then the one that plans
    sa.Column("forecast", Json),
    sa.Column("at", Time, nullable=False),
    sa.Column("start_at", Time),  # not before
    sa.Column("started_at", Time),
    sa.Column("planned_at", Time),
    sa.Column("paused_at", Time),
    sa.Column("ended_at", Time),
    number("page"),  # pages planned: a compare-and-set, so that two planners never plan one page twice
    sa.Column("cursor", Json),  # where the next page begins
    number("rows_read"),
    number("planned"),
    number("refused"),
    number("total"),
    sa.Column("forgotten_at", Time),  # who stood in its list is not known any more (0005)
)
sa.Index("broadcasts_at", broadcasts.c.at)
pending("broadcasts_open", broadcasts, "state IN ('scheduled', 'planning', 'running')", "state")

broadcast_people = table(
    "broadcast_people",
    sa.Column("broadcast", Id, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),  # the contact; #line of a row that is nobody's
    number("line"),
    text("phone", ""),  # E.164, or as it stands in the row
    text("name", ""),
    text("contact"),
    sa.Column("record", Json),  # [account, object, id] of their CRM record
    sa.Column("params", Json),  # the values the document reads, frozen
    text("state", "planned"),  # planned refused
    text("code", ""),
    text("reason", ""),
    text("send"),
)
sa.Index("broadcast_people_line", broadcast_people.c.broadcast, broadcast_people.c.line)
sa.Index("broadcast_people_phone", broadcast_people.c.broadcast, broadcast_people.c.phone)
sa.Index("broadcast_people_contact", broadcast_people.c.contact)
pending("broadcast_people_send", broadcast_people, "send IS NOT NULL", "send")

uploads = table(  # what a person gave us to read later: lists of people
    "uploads",
    sa.Column("id", Id, primary_key=True),
    text("name", ""),
    number("size"),
    text("author", ""),
    sa.Column("at", Time, nullable=False),
)
upload_parts = table(
    "upload_parts",
    sa.Column("upload", Id, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
# ---- conversations -----------------------------------------------------------------------------------------------
conversations = table(  # a person in a flow: one that runs at most, and all that ended
    "conversations",
    sa.Column("id", Id, primary_key=True),
    sa.Column("contact", Id, nullable=False),
    sa.Column("account", Id, nullable=False),  # the CRM account whose flow it is
    text("source", ""),  # the WhatsApp account
    text("number", ""),  # phone_number_id
    text("flow", ""),
    number("version"),
    text("step", ""),  # that waits
    text("waits", ""),  # answer time person
    sa.Column("state", Json),  # core.flow_state
    number("revision"),  # compare-and-set: each move counts one up
    sa.Column("wake_at", Time),  # the next timer: no_answer, wait or expiry
    number("woken"),  # 1: the event of that timer is made
    sa.Column("expires_at", Time),
    text("asked"),  # the send whose answer it waits for
    text("outcome", ""),  # the word it ended with
    text("reason", ""),
    sa.Column("started_at", Time, nullable=False),
    sa.Column("moved_at", Time, nullable=False),
    sa.Column("ended_at", Time),
    text("started_by"),  # events.id
    text("ended_by"),
)
_RUNS = "ended_at IS NULL"
sa.Index(
    "conversations_running", conversations.c.contact, unique=True,
    postgresql_where=sa.text(_RUNS), sqlite_where=sa.text(_RUNS),
)  # fmt: skip
pending("conversations_wake", conversations, f"{_RUNS} AND woken = 0", "wake_at")
pending("conversations_asked", conversations, _RUNS, "asked")
pending("conversations_steps", conversations, _RUNS, "flow", "step")
sa.Index("conversations_contact", conversations.c.contact, conversations.c.started_at)
sa.Index("conversations_flow", conversations.c.flow, conversations.c.id)
sa.Index("conversations_started_by", conversations.c.started_by)
sa.Index("conversations_ended_by", conversations.c.ended_by)

holds = table(  # people a person of ours talks with: automation is silent
    "holds",
    sa.Column("contact", Id, primary_key=True),
    text("why", ""),  # handoff echo person
    text("text", ""),
    sa.Column("at", Time, nullable=False),
    sa.Column("until", Time),  # null = until a person gives them back
    text("event"),
)
pending("holds_until", holds, "until IS NOT NULL", "until")

windows = table(  # when a person last wrote to each number: the 24 hours count for the number
    "windows",
    sa.Column("contact", Id, primary_key=True),
    sa.Column("number", Id, primary_key=True),
    sa.Column("at", Time, nullable=False),
)
# ---- media: files that came in or go out (0004) ----------------------------------------------------------------------
media = table(
    "media",
    sa.Column("id", Id, primary_key=True),  # also its name on disk
    text("way", "in"),  # in: a customer's · out: ours, to be sent
    text("account", ""),  # the WhatsApp account it came to
    text("number", ""),
    text("event"),  # of the message it came with
    text("media_id"),  # WhatsApp's id of it: it lives 7 days
    text("url"),  # where a file of ours comes from; null = it was given to us whole
    text("kind", ""),  # image video audio document sticker
    text("mime", ""),  # as its sender declares it
    text("name", ""),
    text("declared", ""),  # the sender's sha256, base64 or hex
    text("sha256", ""),  # what we found, hex
    sa.Column("size", sa.BigInteger),
    text("state", "new"),  # new stored refused (never kept) gone (kept once, deleted)
    number("attempts"),
    sa.Column("next_at", Time),
    text("reason", ""),  # in plain words
    sa.Column("at", Time, nullable=False),
    sa.Column("stored_at", Time),
    sa.UniqueConstraint("account", "media_id", name="media_once"),
)
sa.Index("media_event", media.c.event)
sa.Index("media_at", media.c.at)
sa.Index("media_file", media.c.media_id)
pending("media_new", media, "state = 'new'", "next_at")

media_ids = table(  # what WhatsApp calls a file of ours, for each number: an upload is good for 30 days
    "media_ids",
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("media", Id, primary_key=True),
    text("media_id"),
    text("state", "new"),  # new done refused
    number("attempts"),
    sa.Column("next_at", Time),
    text("reason", ""),
    sa.Column("at", Time, nullable=False),
    sa.Column("expires_at", Time),
)
pending("media_ids_new", media_ids, "state = 'new'", "next_at")

# ---- secrets and OAuth -------------------------------------------------------------------------------------------
consents_asked = table(  # a browser that was sent to a vendor to give us leave; each row is good once, for 10 minutes
    "consents_asked",
    sa.Column("id", Id, primary_key=True),  # SHA-256 of the state that comes back
    sa.Column("session", Id, nullable=False),  # whose browser it is
    sa.Column("account", Id, nullable=False),
    text("kind", ""),
    text("redirect_uri", ""),
    text("verifier", info=SEALED),  # PKCE
    sa.Column("expires_at", Time, nullable=False),
)

# ---- observability: sums since the beginning, and alarms (0005) ------------------------------------------------------
totals = table(  # what happened, ever: what /metrics tells as counters; nothing is ever taken away
    "totals",
    sa.Column("name", sa.Text, primary_key=True),  # events changes sends statuses refusals ...
    sa.Column("a", sa.Text, primary_key=True),  # its labels, in the order of the metric
    sa.Column("b", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False, server_default="0"),
)

alarms = table(  # what operators are told of: one open row for each thing
    "alarms",
    sa.Column("id", Id, primary_key=True),
    text("code", ""),
    text("key", ""),
    text("message", ""),
    text("hint", ""),
    sa.Column("at", Time, nullable=False),
    sa.Column("told_at", Time, nullable=False),  # when its last call was made ready
    sa.Column("resolved_at", Time),
)
_RINGS = "resolved_at IS NULL"
sa.Index(
    "alarms_open", alarms.c.code, alarms.c.key, unique=True,
    postgresql_where=sa.text(_RINGS), sqlite_where=sa.text(_RINGS),
)  # fmt: skip
sa.Index("alarms_at", alarms.c.at)

alarm_calls = table(  # each is one signed POST or one e-mail, repeated until it arrives
    "alarm_calls",
    sa.Column("id", Id, primary_key=True),
    text("alarm"),  # null = a test
    text("target", ""),  # webhook email
    text("what", ""),  # raised repeated resolved test
    sa.Column("body", Json, nullable=False),
    text("state", "new"),  # new done failed
    number("attempts"),
    sa.Column("next_at", Time),
    text("outcome", ""),
    sa.Column("at", Time, nullable=False),
)
pending("alarm_calls_new", alarm_calls, "state = 'new'", "next_at")
sa.Index("alarm_calls_at", alarm_calls.c.at)
