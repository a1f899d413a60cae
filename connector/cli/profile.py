"""connector profile: how customers see the business on WhatsApp."""

from typing import Any

import click

from connector.app import App
from connector.cli.context import opened, show_json
from connector.cli.templates import sender
from connector.ports import Account
from connector.store import numbers

_ONE = click.option("--account", "name", default="", help="The WhatsApp account; may be left out where there is one.")


@click.group("profile")
def group() -> None:
    """The business profile of a number."""


@group.command("show")
@_ONE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> None:
    """What customers see."""
    with opened() as app:
        found = _kept(app, sender(app, name))
    if as_json:
        show_json(found)
    for key, value in [] if as_json else found.items():
        click.echo(f"{key}: {', '.join(value) if isinstance(value, list) else value}")


def _kept(app: App, account: Account) -> dict[str, Any]:
    """The profile as it is now, kept beside the number."""
    api = app.messenger(account)
    state, profile = api.number(), api.profile()
    with app.store.write() as conn:
        numbers.put(conn, account.id, account.name, state, profile, app.clock.now())
    return profile


@group.command("set")
@_ONE
@click.option("--about")
@click.option("--address")
@click.option("--description")
@click.option("--email")
@click.option("--vertical", help="The line of business in Meta's words, e.g. RETAIL.")
@click.option("--website", "websites", multiple=True, help="Up to two.")
def set_(name: str, websites: tuple[str, ...], **texts: str | None) -> None:
    """Change what customers see; limits are checked before Meta is asked."""
    values: dict[str, Any] = {key: text for key, text in texts.items() if text is not None}
    values |= {"websites": list(websites)} if websites else {}
    if not values:
        raise click.UsageError("Name what to change, e.g. --about.", click.get_current_context(silent=True))
    with opened() as app:
        account = sender(app, name)
        app.messenger(account).update_profile(values)
        _kept(app, account)
    click.echo(f"{', '.join(values)} changed.")
