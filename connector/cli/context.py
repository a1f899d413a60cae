"""What every command shares: settings, an opened app, plain errors instead of tracebacks."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
def opened(*, make: bool = True) -> Iterator[App]:
    """An app on this machine's store, its tables made at the first use; no running server needed."""
    settings = config()
    bell = RedisBell(settings.redis_url)
    app = open_app(settings, bell)
    try:
        if make and schema_state(app.store) == "empty":
            upgrade(settings.database_url)
        yield app
    except errors.ConnectorError as error:
        fail(str(error))
    finally:
        app.close()
        bell.close()


def fail(message: str, code: int = WRONG_USE) -> NoReturn:
    """One sentence on standard error, and an exit code."""
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)


def show_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def progress(label: str, done: int, total: int | None = None) -> None:
    """One line on a terminal, rewritten in place; silent when piped."""
    if sys.stderr.isatty():
        click.echo(f"\r{label}: {done:,}" + (f" of {total:,}" if total else ""), nl=False, err=True)
