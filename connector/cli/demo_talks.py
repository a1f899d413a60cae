"""The demo's conversations: customers walk the flows, turn by turn, and what each flow wrote is told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connector.app import App
from connector.cli.demo_moves import Stage
from connector.pipeline.views import conversations
from connector.pipeline.views.conversations import Known
from connector.pipeline.why import event as reasons
from connector.store import changes, contacts, documents

Settled = Callable[[Sequence[str]], bool]  # these messages are stored, and nothing waits
SAID = ("reply", "template", "said", "handoff", "consent", "timeline entry")  # no fields, or told elsewhere
LINE = 40  # characters of a value in the short form


def read_talk(given: Mapping[str, Any]) -> dict[str, Any]:
    """{flow, wa_id, says: [answers as the sandbox takes them], aloud?}; raises KeyError for one that lacks a word."""
    says = [dict(one) for one in given["says"]]
    return {"flow": str(given["flow"]), "wa_id": str(given["wa_id"]), "says": says, "aloud": bool(given.get("aloud"))}


def play(stage: Stage, app: App, talks: Sequence[Mapping[str, Any]], settled: Settled) -> tuple[bool, list[Any]]:
    """Everybody says their next line at the same moment, until nobody has one left; (all went well, what is told)."""
    with app.store.read() as conn:
        live = {row.name for row in documents.live(conn)}
    talks = [talk for talk in talks if talk["flow"] in live]
    fine, wamids = True, [list[str]() for _ in talks]
    for turn in range(max((len(talk["says"]) for talk in talks), default=0)):
        speakers = [n for n, talk in enumerate(talks) if turn < len(talk["says"])]
        body = [{"wa_id": talks[n]["wa_id"], **talks[n]["says"][turn]} for n in speakers]
        written = list(stage.call("POST", "/_customers", body)["wamids"])
        for n, wamid in zip(speakers, written, strict=True):
            wamids[n].append(wamid)
        fine = settled(written) and fine
    told = [_tell(stage, app, talk, mine) for talk, mine in zip(talks, wamids, strict=True)]
    return fine and all(told), [one for one in told if one]


def _tell(stage: Stage, app: App, talk: Mapping[str, Any], wamids: Sequence[str]) -> dict[str, Any]:
    """{flow, end, fields}, and the same to the reader; {} when no conversation began."""
    known = _known(app, talk)
    if known is None:
        stage.say(f"{talk['flow']}: no conversation of {talk['wa_id']} began")
        return {}
    written = list(_written(app, talk["flow"], wamids))
    line = known.line
    end = line.end or f"waits at {line.step}" + (f" until {line.wake_at:%Y-%m-%d %H:%M} UTC" if line.wake_at else "")
    if talk["aloud"]:
        title = f"{line.flow}: {line.who.name} writes, each line a signed webhook"
        stage.say("\n".join([title, *_aloud(known, end, written)]) + "\n")
    else:
        fields = ", ".join(f"{name} = {value[:LINE]}" for _, name, value in written)
        stage.say(f"{line.flow:<20} {line.who.name:<18} {end}: {fields}")
    return {"flow": line.flow, "end": line.end or line.step, "fields": {name: value for _, name, value in written}}


def _aloud(known: Known, end: str, written: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for one in known.said:
        yield f"  {'<' if one.ours else '>'} {' '.join(one.text.split())}"
    yield f"  end: {end}"
    for account, name, value in written:
        yield f"  {account}: {name} = {value}"


def _known(app: App, talk: Mapping[str, Any]) -> Known | None:
    """The newest conversation of this person in the flow."""
    names = {account.id: account.name for account in app.accounts()}
    with app.store.read() as conn:
        for contact in contacts.find(conn, talk["wa_id"]):
            page = conversations.listing(conn, names, app.clock.now(), flow=talk["flow"], contact=contact, limit=1)
            if page.rows:
                return conversations.one(conn, names, app.clock.now(), page.rows[0].id)
    return None


def _written(app: App, flow: str, wamids: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(account, field, value) of what the flow changed in the CRM, and the titles of its tasks, in order."""
    names = {account.id: account.name for account in app.accounts()}
    for wamid in wamids:
        for event in reasons.explain(app.store, wamid, names):
            titles = _titles(app, event["event"])
            for document in event["documents"]:
                for one in document["fields"] if document["name"] == flow else ():
                    if one["outcome"] == "written" and one["field"] not in SAID:
                        value = next(titles, one["value"]) if one["field"] == "task" else one["value"]
                        yield document["account"], one["field"], str(value)


def _titles(app: App, event: str) -> Iterator[str]:
    with app.store.read() as conn:
        return iter([row.body["title"] for row in changes.of_event(conn, event) if row.kind == "CreateTask"])
