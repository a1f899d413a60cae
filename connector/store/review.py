"""What needs a person, in groups: each question once, with how many wait for its answer. Bounded, newest first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as part
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.holding import COLUMNS, explained
from connector.store.tables import accounts, changes, deliveries, events, in_state, plans, sends

LOOKED = 5000  # of each set, the newest
EXAMPLES = 5  # of a group
WIDTH = 200  # characters of a reason that groups are told apart by
_C = changes.c
_BODY, _OUTCOME = (sa.type_coerce(column, sa.Text).label(column.name) for column in (_C.body, _C.outcome))
_QUERY = sa.select(_C.seq, _C.event, _C.account, _C.lane, _C.object, _C.kind, _BODY, _OUTCOME)


@dataclass(slots=True)
class Group:
    """Changes in review that one act may solve. `answer` is what was not understood, `text` the words for a person."""

    why: str  # the code of the question; "refused" = the CRM said no
    account: str
    document: str
    object: str
    field: str
    answer: str
    text: str
    count: int = 0
    events: list[str] = part(default_factory=list)  # newest first, at most EXAMPLES
    lanes: list[str] = part(default_factory=list)  # of the same
    choices: tuple[str, ...] = ()  # of the newest: record ids, contacts, or values
    newest: int = 0  # changes.seq

    @property
    def identity(self) -> tuple[str, ...]:
        """Two changes are of one group when this is the same."""
        text = "" if self.why == "not_understood" else self.text
        return (self.why, self.account, self.document, self.object, self.field, self.answer, text)

    @property
    def key(self) -> str:
        """Names the group in an address; it stays when the group grows."""
        return sha256(json.dumps(self.identity).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups, largest first; `more`: only the newest LOOKED were looked at."""

    groups: list[Group]
    more: bool


def questions(conn: sa.Connection) -> Groups:
    """Everything in review, grouped: answers by (document, field, answer), other questions by their code and document,
    refusals of the CRM by object, field and reason."""
    rows = conn.execute(_QUERY.where(in_state(changes, "review")).order_by(_C.seq.desc()).limit(LOOKED + 1)).all()
    found: dict[tuple[str, ...], Group] = {}
    alike: dict[tuple[str, ...], Group] = {}  # by the texts as they are kept: most questions are asked many times
    for row in rows[:LOOKED]:
        texts = (row.account, row.object, row.kind, row.body, row.outcome)
        if texts not in alike:
            fresh = _group(row)
            alike[texts] = found.setdefault(fresh.identity, fresh)
        _count(alike[texts], row)
    ordered = sorted(found.values(), key=lambda g: (-g.count, -g.newest))
    return Groups(ordered, len(rows) > LOOKED)


def _group(row: Any) -> Group:
    body, outcome = json.loads(row.body), json.loads(row.outcome or "{}")
    if row.kind == "Ask":
        text, answer = str(body.get("text", "")), str(outcome.get("answer", ""))
        why, document = str(body.get("why", "")), str(outcome.get("document", ""))
    else:
        text, answer = str(outcome.get("text", "")), ""
        why, document = "refused", ""
    return Group(
        why, row.account, document, row.object, str(body.get("field") or ""), answer, text[:WIDTH],
        choices=tuple(map(str, body.get("choices", ()))), newest=row.seq,
    )  # fmt: skip


def _count(group: Group, row: Any) -> None:
    group.count += 1
    if len(group.events) < EXAMPLES and row.event not in group.events:
        group.events.append(row.event)
        group.lanes.append(row.lane)


def of_group(conn: sa.Connection, key: str, limit: int = LOOKED) -> list[tuple[int, str]]:
    """(seq, event) of one group's changes, newest first, among the newest LOOKED in review: for an act in bulk."""
    rows = conn.execute(_QUERY.where(in_state(changes, "review")).order_by(_C.seq.desc()).limit(LOOKED)).all()
    return [(row.seq, row.event) for row in rows if _group(row).key == key][:limit]


def unknown(conn: sa.Connection, now: datetime, limit: int = 50) -> list[dict[str, Any]]:
    """Sends that may have been sent, newest first, as `holding.explained` tells them."""
    query = sa.select(*COLUMNS).where(in_state(sends, "unknown")).order_by(sends.c.event.desc(), sends.c.id.desc())
    return explained(conn, conn.execute(query.limit(limit)).all(), now)


def dead(conn: sa.Connection, limit: int = 50) -> dict[str, list[Any]]:
    """{"events", "plans", "deliveries"} that could not be worked, newest first, each with its error."""
    e, p, d = events.c, plans.c, deliveries.c
    gone = sa.select(e.seq, e.id, e.kind, e.account, e.received_at, e.error).where(in_state(events, "dead"))
    made = sa.select(p.event, p.account, p.journey, p.attempts, p.error).where(in_state(plans, "dead"))
    unread = sa.select(d.id, d.account, d.received_at, d.error).where(in_state(deliveries, "dead"))
    queries = {
        "events": gone.order_by(e.seq.desc()), "plans": made.order_by(p.event_seq.desc()),
        "deliveries": unread.order_by(d.seq.desc()),
    }  # fmt: skip
    return {name: list(conn.execute(query.limit(limit))) for name, query in queries.items()}


def held_accounts(conn: sa.Connection) -> Sequence[Any]:
    """(id, name, kind, state, reason) of accounts that do nothing until a person acts."""
    a = accounts.c
    query = sa.select(a.id, a.name, a.kind, a.state, a.reason).where(a.state != "ok")
    return conn.execute(query.order_by(a.name)).all()


def counts(conn: sa.Connection) -> dict[str, int]:
    """{"changes", "sends", "events", "plans", "deliveries"} that need a person, each at most LOOKED."""
    found = {}
    for name, (table, state) in _COUNTED.items():
        some = sa.select(sa.literal(1)).select_from(table).where(in_state(table, state)).limit(LOOKED).subquery()
        found[name] = int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
    return found


_COUNTED = {
    "changes": (changes, "review"), "sends": (sends, "unknown"), "events": (events, "dead"), "plans": (plans, "dead"),
    "deliveries": (deliveries, "dead"),
}  # fmt: skip


def by_document(conn: sa.Connection) -> dict[str, int]:
    """{document: questions of it that are open now}, among the newest LOOKED; for the chore that keeps the list."""
    found: dict[str, int] = {}
    for group in questions(conn).groups:
        if group.document:
            found[group.document] = found.get(group.document, 0) + group.count
    return found


def received(conn: sa.Connection, ids: Sequence[str]) -> dict[str, Any]:
    """{event: its row} of the examples of some groups."""
    rows = conn.execute(sa.select(events).where(among(conn, events.c.id, set(ids)))) if ids else ()
    return {row.id: row for row in rows}
