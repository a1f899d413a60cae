"""connector reports: what messages led to, by template, document or number."""

from dataclasses import asdict

import click

from connector import errors
from connector.cli.context import fail, opened, show_json
from connector.pipeline.views import reports as made
from connector.store.report_days import DIMENSIONS


@click.command("reports")
@click.option("--days", default="", help="The last days, today among them; 30 when left out.")
@click.option("--from", "since", default="", metavar="DAY", help="From this day on: 2026-11-01.")
@click.option("--to", "until", default="", metavar="DAY", help="Up to and with this day.")
@click.option("--by", type=click.Choice(DIMENSIONS), default="template", show_default=True)
@click.option("--template", default="", help="Only of this template.")
@click.option("--document", default="", help="Only of this document.")
@click.option("--number", default="", help="Only of this phone number id.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: a row for each day, document, template and number.")
def reports(
    days: str, since: str, until: str, by: str, template: str, document: str, number: str, as_json: bool, as_csv: bool
) -> None:
    """What messages led to: sent, delivered, read, answered, failed, billed, goals, and what has no answer."""
    if as_json and as_csv:
        raise click.UsageError("Take --json or --csv.", click.get_current_context(silent=True))
    only = {"template": template, "document": document, "number": number}
    with opened() as app:
        try:
            during = made.period(app.clock.now(), days, since, until)
        except errors.Rejected as error:
            fail(f"{error.message} {error.hint}")
        if as_csv:
            for piece in made.csv(app.store, during, only):
                click.echo(piece.removesuffix("\r\n"))
            return
        with app.store.read() as conn:
            found = made.report(conn, during, by, only)
    if as_json:
        show_json(asdict(found))
        return
    click.echo(f"{during.since:%Y-%m-%d} to {during.last:%Y-%m-%d}, by {by}")
    if not found.lines:
        click.echo("Nothing was sent in these days." if found.counted_at else "The first count is still to come.")
        return
    click.echo(f"{'':<32}{'sent':>9}{'delivered':>11}{'read':>8}{'answered':>10}{'failed':>8}{'billed':>8}{'goal':>7}")
    for line in [*found.lines, found.total]:
        name = "all" if line is found.total else line.name or "(none)"
        click.echo(
            f"{name[:31]:<32}{line.sent:>9,}{line.delivered:>11,}{line.read:>8,}{line.answered:>10,}{line.failed:>8,}"
            f"{line.paid:>8,}{line.reached:>7,}"
        )
