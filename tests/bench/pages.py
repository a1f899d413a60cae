"""The console's pages as a browser asks for them, over a business of tests.bench.big."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from connector.ports import Field
from connector.store import catalogue, days, documents, tasks, users
from connector.store.engine import Store
from connector.store.send_lists import GROUPS
from connector.store.states import WORDS
from connector.store.tables import contacts, events, sends
from connector.web.auth.masks import masked
from tests.bench import big

FIELDS, LONG = 12, "long-answer"  # written by the document that the editor shows


@dataclass(frozen=True, slots=True)
class Page:
    """One request; `form` makes it a POST."""

    name: str
    path: str
    form: dict[str, str] = field(default_factory=dict)
    at_most: tuple[int, int] = (150, 400)  # ms: median, 95th percentile


@dataclass(frozen=True, slots=True)
class Visitor:
    """An admin who has signed in."""

    cookie: str
    csrf: str

    def headers(self, page: Page) -> dict[str, str]:
        found = {"Cookie": f"connector={self.cookie}", "Accept-Encoding": "gzip", "Accept-Language": "en"}
        if page.form:
            found |= {"X-Csrf": masked(self.csrf), "Content-Type": "application/x-www-form-urlencoded"}
        return found

    def body(self, page: Page) -> bytes | None:
        return urlencode(page.form).encode() if page.form else None


def prepare(store: Store, now: datetime) -> Visitor:
    """What big.py leaves out: a document of 200 lines over 300 fields, some tasks, figures, and who looks."""
    known = [asdict(Field(name=f"field_{n}", label=f"Field {n}", type="text")) for n in range(300)]
    with store.write() as conn:
        catalogue.put(conn, big.HUBSPOT, "contacts", known, now)
        documents.publish(conn, "mapping", LONG, document(), "ana", now)
        for _ in range(20):
            tasks.add(conn, "doctor", {}, "ana@example.com", now)
        found = users.get(conn, "ana@example.com")
        user = found.id if found is not None else users.add(conn, "ana@example.com", "Ana", "admin", now)
        token = users.sign_in(conn, user, now)
        row = users.session(conn, token, now)
    for _ in range(4):
        days.tally(store)
    days.count(store, now)
    assert row is not None
    return Visitor(token, row.csrf)


def document() -> str:
    """A mapping of 200 lines, good."""
    lines = [f"mapping: {LONG}", "about: A long one.", "crm: hubspot", "when:", "  answer_to: webinar_invite_v2",
             "  type: [button, text]", "contact: {find_by: [whatsapp, phone], if_missing: create, if_several: newest}",
             "set:"]  # fmt: skip
    for n in range(FIELDS):
        lines += [f"  field_{n}:", "    from: answer.id | default(answer.text)", "    map:"]
        lines += [f"      answer {k}: value {n} {k}" for k in range(7)]
        lines += ["    else: review"]
    lines += ["log: message", "tests:"]
    k = 0
    while len(lines) < 198:
        lines += [f"  - name: test {k}", f"    given: {{answer.id: answer {k % 7}}}",
                  f"    expect: {{field_0: value 0 {k % 7}, outcome: done}}"]  # fmt: skip
        k += 1
    return "\n".join(lines) + "\n"


def pages(conn: sa.Connection) -> Iterator[Page]:
    """Every page there is."""
    yield from _activity(conn)
    yield from _sends(conn)
    yield from _contacts(conn)
    yield from _mappings(conn)
    for name in ("setup", "templates", "health", "tasks", "settings", "settings/people", "settings/tokens",
                 "settings/links", "settings/audit", "settings/me"):  # fmt: skip
        yield Page(name, f"/{name}/")
    yield Page("health, findings", "/health/findings")
    yield Page("review", "/review/")
    for tab in ("people", "questions", "refused", "sends", "dead", "accounts"):
        yield Page(f"review, {tab}", f"/review/?tab={tab}")


def _activity(conn: sa.Connection) -> Iterator[Page]:
    row = _one(conn, sa.select(events.c.seq, events.c.id).order_by(events.c.seq.desc()))
    yield Page("activity", "/activity/")
    yield Page("activity, half way back", f"/activity/?before={row.seq // 2}.{row.id}")
    for state in WORDS:
        yield Page(f"activity, {state}", f"/activity/?state={state}")
    for kind in ("in", "out", "status", "other"):
        yield Page(f"activity, {kind}", f"/activity/?kind={kind}")
    for name in ("nps-answer", "nothing"):
        yield Page(f"activity, document {name}", f"/activity/?document={name}")
    yield Page("activity, a document in review", "/activity/?document=webinar-interest&state=review")
    for name, typed in (
        ("a phone", "+57 300 000 4242"), ("a national phone", "300 0004242"), ("a phone's beginning", "57300000"),
        ("a common name", "maria"), ("two names", "garcia jose"), ("nobody's name", "maria zzz"),
        ("an id", "key.500001"), ("a wamid", "wamid.500000"),
    ):  # fmt: skip
        yield Page(f"activity, {name}", f"/activity/?{urlencode({'q': typed})}")
    yield Page("activity, what is new", f"/activity/new?after={row.seq - 40}")
    yield Page("why", f"/activity/{_message(conn)}")
    sent = _one(conn, sa.select(sends.c.event).where(sends.c.state == "read").order_by(sends.c.id.desc()))
    yield Page("why of a send", f"/activity/{sent.event}")


def _message(conn: sa.Connection) -> str:
    message = sa.select(events.c.id).where(events.c.kind == "InboundMessage", events.c.state == "done")
    return str(_one(conn, message.order_by(events.c.seq.desc())).id)


def _sends(conn: sa.Connection) -> Iterator[Page]:
    yield Page("sends", "/sends/")
    for group in GROUPS:
        yield Page(f"sends, {group}", f"/sends/?state={group}")
    yield Page("sends, a document", "/sends/?document=deal-won")
    yield Page("sends, a phone", "/sends/?q=%2B57+300+000+4242")


def _contacts(conn: sa.Connection) -> Iterator[Page]:
    wrote = sa.select(contacts.c.id).where(contacts.c.last_inbound_at.is_not(None))
    someone = _one(conn, wrote.order_by(contacts.c.last_inbound_at.desc())).id
    yield Page("contacts", "/contacts/")
    yield Page("contacts, a name", "/contacts/?q=sof")
    yield Page("contacts, a phone", "/contacts/?q=573000004242")
    yield Page("contact", f"/contacts/{someone}")
    yield Page("contact's timeline", f"/contacts/{someone}/timeline")


def _mappings(conn: sa.Connection) -> Iterator[Page]:
    text = document()
    yield Page("mappings", "/mappings/")
    yield Page("mapping, the editor", f"/mappings/{LONG}")
    yield Page("mapping, its versions", "/mappings/nps-answer/versions")
    yield Page("mapping, its events", f"/mappings/{LONG}/events")
    yield Page("mapping, replay", f"/mappings/{LONG}/replay")
    yield Page("mapping, lint of 200 lines", "/mappings/lint", {"text": text}, (50, 400))
    yield Page("mapping, its form", "/mappings/form", {"text": text})
    yield Page("mapping, tried on a sample", f"/mappings/{LONG}/try", {"text": text, "type": "button"})
    yield Page(
        "mapping, tried from memory", f"/mappings/{LONG}/try", {"text": text, "event": _message(conn), "asked": "1"}
    )
    yield Page("mapping, words", "/mappings/words?crm=hubspot")


def api() -> Iterator[Page]:
    """Lists of the JSON API: of a token, not of a session."""
    for name in ("events", "sends", "contacts", "documents", "templates", "tasks", "health"):
        yield Page(f"api, {name}", f"/api/v1/{name}")


def _one(conn: sa.Connection, query: Any) -> Any:
    return conn.execute(query.limit(1)).one()
