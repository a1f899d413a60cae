"""connector accounts connect and remove: leave that a person gives in the vendor's screens, and that we give back."""

import click

from connector import errors
from connector.app import kinds
from connector.cli.accounts import command_of, group, usage
from connector.cli.context import FINDINGS, author, fail, opened, show_json
from connector.ports import Manifest
from connector.store import audit
from connector.works import leaves, removing

__all__ = ["group"]


@group.group("connect")
def connect() -> None:
    """Connect a CRM by OAuth: prints the link to open; the same name again needs no flags."""


def _command(manifest: Manifest) -> click.Command:
    def run(name: str, as_json: bool, **given: str | None) -> None:
        _connect(manifest, name, {k: v for k, v in given.items() if v is not None}, as_json)

    run.__doc__ = f"Connect {manifest.title} by OAuth."
    return command_of(manifest, run)


def _connect(manifest: Manifest, name: str, given: dict[str, str], as_json: bool) -> None:
    settings, secrets = manifest.split(given)
    with opened() as app:
        try:
            account = leaves.begin(app, manifest, name, settings, secrets)
        except errors.Rejected as error:
            usage(error)
            raise
        url = app.config.public_url
    link, back = url + leaves.start_path(account), f"{url}/oauth/{manifest.kind}/callback"
    if as_json:
        show_json({"name": name, "link": link, "redirect": back})
        return
    click.echo(f"The app's redirect address must be: {back}")
    click.echo("Open this in a browser that is signed in to the console as an admin:")
    click.echo(link)


for _manifest in kinds().values():
    if _manifest.oauth is not None:
        connect.add_command(_command(_manifest))


@group.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Disconnect: revoke our access at the vendor, delete the secrets, end what waits with that reason."""
    with opened() as app:
        account = app.account(name)
        if account is None:
            fail(f"There is no account named {name!r}.")
        if not yes:
            click.confirm(f"Disconnect {account.name} ({account.kind}) and delete its secrets?", abort=True, err=True)
        with app.store.write() as conn:
            audit.append(conn, author(), "account.disconnect", account.name, {"kind": account.kind}, app.clock.now())
        told = removing.remove(app, account)
    if as_json:
        show_json(told)
    else:
        click.echo(
            f"{told['account']} is disconnected; its secrets are deleted. Work ended with that reason: {told['ended']}."
        )
        if told["hint"]:
            click.echo(f"Revoke its access there by hand. {told['hint']}")
    raise SystemExit(0 if told["revoked"] else FINDINGS)
