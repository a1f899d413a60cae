"""Tasks of accounts: tried before they are saved, saved, checked; and no secret is ever seen."""

import logging
from pathlib import Path
from typing import Any

import pytest

from connector.base import kinds
from connector.store.tasks import SEALED
from tests.pipeline.asking import ask, do, fails, raw, see
from tests.pipeline.conftest import NUMBER, WABA, House

TOKEN = "pat-na1-sandbox-hubspot"
HIDDEN = {"token": TOKEN, "client_secret": "sandbox-hubspot-client-secret"}
WHATSAPP = {
    "token": "sandbox-whatsapp-token", "app_secret": "sandbox-app-secret", "verify_token": "sandbox-verify-token",
}  # fmt: skip
SECRETS = (*HIDDEN.values(), *WHATSAPP.values(), "sandbox-salesforce-secret", "a-wrong-token")


def form(house: House, kind: str = "hubspot", name: str = "second", **settings: str) -> dict[str, Any]:
    place = {"whatsapp": "graph"}.get(kind, kind)
    return {"kind": kind, "name": name, "settings": {"base_url": f"{house.sandbox.url}/{place}", **settings}}


def codes(result: dict[str, Any]) -> list[str]:
    return [issue["code"] for issue in result["issues"]]


def names(house: House) -> set[str]:
    return {account.name for account in house.app.accounts()}


def test_a_hubspot_account_is_tried_and_nothing_is_stored(house: House) -> None:
    before = names(house)
    result = do(house, "account.try", HIDDEN, **form(house))
    assert result["found"]["portal_id"] == "24681357"
    assert result["found"]["fields"]["contacts"] > 20
    assert [issue for issue in result["issues"] if issue["blocks"]] == []
    assert names(house) == before
    assert house.writes("hubspot") == []


def test_a_wrong_token_and_missing_scopes_are_named_before_anything_is_saved(house: House) -> None:
    wrong = do(house, "account.try", HIDDEN | {"token": "a-wrong-token"}, **form(house))
    assert wrong["issues"][0]["blocks"]
    assert wrong["issues"][0]["message"]
    scopes = ["crm.objects.contacts.read", "crm.schemas.contacts.read"]
    house.sandbox.http.patch(
        "/hubspot/_options", json={"scopes": scopes}, headers={"Authorization": f"Bearer {TOKEN}"}
    ).raise_for_status()
    less = do(house, "account.try", HIDDEN, **form(house))
    assert any("crm.objects.contacts.write" in issue["message"] for issue in less["issues"])
    assert any("crm.objects.owners.read" in issue["message"] for issue in less["issues"])


def test_a_whatsapp_number_shows_who_it_is(house: House) -> None:
    settings = {"phone_number_id": NUMBER, "waba_id": WABA}
    result = do(house, "account.try", WHATSAPP, **form(house, "whatsapp", **settings))
    assert {"id", "display", "verified_name", "quality", "health", "throughput"} <= set(result["found"])
    assert result["found"]["id"] == NUMBER
    assert all(not issue["blocks"] for issue in result["issues"])
    wrong = do(house, "account.try", WHATSAPP | {"app_secret": "x"}, **form(house, "whatsapp", **settings))
    assert "app_secret" in codes(wrong)


def test_a_salesforce_org_shows_who_it_is(house: House) -> None:
    given = form(house, "salesforce", client_id="sandbox-salesforce-client")
    result = do(house, "account.try", {"client_secret": "sandbox-salesforce-secret"}, **given)
    assert result["found"]["org_id"].startswith("00D5e000000SBOX")
    assert result["found"]["fields"]["Contact"] > 5


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        ({"name": "no name"}, "name", "letters"),
        ({"kind": "pipedrive"}, "kind", "hubspot"),
        ({"settings": {"base_url": "https://evil.example"}}, "base_url", "hubapi.com"),
        ({"settings": {"country": "XX"}}, "country", "letters"),
        ({"name": "whatsapp"}, "kind", "another name"),
    ],
)
def test_what_can_never_be_stored_is_a_finding_too(house: House, more: dict[str, Any], code: str, word: str) -> None:
    result = do(house, "account.save", HIDDEN, **form(house) | more | {"force": True})
    assert (codes(result), result["saved"]) == ([code], False)
    assert word in result["issues"][0]["hint"]


def test_what_is_missing_is_called_by_its_label(house: House) -> None:
    result = do(house, "account.try", {"token": TOKEN}, **form(house))
    assert result["issues"][0]["message"] == "Missing: Client secret."


def test_a_service_that_is_away_is_a_finding(house: House) -> None:
    given = form(house) | {"settings": {"base_url": "http://127.0.0.1:1"}}
    result = do(house, "account.try", HIDDEN, **given)
    assert (codes(result), result["issues"][0]["message"]) == (["no_connection"], "HubSpot cannot be reached.")


def test_saving_keeps_what_works_and_learns_whose_it_is(house: House) -> None:
    result = do(house, "account.save", HIDDEN, **form(house, country="CO"), fix=True)
    assert result["saved"]
    assert result["issues"] == []
    account = house.app.account("second")
    assert account is not None
    assert (account.secrets["token"], account.settings["portal_id"]) == (TOKEN, "24681357")
    assert result["account"] == {"id": account.id, "kind": "hubspot", "name": "second"}


def test_what_blocks_is_not_saved_unless_a_person_insists(house: House) -> None:
    wrong = HIDDEN | {"token": "a-wrong-token"}
    assert not do(house, "account.save", wrong, **form(house))["saved"]
    assert "second" not in names(house)
    forced = do(house, "account.save", wrong, **form(house), force=True)
    assert forced["saved"]
    assert forced["issues"]
    assert "second" in names(house)


def test_an_empty_field_for_a_secret_means_the_stored_one(house: House) -> None:
    given = form(house, name="hubspot", country="MX")
    result = do(house, "account.save", {"token": "", "client_secret": ""}, **given)
    assert result["saved"]
    account = house.app.account("hubspot")
    assert account is not None
    assert (account.secrets["token"], account.settings["country"]) == (TOKEN, "MX")


def test_a_webhook_gets_its_signing_secret_which_no_result_tells(house: House) -> None:
    given = {"kind": "webhook", "name": "erp", "settings": {"url": "http://127.0.0.1:9/hear"}}
    result = do(house, "account.save", {}, **given, force=True)
    account = house.app.account("erp")
    assert result["saved"]
    assert account is not None
    assert account.secrets["secret"].startswith("whsec_")
    assert account.secrets["secret"] not in raw(house)


def test_an_account_is_checked_and_mended(house: House) -> None:
    for field in ("whatsapp_id", "whatsapp_user_id"):
        path, headers = f"/hubspot/crm/properties/2026-09/contacts/{field}", {"Authorization": f"Bearer {TOKEN}"}
        house.sandbox.http.delete(path, headers=headers).raise_for_status()
    before = do(house, "account.check", account="hubspot")
    assert [(issue["fix"], issue["blocks"]) for issue in before["issues"]] == [(True, False)] * 2
    after = do(house, "account.check", account="hubspot", fix=True)
    assert (after["issues"], after["account"]) == ([], "hubspot")
    assert "no account named 'nobody'" in fails(house, "account.check", account="nobody")


def test_a_check_brings_a_stopped_account_back(house: House) -> None:
    do(house, "account.check", account="hubspot", fix=True)
    account = house.app.account("hubspot")
    assert account is not None
    from connector.store import accounts

    with house.app.store.write() as conn:
        accounts.ask_person(conn, account.id, "the token was refused")
    do(house, "account.check", account="hubspot")
    again = house.app.account("hubspot")
    assert again is not None
    assert again.state == "ok"


def test_fields_are_read_of_the_objects_one_asks_for(house: House) -> None:
    result = do(house, "account.fields", account="hubspot", objects=["deal"])
    assert set(result["fields"]) == {"contacts", "deals"}
    assert "is no CRM" in fails(house, "account.fields", account="whatsapp")


def test_no_secret_is_in_the_table_the_file_or_the_log(
    house: House, caplog: pytest.LogCaptureFixture, store_url: str
) -> None:
    bad = "settings"  # makes the kind itself fail, with a traceback
    with caplog.at_level(logging.DEBUG):
        ids = [
            ask(house, "account.try", HIDDEN, **form(house)),
            ask(house, "account.save", HIDDEN | {"token": "a-wrong-token"}, **form(house)),
            ask(house, "account.save", HIDDEN, **form(house)),
            ask(house, "account.try", HIDDEN, **form(house) | {bad: 7}),
        ]
        waiting = raw(house)
        house.app.drain("task", stop=lambda: False)
    assert SEALED in waiting
    tasks = [see(house, id_) for id_ in ids]
    assert [task.state for task in tasks] == ["done", "done", "done", "failed"]
    assert [SEALED in task.args for task in tasks] == [False] * 4
    everything = waiting + raw(house) + caplog.text + tasks[3].error
    if store_url.startswith("sqlite"):
        path = Path(store_url.removeprefix("sqlite:///"))
        for file in (path, path.with_name(path.name + "-wal")):
            everything += file.read_bytes().decode("latin-1") if file.exists() else ""
    assert "Traceback" in caplog.text
    assert [secret for secret in SECRETS if secret in everything] == []


def test_a_sealed_secret_opens_for_its_own_task_only(house: House) -> None:
    from connector import errors
    from connector.store import tasks as rows

    first, second = (ask(house, "account.try", HIDDEN, **form(house)) for _ in range(2))
    one, other = see(house, first), see(house, second)
    assert rows.unsealed(house.app.keyring, one) == HIDDEN
    from dataclasses import replace

    with pytest.raises(errors.NotAllowed):
        rows.unsealed(house.app.keyring, replace(one, args=other.args))


def test_a_form_is_split_by_what_is_secret() -> None:
    settings, secrets = kinds()["hubspot"].split({"token": " t ", "portal-id": "1", "client_secret": "c", "x": "y"})
    assert (settings, secrets) == ({"portal_id": "1", "x": "y"}, {"token": "t", "client_secret": "c"})
