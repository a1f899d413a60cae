"""connector broadcasts: one message to many people, from the forecast to what came of it."""

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from connector.app import App
from connector.cli.broadcasts_told import forecast_lines, line, result_lines
from connector.cli.context import FINDINGS, author, fail, opened, show_json
from connector.core import audience
from connector.core.audience import Source
from connector.pipeline.broadcasts import acts, export
from connector.pipeline.broadcasts import told as telling
from connector.pipeline.chores.tasks import BELL
from connector.store import broadcasts, uploads
from connector.works import broadcasts as works

KINDS = ("list", "report", "view", "query")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("broadcasts")
def group() -> None:
    """One message to many people."""


def _to_whom(command: Callable[..., None]) -> Callable[..., None]:
    """What says to whom: a CSV, or a list of the CRM."""
    for option in (
        click.option("--csv", "file", type=click.Path(exists=True, dir_okay=False), help="A CSV with a header."),
        click.option("--phone-column", default="", help="Its column of phones, where no name tells."),
        click.option("--list", "list", default="", help="A list of the CRM, by name or id."),
        click.option("--report", default="", help="A report of the CRM, by name or id."),
        click.option("--view", default="", help="A list view of the CRM, by name or id."),
        click.option("--query", default="", help="SOQL: SELECT Id FROM Contact WHERE ..."),
        click.option("--object", "object", default="", help="Whose view it is, if not of contacts: Lead."),
        click.option("--name", default="", help="What the broadcast is called."),
        click.option("--campaign", default="", help="Id of a campaign of the CRM: its members hear of it."),
        click.option("--key", default="", help="The same key twice is the same broadcast."),
    ):
        command = option(command)
    return command


def _source(app: App, given: dict[str, Any]) -> Source | None:
    chosen = [kind for kind in KINDS if given[kind]]
    if len(chosen) + bool(given["file"]) > 1:
        fail("Name one list: --csv, --list, --report, --view or --query.")
    if given["file"]:
        path = Path(given["file"])
        id_ = uploads.add(app.store, path.name, _parts(path), author(), app.clock.now())
        return Source(kind="csv", upload=id_, name=path.name)
    if not chosen:
        return None
    try:
        found = audience.parse(given["query"] if given["query"] else f"{chosen[0]} {given[chosen[0]]}")
    except ValueError as error:
        fail(str(error))
    return Source(kind=chosen[0], value=found.value, object=given["object"]) if found else None


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(uploads.PART):
            yield part


def _create(app: App, document: str, given: dict[str, Any]) -> Any:
    source = _source(app, given)
    with app.store.write() as conn:
        return acts.create(
            conn, app.accounts(), document, source, author(), app.clock.now(), key=given["key"], name=given["name"],
            campaign=given["campaign"], phone_column=given["phone_column"], forecast=False,
        )  # fmt: skip


def _named(app: App, what: str) -> Any:
    """The broadcast of this id, or None: then it is a document's name."""
    with app.store.read() as conn:
        return broadcasts.get(conn, what)


def _row(app: App, id_: str) -> Any:
    row = _named(app, id_)
    if row is None:
        fail(f"There is no broadcast {id_}. See: connector broadcasts list", FINDINGS)
    return row


@group.command("forecast")
@click.argument("what", metavar="DOCUMENT|ID")
@_to_whom
@AS_JSON
def forecast(what: str, as_json: bool, **given: Any) -> None:
    """Who would get it, who not and why, how long it takes and what it costs. Sends nothing."""
    with opened() as app:
        row = _named(app, what) or _create(app, what, given)
        if row.state != broadcasts.DRAFT:
            fail(f"{row.id} is {row.state}: its forecast is over.", FINDINGS)
        with app.store.write() as conn:
            acts.renew(conn, row.id)
        told = works.foretell(app, row.id, _progress, row.task)
    if as_json:
        show_json({"id": row.id, **told})
        return
    for text in forecast_lines(told):
        click.echo(text)
    click.echo(f"Start it: connector broadcasts start {row.id}")


def _progress(done: int, total: int | None) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done:,} of {total or done:,} people looked at", nl=False, err=True)


@group.command("start")
@click.argument("what", metavar="ID|DOCUMENT")
@click.option("--at", default="", help="Not before: 2026-12-01 09:00, in the account's time zone.")
@_to_whom
@AS_JSON
def start(what: str, at: str, as_json: bool, **given: Any) -> None:
    """Begin a broadcast, by its id or at once with a document. Begun twice, it is begun once."""
    with opened() as app:
        row = _named(app, what) or _create(app, what, given)
        account = next((a for a in app.accounts() if a.id == row.crm), None)
        zone = (account.settings.get("time_zone") if account else "") or "UTC"
        moment = acts.when(at, zone) if at else None
        with app.store.write() as conn:
            begun = acts.start(conn, row.id, author(), app.clock.now(), moment)
            row = broadcasts.get(conn, row.id)
        app.bell.ring(BELL)
    if as_json:
        show_json({"id": row.id, "state": row.state, "started": begun})
    elif begun:
        when = f"begins at {row.start_at:%Y-%m-%d %H:%M} UTC" if row.start_at else "has begun"
        click.echo(f"{row.id} {when}. See: connector broadcasts show {row.id}")
    else:
        click.echo(f"{row.id} is {row.state} already: nothing was begun twice.")


@group.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many, newest first.")
@AS_JSON
def list_(limit: int, as_json: bool) -> None:
    """The newest broadcasts, and how each stands."""
    with opened() as app, app.store.read() as conn:
        told = telling.told_all(conn, broadcasts.page(conn, "", limit), app.clock.now())
    if as_json:
        show_json(told)
        return
    for one in told:
        click.echo(line(one))
    if not told:
        click.echo("There is no broadcast.")


@group.command("show")
@click.argument("id")
@AS_JSON
def show(id: str, as_json: bool) -> None:
    """How a broadcast stands: how far it is, how fast, how long it still takes."""
    with opened() as app:
        row = _row(app, id)
        with app.store.read() as conn:
            told = telling.told(conn, row, app.clock.now())
    if as_json:
        show_json(told | {"forecast": row.forecast})
        return
    click.echo(line(told))
    for text in forecast_lines(row.forecast) if row.state == broadcasts.DRAFT and row.forecast else ():
        click.echo(text)


@group.command("result")
@click.argument("id")
@click.option("--csv", "to", type=click.Path(dir_okay=False, writable=True), help="Write each person to this file.")
@AS_JSON
def result(id: str, to: str | None, as_json: bool) -> None:
    """What came of it: sent, delivered, read, answered, failed and why; and every person, as CSV."""
    with opened() as app:
        row = _row(app, id)
        with app.store.read() as conn:
            told = telling.result(conn, row, app.clock.now())
        if to:
            with Path(to).open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file).writerows(export.rows(app.store, id))
    if as_json:
        show_json(told)
        return
    for text in result_lines(told):
        click.echo(text)


@group.command("retry")
@click.argument("id")
@AS_JSON
def retry(id: str, as_json: bool) -> None:
    """Send anew to those whose message surely failed; never where it may have arrived."""
    tried = alone = 0
    with opened() as app:
        after = "-"
        while after:
            with app.store.write() as conn:
                some, left, after = acts.retry(conn, id, app.clock.now(), "" if after == "-" else after)
            tried, alone = tried + some, alone + left
        row = _row(app, id)
        app.bell.ring(f"prepare:{row.crm}")
    if as_json:
        show_json({"id": id, "tried": tried, "left": alone})
    else:
        click.echo(f"{tried} are tried again" + (f", {alone} are left alone." if alone else "."))


@group.command("campaign")
@click.argument("id")
def campaign(id: str) -> None:
    """Tell the members of its campaign anew: who got it, and who has answered since."""
    with opened() as app:
        with app.store.write() as conn:
            task = acts.tell_campaign(conn, id, author(), app.clock.now())
        app.bell.ring(BELL)
    click.echo(f"Under way: connector tasks list (task {task}).")


def _act(name: str, act: Callable[..., bool], said: str, help_: str) -> click.Command:
    @click.argument("id")
    @AS_JSON
    def run(id: str, as_json: bool) -> None:
        with opened() as app:
            with app.store.write() as conn:
                done = act(conn, id, author(), app.clock.now())
                row = broadcasts.get(conn, id)
            app.bell.ring(BELL)
            with app.store.read() as conn:
                app.bell.ring(*(f"send:{number}" for number in acts.numbers(conn)))
        if as_json:
            show_json({"id": id, "state": row.state, "done": done})
        elif not done:
            fail(f"{id} is {row.state}: it cannot {name}.", FINDINGS)
        else:
            click.echo(f"{id} {said}.")

    run.__doc__ = help_
    return click.command(name)(run)


group.add_command(_act("pause", acts.pause, "is paused", "Hold it: nothing of it leaves until it goes on."))
group.add_command(_act("resume", acts.resume, "goes on", "Let it go on, with what waited."))
group.add_command(_act("cancel", acts.cancel, "is cancelled", "End it: what has not left never will."))
