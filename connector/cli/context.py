"""What every command shares: settings, an opened app, plain errors instead of tracebacks."""

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from connector import errors
from connector.app import App, open_app
from connector.bell import RedisBell
from connector.config import Config, load
from connector.store.engine import schema_state, upgrade

FINDINGS, WRONG_USE = 1, 2


def config() -> Config:
    """The settings; all faults at once, exit code 2."""
    try:
        return load(os.environ)
    except errors.ConnectorError as error:
        fail(str(error))


@contextmanager
def opened() -> Iterator[App]:
    """An app on this machine's store, its tables made at the first use; no running server needed."""
    settings = config()
    with closing(RedisBell(settings.redis_url)) as bell, told(), closing(open_app(settings, bell)) as app:
        state = schema_state(app.store)
        if state == "empty":
            upgrade(settings.database_url)
        if state == "older":
            fail("The database's tables are of an older version. Run: connector db upgrade")
        yield app


@contextmanager
def told() -> Iterator[None]:
    """What stops a command is one sentence and exit code 2: no database, no CRM, a wrong key, no such file."""
    try:
        yield
    except errors.StoreDown as error:
        fail(f"{error.message} Does it run, and is DATABASE_URL right? Nothing is lost; try again.")
    except errors.ConnectorError as error:
        fail(str(error))
    except OSError as error:
        if error.filename is None:  # a closed pipe and the like: no file of the caller's
            raise
        fail(f"{error.filename}: {error.strerror}.")


def read_text(path: Path) -> str:
    """A file of the caller's, with or without a byte order mark; one sentence, exit code 2 when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        fail(f"{path} is not UTF-8 text.")


def fail(message: str, code: int = WRONG_USE) -> NoReturn:
    """One sentence on standard error, and an exit code."""
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)


def author() -> str:
    """Who publishes, as versions name them."""
    try:
        return f"{getpass.getuser()}, command line"
    except (KeyError, OSError):  # a user without a name, as in many containers
        return "command line"


def show_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def progress(label: str, done: int, total: int | None = None) -> None:
    """One line on a terminal, rewritten in place; silent when piped."""
    if sys.stderr.isatty():
        click.echo(f"\r{label}: {done:,}" + (f" of {total:,}" if total else ""), nl=False, err=True)
