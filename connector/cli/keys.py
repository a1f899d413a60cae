"""connector keys: the keys that stored secrets stand under: which there are, a new one, an old one retired."""

from typing import Any

import click

from connector import keys as files
from connector.app import App
from connector.cli.context import FINDINGS, author, fail, opened, progress, show_json
from connector.config import Config, key_file
from connector.store import audit, rekeying
from connector.store.secrets import fingerprint


@click.group("keys")
def group() -> None:
    """The keys that stored secrets stand under: list, rotate, retire."""


def _ours(config: Config) -> bool:
    """We may change where the keys stand."""
    return not config.secret_keys


def _keys(app: App) -> tuple[str, ...]:
    """The keys as they stand there now, the one that writes first."""
    return key_file(app.config.home) if _ours(app.config) else app.config.secret_keys


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Each key's fingerprint, the one that writes first, and how many stored secrets it opens."""
    with opened() as app:
        counts = rekeying.count(app.store, app.keyring)
        place = _place(app.config)
    if as_json:
        keys = [{"fingerprint": name, "secrets": n} for name, n in counts.by_key.items()]
        show_json({"place": place, "keys": keys, "lost": counts.lost})
    else:
        click.echo(f"Keys of {place}:")
        for n, (name, opened_) in enumerate(counts.by_key.items()):
            click.echo(
                f"  {name}  opens {opened_:>6,} stored secrets" + ("  (new ones are written with it)" if not n else "")
            )
        for where, n in counts.lost.items():
            click.echo(f"  {n} in {where} open with none of these keys: put the old key back, or enter them again.")
    raise SystemExit(FINDINGS if counts.lost else 0)


def _place(config: Config) -> str:
    if config.secret_key_file is not None:
        return f"CONNECTOR_SECRET_KEY_FILE ({config.secret_key_file})"
    return "CONNECTOR_SECRET_KEY" if config.secret_keys else str(config.own_key_file)


@group.command("rotate")
@click.option("--new", is_flag=True, help="Another key although the last rotation has just ended.")
def rotate(new: bool) -> None:
    """A new key in front, and every stored secret under it. Interrupted, it goes on where it was."""
    with opened() as app:
        counts = rekeying.count(app.store, app.keyring)
        first, *older = counts.by_key
        left = sum(counts.by_key[name] for name in older)
        if not left and not _new_key(app, first, older, new):
            return
        done = rekeying.renew(app.store, app.keyring, lambda n: progress("Re-encrypted", n))
        first, *older = app.keyring.fingerprints()
        _note(app, "keys.rotate", first, {"rows": done})
        click.echo(f"{done} rows re-encrypted; all secrets stand under {first}.")
        for name in older:
            click.echo(f"The older key {name} opens nothing more. After a backup: connector keys retire {name}")


def _new_key(app: App, first: str, older: list[str], new: bool) -> bool:
    """A key made where we may; else the value to set. True when there is something to re-encrypt now."""
    config, fresh = app.config, files.new_key()
    if _ours(config):
        files.write(config.own_key_file, [fresh, *_keys(app)])
        click.echo(f"New key {fingerprint(fresh)} in {config.own_key_file}. Running processes notice it by themselves.")
        return True
    if older and not new:
        click.echo(f"All secrets stand under {first}; {', '.join(older)} open nothing more and may be retired.")
        click.echo("To begin another rotation: connector keys rotate --new")
        return False
    place = "the file of CONNECTOR_SECRET_KEY_FILE" if config.secret_key_file is not None else "CONNECTOR_SECRET_KEY"
    click.echo(f"1. Put this into {place} of every process, on every machine (it is shown only now):", err=True)
    click.echo(",".join([fresh, *_keys(app)]))
    again = (
        "" if config.secret_key_file is not None else " Restart them all: one with the old value cannot read new ones."
    )
    click.echo(f"2.{again or ' They notice it by themselves.'}", err=True)
    click.echo("3. Then run connector keys rotate again: it puts every stored secret under the new key.", err=True)
    return False


@group.command("retire")
@click.argument("name", metavar="FINGERPRINT")
def retire(name: str) -> None:
    """Take an old key away; refused while a stored secret needs it."""
    with opened() as app:
        counts = rekeying.count(app.store, app.keyring)
        _check(counts.by_key, name)
        if _ours(app.config):
            files.write(app.config.own_key_file, [key for key in _keys(app) if fingerprint(key) != name])
            _note(app, "keys.retire", name, {})
            click.echo(
                f"The key {name} is gone. Backups made before the rotation open only with it: keep it with them."
            )
        else:
            click.echo(f"Nothing needs the key {name}: take it out of {_place(app.config)} and restart every process.")


def _check(by_key: dict[str, int], name: str) -> None:
    if name not in by_key:
        fail(f"There is no key {name!r}; there are {', '.join(by_key)}.")
    if name == next(iter(by_key)):
        fail(f"{name} is the key that writes: run connector keys rotate first.")
    if by_key[name]:
        fail(f"{by_key[name]} stored secrets still need the key {name}: run connector keys rotate first.", FINDINGS)


def _note(app: App, action: str, name: str, detail: dict[str, Any]) -> None:
    with app.store.write() as conn:
        audit.append(conn, author(), action, name, detail, app.clock.now())
