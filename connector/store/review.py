"""What needs a person, in groups: each question once, with how many wait for its answer. Bounded, newest first."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from connector.store.among import among
from connector.store.holding import COLUMNS, explained
from connector.store.tables import accounts, changes, deliveries, events, in_state, plans, sends

LOOKED = 5000  # of each set, the newest
WIDTH = 200  # characters of a reason that groups are told apart by
_C = changes.c
Query = sa.Select[Any]
_BODY, _OUTCOME = (sa.type_coerce(column, sa.Text).label(column.name) for column in (_C.body, _C.outcome))
_TEXTS = (_C.account, _C.object, _C.kind, _BODY, _OUTCOME)  # most questions are asked many times, in the same words


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
    newest = _newest(*_TEXTS).subquery()
    alike = sa.select(
        *(newest.c[c.name] for c in _TEXTS), sa.func.count().label("n"), sa.func.max(newest.c.seq).label("seq")
    )
    rows = conn.execute(alike.group_by(*(newest.c[c.name] for c in _TEXTS))).all()
    found: dict[tuple[str, ...], Group] = {}
    for row in sorted(rows, key=lambda row: -row.seq):  # of each group the newest speaks
        fresh = _group(row)
        found.setdefault(fresh.identity, fresh).count += row.n
    ordered = sorted(found.values(), key=lambda g: (-g.count, -g.newest))
    return Groups(ordered, sum(row.n for row in rows) == LOOKED and _older(conn))


def _newest(*columns: sa.ColumnElement[Any]) -> Query:
    query = sa.select(_C.seq, *columns).where(in_state(changes, "review"))
    return query.order_by(_C.seq.desc()).limit(LOOKED)


def _older(conn: sa.Connection) -> bool:
    """There are more than LOOKED."""
    beyond = sa.select(_C.seq).where(in_state(changes, "review")).order_by(_C.seq.desc()).offset(LOOKED).limit(1)
    return conn.execute(beyond).first() is not None


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


def of_group(conn: sa.Connection, key: str, limit: int = LOOKED) -> list[tuple[int, str]]:
    """(seq, event) of one group's changes, newest first, among the newest LOOKED in review: for an act in bulk."""
    keys: dict[tuple[str, ...], str] = {}
    found: list[tuple[int, str]] = []
    for row in conn.execute(_newest(_C.event, *_TEXTS)):
        texts = (row.account, row.object, row.kind, row.body, row.outcome)
        if texts not in keys:
            keys[texts] = _group(row).key
        if keys[texts] == key:
            found.append((row.seq, row.event))
    return found[:limit]


def events_of(conn: sa.Connection, seqs: Collection[int]) -> dict[int, str]:
    """{change: its event} of the newest changes of some groups."""
    rows = conn.execute(sa.select(_C.seq, _C.event).where(among(conn, _C.seq, seqs))) if seqs else ()
    return {row.seq: row.event for row in rows}


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
