"""Messages another tool sent, a thousand at a time."""

from typing import Any

from connector.connections import Connections
from connector.pipeline.chores.tasks import Progress
from connector.pipeline.intake.imports import BATCH, import_sends, read_rows
from connector.store.tasks import Task

SHOWN = 500  # refused rows that are named


def import_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{text} -> {new, known, refused: [{row, why}], more}. Goes on from its cursor; a known message is left alone."""
    text = task.args["text"]
    rows = read_rows(text, csv_=not text.lstrip().startswith(("{", "[")))
    sum_ = progress.cursor or {"row": 0, "new": 0, "known": 0, "refused": [], "more": 0}
    progress(sum_["row"], len(rows))
    while sum_["row"] < len(rows):
        sum_ = _batch(connections, rows, sum_)
        progress(sum_["row"], len(rows), sum_)
    return {name: value for name, value in sum_.items() if name != "row"}


def _batch(connections: Connections, rows: list[Any], before: dict[str, Any]) -> dict[str, Any]:
    first = before["row"]
    done = import_sends(connections.store, rows[first : first + BATCH], connections.clock.now())
    refused = before["refused"] + [{"row": first + n, "why": why} for n, why in done.refused]
    return {
        "row": min(first + BATCH, len(rows)), "new": before["new"] + done.new, "known": before["known"] + done.known,
        "refused": refused[:SHOWN], "more": before["more"] + max(0, len(refused) - SHOWN),
    }  # fmt: skip
