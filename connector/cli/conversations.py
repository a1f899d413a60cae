"""connector flows list|show|move|release|link: conversations that run, and what a person does about them."""

from pathlib import Path
from typing import Any

import click

from connector.app import App
from connector.cli.contacts import one_contact
from connector.cli.context import FINDINGS, author, fail, opened, show_json
from connector.core.documents import FlowDocument, read
from connector.pipeline.talks import flow_links
from connector.pipeline.views import conversations
from connector.store import documents


def _names(app: App) -> dict[str, str]:
    return {account.id: account.name for account in app.accounts()}


@click.command("list")
@click.option("--flow", default="", help="Only those of one flow.")
@click.option("--state", default="running", show_default=True, help="running, ended, all, or the word of an end.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(flow: str, state: str, limit: int, as_json: bool) -> None:
    """Conversations: who, which flow, at which step, since when."""
    with opened() as app, app.store.read() as conn:
        wanted = "" if state == "all" else state
        page = conversations.listing(conn, _names(app), app.clock.now(), flow=flow, state=wanted, limit=limit)
    if as_json:
        show_json([_line(line) for line in page.rows])
        return
    for line in page.rows:
        at = line.end or f"{line.step} ({line.waits})"
        said = f"  {line.held}" if line.held else ""
        click.echo(f"{line.id}  {line.who.name or line.who.phone:<24} {line.flow} v{line.version}  {at}{said}")
    if not page.rows:
        click.echo("No conversation.")


def _line(line: conversations.Line) -> dict[str, Any]:
    told = ("id", "flow", "version", "account", "number", "step", "waits", "started_at", "moved_at", "wake_at",
            "expires_at", "ended_at", "end", "reason", "held")  # fmt: skip
    return {name: getattr(line, name) for name in told} | {"contact": line.who.id, "name": line.who.name}


@click.command("show")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(key: str, as_json: bool) -> None:
    """KEY: a conversation's id, for its transcript; or a flow's name, for how many wait at each step."""
    with opened() as app, app.store.read() as conn:
        known = conversations.one(conn, _names(app), app.clock.now(), key)
        if known is None and documents.kind_of(conn, key) != "flow":
            fail(f"There is no conversation and no flow {key}.", FINDINGS)
        found = conversations.counts(conn, key) if known is None else {}
    if known is None:
        _counts(found, as_json)
        return
    said = [{n: getattr(one, n) for n in ("at", "ours", "text", "step", "state", "reason", "id")} for one in known.said]
    if as_json:
        more = {"path": list(known.path), "answers": dict(known.answers), "said": said}
        show_json(_line(known.line) | more | {"started_by": known.started_by, "ended_by": known.ended_by})
        return
    line = known.line
    click.echo(f"{line.who.name or line.who.phone}: {line.flow}, version {line.version}  {line.end or line.step}")
    for one in known.said:
        mark = f"  [{one.state}] {one.reason}".rstrip() if one.ours and one.state not in ("delivered", "read") else ""
        click.echo(f"{one.at:%Y-%m-%d %H:%M:%S}  {'<' if one.ours else '>'} {one.text}{mark}")
    for name, value in known.answers.items():
        click.echo(f"flow.{name}: {value}")
    if line.reason:
        click.echo(line.reason)


def _counts(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    for title, rows in found.items():
        click.echo(f"{title}:")
        for name, n in sorted(rows.items()):
            click.echo(f"  {name:<24} {n:,}")


@click.command("move")
@click.argument("name")
@click.option("--to", type=click.IntRange(1), required=True, help="The version they go on with.")
@click.option("--step", default="", help="Ask this step of that version, for all of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def move(name: str, to: int, step: str, as_json: bool) -> None:
    """Move the running conversations of a flow to another version. Without it each stays on its own until it ends."""
    with opened() as app:
        done = conversations.move(app.store, app.library, name, to, author(), app.clock.now(), step=step)
        app.bell.ring(*done["bells"])
    if as_json:
        show_json({k: done[k] for k in ("moved", "stays")})
    else:
        click.echo(f"{done['moved']:,} conversations go on with version {to}.")
        for gone, n in sorted(done["stays"].items()):
            click.echo(f"{n:,} stay where they are: version {to} has no step {gone}. --step NAME asks another one.")
    raise SystemExit(FINDINGS if done["stays"] else 0)


@click.command("release")
@click.argument("key")
def release(key: str) -> None:
    """Give a person back to automation, after somebody talked with them. KEY: a phone, or a contact's id."""
    with opened() as app:
        done = conversations.release(app.store, one_contact(app, key), author(), app.clock.now())
        app.bell.ring(*done["bells"])
    if not done["released"]:
        click.echo("Nobody held them: automation may speak already.")
        return
    going = f" Their conversation {done['conversation']} goes on." if done["conversation"] else ""
    click.echo(f"Automation may speak with them again.{going}")


@click.command("link")
@click.argument("name")
@click.option("--word", default="", help="Another of its starting words.")
@click.option("--number", default="", help="The WhatsApp account whose number it opens; without it the first.")
@click.option("--qr", type=click.Path(dir_okay=False, path_type=Path), help="Also write its QR code to this SVG file.")
def link(name: str, word: str, number: str, qr: Path | None) -> None:
    """A wa.me link that begins a flow: the starting word is typed already."""
    with opened() as app, app.store.read() as conn:
        row = documents.live_version(conn, name)
        document = read(row.text) if row is not None else None
        if not isinstance(document, FlowDocument):
            fail(f"There is no live flow {name}.", FINDINGS)
        found = flow_links.link(conn, document, word=word, number=number)
    click.echo(found["url"])
    if qr is not None:
        qr.write_text(flow_links.qr_svg(found["url"]), encoding="utf-8")
        click.echo(f"{qr} is its QR code.")


COMMANDS = (list_, show, move, release, link)
