"""Wrong use of any command is one sentence on standard error and exit code 2; --help needs nothing at all."""

import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from connector.cli import COMMANDS, main

ASKING = [
    ("accounts", "list"),
    ("doctor", "--json"),
    ("why", "wamid.x"),
    ("replay", "--since", "1d"),
    ("mappings", "push"),
    ("mappings", "pull", "elsewhere"),
    ("sends", "list"),
]


def test_no_database_stops_every_command_that_asks_it(cli, folder):
    for words in ASKING:
        said = cli.refused(*words, DATABASE_URL="postgresql://me:a-secret-of-mine@127.0.0.1:1/none")
        assert "DATABASE_URL" in said
    assert not (cli.cwd / "elsewhere").exists()


@pytest.mark.parametrize(
    "env, why",
    [
        ({"DATABASE_URL": "mysql://me:a-secret-of-mine@host/db"}, "DATABASE_URL: Use postgresql://"),
        ({"DATABASE_URL": "sqlite:////dev/null/none.db"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///mappings/nps-answer.yaml"}, "DATABASE_URL"),
        ({"CONNECTOR_HOME": "/dev/null/none"}, "/dev/null/none: Not a directory."),
        ({"CONNECTOR_SECRET_KEY": "a-secret-of-mine"}, "CONNECTOR_SECRET_KEY: Each key must be"),
        ({"CONNECTOR_SECRET_KEY_FILE": "none.key"}, "none.key cannot be read"),
        ({"PORT": "eighty", "WORKERS": "0", "LOG_LEVEL": "loud"}, "PORT"),
    ],
)
def test_settings_that_cannot_be_used(cli, folder, env, why):
    assert why in cli.refused("accounts", "list", **env)


@pytest.mark.parametrize("words", [("up",), ("web",), ("worker",), ("clock",), ("db", "upgrade"), ("demo", "--once")])
def test_the_commands_that_run_something_refuse_the_same_settings(cli, words):
    assert "LOG_LEVEL" in cli.refused(*words, LOG_LEVEL="loud")


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("doctor", "--nonsense"),
        ("worker", "--processes", "0"),
        ("sandbox", "--port", "many"),
        ("sandbox", "--port", "0", "--faults", "none.json"),
        ("demo", "--once", "--mappings", "none"),
        ("demo", "--once", "--script", "none"),
    ],
)
def test_words_that_are_none(cli, words):
    assert cli.refused(*words)


def test_help_needs_nothing(cli):
    everything = cli("--help", DATABASE_URL="nonsense").out
    assert all(name in everything for name in COMMANDS)
    flags = cli("accounts", "add", "hubspot", "--help", DATABASE_URL="nonsense").out
    assert "CONNECTOR_HUBSPOT_TOKEN" in flags
    assert "--base-url" in flags


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "sandbox"])  # its words are its own
def test_every_command_says_what_it_does(name):
    said = CliRunner().invoke(main, [name, "--help"])
    assert said.exit_code == 0
    assert len(said.output.splitlines()) > 3


def test_tables_are_made_by_the_first_command_and_by_upgrade_again_and_again(cli):
    (cli.home / "connector.db").unlink()
    assert cli("doctor", "--json").json["ok"] is True
    cli("db", "upgrade")
    cli("db", "upgrade")
    assert cli("accounts", "list", "--json").json == []


def test_tables_of_a_newer_version_are_used(cli):
    """Migrations only add; while a deployment is rolled back, an older release goes on."""
    with closing(sqlite3.connect(cli.home / "connector.db", isolation_level=None)) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    assert cli("doctor", "--json").json["ok"] is True
