"""The command line: each command is a line in COMMANDS; its module is imported only when it runs."""

import sys
from importlib import import_module
from typing import Any

import click

from connector.errors import ConnectorError

# name: module and the click command in it
COMMANDS = {
    "demo": "connector.cli.demo:demo",
    "up": "connector.cli.run:up",
    "web": "connector.cli.run:web",
    "worker": "connector.cli.run:worker",
    "clock": "connector.cli.run:clock",
    "db": "connector.cli.run:db",
    "users": "connector.cli.users:group",
    "accounts": "connector.cli.leave:group",
    "mappings": "connector.cli.mappings:group",
    "flows": "connector.cli.flows:group",
    "keys": "connector.cli.keys:group",
    "links": "connector.cli.links:group",
    "templates": "connector.cli.templates:group",
    "profile": "connector.cli.profile:group",
    # and each CRM that needs files of ours: connector/cli/packages.py
    "sends": "connector.cli.sends:sends",
    "reports": "connector.cli.reports:reports",
    "broadcasts": "connector.cli.broadcasts:group",
    "contacts": "connector.cli.contacts:group",
    "settings": "connector.cli.settings:group",
    "audit": "connector.cli.audit:group",
    "tasks": "connector.cli.tasks:group",
    "why": "connector.cli.look:why",
    "review": "connector.cli.look:review",
    "replay": "connector.cli.look:replay",
    "retry": "connector.cli.hands:retry",
    "undo": "connector.cli.hands:undo",
    "doctor": "connector.cli.look:doctor",
    "alarms": "connector.cli.alarms:group",
    "backup": "connector.cli.backups:backup",
    "restore": "connector.cli.backups:restore",
    "sandbox": "connector.cli.run:sandbox",
}
WRONG_USE = 2
FAILED = 1


class Lazy(click.Group):
    """A group that knows its commands by name only."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        from connector.cli import packages

        names = list(COMMANDS)
        after = names.index("profile") + 1
        return [*names[:after], *(kind for kind in packages.kinds() if kind not in COMMANDS), *names[after:]]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = COMMANDS.get(cmd_name)
        if place is None:
            from connector.cli import packages

            return packages.group(cmd_name)
        module, _, name = place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """An error of ours is one message, not a traceback; a setting that cannot be used is wrong use."""
        try:
            return super().invoke(ctx)
        except ConnectorError as error:
            click.echo(f"{error.message}\n{error.hint}".strip(), err=True)
            sys.exit(WRONG_USE if error.code == "config" else FAILED)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="whatsapp-crm-connector")
def main() -> None:
    """Connects WhatsApp to your CRM: replies change the right field, CRM events send the right template."""
