"""connector backup, connector restore: one file with everything but the secret key, and the way back from it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from connector.cli.context import FINDINGS, author, config, fail, opened, show_json, told
from connector.pipeline.chores import backups, restores
from connector.store import audit, backup_notes
from connector.store.engine import open_store

_KEY_FILE = click.option(
    "--key-file", type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A file with the key that seals the backup; else BACKUP_KEY.",
)  # fmt: skip
KEPT_APART = (
    "The secret key is not in it: keep CONNECTOR_SECRET_KEY, or {home}/secret.key, elsewhere. "
    "Without it a restore cannot open tokens."
)


@click.command()
@click.argument("path", metavar="FILE|DIR", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(1), help="In DIR: delete all backups but the newest N.")
@click.option("--no-media", is_flag=True, help="Leave out the files that customers sent.")
@click.option("--check", is_flag=True, help="Make none: read FILE again, every part of it.")
@_KEY_FILE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def backup(path: Path, keep: int | None, no_media: bool, check: bool, key_file: Path | None, as_json: bool) -> None:
    """Back up database, files and documents into one file, while everything runs.

    A name without an ending is a directory: the file is named by its time."""
    settings = config()
    key = _key(key_file) or settings.backup_key
    if check:
        with told():
            found = backups.check(path, key)
    else:
        found = _made(path, keep, media=not no_media, key=key)
    if as_json:
        show_json({name: found.get(name) for name in (*SHOWN, "counts")})
        return
    for name in SHOWN:
        if found.get(name) is not None:
            click.echo(f"{name:<10} {found[name]}")
    click.echo(f"{'rows':<10} " + ", ".join(f"{n:,} {name}" for name, n in found["counts"].items()))
    click.echo("Every part is whole." if check else KEPT_APART.format(home=settings.home))


SHOWN = ("file", "size", "seconds", "made_at", "release", "database", "schema", "documents", "media")


def _made(path: Path, keep: int | None, *, media: bool, key: str) -> dict[str, Any]:
    with opened() as app:
        now = app.clock.now()
        folder = path if path.is_dir() or not path.suffix else None
        if keep is not None and folder is None:
            fail(f"--keep needs a directory, and {path} is none.")
        found = backups.backup(
            app.store, folder / backups.file_name(now) if folder else path, now, key=key, media=media
        )
        if folder is not None and keep is not None:
            backups.prune(folder, keep)
        note = {"ok": True, "file": found["file"], "size": found["size"], "seconds": found["seconds"]}
        with app.store.write() as conn:
            backup_notes.put(conn, note, now)
            audit.append(conn, author(), "database.backup", found["file"], None, now)
    return found


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option(
    "--journal", "journals", multiple=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="What came in and left since: JOURNAL_DIR of each machine. May be given several times.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace a database that is not empty.")
@_KEY_FILE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def restore(file: Path, journals: tuple[Path, ...], force: bool, key_file: Path | None, as_json: bool) -> None:
    """Put the database and files of a backup back. Nothing of ours may run; exit code 1 = look at what it says."""
    settings = config()
    mine = [one for one in (settings.journal_dir,) if one is not None and one.is_dir()]
    folders = tuple(dict.fromkeys([*journals, *mine]))
    place = restores.Place(
        url=settings.database_url, home=settings.home, keyring=settings.keyring(),
        key=_key(key_file) or settings.backup_key,
        open=lambda: open_store(settings.database_url, home=settings.home, media=settings.media_dir),
        lists=[one for one in (settings.backup_dir, settings.journal_dir) if one],
    )  # fmt: skip
    with told():
        done = restores.restore(place, file, datetime.now(UTC), journals=folders, force=force)
    if as_json:
        show_json(
            {"made_at": done.manifest["made_at"], "files": done.media, "settled": done.settled, "erased": done.erased,
             "journal": done.journal, "findings": done.findings}
        )  # fmt: skip
    else:
        _say(done)
    sys.exit(FINDINGS if done.findings or done.journal.get("broken") else 0)


def _say(done: restores.Restore) -> None:
    told_ = done.manifest
    click.echo(f"Restored the {told_['database']} backup of {told_['made_at']} (release {told_['release']}).")
    if done.journal:
        j = done.journal
        click.echo(
            f"From the journal: {j['deliveries']:,} webhooks to be worked again, {j['messages']:,} messages that left."
        )
        if j["broken"]:
            click.echo(f"Damaged: {', '.join(j['broken'])}. What stood behind the damage is lost.")
    else:
        click.echo(
            f"No journal: {done.settled['sends']:,} messages that may have left wait in Review; what was acknowledged "
            "since the backup comes back only from the CRM (docs/backup.md)."
        )
    if done.settled["broadcasts"]:
        click.echo(f"{done.settled['broadcasts']} broadcasts were ended: look, then start them anew.")
    if done.erased:
        click.echo(f"{done.erased} people who were erased since were erased again.")
    for finding in done.findings:
        click.echo(f"{finding['code']}: {finding['count']}. {finding['hint']}")
    click.echo(
        "Everybody signs in again. Users, roles and API tokens are those of the backup: revoke again what you had."
    )
    click.echo("Now start, and run: connector accounts check · connector doctor")


def _key(path: Path | None) -> str:
    from connector.config import is_key

    text = path.read_text(encoding="ascii", errors="replace").strip() if path is not None else ""
    if path is not None and not is_key(text):
        fail(f"{path} holds no key: 32 bytes in URL-safe base64 (44 characters).")
    return text
