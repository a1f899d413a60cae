"""/metrics: who may read it, what it says, and that dashboards and rules name only what there is."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace as Row

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from connector.errors import StoreDown
from connector.store import api_tokens, scraping
from connector.store.health import Lag
from connector.store.measures import Measures
from connector.web.exposition import MOST_CODES, text
from connector.web.metrics import FRESH, Metrics, metrics

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
TOKEN = "a-token-of-twenty-letters"
MONITORING = Path(__file__).parents[2] / "docs/monitoring"


def scraped(token=TOKEN, local=True, measure=lambda: b"up 1\n", knows=lambda *_: False, method="GET", **environ):
    """(status, headers, body) of one call."""
    said = []
    app = metrics(lambda *_: [b"another page"], Metrics(measure, token, knows, local))
    given = {"PATH_INFO": "/metrics", "REQUEST_METHOD": method, "REMOTE_ADDR": "127.0.0.1"} | environ
    body = b"".join(app(given, lambda status, headers: said.append((status, dict(headers)))))
    return (int(said[0][0].split()[0]), said[0][1], body) if said else (0, {}, body)


def bearer(token):
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def test_with_a_token_only_its_bearer_reads():
    assert scraped(**bearer(TOKEN))[::2] == (200, b"up 1\n")
    assert scraped(**bearer(TOKEN))[1]["Content-Type"].startswith("text/plain; version=0.0.4")
    for wrong in ({}, bearer(TOKEN[:-1]), bearer(""), bearer("x" * 5000), {"HTTP_AUTHORIZATION": TOKEN}, bearer("ñ")):
        status, headers, body = scraped(**wrong)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert TOKEN.encode() not in body


def test_without_a_token_only_this_machine_reads():
    assert scraped(token="")[0] == 200
    assert scraped(token="", REMOTE_ADDR="::1")[0] == 200
    assert scraped(token="", REMOTE_ADDR="10.0.0.9")[0] == 404
    assert scraped(token="", REMOTE_ADDR="")[0] == 404
    assert scraped(token="", HTTP_X_FORWARDED_FOR="203.0.113.9")[0] == 404
    assert scraped(token="", local=False)[0] == 404


def test_an_api_token_reads_too():
    heard = []

    def knows(token, address):
        heard.append((token, address))
        return token == "wcc_good"

    assert scraped(knows=knows, **bearer("wcc_good"))[0] == 200
    assert scraped(knows=knows, token="", local=False, **bearer("wcc_good"))[0] == 200
    assert scraped(knows=knows, **bearer("wcc_bad"))[0] == 401
    assert heard[0] == ("wcc_good", "127.0.0.1")


def test_a_stored_token_is_known_until_it_is_revoked(store):
    with store.write() as conn:
        id_, token = api_tokens.add(conn, "prometheus", "viewer", "me", NOW)
    with store.read() as conn:
        assert scraping.allowed(conn, token, "10.0.0.1", NOW)
        assert not scraping.allowed(conn, "wcc_x", "10.0.0.1", NOW)
        assert not scraping.allowed(conn, "something", "10.0.0.1", NOW)
    with store.write() as conn:
        api_tokens.revoke(conn, id_, NOW)
    with store.read() as conn:
        assert not scraping.allowed(conn, token, "10.0.0.1", NOW)


def test_other_pages_and_methods_go_on():
    assert scraped(PATH_INFO="/metrics/")[2] == b"another page"
    assert scraped(method="POST")[2] == b"another page"
    assert scraped(method="HEAD", **bearer(TOKEN))[::2] == (200, b"")


def test_a_database_that_is_away_is_told_and_not_cached():
    def away():
        raise StoreDown("The database did not answer in time.")

    status, headers, _ = scraped(measure=away, **bearer(TOKEN))
    assert (status, headers["Retry-After"]) == (503, "5")

    def refuses(*_):
        raise StoreDown("away")

    assert scraped(knows=refuses, **bearer("wcc_x"))[0] == 401


def test_several_scrapers_cost_one():
    asked, now = [], [0.0]
    found = Metrics(lambda: asked.append(1) or b"x", TOKEN, lambda *_: False, False, clock=lambda: now[0])
    call = {"PATH_INFO": "/metrics", "REMOTE_ADDR": "", **bearer(TOKEN)}
    for _ in range(3):
        assert found.answer(call) == (200, b"x")
    now[0] += FRESH + 1
    found.answer(call)
    assert len(asked) == 2


def measured(**more):
    """A moment in which there is something of everything."""
    sums = [("events", "InboundMessage", "", 5), ("statuses", "read", "", 3), ("changes", "crm", "done", 7),
            ("changes", "gone1", "done", 1), ("changes", "gone2", "done", 2), ("sends", "wa", "accepted", 4),
            ("sends_ended", "refused", "", 2), ("refusals", "send", "consent", 2), ("deliveries", "wa", "", 9),
            ("refusals", "change", 'Hola "mundo"\n', 1)]  # fmt: skip
    number = Row(account="wa", name="wa", throughput=80, tier="TIER_1K", quality="RED", health="LIMITED")
    given = {
        "names": {"wa": "whatsapp", "crm": "hubspot"}, "kinds": {"wa": "whatsapp", "crm": "hubspot"},
        "states": {"wa": "ok", "crm": "needs_person"}, "lags": [Lag("write", NOW - timedelta(seconds=90)), Lag("send")],
        "waiting": {"write": 10_000, "send": 0}, "open_sends": {"unknown": 1},
        "totals": [Row(name=n, a=a, b=b, n=k) for n, a, b, k in sums], "events": 5, "deliveries": 9,
        "refused_calls": {"refused.whatsapp": 3}, "numbers": [number], "usage": {"crm": {"daily": [10, 100]}},
        "findings": {"drift": 1}, "broken": {"plan_waits": 2}, "alarms": {"lag": 1}, "templates": {"PAUSED": 1},
        "backup": NOW, "chored_at": NOW - timedelta(seconds=5), "bytes": 4096, "schema": "0005",
    }  # fmt: skip
    return Measures(**(given | more))


def samples(found=None):
    raw = text(found or measured(), {"redis": 1, "workers": 2}, "0.1.0", NOW).decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(raw) for sample in family.samples
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("lag_seconds", {"stage": "write"}, 90), ("lag_seconds", {"stage": "send"}, 0),
        ("waiting", {"stage": "write"}, 10_000), ("events_total", {"kind": "InboundMessage"}, 5),
        ("deliveries_total", {"account": "whatsapp"}, 9),
        ("changes_total", {"account": "hubspot", "outcome": "done"}, 7),
        ("changes_total", {"account": "gone", "outcome": "done"}, 3),
        ("send_requests_total", {"account": "whatsapp", "outcome": "accepted"}, 4),
        ("refusals_total", {"what": "send", "code": "consent"}, 2),
        ("refusals_total", {"what": "change", "code": "other"}, 1),
        ("refused_calls_total", {"reason": "whatsapp"}, 3), ("statuses_total", {"status": "read"}, 3),
        ("api_limit_used", {"account": "hubspot", "system": "hubspot", "limit": "daily"}, 10),
        ("number_tier", {"account": "whatsapp"}, 1000),
        ("number_quality", {"account": "whatsapp", "quality": "RED"}, 1),
        ("account_state", {"account": "hubspot", "system": "hubspot", "state": "needs_person"}, 1),
        ("findings", {"code": "drift"}, 1), ("alarms", {"code": "lag"}, 1), ("redis_up", {}, 1), ("workers", {}, 2),
        ("database_bytes", {}, 4096), ("chores_seconds", {}, 5),
        ("build_info", {"version": "0.1.0", "schema": "0005"}, 1),
    ],
)  # fmt: skip
def test_what_is_told(name, labels, value):
    assert samples()[(f"connector_{name}", *sorted(labels.items()))] == value


def test_labels_are_bounded_whatever_codes_there_are():
    many = [Row(name="refusals", a="send", b=f"code_{n}", n=n + 1) for n in range(5000)]
    found = {key: n for key, n in samples(measured(totals=many)).items() if key[0] == "connector_refusals_total"}
    assert len(found) <= MOST_CODES + 1
    assert ("connector_refusals_total", ("code", "code_4999"), ("what", "send")) in found
    assert sum(found.values()) == 5000 * 5001 / 2


def test_what_is_not_known_is_absent():
    names = {key[0] for key in samples(measured(backup=None, chored_at=None, numbers=[], usage={}))}
    assert not names & {"connector_backup_timestamp_seconds", "connector_chores_seconds", "connector_number_tier"}


def exprs():
    board = json.loads((MONITORING / "grafana.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for rule in YAML(typ="safe").load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]


def test_dashboard_and_rules_name_only_what_there_is():
    known = {(key[0], name) for key in samples() for name, _ in key[1:]}
    names, used = {key[0] for key in samples()}, set()
    for title, expr in exprs():
        for name, selector in re.findall(r"(connector_\w+)(\{[^}]*\})?", expr):
            assert name in names, (title, name)
            used.add(name)
            for label in re.findall(r"(\w+)=", selector):
                assert (name, label) in known, (title, name, label)
    assert len(used) >= 20


def test_every_metric_is_described():
    page = (MONITORING.parent / "monitoring.md").read_text()
    missing = {key[0] for key in samples() if f"`{key[0]}`" not in page}
    assert missing == set()


def test_the_dashboard_is_as_its_table_makes_it():
    from tools.dashboard import board

    assert json.loads((MONITORING / "grafana.json").read_text()) == board()
