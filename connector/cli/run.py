"""The commands that run something: everything at once (up), or one part of it."""

import fcntl
import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from connector import config as settings
from connector import logs
from connector.config import Config
from connector.process import Stop, supervised

if TYPE_CHECKING:
    from connector.supervisor import Spec
    from connector.web.hooks import WSGI

ONE_UP = "up.lock"


def settled(process: str) -> Config:
    """The settings of this environment, and logging set up as they say; `process` is its name in the log."""
    config = settings.load(os.environ)
    logs.set_up(config.log_level, config.log_format, people=config.log_people, process=process)
    return config


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as one JSON object once everything is up.")
@click.option("--sandbox", "with_sandbox", is_flag=True, help="Also run the sandbox, to try without any account.")
@click.option("--sandbox-port", type=click.IntRange(0, 65535), default=8010, show_default=True, help="0 picks one.")
def up(as_json: bool, with_sandbox: bool, sandbox_port: int) -> None:
    """Run everything on this machine: Valkey, database, web, workers, clock."""
    from connector.supervisor import house, stand_ins
    from connector.web.server import free_port

    config, stop = settled("up"), Stop()
    supervised()
    with only_one(config):
        port = free_port(config.host, config.port)
        os.environ["PORT"] = str(port)  # workers tell the sandbox where we are
        addresses = {"web": settings.local_url(config.host, port)}
        specs = house(config, port)
        if with_sandbox:
            addresses["sandbox"] = os.environ["SANDBOX_URL"] = settings.local_url(
                "127.0.0.1", free_port("127.0.0.1", sandbox_port)
            )
            specs.insert(0, stand_ins(addresses["sandbox"]))
        first = call_us if with_sandbox else None
        run_all(specs, stop, addresses, as_json, lambda: welcome(config, port), first)


def welcome(config: Config, port: int) -> str:
    """What a newcomer needs to know: the first admin's link, while there is nobody."""
    from connector.cli.users import first_link

    link = first_link(config, port)
    return f"Nobody may sign in yet. The first admin's link, good once and for two days:\n  {link}" if link else ""


def call_us() -> None:
    """A sandbox that is connected and was started anew hears again where its webhooks go."""
    from connector.cli.context import opened
    from connector.errors import ConnectorError
    from connector.web.sandbox import Sandbox
    from connector.works import stand_ins

    sandbox = Sandbox(os.environ["SANDBOX_URL"])
    with opened() as app:
        if stand_ins.connected(app, sandbox):
            try:
                stand_ins.subscribe(app, sandbox, stand_ins.house(app))
            except ConnectorError as error:
                click.echo(f"The sandbox's webhooks go nowhere: {error}", err=True)


def run_all(
    specs: "Sequence[Spec]",
    stop: Stop,
    addresses: dict[str, str],
    as_json: bool,
    more: Callable[[], str] = str,
    first: Callable[[], None] | None = None,
) -> None:
    """Runs `specs` until we are asked to stop: `first`, then says where they are, and `more`; ends the process."""
    from connector.supervisor import Supervisor

    def started() -> None:
        if first is not None:
            first()
        lines = [f"{name}: {url}" for name, url in addresses.items()]
        click.echo(json.dumps(addresses) if as_json else "\n".join([*lines, more()]).rstrip())

    sys.exit(Supervisor(specs, stop).run(started))


@contextmanager
def only_one(config: Config) -> Iterator[None]:
    """One `up` per HOME; what an earlier, killed one left at our socket makes room."""
    from connector import valkey

    settings.private_directory(config.home)
    with (config.home / ONE_UP).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            why = f"Another `connector up` runs with {config.home}."
            raise settings.BadConfig(why, hint="Stop it, or set CONNECTOR_HOME to another directory.") from None
        if config.own_redis:
            valkey.end_orphan(config)
        yield


@click.command()
def web() -> None:
    """Run the web server (PORT, HOST, WEB_PROCESSES, WEB_THREADS)."""
    from connector.web.server import free_port, serve

    config = settled("web")
    supervised()
    port = free_port(config.host, config.port)
    if config.port == 0:
        click.echo(settings.local_url(config.host, port))
        os.environ["PORT"] = str(port)
        config = settings.load(os.environ)
    serve(
        functools.partial(_build, config),
        host=config.host,
        port=port,
        processes=config.web_processes,
        threads=config.web_threads,
        log_level=config.log_level,
    )


def _build(config: Config) -> "tuple[WSGI, Callable[[], None]]":
    from connector.webapp import web_app

    return web_app(config)


@click.command()
@click.option("--processes", type=click.IntRange(1, 64), help="How many; the setting WORKERS when left out.")
@click.option("--single", is_flag=True, hidden=True)
def worker(processes: int | None, single: bool) -> None:
    """Run the workers, each a process; one that dies is started again."""
    config, stop = settled("worker"), Stop()
    supervised()
    if single:
        from connector.jobs import work

        work(config, stop)
        return
    from connector.supervisor import Supervisor, workers

    sys.exit(Supervisor(workers(processes or config.workers), stop).run())


@click.command()
def clock() -> None:
    """Run the clock: it rings for whatever waits. Several may run."""
    from connector.jobs import clock as tick

    config, stop = settled("clock"), Stop()
    supervised()
    tick(config, stop)


@click.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Bring the database's tables to this version. Safe to run again, and while others run it."""
    from connector.store.engine import upgrade as upgrade_database

    config = settled("db")
    settings.private_directory(config.home)
    upgrade_database(config.database_url)


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run stand-ins for WhatsApp, HubSpot and Salesforce on this machine (--help shows their switches)."""
    from connector.sandbox.__main__ import main

    supervised()
    sys.exit(main(arguments))
