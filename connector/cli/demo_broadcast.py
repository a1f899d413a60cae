"""The demo's end: one message to five hundred people, from the forecast to what came of it."""

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.app import App
from connector.cli.broadcasts_told import forecast_lines
from connector.cli.demo_moves import Stage
from connector.core.audience import Source
from connector.pipeline.broadcasts import acts
from connector.pipeline.broadcasts import told as telling
from connector.pipeline.chores.tasks import BELL
from connector.store import broadcasts, documents, uploads
from connector.works import broadcasts as works
from connector.works.accounts import check

Settled = Callable[[Sequence[str]], bool]  # these messages are stored, and nothing waits
AUTHOR = "demo"
PATIENCE = 60.0  # seconds the messages may take
LOOK = 0.1
FAST = 1000  # messages a second; a new number of Meta has 80
FILE = "spring.csv"
TWICE = 3  # people who stand in the list twice
TOLD = 1.0  # seconds between two lines of progress
FIRST = ("Ana", "Luis", "Sofía", "Mateo", "Valeria", "Diego", "Lucía", "Tomás", "Camila", "Andrés")
LAST = ("Rojas", "Vargas", "Castro", "Moreno", "Silva", "Ortiz", "Reyes", "Navarro", "Paz", "Molina")
PLACES = (("57310777", 4), ("5255777", 5), ("51998777", 3), ("54911777", 5))  # a number's beginning; digits behind it
# Rows as real sheets have them: cut by the sheet, no number, two in one cell, too short.
BROKEN = ("5.73E+11", "", "+57 310 777 0001 / +57 310 777 0002", "12345")


def read_broadcast(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """{document, people, opted_out?, answers?: {title of a button: share}}; None where there is none."""
    if given is None:
        return None
    return {
        "document": str(given["document"]), "people": int(given["people"]), "opted_out": int(given.get("opted_out", 0)),
        "answers": {str(title): float(share) for title, share in (given.get("answers") or {}).items()},
    }  # fmt: skip


def numbers(people: int) -> list[str]:
    """So many phones, the same every time, of four countries."""
    found = []
    for n in range(people):
        head, digits = PLACES[n % len(PLACES)]
        found.append(head + str(n).zfill(digits))
    return found


def sheet(phones: Sequence[str], people: int) -> bytes:
    """The CSV: everybody, three of them twice, and rows that no phone can be read from."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("First name", "Last name", "WhatsApp"))
    for n, phone in enumerate([*phones, *phones[:TWICE]]):
        rows.writerow((FIRST[n % len(FIRST)], LAST[n // len(FIRST) % len(LAST)], f"+{phone}"))
    for phone in BROKEN if people else ():
        rows.writerow((FIRST[0], LAST[0], phone))
    return text.getvalue().encode()


def play(stage: Stage, app: App, given: Mapping[str, Any] | None, settled: Settled) -> tuple[bool, dict[str, Any]]:
    """(it went well, what is told of it); nothing where its document is not live."""
    with app.store.read() as conn:
        if given is None or documents.live_version(conn, given["document"]) is None:
            return True, {}
    phones = numbers(given["people"] + given["opted_out"])
    usual = _hasten(stage, app)
    quiet = _stop(stage, phones[given["people"] :], settled)
    id_, forecast = _forecast(stage, app, given["document"], sheet(phones, given["people"]))
    began = time.monotonic()
    _send(stage, app, id_)
    seconds = time.monotonic() - began
    stage.call("GET", "/_webhooks?wait=20")  # until every status is told
    quiet = _answer(stage, phones, given["answers"], settled) and quiet
    stage.call("POST", "/_options", usual)
    with app.store.read() as conn:
        told = telling.result(conn, broadcasts.get(conn, id_), app.clock.now())
    buttons = ", ".join(f"{one['button']} {one['count']}" for one in told["buttons"])
    stage.say(
        f"Result: sent {told['sent']:,} in {seconds:.1f} s, delivered {told['delivered']:,}, read {told['read_by']:,},"
        f" answered {told['answered']:,} ({buttons}), failed {told['failed']:,}, refused {told['refused']:,}\n"
    )
    counts = {name: told[name] for name in ("sent", "delivered", "read_by", "answered", "failed", "refused")}
    everybody = told["sent"] == forecast["sendable"] == told["delivered"]
    return quiet and everybody, {
        "forecast": {name: forecast[name] for name in ("read", "sendable", "held", "refused")},
        **counts, "buttons": told["buttons"],
    }  # fmt: skip


def _hasten(stage: Stage, app: App) -> dict[str, Any]:
    """A number of the faster kind, so that nobody waits; how WhatsApp behaved before."""
    before = stage.call("GET", "/_options")
    stage.call("POST", "/_options", {"limit": FAST, "status_batch": 0.2, "read_rate": 0.8})
    account = app.account("whatsapp")
    assert account is not None
    check(app, account, fix=False)  # sends are paced by what Meta says of the number
    return {name: before[name] for name in ("status_batch", "read_rate")}


def _stop(stage: Stage, phones: Sequence[str], settled: Settled) -> bool:
    """Some of the list have written STOP before."""
    if not phones:
        return True
    return settled(_write(stage, [{"wa_id": phone, "text": "STOP"} for phone in phones]))


def _write(stage: Stage, messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """One signed webhook; the ids of its messages."""
    return list(stage.call("POST", "/_customers", messages)["wamids"])


def _forecast(stage: Stage, app: App, document: str, file: bytes) -> tuple[str, dict[str, Any]]:
    """The draft's id, and what it would do; nothing is sent."""
    now = app.clock.now()
    upload = uploads.add(app.store, FILE, [file], AUTHOR, now)
    source = Source(kind="csv", upload=upload, name=FILE)
    with app.store.write() as conn:
        row = acts.create(conn, app.accounts(), document, source, AUTHOR, now, forecast=False)
    told = works.foretell(app, row.id, lambda _done, _total: None, row.task)
    brief = [one | {"reason": one["reason"].partition(". ")[0]} for one in told["reasons"]]
    lines = [line for line in forecast_lines({**told, "rows": [], "reasons": brief}) if not line.startswith("The last")]
    stage.say("\n".join([f"\n{document} to {FILE}, the forecast:", *(f"  {line}" for line in lines), _finish(told)]))
    return row.id, told


def _finish(told: Mapping[str, Any]) -> str:
    ends = datetime.fromisoformat(told["ends_at"])
    return f"  The last would leave at {ends:%H:%M:%S} UTC, at {told['pace']} a second"


def _send(stage: Stage, app: App, id_: str) -> None:
    """Started, and looked at until the last message has arrived."""
    with app.store.write() as conn:
        acts.start(conn, id_, AUTHOR, app.clock.now())
    app.bell.ring(BELL)
    began = said = time.monotonic()
    while time.monotonic() < began + PATIENCE:
        with app.store.read() as conn:
            row = broadcasts.get(conn, id_)
            told = telling.told(conn, row, app.clock.now())
        over = row.planned_at is not None and told["waiting"] == 0
        if over or time.monotonic() >= said + TOLD:
            said = time.monotonic()
            stage.say(
                f"  {said - began:4.1f} s: {told['planned']:,} planned, {told['sent']:,} sent,"
                f" {told['delivered']:,} delivered, {told['read_by']:,} read"
            )
        if over:
            return
        time.sleep(LOOK)


def _answer(stage: Stage, phones: Sequence[str], shares: Mapping[str, float], settled: Settled) -> bool:
    """The first so many tap one button, the next another; each button is one signed webhook."""
    first, fine = 0, True
    for title, share in shares.items():
        last = first + round(share * len(phones))
        fine = settled(_write(stage, [{"wa_id": phone, "button": title} for phone in phones[first:last]])) and fine
        first = last
    return fine
