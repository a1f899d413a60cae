"""How long one evaluation takes, beside the same rules written as sandboxed Jinja templates.

Run: python -m tests.bench.bench_evaluate
"""

import json
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from connector.core.contact import Answered, Contact, Record, Setting
from connector.core.documents import evaluate, read
from connector.core.events import InboundMessage
from tests.bench import report

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
DOCUMENT = """
mapping: bench
crm: hubspot
when:
  answer_to: offer_v1
  type: form
  only_if: [contact.country == 'CO', contact.amount >= 500, "answer.id in ['interested', 'later']"]
contact: {if_missing: create}
set:
  lifecyclestage:
    from: answer.id
    map: {interested: salesqualifiedlead, later: lead, no: other}
    else: review
    overwrite: if_further
    order: [subscriber, lead, marketingqualifiedlead, salesqualifiedlead, opportunity, customer]
  whatsapp_last_answer: "{{ answer.title }}"
  hs_lead_status: OPEN
  firstname: {from: contact.name | first_word, overwrite: if_empty}
  last_reply: "{{ contact.name }}: {{ answer.title }}"
  score: {from: answer.score, as: integer, min: 0, max: 10, else: skip}
  wants_call: {from: answer.call, as: yes_no, else: skip}
  city: "{{ contact.city | default('unknown') | title }}"
  source: {value: whatsapp, overwrite: if_empty}
  plan: "{{ 'gold' if contact.amount > 1000 else 'silver' }}"
"""
# The same ten fields and three conditions as a mapping tool built on templates would hold them.
CONDITIONS = (
    "{{ contact.country == 'CO' }}",
    "{{ contact.amount | float >= 500 }}",
    "{{ answer.id in ['interested', 'later'] }}",
)
FIELDS = {
    "lifecyclestage": "{{ {'interested': 'salesqualifiedlead', 'later': 'lead', 'no': 'other'}.get(answer.id, '') }}",
    "whatsapp_last_answer": "{{ answer.title }}",
    "hs_lead_status": "OPEN",
    "firstname": "{{ contact.name.split(' ') | first }}",
    "last_reply": "{{ contact.name }}: {{ answer.title }}",
    "score": "{{ answer.score | int if 0 <= answer.score | int <= 10 else '' }}",
    "wants_call": "{{ answer.call | lower in ['yes', 'si', 'true'] }}",
    "city": "{{ contact.city | default('unknown') | title }}",
    "source": "whatsapp",
    "plan": "{{ 'gold' if contact.amount | float > 1000 else 'silver' }}",
}
ANSWER = {"id": "interested", "title": "Me interesa", "score": "9", "call": "sí"}
RECORD = {
    "country": "CO",
    "amount": "1500.00",
    "city": "bogotá",
    "lifecyclestage": "lead",
    "whatsapp_last_answer": "no",
    "source": "web",
}


def ours() -> Callable[[], Any]:
    """One evaluation of the compiled document, reasons included."""
    document = read(DOCUMENT)
    event = InboundMessage(
        id="wamid.1", at=NOW, number="1", type="form", wa_id="573001112222", text="Me interesa", answer=ANSWER
    )
    contact = Contact(id="c1", name="Ana Ruiz", records=(Record(object="contacts", id="1512", fields=RECORD),))
    setting = Setting(locale="es_CO", answered=Answered(send="s1", at=NOW, template="offer_v1"))
    plan = evaluate(event, contact, document, NOW, setting)
    assert plan.matched
    assert len(plan.reasons) == len(document.sets) == len(FIELDS)
    return lambda: evaluate(event, contact, document, NOW, setting)


def templates() -> Callable[[], Any]:
    """The same rules as compiled templates in Jinja's sandbox, rendered one by one; no reasons."""
    environment = ImmutableSandboxedEnvironment(autoescape=False)
    conditions = [environment.from_string(text) for text in CONDITIONS]
    fields = {name: environment.from_string(text) for name, text in FIELDS.items()}
    words = {"answer": ANSWER, "contact": {**RECORD, "name": "Ana Ruiz"}}

    def run() -> dict[str, str] | None:
        if any(condition.render(words) != "True" for condition in conditions):
            return None
        return {name: template.render(words) for name, template in fields.items()}

    assert run()
    return run


def microseconds(function: Callable[[], Any], rounds: int = 400, number: int = 50) -> float:
    """The fastest of many short rounds: what the code costs when nothing else runs."""
    return min(timeit.repeat(function, number=number, repeat=rounds)) / number * 1e6


def figures() -> dict[str, float]:
    """Microseconds of one evaluation, of the templates, and how many times faster ours is."""
    own, other = microseconds(ours()), microseconds(templates())
    return {"evaluate_us": round(own, 1), "sandboxed_jinja_us": round(other, 1), "ratio": round(other / own, 1)}


def run() -> report.Result:
    """The part `evaluate` of `python -m tests.bench`."""
    found = figures()
    what = "one mapping of 10 fields and 3 conditions evaluated, reasons included"
    row = report.Row(
        what,
        found["evaluate_us"],
        "microseconds",
        at_most=40,
        peer=found["sandboxed_jinja_us"],
        note="peer: sandboxed Jinja",
    )
    return report.Result([row, report.Row("times faster than sandboxed Jinja", found["ratio"])], found)


if __name__ == "__main__":
    print(json.dumps(figures()))
