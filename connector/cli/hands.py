"""connector retry and undo: what a person does about one event."""

from typing import Any

import click

from connector import errors
from connector.base import crm_kinds
from connector.cli.context import FINDINGS, author, fail, opened, show_json
from connector.pipeline.again import retry as retrying
from connector.pipeline.again import undo as undoing


@click.command("retry")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def retry(keys: tuple[str, ...], as_json: bool) -> None:
    """Once more: what the CRM refused, what is dead or in review, a message that failed.

    KEY: a wamid, the id of an event or of a send. A message is sent anew once at most, and never when it may have
    arrived, or when the person does not want it."""
    with opened() as app:
        done = retrying.retry(app.store, keys, app.clock.now())
        app.bell.ring(*done["bells"])
    if as_json:
        show_json(done)
    else:
        for one in done["events"]:
            for what in (*one["left"], *one["notes"]):
                click.echo(f"{one['id']}: {what}")
        click.echo(f"Again: {done['changes']} changes, {done['plans']} plans, {done['sends']} messages.")
    raise SystemExit(0 if done["changes"] or done["plans"] or done["sends"] else FINDINGS)


@click.command("undo")
@click.argument("key")
@click.option("--again", is_flag=True, help="Do what was undone again.")
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would happen.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def undo(key: str, again: bool, dry: bool, as_json: bool) -> None:
    """Take back what one message wrote into fields, where nobody has changed them since.

    Messages to the customer and timeline entries stay."""
    done: list[dict[str, Any]] = []
    with opened() as app:
        args = {"event": key, "by": author(), "again": again, "dry": dry}
        for account in [a for a in app.accounts() if a.kind in crm_kinds()]:
            try:
                one = undoing.do(app.store, account, app.crm(account), app.library, app.clock, args)
            except errors.GiveUp as error:
                fail(str(error), FINDINGS)
            app.bell.ring(*one["bells"])
            done.append({"account": account.name} | one)
    if as_json:
        show_json(done)
    else:
        for one in done:
            for f in one["undone"]:
                click.echo(f"{one['account']} {f['record']} {f['field']}: {f['from']} -> {f['to'] or 'empty'}")
            for f in one["kept"]:
                click.echo(f"{one['account']} {f['record']} {f['field']} stays: {f['why']}")
            for text in one["stays"]:
                click.echo(text)
        if not any(one["undone"] for one in done):
            click.echo("Nothing is undone.")
    raise SystemExit(0 if any(one["undone"] for one in done) else FINDINGS)
