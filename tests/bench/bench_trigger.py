"""From a CRM event to WhatsApp, and back: how soon a template leaves, how full the calls are that tell the truth."""

import base64
import hashlib
import hmac
import http.client
import json
import time
from contextlib import closing
from datetime import datetime
from typing import Any

from connector.app import kinds
from connector.core import documents as language
from connector.store import documents as document_rows
from tests.bench.bench_latency import serving_web
from tests.bench.business import Business, business, workers
from tests.bench.report import Result, Row, percentile
from tests.web.front import Web

PER_SECOND, SECONDS, CRM_MS = 20, 20, 150.0
BURST = 1000
SECRET, PORTAL = "sandbox-hubspot-client-secret", 24681357
DOCUMENT = """\
send: bench-send
crm: hubspot
when: {contact.jobtitle: {changes: yes}}
to: record
template: visit_reminder
language: en_US
with: {1: "{{ contact.firstname | default('there') }}", 2: Friday}
buttons: [confirm, reschedule]
after:
  delivered: {set: {whatsapp_last_answer: delivered}}
"""


def run() -> Result:
    """Events at 20 a second, then a burst of statuses."""
    with business("hubspot", max(BURST, PER_SECOND * SECONDS)) as shop, workers(shop, 2, clock=True):
        _publish(shop)
        with serving_web(shop) as web:
            hook = {"url": f"http://127.0.0.1:{web.port}/hooks/whatsapp/shop", "service": "graph"}
            shop.sandbox.post("/_webhook", json=hook).raise_for_status()
            shop.slow(CRM_MS)
            times = _events(shop, web)
            told = _burst(shop, web)
    rows = [
        Row("CRM event to Graph request, 50th percentile", percentile(times, 50), "s"),
        Row("CRM event to Graph request, 95th percentile", percentile(times, 95), "s", at_most=1.2),
        Row("status write-back in a burst: records a CRM call", sum(told) / max(1, len(told)), at_least=95),
    ]
    return Result(rows, {"events_s": times, "records_per_call": told})


def _publish(shop: Business) -> None:
    shop.app.add_account(
        kinds()["whatsapp"], "shop", {}, {"app_secret": "sandbox-app-secret", "verify_token": "sandbox-verify-token"}
    )
    shop.app.templates_of(refresh=True)(language.read(DOCUMENT))
    with shop.app.store.write() as conn:
        start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
        document_rows.publish(conn, "send", "bench-send", DOCUMENT, "bench", start)
    options = {"limit": 0, "status_seconds": 0.2, "read_rate": 0.0, "status_batch": 0.1}
    shop.sandbox.post("/_options", json=options).raise_for_status()


def _events(shop: Business, web: Web) -> list[float]:
    """Seconds from the first byte of each webhook to its message at the Graph API."""
    people = shop.people[: PER_SECOND * SECONDS]
    _post(web, [record for _, record in shop.people[-5:]])  # imports, once in the life of a process
    _until(shop, 5)
    sent: dict[str, float] = {}
    start = time.time()
    for n, (wa_id, record) in enumerate(people):
        time.sleep(max(0.0, start + n / PER_SECOND - time.time()))
        sent[wa_id] = time.time()
        _post(web, [record])
    _until(shop, 5 + len(people))
    heard = {m["to"].lstrip("+"): float(m["at"]) for m in _messages(shop)}
    return [heard[wa_id] - at for wa_id, at in sent.items()]


def _burst(shop: Business, web: Web) -> list[int]:
    """Records of each call that told the CRM, when many messages are delivered at once."""
    before, began = len(_messages(shop)), time.time()
    shop.sandbox.post("/_options", json={"status_batch": 3.0}).raise_for_status()  # Meta gathers, up to 1,000 a webhook
    records = [record for _, record in shop.people[:BURST]]
    for n in range(0, BURST, 100):
        _post(web, records[n : n + 100])
    _until(shop, before + BURST)
    time.sleep(8)  # the statuses come, and are told
    calls = [c for c in shop.ledger(began) if c["path"].endswith("/contacts/batch/update")]
    return [len(c["body"]["inputs"]) for c in calls]


def _post(web: Web, records: list[str]) -> None:
    """One signed webhook of HubSpot."""
    now = int(time.time() * 1000)
    body = json.dumps([_change(record, now + n) for n, record in enumerate(records)]).encode()
    path, stamp = "/hooks/crm/hubspot", str(now)
    text = b"POST" + f"http://127.0.0.1:{web.port}{path}".encode() + body + stamp.encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)) as line:
        line.request("POST", path, body, headers | {"Content-Type": "application/json"})
        answer = line.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the web process answered {answer.status}")


def _change(record: str, at: int) -> dict[str, Any]:
    return {
        "eventId": at, "subscriptionId": 1, "portalId": PORTAL, "appId": 1, "occurredAt": at, "attemptNumber": 0,
        "subscriptionType": "contact.propertyChange", "objectId": int(record), "propertyName": "jobtitle",
        "propertyValue": f"title {at}", "changeSource": "CRM_UI", "sourceId": "userId:1",
    }  # fmt: skip


def _messages(shop: Business) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.sandbox.get("/_records/graph/messages").json()
    return found


def _until(shop: Business, count: int) -> None:
    until = time.time() + 15
    while len(_messages(shop)) < count:
        if time.time() > until:
            raise RuntimeError(f"{len(_messages(shop))} of {count} messages left")
        time.sleep(0.2)
