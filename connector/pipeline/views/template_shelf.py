"""Templates by account and name, as a list shows them; and one with a real person's values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector import errors
from connector.core import documents as language
from connector.core.template import Template, values_of
from connector.pipeline.again import trying, trying_send
from connector.pipeline.documents.library import Library
from connector.pipeline.documents.template_use import STOPPED, Use
from connector.pipeline.views import activity
from connector.ports import Account
from connector.store import documents, facts, parks, send_lists
from connector.store.engine import Store

RECENT = 12  # people whose values can be chosen


@dataclass(frozen=True, slots=True)
class Named:
    """One template of one account in all its languages."""

    account: str  # its id
    name: str
    languages: tuple[Use, ...]
    until: datetime | None  # it rests until then ...
    rest: str  # ... because of this

    @property
    def sent_by(self) -> tuple[str, ...]:
        return self.languages[0].sent_by

    @property
    def answered_in(self) -> tuple[str, ...]:
        return self.languages[0].answered_in

    @property
    def gone(self) -> bool:
        """Meta has none of it any more."""
        return all(use.row.status == "DELETED" for use in self.languages)

    @property
    def troubled(self) -> bool:
        """A person should look: refused or stopped, and not simply deleted; or its category is about to change."""
        return any(
            (use.row.status in STOPPED and (use.row.status != "DELETED" or use.sent_by)) or use.row.correct_category
            for use in self.languages
        )


def named(conn: Any, uses: Sequence[Use], now: datetime) -> list[Named]:
    """By account and name."""
    groups: dict[tuple[str, str], list[Use]] = {}
    for use in uses:
        groups.setdefault((use.row.account, use.row.name), []).append(use)
    rests = parks.parked(conn, "template", [f"{account}:{name}" for account, name in groups], now) if groups else {}
    none: tuple[None, str] = (None, "")
    return [
        Named(account, name, tuple(some), *(rests.get(f"{account}:{name}") or none))
        for (account, name), some in sorted(groups.items(), key=lambda item: item[0][::-1])
    ]


def template_of(row: Any) -> Template:
    """A row of the store as the language has it."""
    return Template(
        name=row.name, language=row.language, status=row.status, category=row.category, format=row.format,
        components=tuple(row.components or ()), id=row.template_id, account=row.account,
    )  # fmt: skip


# ---- with values -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Source:
    """Whose values can be shown: a message that was made for somebody, or a test of a document."""

    key: str
    name: str  # of the person, or of the test
    document: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """Values for a template's places, and why there are none."""

    values: Mapping[str, str]
    unknown: tuple[str, ...] = ()  # fields of the CRM that nobody remembers
    problem: str = ""


def sources(conn: Any, name: str, sent_by: Sequence[str]) -> list[Source]:
    """The last people who got it, each once; then the tests of the live documents that send it."""
    rows = send_lists.of_template(conn, name, 4 * RECENT)
    people = facts.faces(conn, {row.lane for row in rows if row.lane})
    found: dict[str, Source] = {}
    for row in rows:
        who = people.get(row.lane or "")
        called = activity.short(who.name if who and who.name else row.to or "?")
        found.setdefault(row.lane or row.id, Source(f"send:{row.id}", called, row.document, row.at))
    made = list(found.values())[:RECENT]
    for document in sent_by:
        live = documents.live_version(conn, document)
        tests: Sequence[Any] = language.read(live.text).tests if live is not None else ()
        made += [Source(f"test:{n}:{document}", test.name, document) for n, test in enumerate(tests[:RECENT])]
    return made


def filled(store: Store, library: Library, accounts: Sequence[Account], template: Template, key: str) -> Filled:
    """The values of one source: frozen in its message, else evaluated from what our rows remember. Raises NotFound."""
    kind, _, rest = key.partition(":")
    try:
        if kind == "send":
            return _of_send(store, library, accounts, template, rest)
        if kind == "test":
            return _of_test(store, template, rest)
    except (errors.GiveUp, errors.BadDocument) as error:
        return Filled({}, problem=str(error))
    raise errors.NotFound("There is no such example.", code="source")


def _of_send(
    store: Store, library: Library, accounts: Sequence[Account], template: Template, id_: str
) -> Filled:  # fmt: skip
    with store.read() as conn:
        row = next((r for r in send_lists.of_template(conn, template.name, 4 * RECENT) if r.id == id_), None)
    if row is None:
        raise errors.NotFound("That message is too old, or was another template's.", code="source")
    if row.body:
        return Filled(values_of(row.body, template))
    account = next((a for a in accounts if a.id == row.crm), None)
    if account is None or not row.event:
        return Filled({}, problem="Its CRM account is not connected any more.")
    found = trying.from_memory(
        store, library, account, {"event": row.event, "document": row.document},
        templates=trying_send.templates_of(store),
    )  # fmt: skip
    return _told(found)


def _of_test(store: Store, template: Template, place: str) -> Filled:
    n, _, name = place.partition(":")
    with store.read() as conn:
        live = documents.live_version(conn, name)
    tests = language.read(live.text).tests if live is not None else ()
    if not n.isdecimal() or int(n) >= len(tests):
        raise errors.NotFound("That test is not there any more.", code="source")
    known = lambda _: [template]  # noqa: E731
    return _told(trying.sample(live.text, dict(tests[int(n)].given), templates=known))  # type: ignore[union-attr]


def _told(found: Mapping[str, Any]) -> Filled:
    values = found["sends"][0]["values"] if found["sends"] else {}
    return Filled(values, tuple(found["unknown"]), "" if values else str(found["because"]))
