"""connector links and webhook accounts: made, shown once, rotated, ended."""

import json

import pytest

from connector.webhooks import standard

HUBSPOT = ("--name", "hs", "--token", "t", "--client-secret", "c")
SEND = """send: remind
crm: hs
when: {webhook: remind}
to: {phone: webhook.phone}
template: visit_reminder
language: en_US
with: {1: "{{ webhook.name }}", 2: "{{ webhook.day }}"}
"""


@pytest.fixture
def crm(cli):
    cli("accounts", "add", "hubspot", *HUBSPOT)


def test_a_link_is_made_shown_and_ended(cli, crm):
    made = cli("links", "create", "remind", "--crm", "hs", "--json", PUBLIC_URL="https://wa.example.com").json
    assert list(made) == ["id", "document", "crm", "url", "state", "secret"]
    assert made["url"] == f"https://wa.example.com/hooks/link/{made['id']}"
    assert standard.usable(made.pop("secret"))
    listed = cli("links", "list", "--json", PUBLIC_URL="https://wa.example.com").json
    assert listed == [made]
    assert [a["name"] for a in cli("accounts", "list", "--json").json] == ["hs"]
    assert made["url"].rpartition("/")[2] in cli("links", "list").out
    cli("links", "revoke", made["url"])
    assert cli("links", "list", "--json").json == []
    assert made["id"] in cli("links", "revoke", made["id"], code=1).err


def test_a_new_secret_is_told_once(cli, crm):
    first = cli("links", "create", "remind", "--crm", "hs", "--json").json
    second = cli("links", "rotate", first["id"], "--json").json
    assert second["id"] == first["id"]
    assert second["secret"] != first["secret"]
    said = cli("links", "rotate", first["id"])
    assert "secret: whsec_" in said.out
    assert "whsec_" not in cli("links", "list").out + cli("links", "list", "--json").out


def test_a_link_needs_a_crm_account_that_is_there(cli, crm):
    assert "'nobody'" in cli.refused("links", "create", "remind", "--crm", "nobody")
    assert "remind" in cli.refused("links", "create", "remind")


def test_the_document_says_whose_it_is(cli, house):
    folder = cli.cwd / "mappings"
    folder.mkdir()
    (folder / "remind.yaml").write_text(SEND.replace("crm: hs", "crm: hubspot"), encoding="utf-8")
    cli("mappings", "push", "--draft")
    made = cli("links", "create", "remind", "--json").json
    assert made["crm"] == "hubspot"
    assert cli("links", "rotate", "remind", "--json").json["id"] == made["id"]
    cli("links", "create", "remind")
    assert "2 links" in cli("links", "revoke", "remind", code=1).err
    moves = "send: moves\ncrm: hubspot\nwhen: {deal.dealstage: {becomes: closedwon}}\nto: {contact: deal.contact}\n"
    moves += "template: visit_reminder\nlanguage: en_US\nwith: {1: Ana, 2: Friday}\n"
    (folder / "remind.yaml").write_text(moves, encoding="utf-8")
    cli("mappings", "push", "--draft", "--force")
    assert "does not wait for a call" in cli.refused("links", "create", "moves")


def test_the_description_is_written_for_import(cli, crm):
    link = cli("links", "create", "remind", "--crm", "hs", "--json").json
    cli("links", "openapi", link["id"], "--out", "trigger.json", PUBLIC_URL="https://wa.example.com")
    spec = json.loads((cli.cwd / "trigger.json").read_text("utf-8"))
    assert spec["openapi"].startswith("3.0.")
    assert list(spec["paths"]) == [f"/hooks/link/{link['id']}"]
    assert spec["servers"] == [{"url": "https://wa.example.com"}]
    assert cli("links", "openapi").json["paths"].keys() == {"/hooks/link/{link}"}


def test_a_webhook_that_mappings_call(cli):
    made = cli("accounts", "add", "webhook", "--name", "ops", "--url", "https://127.0.0.1:9/in", "--json").json
    assert standard.usable(made.pop("secret"))
    assert made == {"name": "ops", "kind": "webhook", "state": "ok", "hook": ""}
    own = standard.new_secret()
    given = ("--name", "crm-team", "--url", "https://127.0.0.1:9/in", "--secret", own)
    assert own not in cli("accounts", "add", "webhook", *given).out
    again = cli("accounts", "add", "webhook", "--name", "ops", "--url", "https://127.0.0.1:9/other", "--json").json
    assert again == made
    assert [a["kind"] for a in cli("accounts", "list", "--json").json] == ["webhook", "webhook"]
    assert cli("accounts", "check", "--json").json == []


@pytest.mark.parametrize("url", ["http://hooks.example.com/in", "https://10.0.0.8/in", "nowhere"])
def test_a_webhook_that_cannot_be_called_is_not_stored(cli, url):
    assert "url" in cli.refused("accounts", "add", "webhook", "--name", "ops", "--url", url)
    assert "--url" in cli.refused("accounts", "add", "webhook", "--name", "ops")
    assert cli("accounts", "list", "--json").json == []
