"""connector templates and profile, against the sandbox: read, shown, checked, submitted, deleted."""

import json

import pytest

from connector.store import findings
from connector.store.findings import Finding

NEW = {
    "name": "table_ready", "language": "en", "category": "UTILITY", "parameter_format": "NAMED",
    "components": [
        {"type": "BODY", "text": "Hi {{first_name}}, your table is ready for you now.",
         "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Ana"}]}},
    ],
}  # fmt: skip


def write(cli, body, name="new.json"):
    (cli.cwd / name).write_text(json.dumps(body), encoding="utf-8")
    return name


def test_what_meta_has_is_read_and_shown(cli, house):
    (first,) = cli("templates", "sync", "--json").json
    assert "quote_ready es" in first["added"]
    assert cli("templates", "sync", "--json").json[0]["added"] == []
    assert "nothing new" in cli("templates", "sync").out
    listed = cli("templates", "list", "--json").json
    assert {"account", "name", "language", "status", "category", "quality", "reason", "submitted_at"} == set(listed[0])
    assert "quote_ready" in cli("templates", "list").out
    shown = cli("templates", "show", "quote_ready", "--language", "es").out
    assert "Hola Ana" in shown
    assert "first_name: Ana" in shown
    assert "buttons: Aceptar, Pregunta" in shown
    cli("templates", "show", "nothing_here", code=1)


def test_a_new_one_is_checked_submitted_and_deleted(cli, house):
    file = write(cli, NEW)
    assert "Nothing is wrong" in cli("templates", "check", file).out
    assert "submitted" in cli("templates", "create", file).out
    (mine,) = [t for t in cli("templates", "list", "--json").json if t["name"] == "table_ready"]
    assert mine["submitted_at"]
    if mine["status"] == "PENDING":
        assert "submitted 0 min ago" in cli("templates", "list").out
    cli("templates", "sync")
    assert "table_ready is deleted in en" in cli("templates", "delete", "table_ready").out
    assert "table_ready" in cli("templates", "delete", "table_ready", code=1).err


@pytest.mark.parametrize("command", ["create", "edit", "check"])
def test_what_meta_would_reject_never_leaves(cli, house, command):
    file = write(cli, NEW | {"name": "Table Ready"})
    said = cli("templates", command, file, code=1)
    assert "name" in said.out + said.err
    assert cli("templates", "list", "--json").json == []


def test_an_edit_needs_a_template_that_is_known(cli, house):
    assert "templates sync" in cli("templates", "edit", write(cli, NEW), code=1).err
    cli.refused("templates", "create", write(cli, [NEW], "list.json"))


def test_a_new_price_is_told_until_it_was_seen(cli, house):
    with house.app.store.write() as conn:
        told = Finding("template_category", "a:quote_ready:es", "Meta made quote_ready (es) a marketing template.")
        findings.raise_(conn, [told], house.app.clock.now())
    (found,) = cli("doctor", "--json", code=1).json["findings"]
    assert (found["code"], found["count"], found["examples"]) == ("template_category", 1, [told.message])
    assert told.message in cli("templates", "check", code=1).out
    cli("templates", "check", "--seen")
    assert cli("doctor", "--json").json["findings"] == []


def test_the_profile_and_the_numbers_health_are_shown(cli, house):
    cli("profile", "set", "--about", "Open from 8 to 20", "--website", "https://example.com")
    assert cli("profile", "show", "--json").json["about"] == "Open from 8 to 20"
    assert "about: Open from 8 to 20" in cli("profile", "show").out
    assert "--about" in cli.refused("profile", "set")
    said = cli("accounts", "check", "--fix").out
    assert "80 a second" in said or "1000 a second" in said
    assert "Open from 8 to 20" in said
    assert cli("accounts", "check", "--json").json == []


def test_without_a_number_there_are_no_templates(cli):
    for words in (("templates", "sync"), ("templates", "list"), ("profile", "show")):
        assert "WhatsApp account" in cli.refused(*words)
