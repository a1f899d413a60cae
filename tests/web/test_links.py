"""Trigger links through the front door: a signed call is stored, strangers learn nothing."""

import json
import time

import pytest

from connector.webhooks import standard
from tests.web.front import environment, remove_account, rows, store_account

SETTINGS = {"document": "quote-ready", "crm": "hs"}
NOT_AUTHENTIC = (401, b"This call is not authentic.")


@pytest.fixture(scope="module")
def link(web_home, web):
    """{name, secret} of a link that the running server has not seen yet."""
    entry = {"name": "5f" * 16, "secret": standard.new_secret()}
    store_account(environment(web_home), "link", entry["name"], {"secret": entry["secret"]}, SETTINGS)
    return entry


def signed(secret, body, id_="msg_1"):
    stamp = int(time.time())
    signature = standard.sign(secret, id_, stamp, body)
    return {"webhook-id": id_, "webhook-timestamp": str(stamp), "webhook-signature": signature}


def path(link):
    return "/hooks/link/" + link["name"]


def deliveries(home):
    return rows(home, "SELECT account, headers, body FROM deliveries ORDER BY seq")


def test_a_signed_call_is_stored_with_the_id_it_counts_under(web, web_home, link):
    body = b'{"object": "deals", "record": "9001"}'
    status, _, answer = web.call("POST", path(link), body, signed(link["secret"], body))
    assert (status, json.loads(answer)) == (200, {"ok": True, "id": "msg_1"})
    account, headers, stored = deliveries(web_home)[-1]
    assert account in [i for (i,) in rows(web_home, "SELECT id FROM accounts WHERE kind = 'link'")]
    assert json.loads(headers)["webhook-id"] == "msg_1"
    assert "signature" not in headers
    assert bytes(stored) == body


def test_a_token_will_do_and_is_never_stored(web, web_home, link):
    given = {"Authorization": f"Bearer {link['secret']}", "Idempotency-Key": "call 7"}
    assert web.call("POST", path(link), b'{"phone": "+573001112222"}', given)[0] == 200
    _, headers, _ = deliveries(web_home)[-1]
    assert json.loads(headers)["idempotency-key"] == "call 7"
    assert link["secret"] not in headers


def test_a_caller_we_trust_hears_what_to_mend_and_nothing_is_stored(web, web_home, link):
    before = deliveries(web_home)
    status, _, text = web.call("POST", path(link), b"{}", {"Authorization": f"Bearer {link['secret']}"})
    assert status == 400
    assert b"Idempotency-Key" in text
    assert deliveries(web_home) == before


@pytest.mark.parametrize("name", ["0" * 32, "shop", "hs"])
def test_strangers_and_forgers_hear_one_text(web, web_home, link, name):
    before = deliveries(web_home)
    for where in (f"/hooks/link/{name}", path(link)):
        status, _, text = web.call("POST", where, b"{}", signed(standard.new_secret(), b"{}"))
        assert (status, text) == NOT_AUTHENTIC
        status, _, text = web.call("POST", where, b"{", {"Authorization": "Bearer x"})
        assert (status, text) == NOT_AUTHENTIC
    assert deliveries(web_home) == before


def test_the_description_says_nothing_of_whether_a_link_is_there(web, link):
    known = web.get(path(link) + "/openapi.json")
    stranger = web.get("/hooks/link/" + "0" * 32 + "/openapi.json")
    assert known[0] == stranger[0] == 200
    assert known[2].replace(path(link).encode(), b"") == stranger[2].replace(b"/hooks/link/" + b"0" * 32, b"")
    assert web.get(path(link))[0] == 405
    assert web.get(path(link) + "/other")[0] == 404


def until(web, path, status, call):
    """The server reads its accounts again by itself."""
    end = time.monotonic() + 20
    while (found := web.call("POST", path, *call())[0]) != status:
        assert time.monotonic() < end, found
        time.sleep(0.1)


def test_both_secrets_count_while_one_is_changed_and_a_revoked_link_is_a_stranger(web, web_home, link):
    fresh = {"secret": standard.new_secret(), "secret_old": link["secret"]}
    env = environment(web_home)
    later = {**SETTINGS, "old_until": time.time() + 600}
    store_account(env, "link", link["name"], fresh, later)
    for secret in fresh.values():
        until(web, path(link), 200, lambda secret=secret: (b"{}", signed(secret, b"{}", secret[-8:])))
    remove_account(env, link["name"])
    until(web, path(link), 401, lambda: (b"{}", signed(fresh["secret"], b"{}", "revoked")))
