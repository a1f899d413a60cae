"""/hooks/crm/<account>/options: verified, answered from what is there now, never stored."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from connector import config
from connector.core.template import Template
from connector.store import documents, templates
from connector.store.engine import open_store
from tests.web.front import environment, rows, store_account

SECRET = "client-secret-of-the-picker"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SEND = "send: {name}\ncrm: {crm}\n"


@pytest.fixture(scope="module")
def picker(web, web_home):
    env = environment(web_home)
    store_account(env, "hubspot", "portal", {"client-secret": SECRET, "token": "t"})
    settings = config.load(env)
    store = open_store(settings.database_url, home=settings.home)
    with store.write() as conn:
        found = [Template(name="quote_ready", language="es"), Template(name="old", language="es", status="REJECTED")]
        templates.put(conn, "shop", found, NOW)
        for name, crm in (("quote-ready", "portal"), ("renewal", '"portal"  # ours'), ("other", "elsewhere")):
            documents.publish(conn, "send", name, SEND.format(name=name, crm=crm), "me", NOW)
        documents.publish(conn, "mapping", "nps", "mapping: nps\ncrm: portal\n", "me", NOW)
    store.close()
    return web


def ask(web, body=b'{"fetchOptions": {}}', secret=SECRET):
    path = "/hooks/crm/portal/options"
    signature = hashlib.sha256(secret.encode() + b"POST" + f"{web.url}{path}".encode() + body).hexdigest()
    headers = {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": "v2"}
    return web.call("POST", path, body, headers)


def test_what_can_be_sent_is_offered_and_nothing_is_stored(picker, web_home):
    before = rows(web_home, "SELECT COUNT(*) FROM deliveries")
    status, headers, body = ask(picker)
    assert (status, headers["content-type"]) == (200, "application/json")
    offered = {option["value"].partition(":")[2] for option in json.loads(body)["options"]}
    assert offered == {"quote_ready:es", "quote-ready", "renewal"}
    assert rows(web_home, "SELECT COUNT(*) FROM deliveries") == before


def test_only_the_portal_may_ask(picker):
    status, _, body = ask(picker, secret="another")
    assert (status, body) == (401, b"This call is not authentic.")
