"""connector sends: what was sent and what waits, held back, let go or ended by a person; and other tools' messages."""

from pathlib import Path
from typing import Any

import click

from connector import errors
from connector.app import App
from connector.cli.context import FINDINGS, author, fail, opened, read_text, show_json
from connector.pipeline.intake.imports import import_sends, read_rows
from connector.pipeline.sending import held
from connector.store import documents as document_rows
from connector.store import holding
from connector.store.sending import ENDED

WAITING = ("waiting", "ready", "in_flight")
STATES = (*WAITING, "unknown", "accepted", "sent", "delivered", "read", *ENDED)
LISTED = ("id", "document", "to", "state", "label", "reason", "next_at")


@click.group("sends")
def sends() -> None:
    """Messages that were sent."""


@sends.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_(file: str, as_json: bool) -> None:
    """Make messages known that another tool sent: JSON lines, a JSON list, or CSV with a header."""
    with opened() as app:
        result = import_sends(app.store, _rows(Path(file)), app.clock.now())
    if as_json:
        show_json(
            {"new": result.new, "known": result.known, "refused": [{"row": n, "why": w} for n, w in result.refused]}
        )
    else:
        click.echo(f"{result.new} messages imported, {result.known} were known.")
        for n, text in result.refused:
            click.echo(f"row {n}: {text}", err=True)
    raise SystemExit(FINDINGS if result.refused else 0)


def _rows(path: Path) -> list[Any]:
    text = read_text(path)
    try:
        return read_rows(text, csv_=path.suffix.lower() == ".csv")
    except errors.Rejected as error:
        fail(f"{path} cannot be read: {error.message.partition(': ')[2]}")


@sends.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only these; waiting are all that have not left.")
@click.option("--document", default="", help="Only those of one document.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many, newest first."
)
def list_(state: str | None, document: str, as_json: bool, limit: int) -> None:
    """The newest messages, their state, and why it is so."""
    states = WAITING if state == "waiting" else (state or "",)
    filters = ({"state": states} if state else {}) | ({"document": (document,)} if document else {})
    with opened() as app, app.store.read() as conn:
        rows = holding.listing(conn, filters, limit, app.clock.now())
    if as_json:
        show_json([{name: row[name] for name in LISTED} for row in rows])
    for row in [] if as_json else rows:
        what = row["document"] or row["template"] or row["step"]
        until = f" until {row['next_at']:%Y-%m-%d %H:%M}Z" if row["next_at"] and row["state"] == "waiting" else ""
        to = row["to"] or row["user_id"] or ""
        state_ = "ready, held back:" if row["state"] == "ready" and row["reason"] else row["state"]
        line = f"{row['id']}  {row['at']:%m-%d %H:%M}Z  {to:<16} {what:<28} {state_}{until}"
        line += f" {row['label']} {row['reason']}"
        click.echo(line.rstrip())
    if not rows and not as_json:
        click.echo("There is no such message." if filters else "No message was sent yet, and none waits.")


def _place(app: App, document: str, number: str) -> tuple[str, str]:
    """(scope, key) of what is paused: a document, or a number by its account's name."""
    if bool(document) == bool(number):
        fail("Name a document, or a number with --number.")
    if document:
        return "document", document
    account = app.account(number)
    if account is None or account.kind != "whatsapp":
        fail(f"There is no WhatsApp account named {number!r}.")
    return "number", str(account.settings.get("phone_number_id", ""))


@sends.command("pause")
@click.argument("document", default="")
@click.option("--number", default="", help="Everything of a number: its account's name.")
@click.option("--reason", default="", help="Told where its messages are listed.")
def pause(document: str, number: str, reason: str) -> None:
    """Hold back what a document, or a whole number, has not sent yet."""
    with opened() as app:
        scope, key = _place(app, document, number)
        with app.store.write() as conn:
            strange = bool(document) and document_rows.latest(conn, document) is None
            held.pause(conn, scope, key, reason or f"Paused by {author()}.", app.clock.now())
    if strange:
        click.echo(f"There is no document named {document!r} yet. Is the name right?", err=True)
    click.echo(f"{document or number} is paused. On again: connector sends resume {document or f'--number {number}'}")


@sends.command("resume")
@click.argument("document", default="")
@click.option("--number", default="", help="A number: its account's name.")
def resume(document: str, number: str) -> None:
    """Let a document or number go on; what waited for it is looked at now."""
    with opened() as app:
        scope, key = _place(app, document, number)
        with app.store.write() as conn:
            rested = held.resume(conn, scope, key, app.clock.now())
    if not rested:
        fail(f"{document or number} was not paused.", FINDINGS)
    click.echo(f"{document or number} goes on.")


@sends.command("cancel")
@click.argument("ids", nargs=-1)
@click.option("--document", default="", help="All that this document has not sent yet.")
def cancel(ids: tuple[str, ...], document: str) -> None:
    """End messages that have not left yet, by id or by document."""
    if bool(ids) == bool(document):
        fail("Name ids, or a document with --document.")
    with opened() as app, app.store.write() as conn:
        now = app.clock.now()
        places = [("document", document)] if document else [("send", id_) for id_ in ids]
        n = sum(holding.cancel(conn, scope, key, "", now) for scope, key in places)
    click.echo(f"{n} cancelled. What has left cannot be called back.")
    raise SystemExit(FINDINGS if ids and n < len(ids) else 0)


@sends.command("resend")
@click.argument("ids", nargs=-1, required=True)
def resend(ids: tuple[str, ...]) -> None:
    """Send unknown messages once more: you have looked, and they did not arrive."""
    with opened() as app, app.store.write() as conn:
        n = sum(holding.send_again(conn, id_, app.clock.now()) for id_ in ids)
    click.echo(f"{n} are sent once more.")
    raise SystemExit(FINDINGS if n < len(ids) else 0)
