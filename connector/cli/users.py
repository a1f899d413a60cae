"""connector users: who may sign in to the console, and the one-time links that let them in."""

import getpass

import click

from connector.cli.context import fail, opened, show_json
from connector.config import Config, local_url
from connector.store import audit, factors
from connector.store import users as rows
from connector.web.auth.roles import ROLES


@click.group("users")
def group() -> None:
    """People of the console."""


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Everybody who may sign in."""
    with opened() as app, app.store.read() as conn:
        people = [{"email": u.email, "name": u.name, "role": u.role, "state": u.state} for u in rows.everyone(conn)]
    if as_json:
        show_json(people)
        return
    for one in people:
        click.echo(f"{one['email']:<36} {one['role']:<10} {one['state']:<9} {one['name']}")
    if not people:
        click.echo("Nobody yet. The first one's link: connector users link")


@group.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default=ROLES[0], show_default=True)
@click.option("--name", default="")
def add(email: str, role: str, name: str) -> None:
    """Make a person, and print the link that lets them choose a password."""
    with opened() as app:
        with app.store.write() as conn:
            user = rows.add(conn, email, name, role, app.clock.now())
            if user is None:
                fail(f"There is already somebody with the e-mail {email}. A new link: connector users link {email}")
            token = rows.invite(conn, user, app.clock.now())
            audit.append(conn, _who(), "person.add", email, {"role": role}, app.clock.now())
        click.echo(_address(app.config, token))


@group.command("link")
@click.argument("email", required=False)
def link(email: str | None) -> None:
    """Print a one-time link: without EMAIL the first admin's, with it a person's who has no password, or forgot it."""
    with opened() as app:
        with app.store.write() as conn:
            found = rows.get(conn, email) if email else None
            if email and found is None:
                fail(f"There is nobody with the e-mail {email}. Make them: connector users add {email}")
            if not email and rows.everyone(conn):
                fail("There are people already. Name one: connector users link EMAIL")
            token = rows.invite(conn, found.id if found is not None else None, app.clock.now())
            audit.append(conn, _who(), "person.link", email or "the first admin", {}, app.clock.now())
        click.echo(_address(app.config, token))


@group.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Take away the second factor of who lost the app and the recovery codes; they sign in anew."""
    with opened() as app, app.store.write() as conn:
        found = rows.get(conn, email)
        if found is None:
            fail(f"There is nobody with the e-mail {email}.")
        factors.off(conn, found.id)
        rows.sign_out_others(conn, found.id, "")
        audit.append(conn, _who(), "person.second_factor", found.email, {"set": "none"}, app.clock.now())
    click.echo(f"{found.email} signs in with the password alone, until they set up an app again.")


def first_link(config: Config, port: int) -> str:
    """The first admin's link for whoever starts the house; "" once there is somebody."""
    with opened() as app, app.store.write() as conn:
        if rows.everyone(conn):
            return ""
        token = rows.invite(conn, None, app.clock.now())
    return f"{local_url(config.host, port)}/welcome/{token}"


def _address(config: Config, token: str) -> str:
    return f"{config.public_url}/welcome/{token}"


def _who() -> str:
    try:
        return f"{getpass.getuser()}, command line"
    except (KeyError, OSError):  # a user without a name, as in many containers
        return "command line"
