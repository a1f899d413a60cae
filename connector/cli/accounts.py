"""connector accounts: connect WhatsApp numbers and CRMs, list them, check them."""

from collections.abc import Callable
from typing import Any

import click

from connector import errors
from connector.app import App, kinds, messenger
from connector.cli.context import FINDINGS, fail, opened, show_json
from connector.ports import Account, Flag, Manifest
from connector.store import accounts as rows


@click.group("accounts")
def group() -> None:
    """Connect WhatsApp and CRMs, list them, check them."""


@group.group("add")
def add() -> None:
    """Connect a system; the same name again changes it."""


def _option(kind: str, flag: Flag) -> Callable[[Any], Any]:
    variable = f"CONNECTOR_{kind.upper()}_{flag.name.upper().replace('-', '_')}"
    text = f"{flag.label}. {flag.help}".strip()
    return click.option(
        f"--{flag.name}",
        required=flag.required,
        default=flag.default or None,
        envvar=variable,
        help=text,
        show_envvar=True,
    )


def _command(manifest: Manifest) -> click.Command:
    def run(name: str, as_json: bool, **given: str | None) -> None:
        _add(manifest, name, {k: v for k, v in given.items() if v}, as_json)

    run.__doc__ = f"Connect {manifest.title}."
    for flag in reversed(manifest.flags):
        run = _option(manifest.kind, flag)(run)
    run = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(run)
    run = click.option(
        "--name", required=True, envvar=f"CONNECTOR_{manifest.kind.upper()}_NAME", help="How you call it, e.g. hubspot."
    )(run)
    return click.command(manifest.kind)(run)


def _add(manifest: Manifest, name: str, given: dict[str, str], as_json: bool) -> None:
    secret = {flag.name.replace("-", "_") for flag in manifest.flags if flag.secret}
    settings = {k: v for k, v in given.items() if k not in secret}
    secrets = {k: v for k, v in given.items() if k in secret}
    with opened() as app:
        try:
            account = app.add_account(manifest, name, settings, secrets)
        except ValueError as error:
            fail(str(error))
        entry = describe(account)
        if as_json:
            show_json(entry)
        else:
            click.echo(f"{account.name} ({manifest.title}) is connected. Its webhook path is {entry['hook']}")


for _manifest in kinds().values():
    add.add_command(_command(_manifest))


def describe(account: Account) -> dict[str, str]:
    """{name, kind, state, hook}: what may be shown of an account."""
    place = "whatsapp" if account.kind == "whatsapp" else "crm"
    secret = account.secrets.get("hook_secret")
    hook = f"/hooks/{place}/{account.name}" + (f"/{secret}" if secret else "")
    return {"name": account.name, "kind": account.kind, "state": account.state, "hook": hook}


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Every connected system and its webhook path."""
    with opened() as app:
        entries = [describe(a) for a in app.accounts()]
    if as_json:
        show_json(entries)
        return
    for entry in entries:
        click.echo(f"{entry['name']:<20} {entry['kind']:<12} {entry['state']:<13} {entry['hook']}")
    if not entries:
        click.echo("Nothing is connected yet: connector accounts add whatsapp|hubspot|salesforce --help")


@group.command("check")
@click.argument("name", required=False)
@click.option("--fix", is_flag=True, help="Mend what can be mended: make our fields, subscribe the webhooks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(name: str | None, fix: bool, as_json: bool) -> None:
    """Ask each system whether the connection works and what is missing."""
    with opened() as app:
        wanted = [a for a in app.accounts() if name in (None, a.name)]
        if name and not wanted:
            fail(f"There is no account named {name!r}.")
        found = [{"account": a.name} | issue for a in wanted for issue in _check(app, a, fix)]
    if as_json:
        show_json(found)
    for entry in [] if as_json else found:
        click.echo(f"{entry['account']}: {entry['message']} {entry['hint']}".rstrip())
    if not found and not as_json:
        click.echo("All connections work.")
    raise SystemExit(FINDINGS if found else 0)


def _check(app: App, account: Account, fix: bool) -> list[dict[str, Any]]:
    """The findings of one account; a good answer ends a pause, and refreshes the cached fields."""
    try:
        if account.kind == "whatsapp":
            issues = messenger(account).check(fix=fix)
        else:
            issues = app.crm(account).check(fix=fix)
            app.refresh_catalogue(account)
    except errors.ConnectorError as error:
        return [
            {"code": error.code or type(error).__name__, "message": error.message, "hint": error.hint, "fix": False}
        ]
    if account.state == "needs_person" and not issues:
        with app.store.write() as conn:
            rows.set_state(conn, account.id, "ok", "")
    return [{"code": i.code, "message": i.message, "hint": i.hint, "fix": i.fix} for i in issues]
