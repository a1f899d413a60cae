"""connector alarms: what rings, and whether anybody hears it."""

from datetime import UTC
from typing import Any

import click

from connector.cli.context import FINDINGS, fail, opened, show_json
from connector.core.logtext import line
from connector.store import alarms as rows
from connector.works import alarms


@click.group("alarms")
def group() -> None:
    """What operators are told of: silence, lag, accounts that need a person, full disks, old backups."""


@group.command("list")
@click.option("--limit", default=50, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(limit: int, as_json: bool) -> None:
    """What rings now, then what is over. Exit code 1 while something rings."""
    with opened() as app:
        to = sorted(alarms.targets(app.config))
        with app.store.read() as conn:
            found = [dict(row._mapping) for row in rows.listing(conn, limit)]
    rings = any(row["resolved_at"] is None for row in found)
    if as_json:
        show_json({"targets": to, "alarms": found})
    else:
        for row in found:
            click.echo(_line(row))
        if not found:
            click.echo("Nothing rings, and nothing did.")
        click.echo(f"Told to: {', '.join(to)}." if to else f"Told to nobody. {alarms.HOW}")
    raise SystemExit(FINDINGS if rings else 0)


def _line(row: dict[str, Any]) -> str:
    state = "rings" if row["resolved_at"] is None else f"over since {_at(row['resolved_at'])}"
    call = f" [{row['target']}: {row['call']} {row['outcome']}]" if row["target"] else ""
    return line(f"{_at(row['at'])} {row['code']} ({state}): {row['message']} {row['hint']}{call}")


def _at(at: Any) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%MZ}"


@group.command("test")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def test(as_json: bool) -> None:
    """Tell every target now that this is a test."""
    with opened() as app:
        told = alarms.try_out(app)
    if not told:
        fail(f"There is no target for alarms. {alarms.HOW}")
    if as_json:
        show_json({name: {"state": state, "said": said} for name, (state, said) in told.items()})
    else:
        for name, (state, said) in told.items():
            click.echo(f"{name}: {'arrived' if state == 'done' else 'did not arrive'} ({said})")
    raise SystemExit(0 if all(state == "done" for state, _ in told.values()) else FINDINGS)
