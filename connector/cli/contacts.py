"""connector contacts: what is stored about one person, to give it to them or to erase it."""

import shutil
from pathlib import Path
from typing import Any

import click

from connector.app import App
from connector.cli.context import FINDINGS, author, fail, opened, progress, show_json
from connector.core.message.sniff import suffix
from connector.pipeline.people import privacy
from connector.store import audit, contacts, people
from connector.works import people as works_people

SHOWN = ("keys", "links", "consents", "events", "media", "changes", "sends", "statuses", "raw")
_KEY = "KEY: a phone, a WhatsApp id, a contact's id, or its CRM record (contacts/1512)."


@click.group("contacts")
def group() -> None:
    """One person's data: export it, erase it."""


@group.command("export", help=f"Print everything that is stored about one person.\n\n{_KEY}")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.option("--files", type=click.Path(file_okay=False, path_type=Path), help="Copy the files they sent into DIR.")
def export(key: str, as_json: bool, files: Path | None) -> None:
    """Everything, or how much of what."""
    with opened() as app:
        contact = one_contact(app, key)
        found = privacy.export(app.store, contact)
        with app.store.write() as conn:
            audit.append(conn, author(), "contact.export", contact, None, app.clock.now())
    if files is not None:
        _copy(found["media"], files)
    if as_json:
        show_json(found)
        return
    click.echo(f"{contact}  {(found['contact'] or {}).get('name', '')}".rstrip())
    for name in SHOWN:
        click.echo(f"  {name:<12} {len(found[name]):,}")
    click.echo("--json prints all of it.")


@group.command(
    "erase", help=f"Erase one person: their name, keys, texts, and every mention. There is no way back.\n\n{_KEY}"
)
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def erase(key: str, yes: bool, as_json: bool) -> None:
    """Asks for --yes, as it cannot be undone."""
    with opened() as app:
        contact = one_contact(app, key)
        if not yes:
            fail("This cannot be undone. Look at `connector contacts export` first, then say --yes.")
        found = works_people.erase(app, contact, author(), lambda done, total: progress("erased", done, total))
    if as_json:
        show_json(found)
        return
    click.echo("\n".join(f"{name:<16} {n:,}" for name, n in sorted(found.items())))
    click.echo("The person is erased here. The CRM and WhatsApp keep what they have: erase it there too.")


def _copy(found: list[dict[str, Any]], into: Path) -> None:
    """By our keys, which are names that every system takes, with the ending their type has."""
    into.mkdir(parents=True, exist_ok=True)
    for one in found:
        if one["file"] and Path(one["file"]).exists():
            shutil.copyfile(one["file"], into / f"{one['id']}{suffix(one['mime'])}")


def one_contact(app: App, key: str) -> str:
    """The contact's id; several are told, never guessed."""
    with app.store.read() as conn:
        found = sorted(_found(app, conn, key))
        found = sorted({contacts.heirs(conn, [one]).get(one, one) for one in found})
    if not found:
        fail("Nobody is known by this key.", FINDINGS)
    if len(found) > 1:
        fail(f"This may be {len(found)} contacts: {', '.join(found)}. Name one of them.", FINDINGS)
    return found[0]


def _found(app: App, conn: Any, key: str) -> set[str]:
    if contacts.load(conn, [key]):
        return {key}
    by_key = set(contacts.find(conn, key))
    object_, _, record = key.rpartition("/")
    if by_key or not object_:
        return by_key
    ids = [account.id for account in app.accounts()]
    return {
        one for account in ids for mine in people.linked(conn, account, [(object_, record)]).values() for one in mine
    }
