"""The script of the demo: what customers answer, what moves in the CRMs, who is talked with, and one broadcast."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from connector.cli import demo_broadcast, demo_moves, demo_talks
from connector.cli.context import fail

SHIPPED = Path(__file__).with_name("demo.yaml")
BEGINS = {"answers", "moves", "talks", "broadcast"}  # a script has one of these
Story = Mapping[str, Any]


def read_script(path: Path) -> Story:
    """{sent: [...], answers: [{messages: [...]}], ...}; wrong use when it is neither YAML nor that."""
    try:
        story = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        if not BEGINS & set(story):
            raise KeyError("answers")
        return {
            "sent": list(story.get("sent") or []),
            "answers": [list(a["messages"]) for a in story.get("answers") or []],
            "moves": [demo_moves.read_move(move) for move in story.get("moves") or []],
            "talks": [demo_talks.read_talk(talk) for talk in story.get("talks") or []],
            "broadcast": demo_broadcast.read_broadcast(story.get("broadcast")),
            "more": [_act(act) for act in story.get("more") or []],
        }
    except Exception as error:  # noqa: BLE001 - whatever a file can hold; the reader hears one sentence
        fail(f"{path} is not a script: {type(error).__name__}: {error}")


def _act(given: Mapping[str, Any]) -> dict[str, Any]:
    """{sent, answers, moves}; a move of these waits only for the message it names."""
    moves = [{"id": "", "name": "", "sends": "", **move} for move in given.get("moves") or []]
    return {"sent": list(given.get("sent") or []), "answers": list(given.get("answers") or []), "moves": moves}


def carried(entry: Mapping[str, Any], wamid: str) -> dict[str, Any]:
    """The message as the sandbox shows it on the phone."""
    words = {"wamid": wamid, "buttons": entry.get("taps") or []}
    return words | {name: entry[name] for name in ("template", "language", "message") if name in entry}


def body(messages: Sequence[Mapping[str, Any]], wamids: Mapping[tuple[str, str], str]) -> list[dict[str, Any]]:
    """What people write at one moment; each names the message it answers."""
    found = []
    for message in messages:
        one = {k: v for k, v in message.items() if k != "template"}
        answered = wamids.get((str(message["wa_id"]), str(message.get("template", ""))))
        found.append(one | ({"reply_to": answered} if answered else {}))
    return found
