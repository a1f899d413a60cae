"""connector settings: what holds for the whole deployment, and how long things are kept."""

import click

from connector.cli.context import author, opened, show_json
from connector.store import audit, options


@click.group("settings")
def group() -> None:
    """Settings of the whole deployment: retention, language, time zone."""


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Every setting, what it is now and what it is about."""
    with opened() as app, app.store.read() as conn:
        rows = options.listing(conn)
    if as_json:
        show_json(rows)
        return
    for row in rows:
        value = f"{row['value']} {row['unit']}".strip()
        click.echo(f"{row['name']:<16} {value:<24} {row['about']}" + ("" if row["at"] else " (default)"))


@group.command("set")
@click.argument("pairs", nargs=-1, required=True, metavar="NAME=VALUE...")
def set_(pairs: tuple[str, ...]) -> None:
    """Change settings: connector settings set retain_text=30 time_zone=America/Bogota."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise click.UsageError(f"Write NAME=VALUE instead of {wrong[0]!r}.")
    given = {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}
    with opened() as app, app.store.write() as conn:
        now = app.clock.now()
        changed = options.put(conn, given, now)
        if changed:
            audit.append(conn, author(), "settings.change", "", changed, now)
    for name, values in changed.items():
        click.echo(f"{name}: {values['before']} -> {values['after']}")
    if not changed:
        click.echo("Nothing changed.")
