"""What the API tells."""

from typing import Any

from marshmallow import fields

from connector.pipeline.broadcasts import told as telling
from connector.pipeline.documents import publish, versions
from connector.pipeline.views import activity, healthy, people, reports, sent
from connector.pipeline.views.healthy import Health
from connector.pipeline.views.people import Known, People, Timeline
from connector.pipeline.views.reports import Report
from connector.pipeline.why import event as why
from connector.store import broadcasts, document_lists, documents, tasks, templates
from connector.store.cursors import Cursor
from connector.store.document_lists import Row
from connector.store.report_days import DIMENSIONS
from connector.store.states import WORDS
from connector.web.api.calls import Call, Paged, Strict, found, text
from connector.web.auth import allows, person
from connector.web.auth.roles import role_of
from connector.web.house import House

Values = dict[str, Any]
GROUPS = ("waiting", "unknown", "sent", "delivered", "read", "failed", "refused", "expired", "cancelled")


class Events(Paged):
    """Which events."""

    state = text(one_of=WORDS, about="What became of it.")
    direction = text(one_of=tuple(activity.DIRECTIONS), about="in: people wrote · out: CRM events · status · other")
    document = text(about="A document that matched, or sent.")
    account = text(about="An account's name.")
    q = text(about="A phone in any spelling, a name, a message id, a CRM record (deals/3001).")


class Sent(Paged):
    """Which sends."""

    group = text(one_of=GROUPS)
    document = text()
    template = text()
    number = text(about="The phone number id it goes out from.")
    q = text(about="A phone in any spelling, a name, a send's id or wamid.")


class Reported(Strict):
    """Which report."""

    days = text(3, about="The last days, today among them; 30 when left out.")
    since = text(10, about="From this day on, 2026-11-01 (UTC).")
    until = text(10, about="Up to and with this day.")
    by = text(one_of=DIMENSIONS, about="What the lines are; templates when left out.")
    template = text()
    document = text()
    number = text(about="A phone number id.")


class Searched(Paged):
    """Which contacts."""

    q = text(about="A phone in any spelling, or a name.")


class Asked(Strict):
    """Which tasks."""

    open = fields.Boolean(load_default=False)


def events(house: House, given: Values) -> Any:
    """A page of the activity."""
    account = next((id_ for id_, name in house.names().items() if name == given["account"]), given["account"])
    with house.store.read() as conn:
        return activity.activity(
            conn, house.names(), house.clock.now(), state=given["state"], direction=given["direction"],
            document=given["document"], account=account, query=given["q"], before=given["before"], limit=given["limit"],
        )  # fmt: skip


def event(house: House, given: Values, id: str) -> Any:
    """The why of one."""
    del given
    return found(next(iter(why.explain(house.store, id, house.names())), None), "event")


def sends(house: House, given: Values) -> Any:
    """A page of messages."""
    asked = {name: given[name] for name in ("group", "document", "template", "number", "before", "limit")}
    with house.store.read() as conn:
        return sent.sends(conn, house.names(), house.clock.now(), query=given["q"], **asked)


def send(house: House, given: Values, id: str) -> Any:
    """One message: the event that sent it, with its attempts and statuses."""
    del given
    one = found(next(iter(why.explain(house.store, id, house.names())), None), "send")
    return {"event": one["event"], "send": next((s for s in one["sends"] if s["id"] == id), None)}


def contacts(house: House, given: Values) -> Any:
    """A page of people, by who wrote last."""
    asked = {"query": given["q"], "before": given["before"], "limit": given["limit"]}
    with house.store.read() as conn:
        return people.contacts(conn, house.names(), house.clock.now(), **asked)


def contact(house: House, given: Values, id: str) -> Any:
    """One person."""
    del given
    with house.store.read() as conn:
        return found(people.contact(conn, house.names(), house.clock.now(), id), "contact")


def timeline(house: House, given: Values, id: str) -> Any:
    """What one person wrote and got."""
    with house.store.read() as conn:
        return people.timeline_of(conn, house.names(), house.clock.now(), id, **given)


def documents_list(house: House, given: Values) -> Any:
    """Every document."""
    del given
    with house.store.read() as conn:
        return document_lists.listing(conn, house.clock.now())


def document(house: House, given: Values, name: str) -> Any:
    """One document: its versions, and the live text with the digest a publish is based on."""
    del given
    history = versions.history(house.store, name)
    if not history:
        found(None, "document")
    with house.store.read() as conn:
        live = documents.live_version(conn, name)
    text_ = live.text if live is not None else ""
    return {"name": name, "live": live.n if live is not None else None, "text": text_,
            "digest": publish.digest(text_), "versions": history}  # fmt: skip


def version(house: House, given: Values, name: str, n: str) -> Any:
    """One version's text."""
    del given
    with house.store.read() as conn:
        row = documents.get(conn, name, int(n)) if n.isascii() and n.isdigit() and len(n) < 9 else None
    return {"text": found(row, "version").text, **versions.shown(row)}


def templates_list(house: House, given: Values) -> Any:
    """Every template, as Meta last showed it."""
    del given
    names = house.names()
    told = ("name", "language", "status", "category", "quality", "format", "reason", "components", "synced_at")
    with house.store.read() as conn:
        rows = templates.rows(conn)
    return [{"account": names.get(r.account, ""), **{name: getattr(r, name) for name in told}} for r in rows]


def tasks_list(house: House, given: Values) -> Any:
    """The newest tasks, without their results."""
    with house.store.read() as conn:
        return [task.as_json() for task in tasks.list_(conn, open_=given["open"])]


def task(house: House, given: Values, id: str) -> Any:
    """One task with its result."""
    del given
    with house.store.read() as conn:
        one = found(tasks.get(conn, id), "task")
    hidden = role_of(one.kind) == "admin" and not allows(person().role, "admin")  # as in the console
    return one.as_json() | ({"result": None} if hidden else {})


def reports_(house: House, given: Values) -> Any:
    """Funnels, answer times, what was billed, goals, what has no answer."""
    during = reports.period(house.clock.now(), given["days"], given["since"], given["until"])
    with house.store.read() as conn:
        return reports.report(conn, during, given["by"] or DIMENSIONS[0], {name: given[name] for name in DIMENSIONS})


def broadcasts_list(house: House, given: Values) -> Any:
    """A page of broadcasts, each as it stands."""
    with house.store.read() as conn:
        rows = broadcasts.page(conn, given["before"], given["limit"] + 1)
        some = rows[: given["limit"]]
        told = telling.told_all(conn, some, house.clock.now())
    return {"rows": told, "older": Cursor(0, some[-1].id).text() if len(rows) > len(some) else ""}


def broadcast(house: House, given: Values, id: str) -> Any:
    """One broadcast: how it stands, what came of it, its forecast."""
    del given
    with house.store.read() as conn:
        row = found(broadcasts.get(conn, id), "broadcast")
        return telling.result(conn, row, house.clock.now()) | {"forecast": row.forecast}


def health(house: House, given: Values) -> Any:
    """How the house is: lags, counts, limits, what the doctor found."""
    del given
    with house.store.read() as conn:
        return healthy.load(conn, house.names(), house.clock.now())


CALLS = (
    Call("GET", "/events", "viewer", "events", "Events, newest first", events, Events, activity.Lines),
    Call("GET", "/events/<id>", "viewer", "events", "The why of an event: by its id, a wamid, a send's id", event),
    Call("GET", "/sends", "viewer", "sends", "Messages, newest first", sends, Sent, sent.Sends),
    Call("GET", "/sends/<id>", "viewer", "sends", "One message with its attempts and statuses", send),
    Call("GET", "/broadcasts", "viewer", "sends", "Broadcasts, newest first", broadcasts_list, Paged),
    Call("GET", "/broadcasts/<id>", "viewer", "sends", "One broadcast: progress, result, forecast", broadcast),
    Call("GET", "/contacts", "viewer", "contacts", "People, by who wrote last", contacts, Searched, People),
    Call("GET", "/contacts/<id>", "viewer", "contacts", "One person: keys, records, consents", contact, gives=Known),
    Call(
        "GET",
        "/contacts/<id>/timeline",
        "viewer",
        "contacts",
        "What one person wrote and got",
        timeline,
        Paged,
        Timeline,
    ),
    Call("GET", "/documents", "viewer", "read", "Documents with their last 7 days", documents_list, gives=list[Row]),
    Call("GET", "/documents/<name>", "viewer", "read", "One document: its live text, its versions", document),
    Call("GET", "/documents/<name>/versions/<n>", "viewer", "read", "The text of one version", version),
    Call("GET", "/templates", "viewer", "read", "Templates", templates_list, gives=list[dict[str, Any]]),
    Call("GET", "/tasks", "viewer", "tasks", "Long works, newest first", tasks_list, Asked, list[dict[str, Any]]),
    Call("GET", "/tasks/<id>", "viewer", "tasks", "One long work with its result", task),
    Call("GET", "/reports", "viewer", "read", "What messages led to", reports_, Reported, Report),
    Call("GET", "/health", "viewer", "read", "Lags, counts, limits, findings", health, gives=Health),
)
