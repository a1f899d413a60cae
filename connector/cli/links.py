"""connector links: addresses that fire one document each, for whatever can make an HTTP call."""

from pathlib import Path

import click

from connector import errors, webhooks
from connector.app import App
from connector.base import crm_kinds
from connector.cli.context import FINDINGS, fail, opened, show_json
from connector.pipeline.triggers import links as trigger_links
from connector.ports import Account
from connector.webhooks import standard


@click.group("links")
def group() -> None:
    """Trigger links: a signed HTTP call that fires one send: document."""


def links(app: App) -> list[Account]:
    """Every trigger link, oldest first."""
    return [account for account in app.accounts() if account.kind == webhooks.LINK]


def describe(app: App, link: Account) -> dict[str, str]:
    """{id, document, crm, url, state}: what may be shown of a link."""
    url = f"{app.config.public_url}/hooks/link/{link.name}"
    named = {"document": str(link.settings.get("document", "")), "crm": webhooks.crm_of(link)}
    return {"id": link.name, **named, "url": url, "state": link.state}


@group.command("create")
@click.argument("document")
@click.option("--crm", "crm_name", help="The CRM account; as the document says when it is published.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(document: str, crm_name: str | None, as_json: bool) -> None:
    """Make a link that fires DOCUMENT; its secret is printed once."""
    with opened() as app:
        crm = crm_name or _crm_of(app, document)
        if crm not in {a.name for a in app.accounts() if a.kind in crm_kinds()}:
            fail(f"There is no CRM account named {crm!r}. See: connector accounts list")
        secret = standard.new_secret()
        link = trigger_links.make(app.store, app.keyring, document, crm, secret, app.clock.now())
        _told(describe(app, link) | {"secret": secret}, as_json)


def _crm_of(app: App, document: str) -> str:
    """The account that the newest version names."""
    try:
        return trigger_links.crm_of(app.store, document)
    except errors.Rejected as error:
        fail(str(error))


def _told(entry: dict[str, str], as_json: bool) -> None:
    if as_json:
        show_json(entry)
        return
    click.echo(f"{entry['url']}\nsecret: {entry['secret']}")
    click.echo("Keep the secret: it is not shown again. How to call it: docs/triggers.md")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Every link and the document it fires."""
    with opened() as app:
        entries = [describe(app, link) for link in links(app)]
    if as_json:
        show_json(entries)
        return
    for entry in entries:
        click.echo(f"{entry['document']:<28} {entry['crm']:<16} {entry['url']}")
    if not entries:
        click.echo("There is no link yet: connector links create DOCUMENT")


def _link(app: App, name: str) -> Account:
    """By its id, its whole address, or its document where that has only one."""
    id_ = name.rstrip("/").rpartition("/")[2]
    every = links(app)
    found = [link for link in every if link.name == id_] or [
        link for link in every if link.settings.get("document") == name
    ]
    if len(found) > 1:
        fail(f"{name} has {len(found)} links: name one by its address. See: connector links list", FINDINGS)
    return found[0] if found else fail(f"There is no link {name}. See: connector links list", FINDINGS)


@group.command("rotate")
@click.argument("link")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rotate(link: str, as_json: bool) -> None:
    """Give a link a new secret; the old one is good for another 24 hours."""
    with opened() as app:
        known = _link(app, link)
        fresh = standard.new_secret()
        changed = trigger_links.rotate(app.store, app.keyring, known, fresh, app.clock.now())
        _told(describe(app, changed) | {"secret": fresh}, as_json)


@group.command("revoke")
@click.argument("link")
def revoke(link: str) -> None:
    """End a link: from now on its calls are refused."""
    with opened() as app:
        known = _link(app, link)
        trigger_links.revoke(app.store, known)
    click.echo(f"{known.name} is revoked.")


@group.command("openapi")
@click.argument("link", default="")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it into this file.")
def openapi(link: str, out: Path | None) -> None:
    """Describe the call as OpenAPI 3.0, for Salesforce External Services and the like."""
    from connector.web.openapi import described

    with opened() as app:
        name = _link(app, link).name if link else "{link}"
        text = described(app.config.public_url, name).decode()
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        click.echo(f"{out}: import it where calls are set up.")
