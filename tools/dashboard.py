"""Writes docs/monitoring/grafana.json: the panels are a table here, the rest of what Grafana wants is the same for all.

Run: python tools/dashboard.py"""

import json
from pathlib import Path

OUT = Path(__file__).parents[1] / "docs/monitoring/grafana.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
# title, kind, unit, width, [(expression, legend)]
PANELS = [
    ("Workers", "stat", "none", 4, [("max(connector_workers)", "")]),
    ("Redis", "stat", "bool_yes_no", 4, [("min(connector_redis_up)", "")]),
    ("Alarms", "stat", "none", 4, [("sum(max by (code) (connector_alarms)) or vector(0)", "")]),
    ("Broken promises", "stat", "none", 4, [("sum(max by (code) (connector_broken_promises)) or vector(0)", "")]),
    ("In doubt", "stat", "none", 4, [('max(connector_sends_open{state="unknown"})', "")]),
    ("Database", "stat", "bytes", 4, [("max(connector_database_bytes)", "")]),
    ("Age of the oldest work", "timeseries", "s", 12, [("max by (stage) (connector_lag_seconds)", "{{stage}}")]),
    ("Work that waits", "timeseries", "short", 12, [("max by (stage) (connector_waiting)", "{{stage}}")]),
    (
        "Webhooks a second",
        "timeseries",
        "reqps",
        12,
        [("max by (account) (rate(connector_deliveries_total[5m]))", "{{account}}")],
    ),
    (
        "Events a second, by kind",
        "timeseries",
        "reqps",
        12,
        [("max by (kind) (rate(connector_events_total[5m]))", "{{kind}}")],
    ),
    (
        "CRM writes a second",
        "timeseries",
        "wps",
        12,
        [("max by (account, outcome) (rate(connector_changes_total[5m]))", "{{account}} {{outcome}}")],
    ),
    (
        "Requests to WhatsApp a second",
        "timeseries",
        "reqps",
        12,
        [("max by (account, outcome) (rate(connector_send_requests_total[5m]))", "{{account}} {{outcome}}")],
    ),
    (
        "What WhatsApp tells, a second",
        "timeseries",
        "reqps",
        12,
        [("max by (status) (rate(connector_statuses_total[5m]))", "{{status}}")],
    ),
    (
        "Messages not ended, and ended badly",
        "timeseries",
        "short",
        12,
        [
            ("max by (state) (connector_sends_open)", "{{state}}"),
            ("max by (state) (increase(connector_sends_ended_total[1h]))", "{{state}} in an hour"),
        ],
    ),
    (
        "Refused in an hour, by code",
        "timeseries",
        "short",
        12,
        [("topk(10, max by (what, code) (increase(connector_refusals_total[1h])))", "{{what}} {{code}}")],
    ),
    (
        "Calls turned away in an hour",
        "timeseries",
        "short",
        12,
        [("max by (reason) (increase(connector_refused_calls_total[1h]))", "{{reason}}")],
    ),
    (
        "Used of the CRMs' limits",
        "timeseries",
        "percentunit",
        12,
        [("max by (account, limit) (connector_api_limit_used / connector_api_limit_allowed)", "{{account}} {{limit}}")],
    ),
    (
        "Speed and reach of the numbers",
        "timeseries",
        "short",
        12,
        [
            ("max by (account) (connector_number_throughput)", "{{account}} a second"),
            ("max by (account) (connector_number_tier)", "{{account}} people a day"),
        ],
    ),
    ("What needs mending", "table", "none", 8, [("max by (code) (connector_findings) > 0", "{{code}}")]),
    ("Accounts", "table", "none", 8, [("max by (account, system, state) (connector_account_state)", "{{account}}")]),
    ("Version", "table", "none", 8, [("max by (version, schema) (connector_build_info)", "{{version}}")]),
]


def panel(number: int, x: int, y: int, row: tuple) -> dict:
    title, kind, unit, width, queries = row
    height = 4 if kind == "stat" else 8
    targets = [
        {
            "refId": "ABC"[n],
            "expr": text,
            "legendFormat": legend or "__auto",
            "datasource": SOURCE,
            "instant": kind == "table",
            "format": "table" if kind == "table" else "time_series",
        }
        for n, (text, legend) in enumerate(queries)
    ]
    return {
        "id": number,
        "title": title,
        "type": kind,
        "datasource": SOURCE,
        "targets": targets,
        "gridPos": {"x": x, "y": y, "w": width, "h": height},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}} if kind == "timeseries" else {},
    }


def board() -> dict:
    panels, x, y, tallest = [], 0, 0, 0
    for number, row in enumerate(PANELS, 1):
        if x + row[3] > 24:
            x, y, tallest = 0, y + tallest, 0
        panels.append(panel(number, x, y, row))
        x, tallest = x + row[3], max(tallest, panels[-1]["gridPos"]["h"])
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "title": "WhatsApp-CRM connector",
        "uid": "whatsapp-crm-connector",
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "tags": ["whatsapp", "crm"],
        "templating": {"list": [source]},
        "panels": panels,
    }


if __name__ == "__main__":
    OUT.write_text(json.dumps(board(), indent=1) + "\n", encoding="utf-8")
