"""connector why, review, doctor and replay: what happened, what is wrong, what would happen."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from connector import errors
from connector.app import App
from connector.base import crm_kinds
from connector.cli.context import FINDINGS, fail, opened, progress, read_text, show_json
from connector.core.documents import MappingDocument
from connector.pipeline.why import event as reasons
from connector.store import changes as change_rows
from connector.store import deliveries
from connector.store import events as event_rows
from connector.works import deep
from connector.works.checkup import checkup
from connector.works.replays import mapping, parse_since, replays

SHOWN = 5  # of the deliveries that cannot be read, the newest


@click.command("why")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(key: str, as_json: bool) -> None:
    """What happened, field by field, and why.

    KEY: a wamid, the id of an event, of a send, of a trigger link's call, a phone, a CRM record (3001, or deals/3001),
    or a delivery doctor named."""
    with opened() as app:
        found = reasons.explain(app.store, key, {a.id: a.name for a in app.accounts()})
        with app.store.read() as conn:
            unread = deliveries.dead(conn, 1, key) if not found else []
    if unread:
        fail(f"{_unread(unread[0])} Nothing was made of it.", FINDINGS)
    if not found:
        fail(
            f"Nothing is known of {key}: it is no message, event, send or CRM record we heard of, nor a phone we know.",
            FINDINGS,
        )
    if as_json:
        show_json(found[0])
    else:
        click.echo("\n\n".join(reasons.render(event) for event in found))


@click.command("review")
@click.option("--dismiss", metavar="KEY", help="This message is dealt with: nothing more is written for it.")
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def review(dismiss: str | None, limit: int, as_json: bool) -> None:
    """What needs a person: answers not understood, several records, what the CRM refused."""
    with opened() as app:
        names = {a.id: a.name for a in app.accounts()}
        if dismiss:
            _dismiss(app, dismiss)
        found = reasons.in_review(app.store, names, limit)
    if as_json:
        show_json(found)
    else:
        click.echo(
            "\n\n".join(f"{event['id']}\n{reasons.render(event)}" for event in found) or "Nothing needs a person."
        )
    raise SystemExit(FINDINGS if found else 0)


def _dismiss(app: App, key: str) -> None:
    with app.store.write() as conn:
        done = sum(change_rows.dismiss(conn, row.id, app.clock.now()) for row in event_rows.get(conn, key))
    if not done:
        fail(f"No message {key} is in review.", FINDINGS)


@click.command("doctor")
@click.option("--deep", "wide", is_flag=True, help="Also look around: Redis, clocks, PUBLIC_URL, accounts, disk, keys.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(wide: bool, as_json: bool) -> None:
    """Check the promises: every invariant, and how many events are done, waiting, in review, refused.

    --deep calls the vendors, and PUBLIC_URL; without it the last such look is shown."""
    with opened() as app:
        told = checkup(app)
        around = (deep.look(app), app.clock.now()) if wide else deep.kept(app)
        with app.store.read() as conn:
            unread = deliveries.dead(conn, SHOWN)
    found, counts = told["findings"], told["counts"]
    if around is not None:
        told |= {"around": {**around[0], "at": around[1]}}
    if as_json:
        show_json(told)
    else:
        click.echo(f"{app.config.home}")
        click.echo("  ".join(f"{name} {n:,}" for name, n in counts.items()))
        for delivery in unread:
            click.echo(_unread(delivery))
        for f in found:
            click.echo(f"{f['code']}: {f['count']} ({', '.join(map(str, f['examples']))}). {f['hint']}")
        click.echo("All invariants hold." if not found else f"{len(found)} findings.")
        if around is not None:
            _around(*around)
    raise SystemExit(FINDINGS if found or (wide and around and not around[0]["ok"]) else 0)


def _around(told: dict[str, Any], at: datetime) -> None:
    """What surrounds us, as it was then."""
    click.echo(f"Around us, looked at {at:%Y-%m-%d %H:%M:%SZ}:")
    for f in told["findings"]:
        for example in f["examples"]:
            click.echo(f"  {f['code']}: {example}")
        click.echo(f"    {f['hint']}")
    if told["ok"]:
        click.echo("  All is well.")


def _unread(delivery: Any) -> str:
    """A webhook that was signed well and is kept, but cannot be read."""
    return f"Delivery {delivery.id}, received {delivery.received_at:%Y-%m-%d %H:%M:%SZ}: {delivery.error}"


def _since(text: str, now: datetime) -> datetime:
    try:
        return parse_since(text, now)
    except errors.Rejected:
        wrong = "Write --since as a time (2026-11-22T10:00Z) or an age (30m, 12h, 7d)."
        raise click.UsageError(wrong, click.get_current_context(silent=True)) from None


@click.command("replay")
@click.option("--since", "start", required=True, help="A time (2026-11-22T10:00Z) or an age (30m, 12h, 7d).")
@click.option(
    "--document",
    "path",
    type=click.Path(exists=True, dir_okay=False),
    help="Judge by this file instead of what is live.",
)
@click.option("--apply", "apply_", is_flag=True, help="Write the changes; without it nothing is written.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(start: str, path: str | None, apply_: bool, as_json: bool) -> None:
    """Judge past replies again and print the CRM writes that would follow."""
    with opened() as app:
        document = _document(path)
        since = _since(start, app.clock.now())
        runs = list(replays(app, document, apply_))
        writes = [entry for run in runs for entry in run.run(since, lambda n: progress("replayed", n))]
        if apply_ and writes:
            app.bell.ring(*(f"write:{a.id}" for a in app.accounts() if a.kind in crm_kinds()))
    if gone := max((run.gone for run in runs), default=0):
        click.echo(f"{gone} messages were not replayed: their texts are not kept any more.", err=True)
    if talked := sum(run.talked for run in runs):
        click.echo(f"{talked} messages belong to conversations. Conversations are not replayed.", err=True)
    if as_json:
        show_json(writes)
        return
    for w in writes:
        click.echo(f"{w['contact']}: {w['message']!r}  {w['document']} on {w['account']} {w['record']}")
        click.echo(f"  - {w['field']}: {w['now']}\n  + {w['field']}: {w['then']}    {w['because']}")
    done = (
        "queued; the running workers write them"
        if apply_
        else "would be made; nothing was written (--apply writes them)"
    )
    click.echo(f"{len(writes)} changes {done}.")


def _document(path: str | None) -> MappingDocument | None:
    try:
        return None if path is None else mapping(read_text(Path(path)))
    except errors.BadDocument as error:
        fail(f"{path}: {error}", FINDINGS)
    except errors.Rejected as error:
        fail(f"{path}: {error}")
