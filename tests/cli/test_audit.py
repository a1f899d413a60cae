"""connector audit verify, and the way back for who lost the second factor."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from connector import config
from connector.core import totp
from connector.store import factors, users
from connector.store.engine import open_store


@pytest.fixture
def people(cli):
    """Two lines in the log: ana and bo."""
    cli("users", "add", "ana@example.com", "--role", "admin")
    cli("users", "add", "bo@example.com")


def test_a_line_that_was_changed_is_named(cli, people):
    told = json.loads(cli("audit", "verify", "--json").out)
    assert (told["ok"], told["lines"], told["problems"]) == (True, 2, [])
    assert "Nothing was changed." in cli("audit", "verify", "--expect", told["head"]).out
    with closing(sqlite3.connect(cli.home / "connector.db")) as conn, conn:
        with pytest.raises(sqlite3.IntegrityError, match="only added to"):
            conn.execute("UPDATE audit SET who = 'eve' WHERE seq = 1")
        conn.execute("DROP TRIGGER audit_same")
        conn.execute("UPDATE audit SET who = 'eve' WHERE seq = 1")
    assert "1: this line does not say what was written" in cli("audit", "verify", code=1).out
    findings = json.loads(cli("doctor", "--json", code=1).out)["findings"]
    assert [(f["code"], f["examples"]) for f in findings if f["code"] == "audit_chain"] == [
        ("audit_chain", ["changed 1"])
    ]


def test_a_second_factor_is_taken_away_by_whoever_has_the_machine(cli, people):
    settings, now = config.load(cli.env()), datetime.now(UTC)
    store = open_store(settings.database_url, home=settings.home)
    with store.write() as conn:
        ana = users.get(conn, "ana@example.com")
        seed = factors.propose(conn, settings.keyring(), ana.id)
        code = totp.code(seed, totp.step_of(now))
        assert factors.confirm(conn, settings.keyring(), users.get(conn, ana.id), code, now)
    assert "nobody" in cli.refused("users", "reset-second-factor", "eve@example.com")
    assert "password alone" in cli("users", "reset-second-factor", "ana@example.com").out
    with store.read() as conn:
        assert users.get(conn, ana.id).totp is None
        assert factors.left(conn, ana.id) == 0
    store.close()
    assert json.loads(cli("audit", "verify", "--json").out)["lines"] == 3
