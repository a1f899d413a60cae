"""The demo's second half: a record moves, its message goes out, is read and answered, and the record moves on."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from connector.app import App
from connector.pipeline import why as reasons
from connector.store import telling

PATIENCE = 60.0  # seconds a message may take until it is read
LOOK = 0.05
READ = ("read", "played")
OVER = ("failed", "refused", "expired", "cancelled", "unknown")


class Stage(Protocol):
    """What the demo offers: the sandbox by HTTP, and a line to the reader."""

    def call(self, method: str, path: str, body: Any = None) -> Any: ...

    def say(self, text: str) -> None: ...


def read_move(given: Mapping[str, Any]) -> dict[str, Any]:
    """{crm, object, id | name, set, sends, wa_id?, answer?}; raises KeyError for one that lacks a word."""
    move = {"id": "", "name": "", "wa_id": "", "answer": None, **given}
    for word in ("crm", "object", "set", "sends"):
        _ = move[word]
    return move


def play(stage: Stage, app: App, moves: Sequence[Mapping[str, Any]], settled: Callable[[], bool]) -> bool:
    """Every move in turn; False when a message did not get as far as it should."""
    played = [_play(stage, app, move, settled) for move in moves]
    return all(played)


def _play(stage: Stage, app: App, move: Mapping[str, Any], settled: Callable[[], bool]) -> bool:
    record = move["id"] or _named(stage, move)
    seen = {row.id for row in _sent(app, move["sends"])}
    stage.call("PATCH", f"/_records/{move['crm']}/{move['object']}/{record}", dict(move["set"]))
    row = _until_read(app, move["sends"], seen)
    answered = bool(row and move["answer"])
    if row is not None and move["answer"]:
        stage.call("POST", f"/_customers/{move['wa_id']}", {**move["answer"], "reply_to": row.wamid})
    fine = settled()
    if row is None:
        stage.say(f"{move['crm']} {move['object']} {record}: nothing was sent by {move['sends']}")
        return False
    for event in reasons.explain(app.store, row.event, {a.id: a.name for a in app.accounts()}):
        stage.say(reasons.render(event) + "\n")
    if answered:
        _tell_answer(stage, app, row.id)
    return fine and row.state in READ


def _named(stage: Stage, move: Mapping[str, Any]) -> str:
    """The id of the record with this name: Salesforce's are no one's to remember."""
    found = stage.call("GET", f"/_records/{move['crm']}/{move['object']}")
    fields = [record.get("properties", record) | {"id": record.get("id") or record.get("Id")} for record in found]
    return str(next(f["id"] for f in fields if move["name"] in (f.get("Name"), f.get("dealname"), f.get("name"))))


def _sent(app: App, document: str) -> Sequence[Any]:
    with app.store.read() as conn:
        return telling.of_document(conn, document)


def _until_read(app: App, document: str, seen: set[str]) -> Any:
    """The message, once its customer has read it, or it cannot get there; None when there is none in time."""
    until, row = time.monotonic() + PATIENCE, None
    while time.monotonic() < until:
        row = next((r for r in _sent(app, document) if r.id not in seen), row)
        row = next((r for r in _sent(app, document) if row is not None and r.id == row.id), row)
        if row is not None and row.state in (*READ, *OVER):
            return row
        time.sleep(LOOK)
    return row


def _tell_answer(stage: Stage, app: App, send: str) -> None:
    with app.store.read() as conn:
        answer = telling.answer_of(conn, send)
    for event in reasons.explain(app.store, answer, {a.id: a.name for a in app.accounts()}) if answer else ():
        stage.say(reasons.render(event) + "\n")
