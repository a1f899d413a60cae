"""The demo's second half: a record moves, its message goes out, is read and answered, and the record moves on."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from connector.app import App
from connector.pipeline.why import event as reasons
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
    record = move["id"] or named(stage, move)
    seen = {row.id for row in sent(app, move["sends"])}
    stage.call("PATCH", f"/_records/{move['crm']}/{move['object']}/{record}", dict(move["set"]))
    row = until_read(app, move["sends"], seen)
    answer = None
    if row is not None and move["answer"]:
        stage.call("POST", f"/_customers/{move['wa_id']}", {**move["answer"], "reply_to": row.wamid})
        answer = _until(lambda: _answer(app, row.id))
    fine = settled()
    if row is None:
        stage.say(f"{move['crm']} {move['object']} {record}: nothing was sent by {move['sends']}")
        return False
    _tell(stage, app, row.event)
    if answer:
        _tell(stage, app, answer)
    return fine and row.state in READ and bool(answer or not move["answer"])


def named(stage: Stage, move: Mapping[str, Any]) -> str:
    """The id of the record with this name: ids are no one's to remember."""
    found = stage.call("GET", f"/_records/{move['crm']}/{move['object']}")
    fields = [record.get("properties", record) | {"id": record.get("id") or record.get("Id")} for record in found]
    return str(next(f["id"] for f in fields if move["name"] in (f.get("Name"), f.get("dealname"), f.get("name"))))


def sent(app: App, document: str) -> Sequence[Any]:
    """The messages of one document."""
    with app.store.read() as conn:
        return telling.of_document(conn, document)


def _until(look: Callable[[], Any]) -> Any:
    """What `look` finds, or the last it found when nothing comes in time."""
    until = time.monotonic() + PATIENCE
    while not (found := look()) and time.monotonic() < until:
        time.sleep(LOOK)
    return found


def until_read(app: App, document: str, seen: set[str]) -> Any:
    """The message, once its customer has read it or it cannot get there; as it stands when that takes too long."""

    def mine() -> Any:
        return next((row for row in sent(app, document) if row.id not in seen), None)

    _until(lambda: (row := mine()) is not None and row.state in (*READ, *OVER))
    return mine()


def _answer(app: App, send: str) -> str | None:
    with app.store.read() as conn:
        return telling.answer_of(conn, send)


def _tell(stage: Stage, app: App, event: str) -> None:
    for told in reasons.explain(app.store, event, {a.id: a.name for a in app.accounts()}):
        stage.say(reasons.render(told) + "\n")
