"""Texts that try to be more than text, and a house in which everybody writes them."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from connector import config
from connector.store import doctor
from connector.store.engine import open_store
from tests.browser.acts import ANA
from tests.browser.house import ROOT, House, until
from tests.hostile.texts import PAYLOADS

TAP = "<b>tap</b>"  # short enough for a button
NAMES = [f"57300200{n:04d}" for n in range(len(PAYLOADS))]

DOCUMENT = """mapping: hostile
about: {text}
crm: hubspot
when: {{answer_to: webinar_invite_v2, type: button}}
set:
  whatsapp_last_answer:
    from: answer.title
    map: {{{text}: {text}, plain: {text}}}
    else: review
reply: {text}
"""


TALK = """flow: hostile-talk
about: {text}
crm: hubspot
start:
  - says: [hostile]
steps:
  first:
    ask: {text}
    buttons: {{one: {tap}, two: {text2}}}
    remember: first
    go: {{one: last, two: last}}
  last: {{say: {text}, end: done}}
"""
OFFER = """send: hostile-offer
about: {text}
crm: hubspot
when: {{segment: any}}
template: spring_offer
language: es
with: {{first_name: "{{{{ contact.firstname }}}}"}}
guard: {{consent: not_opted_out}}
"""


def fill(house: House) -> None:
    """Messages, names, buttons, labels, values, documents: every text is one of the payloads."""
    document = house.home / "hostile"
    document.mkdir()
    short = [one for one in PAYLOADS if len(one) < 200]
    text = json.dumps(short[2])
    (document / "hostile.yaml").write_text(DOCUMENT.format(text=text), encoding="utf-8")
    cli(house, "mappings", "push", "--draft", str(document))
    live(house, text)
    labels(house, short)
    records(house, short)
    told = house.home / "told.csv"
    lines = [f"wamid.hostile-{n},{who},webinar_invite_v2,2026-01-01T00:00:00Z" for n, who in enumerate(NAMES)]
    told.write_text("\n".join(["wamid,to,template,sent_at", *lines]))
    cli(house, "sends", "import", str(told))
    answers = []
    for n, (who, payload) in enumerate(zip(NAMES, PAYLOADS, strict=True)):
        one = {"wa_id": who, "name": payload[:500]}
        answers.append(one | {"text": payload})
        answers.append(
            one | {"button": {"text": payload[:500], "payload": payload[:200]}, "reply_to": f"wamid.hostile-{n}"}
        )
    answers.append({"wa_id": NAMES[0], "text": "hostile"})  # a conversation
    house.play("POST", "/_customers", answers)
    # a send whose values are hostile
    house.play("PATCH", "/_records/hubspot/contacts/1512", {"firstname": short[4]})
    house.play("PATCH", "/_records/hubspot/deals/3001", {"dealstage": "qualifiedtobuy"})
    house.play("PATCH", "/_records/hubspot/deals/3001", {"dealstage": "presentationscheduled"})
    until(lambda: settled(house, len(answers)), "everything is settled", 120)


def live(house: House, text: str) -> None:
    """A conversation that says it, and a broadcast to a list that holds it."""
    folder = house.home / "live"
    folder.mkdir()
    talk = TALK.format(text=text, text2=json.dumps("<i>2</i>"), tap=json.dumps(TAP))
    (folder / "talk.yaml").write_text(talk, encoding="utf-8")
    (folder / "offer.yaml").write_text(OFFER.format(text=text), encoding="utf-8")
    cli(house, "mappings", "push", str(folder))
    people = house.home / "<img src=x onerror=alert(1)>.csv"
    with people.open("w", encoding="utf-8", newline="") as file:
        rows = [
            ("phone", "firstname"),
            *((one, one) for one in PAYLOADS if len(one) < 4000),
            *((who, TAP) for who in NAMES[:3]),
        ]
        csv.writer(file).writerows(rows)
    cli(house, "broadcasts", "forecast", "hostile-offer", "--csv", str(people))


def labels(house: House, texts: Sequence[str]) -> None:
    """The CRM's own field names."""
    for n, text in enumerate(texts[:8]):
        field = {
            "groupName": "contactinformation",
            "name": f"hostile_{n}",
            "label": text,
            "type": "string",
            "fieldType": "text",
        }
        house.play("POST", "/hubspot/crm/properties/2026-09/contacts", field, token="pat-na1-sandbox-hubspot")


def records(house: House, texts: Sequence[str]) -> None:
    """The CRM's own values."""
    values = {f"hostile_{n}": text for n, text in enumerate(texts[:8])}
    house.play("PATCH", "/_records/hubspot/contacts/1512", values | {"company": texts[9], "lastname": texts[3]})


def cli(house: House, *arguments: str) -> str:
    """One command of ours."""
    argv = [sys.executable, "-m", "connector.cli", *arguments]
    done = subprocess.run(argv, env=house.env, cwd=ROOT, timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def settled(house: House, messages: int) -> bool:
    """Nothing waits any more."""
    settings = config.load(house.env)
    store = open_store(settings.database_url, home=Path(house.home))
    with store.read() as conn:
        counts = doctor.counts(conn)
    store.close()
    return counts["events"] >= messages and counts["waiting"] == 0


__all__ = ["ANA", "NAMES", "PAYLOADS", "fill"]
