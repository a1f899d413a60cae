"""A broadcast through the front door: a list, the forecast, the plan, messages on phones, what came of it."""

# ruff: noqa: F811 - fixtures

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connector.store.tables import broadcast_people, broadcasts, events
from tests.pipeline.conftest import ANA, NUMBER
from tests.pipeline.street import Street, lane  # noqa: F401 - fixtures

OFFER = """\
send: spring
crm: hubspot
when: {segment: any}
template: spring_offer
language: es
with: {first_name: "{{ contact.firstname }}"}
guard: {consent: not_opted_out}
after:
  sent: {set: {whatsapp_last_answer: sent}}
"""


def sheet(path: Path, rows: Sequence[str], header: str = "Teléfono;First name") -> str:
    """A CSV as a spreadsheet of Bogota writes it."""
    file = path / "people.csv"
    file.write_text("\ufeff" + "\r\n".join([header, *rows]) + "\r\n", encoding="utf-8")
    return str(file)


def said(street: Street, *words: str) -> Any:
    assert street.cli("broadcasts", *words, "--json") == 0, street.said
    return json.JSONDecoder().raw_decode(street.said)[0]  # behind it: no Redis here


def people(n: int, start: int = 3100000000) -> list[str]:
    return [f"{start + k};P{k}" for k in range(n)]


def test_from_a_csv_to_the_phones(lane: Street, tmp_path: Path) -> None:
    lane.publish(OFFER)
    odd = ["5.73E+11;Bob", "3100000000;Again", ";Nobody", "12;Short", "3009998888;", "'3112223344;Quoted"]
    file = sheet(tmp_path, [*people(3), *odd])
    told = said(lane, "forecast", "spring", "--csv", file)
    assert (told["read"], told["sendable"], told["refused"]) == (9, 4, 5)
    reasons = {one["code"]: one["count"] for one in told["reasons"]}
    assert reasons == {"scientific": 1, "duplicate": 1, "no_phone": 1, "bad_phone": 1, "parameter": 1}
    assert {row["line"]: row["code"] for row in told["rows"]}[5] == "scientific"
    assert told["cost"]["lines"] == [
        {"category": "marketing", "country": "CO", "count": 4, "price": "0.0104", "amount": "0.0416"}
    ]
    assert lane.sends == [] and not lane.rows(events), "a forecast writes nothing but itself"

    id_ = told["id"]
    assert said(lane, "start", id_)["started"] is True
    assert said(lane, "start", id_) == {"id": id_, "state": "planning", "started": False}
    lane.settle()
    assert len(lane.requests()) == 4
    assert {row.state for row in lane.sends} <= {"sent", "delivered", "read", "accepted"}
    assert sum(row.state == "planned" for row in lane.rows(broadcast_people)) == 4
    lane.pass_(seconds=20)
    told = said(lane, "result", id_)
    assert (told["state"], told["planned"], told["refused"], told["sent"]) == ("done", 4, 5, 4)
    lane.healthy()
