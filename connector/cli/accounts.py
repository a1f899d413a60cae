"""connector accounts: connect WhatsApp numbers and CRMs, list them, check them."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

import click

from connector import errors, webhooks
from connector.app import App, kinds
from connector.base import hook_path
from connector.cli.context import FINDINGS, fail, opened, show_json
from connector.ports import Account, Flag, Manifest
from connector.store import accounts as rows
from connector.store import numbers as number_rows
from connector.works import accounts as works
from connector.works import connecting


@click.group("accounts")
def group() -> None:
    """Connect WhatsApp and CRMs, list them, check them."""


@group.group("add")
def add() -> None:
    """Connect a system; the same name again changes it."""


def _variable(account: str, flag: str) -> str:
    """CONNECTOR_<ACCOUNT>_<FLAG>: the environment variable of one flag; `account` is a name or a kind."""
    return "CONNECTOR_" + re.sub(r"[^A-Z0-9]", "_", f"{account}_{flag}".upper())


class _Option(click.Option):
    """A flag that the account's own variable may give, before its kind's."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        own = os.environ.get(_variable(ctx.params.get("name") or "", self.name or ""))
        return own or super().resolve_envvar_value(ctx)


def option(kind: str, flag: Flag) -> Callable[[Any], Any]:
    """One flag of a system."""
    text = f"{flag.label}. {flag.help}".strip()
    variable = _variable(kind, flag.name)
    return click.option(f"--{flag.name}", cls=_Option, envvar=variable, help=text, show_envvar=True)


def named(_: click.Context, __: click.Parameter, value: str) -> str:
    """Documents and webhook paths carry the name."""
    if not rows.usable_name(value):
        raise click.BadParameter(rows.NAME_RULE)
    return value


def _command(manifest: Manifest) -> click.Command:
    def run(name: str, as_json: bool, **given: str | None) -> None:
        _add(manifest, name, {k: v for k, v in given.items() if v is not None}, as_json)

    run.__doc__ = f"Connect {manifest.title}."
    return command_of(manifest, run)


def command_of(manifest: Manifest, run: Callable[..., None]) -> click.Command:
    """`run(name, as_json, **flags)` as a command with every flag of the system."""
    for flag in reversed(manifest.flags):
        run = option(manifest.kind, flag)(run)
    run = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(run)
    variable = _variable(manifest.kind, "name")
    text = f"How you call it, e.g. {manifest.kind}."
    run = click.option("--name", required=True, is_eager=True, callback=named, envvar=variable, help=text)(run)
    return click.command(manifest.kind)(run)


def _add(manifest: Manifest, name: str, given: dict[str, str], as_json: bool) -> None:
    settings, secrets = manifest.split(given)
    with opened() as app:
        try:
            ready = connecting.complete(app, manifest, name, settings, secrets)
        except errors.Rejected as error:
            usage(error)
            raise
        entry = describe(app.add_account(manifest, name, ready.settings, ready.secrets | ready.made))
    made = ready.made
    if as_json:
        show_json(entry | made)
    elif manifest.kind == webhooks.MANIFEST.kind:
        click.echo(f"{name} is stored. Mappings call it with: notify: {name}")
        click.echo(
            f"Its signing secret, not shown again: {made['secret']}" if made else "Its signing secret is stored."
        )
    else:
        click.echo(f"{name} ({manifest.title}) is stored. Its webhook path is {entry['hook']}")
        click.echo(f"Next: connector accounts check {name} --fix")


def usage(error: errors.Rejected) -> None:
    """What is missing, as the options it is given with."""
    if error.code == connecting.MISSING:
        flags = ", ".join(f"--{flag}" for flag in cast(Sequence[str], error.facts["flags"]))
        raise click.UsageError(f"Missing option {flags}.", click.get_current_context(silent=True)) from None


for _manifest in kinds().values():
    add.add_command(_command(_manifest))


def describe(account: Account) -> dict[str, str]:
    """{name, kind, state, hook}: what may be shown of an account."""
    return {"name": account.name, "kind": account.kind, "state": account.state, "hook": hook_path(account)}


def _shown(app: App) -> list[Account]:
    """Every account but trigger links, which have commands of their own."""
    return [account for account in app.accounts() if account.kind != webhooks.LINK]


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Every connected system and its webhook path."""
    with opened() as app:
        accounts = _shown(app)
        entries = [describe(a) for a in accounts]
        reasons = {a.name: a.reason for a in accounts}
    if as_json:
        show_json(entries)
        return
    for entry in entries:
        click.echo(f"{entry['name']:<20} {entry['kind']:<12} {entry['state']:<13} {entry['hook']}")
        if reasons[entry["name"]]:
            click.echo(f"    {reasons[entry['name']]}")
    if not entries:
        systems = "|".join(kind for kind in kinds() if kind != webhooks.MANIFEST.kind)
        click.echo(f"Nothing is connected yet: connector accounts add {systems} --help")


@group.command("check")
@click.argument("name", required=False)
@click.option("--fix", is_flag=True, help="Mend what can be mended: make our fields, subscribe the webhooks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(name: str | None, fix: bool, as_json: bool) -> None:
    """Ask each system whether the connection works and what is missing."""
    with opened() as app:
        wanted = [a for a in _shown(app) if name in (None, a.name)]
        if name and not wanted:
            fail(f"There is no account named {name!r}.")
        found = [{"account": a.name} | issue for a in wanted for issue in _check(app, a, fix)]
        numbers = [line for a in wanted if a.kind == "whatsapp" for line in _numbers(app, a)]
    if as_json:
        show_json(found)
    for line in [] if as_json else numbers:
        click.echo(line)
    for entry in [] if as_json else found:
        click.echo(f"{entry['account']}: {entry['message']} {entry['hint']}".rstrip())
    if not found and not as_json:
        click.echo("All connections work." if wanted else "Nothing is connected yet: connector accounts add --help")
    raise SystemExit(FINDINGS if found else 0)


def _check(app: App, account: Account, fix: bool) -> list[dict[str, Any]]:
    """The findings of one account as the fixed surface has them."""
    issues = works.check(app, account, fix=fix).issues
    return [{"code": i.code, "message": i.message, "hint": i.hint, "fix": i.fix} for i in issues]


def _numbers(app: App, account: Account) -> list[str]:
    """The number's health and profile, as last seen, in a line each."""
    with app.store.read() as conn:
        found = number_rows.of_account(conn, account.id)
    lines = []
    for row in found:
        if row.checked_at is None:
            continue
        state = {"health": row.health, "quality": row.quality, "limit": row.tier, "speed": f"{row.throughput} a second"}
        said = ", ".join(f"{name} {value}" for name, value in state.items() if value)
        lines.append(f"{account.name}: {row.display} {row.verified_name!r}: {said}")
        about = " · ".join(
            str(row.profile[name]) for name in ("about", "description", "email") if row.profile.get(name)
        )
        lines += [f"    {about}"] if about else []
    return lines
