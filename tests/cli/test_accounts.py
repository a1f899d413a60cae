"""connector accounts: what is connected, how it is told, and what is refused before it is stored."""

import json

from cryptography.fernet import Fernet

from connector import config as settings
from connector.store import accounts
from connector.store.engine import open_store

HUBSPOT = ("--token", "pat-na1-sandbox-hubspot", "--client-secret", "sandbox-hubspot-client-secret")
SALESFORCE = ("--client-id", "sandbox-salesforce-client", "--client-secret", "sandbox-salesforce-secret")
WHATSAPP = (
    "--phone-number-id", "106540352242922", "--waba-id", "102290129340398", "--token", "sandbox-whatsapp-token",
    "--app-secret", "sandbox-app-secret", "--verify-token", "sandbox-verify-token",
)  # fmt: skip


def stored(cli, name):
    """The account as the product reads it."""
    config = settings.load(cli.env())
    store = open_store(config.database_url, home=config.home)
    with store.read() as conn:
        account = accounts.get(conn, config.keyring(), name)
    store.close()
    return account


def test_every_kind_is_added_listed_and_answers(cli, sandbox):
    assert cli("accounts", "list", "--json").json == []
    said = [
        cli("accounts", "add", "whatsapp", "--name", "shop", *WHATSAPP, "--base-url", f"{sandbox.url}/graph"),
        cli("accounts", "add", "hubspot", "--name", "hs", *HUBSPOT, "--base-url", f"{sandbox.url}/hubspot"),
        cli("accounts", "add", "salesforce", "--name", "sf", *SALESFORCE, "--base-url", f"{sandbox.url}/salesforce"),
    ]
    listed = cli("accounts", "list", "--json").json
    assert [list(entry) for entry in listed] == [["name", "kind", "state", "hook"]] * 3
    assert [(e["name"], e["kind"], e["state"]) for e in listed] == [
        ("shop", "whatsapp", "ok"), ("hs", "hubspot", "ok"), ("sf", "salesforce", "ok"),
    ]  # fmt: skip
    hooks = [entry["hook"] for entry in listed]
    assert hooks[:2] == ["/hooks/whatsapp/shop", "/hooks/crm/hs"]
    assert len(hooks[2].removeprefix("/hooks/crm/sf/")) >= 43  # 256 bits
    assert all(f"webhook path is {hook}\n" in one.out for one, hook in zip(said, hooks, strict=True))
    assert all(hook in cli("accounts", "list").out for hook in hooks)
    assert cli("accounts", "check", "--fix", "--json").json == []
    assert "All connections work" in cli("accounts", "check", "hs").out


def test_a_flag_that_is_required_is_required(cli):
    said = cli.refused("accounts", "add", "whatsapp", "--name", "shop", "--token", "a-secret-of-mine")
    assert "--phone-number-id, --waba-id, --app-secret, --verify-token" in said
    assert "--client-secret" in cli.refused("accounts", "add", "hubspot", "--name", "hs", "--token", "a-secret-of-mine")
    assert "--name" in cli.refused("accounts", "add", "hubspot", *HUBSPOT)
    assert cli("accounts", "list", "--json").json == []


def test_each_flag_may_come_from_the_environment_the_accounts_own_variable_first(cli):
    env = {
        "CONNECTOR_HUBSPOT_TOKEN": "a-secret-of-mine-of-the-kind",
        "CONNECTOR_SHOP_MX_TOKEN": "a-secret-of-mine-of-the-name",
        "CONNECTOR_HUBSPOT_CLIENT_SECRET": "a-secret-of-mine-too",
        "CONNECTOR_SHOP_MX_PORTAL_ID": "123",
    }
    cli("accounts", "add", "hubspot", "--name", "shop-mx", **env)
    found = stored(cli, "shop-mx")
    assert dict(found.secrets) == {"token": "a-secret-of-mine-of-the-name", "client_secret": "a-secret-of-mine-too"}
    assert found.settings["portal_id"] == "123"
    cli("accounts", "add", "hubspot", CONNECTOR_HUBSPOT_NAME="other", **env)
    assert stored(cli, "other").secrets["token"] == "a-secret-of-mine-of-the-kind"


def test_the_same_name_again_changes_only_what_is_given(cli, house):
    hook = cli("accounts", "add", "salesforce", "--name", "salesforce", "--country", "MX", "--json").json["hook"]
    before = stored(cli, "hubspot")
    cli("accounts", "add", "hubspot", "--name", "hubspot", "--token", "a-secret-of-mine")
    after = stored(cli, "hubspot")
    assert after.settings == before.settings
    assert dict(after.secrets) == {**before.secrets, "token": "a-secret-of-mine"}
    assert (
        cli("accounts", "add", "salesforce", "--name", "salesforce", "--locale", "es_MX", "--json").json["hook"] == hook
    )
    cli("accounts", "add", "whatsapp", "--name", "whatsapp", "--app-secret-old", "a-secret-of-mine")
    cli("accounts", "add", "whatsapp", "--name", "whatsapp", "--app-secret-old", "")
    assert not stored(cli, "whatsapp").secrets["app_secret_old"]


def test_what_could_never_work_is_not_stored(cli):
    for words, why in (
        (("hubspot", "--name", "a/b c", *HUBSPOT), "letters, digits"),
        (("hubspot", "--name", "hs", *HUBSPOT, "--base-url", "https://hubapi.com.evil.example"), "Allowed: hubapi.com"),
        (("hubspot", "--name", "hs", *HUBSPOT, "--country", "Colombia"), "two letters"),
        (("whatsapp", "--name", "w", *WHATSAPP, "--phone-number-id", "../x"), "is not an id"),
        (("whatsapp", "--name", "w", *WHATSAPP, "--base-url", "https://graph.facebook.com/v25.0"), "version"),
        (("pipedrive", "--name", "p"), "No such command"),
    ):
        assert why in cli.refused("accounts", "add", *words)
    assert cli("accounts", "list", "--json").json == []


def test_a_name_belongs_to_one_system(cli, house):
    assert "is a hubspot account" in cli.refused("accounts", "add", "whatsapp", "--name", "hubspot", *WHATSAPP)


def test_check_says_what_is_wrong_and_goes_on_with_the_others(cli, house):
    cli("accounts", "add", "hubspot", "--name", "hubspot", "--token", "a-secret-of-mine")
    found = cli("accounts", "check", "--json", code=1).json
    assert {entry["account"] for entry in found} == {"hubspot"}
    assert all(entry["message"] and entry["code"] for entry in found)
    assert found[0]["message"] in cli("accounts", "check", code=1).out
    assert "no account named 'nobody'" in cli.refused("accounts", "check", "nobody")


def test_a_system_that_is_away_is_a_finding(cli, house):
    house.sandbox.faults({"route": "* /salesforce/*", "kind": "down"})
    found = cli("accounts", "check", "--json", code=1).json
    assert [entry["account"] for entry in found] == ["salesforce"]


def test_a_good_answer_ends_the_wait_for_a_person(cli, house):
    with house.app.store.write() as conn:
        accounts.set_state(conn, house.app.account("hubspot").id, "needs_person", "the token was revoked")
    assert "needs_person" in cli("accounts", "list").out
    cli("accounts", "check", "hubspot")
    assert "needs_person" not in cli("accounts", "list").out


def test_a_lost_key_is_told_and_what_was_sealed_with_it_can_be_given_again(cli):
    cli("accounts", "add", "hubspot", "--name", "hs", *HUBSPOT)
    key = Fernet.generate_key().decode()
    for words in (("accounts", "list"), ("mappings", "check")):
        (cli.cwd / "mappings").mkdir(exist_ok=True)
        (cli.cwd / "mappings" / "a.yaml").write_text("mapping: a\n")
        assert "CONNECTOR_SECRET_KEY" in cli.refused(*words, CONNECTOR_SECRET_KEY=key)
    assert "--client-secret" in cli.refused(
        "accounts", "add", "hubspot", "--name", "hs", "--token", "x", CONNECTOR_SECRET_KEY=key
    )
    cli("accounts", "add", "hubspot", "--name", "hs", *HUBSPOT, CONNECTOR_SECRET_KEY=key)
    assert json.loads(cli("accounts", "list", "--json", CONNECTOR_SECRET_KEY=key).out)[0]["name"] == "hs"
    said = cli.refused("accounts", "list", CONNECTOR_SECRET_KEY="a-secret-of-mine")
    assert "CONNECTOR_SECRET_KEY: Each key must be" in said
