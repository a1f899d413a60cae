"""connector keys, and accounts connected and removed at the command line."""

import json

from cryptography.fernet import Fernet

from connector.store.secrets import fingerprint

OAUTH = ("--client-id", "sandbox-hubspot-client", "--client-secret", "sandbox-hubspot-client-secret")
TOKEN = ("--token", "pat-na1-sandbox-hubspot", "--client-secret", "sandbox-hubspot-client-secret")
AT = "http://127.0.0.1:1/hubspot"
SECRETS = 2  # the account's, and the key of the audit log's chain


def listed(cli, **env):
    return {key["fingerprint"]: key["secrets"] for key in cli("keys", "list", "--json", **env).json["keys"]}


def test_a_key_file_is_rotated_and_the_old_key_retired(cli):
    cli("accounts", "add", "hubspot", "--name", "hs", *TOKEN, "--base-url", AT)
    (old,) = listed(cli)
    assert "needs the key" not in cli.refused("keys", "retire", "nope")
    assert "is the key that writes" in cli.refused("keys", "retire", old)
    said = cli("keys", "rotate").out
    (new, secrets), (older, left) = listed(cli).items()
    assert (older, secrets, left) == (old, SECRETS, 0)
    assert new in said
    cli("keys", "retire", old)
    assert listed(cli) == {new: SECRETS}
    assert (cli.home / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_key_of_the_environment_is_told_and_then_used(cli):
    first = Fernet.generate_key().decode()
    cli("accounts", "add", "hubspot", "--name", "hs", *TOKEN, "--base-url", AT, CONNECTOR_SECRET_KEY=first)
    said = cli("keys", "rotate", CONNECTOR_SECRET_KEY=first)
    both = said.out.strip()
    assert both.endswith("," + first)
    assert "Restart them all" in said.err
    refused = cli("keys", "retire", fingerprint(first), code=1, CONNECTOR_SECRET_KEY=both)
    assert "still need the key" in refused.err
    assert "rows re-encrypted" in cli("keys", "rotate", CONNECTOR_SECRET_KEY=both).out
    assert "may be retired" in cli("keys", "rotate", CONNECTOR_SECRET_KEY=both).out
    assert "take it out of" in cli("keys", "retire", fingerprint(first), CONNECTOR_SECRET_KEY=both).out
    assert list(listed(cli, CONNECTOR_SECRET_KEY=both.split(",")[0]).values()) == [SECRETS]
    lost = cli("keys", "list", "--json", code=1, CONNECTOR_SECRET_KEY=Fernet.generate_key().decode()).json
    assert lost["lost"] == {"accounts.secrets": 1, "audit_chain.key": 1}


def test_connecting_prints_the_link_and_removing_needs_no_vendor(cli):
    assert "--client-id" in cli.refused("accounts", "connect", "hubspot", "--name", "hs")
    made = cli("accounts", "connect", "hubspot", "--name", "hs", *OAUTH, "--base-url", AT, "--json").json
    assert made["link"].endswith("/oauth/hubspot/start?account=hs")
    assert cli("accounts", "list", "--json").json[0]["state"] == "needs_person"
    assert made["link"] in cli("accounts", "connect", "hubspot", "--name", "hs").out
    told = json.loads(cli("accounts", "remove", "hs", "--yes", "--json", code=1).out)
    assert (told["revoked"], "HubSpot" in told["hint"]) == (False, True)
    assert cli("accounts", "list", "--json").json == []
    assert "no account named" in cli.refused("accounts", "remove", "hs", "--yes")
