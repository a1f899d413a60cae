"""How long one step of a conversation takes, and how long walking every path of a flow of 40 steps.

Run: python -m tests.bench.bench_flow
"""

import json
from collections.abc import Callable
from time import perf_counter
from typing import Any

from connector.core.contact import Answered, Contact, Record, Setting
from connector.core.documents import FlowDocument, read
from connector.core.documents.flow_simulate import simulate
from connector.core.events import InboundMessage
from connector.core.flow import advance, begin
from tests.bench import report
from tests.bench.bench_evaluate import NOW, microseconds

STEPS = 40


def document() -> FlowDocument:
    """Questions with three buttons, every fourth with a condition, each saved, with reminders and words."""
    lines = ["flow: bench", "crm: hubspot", "start: [{says: [go]}]", "steps:"]
    for n in range(STEPS - 2):
        to = f"s{n + 1}" if n < STEPS - 3 else "bye"
        jump = f"s{n + 2}" if n < STEPS - 4 else "bye"
        lines.append(f"  s{n}:")
        if n % 4 == 3:
            lines += ["    ask: How many?", "    as: integer", "    min: 0", f"    remember: n{n}"]
            lines.append(f"    go: [{{if: flow.n{n} > 10, to: {jump}}}, {{else: {to}}}]")
        else:
            lines += [
                f'    ask: "Question {n}, {{{{ contact.firstname }}}}?"',
                "    buttons: {a: One, b: Two, c: Three}",
            ]
            lines += [f"    save: field_{n}", '    set: {whatsapp_last_answer: "{{ answer.title }}"}']
            lines.append(f"    go: {{a: {to}, b: {jump}, c: human}}")
    lines += [
        '  bye: {say: "Thank you, {{ contact.firstname }}", end: done}',
        "  human: {handoff: Help, end: handed_over}",
    ]
    lines += ["always:", "  no_answer: {after: 2 hours, ask_again: yes, then: {end: silent}}"]
    lines += ["  not_understood: {times: 2, go: human}", "  words: {agent: human}"]
    found = read("\n".join(lines))
    assert isinstance(found, FlowDocument)
    assert len(found.steps) == STEPS + 1
    return found


def step(flow: FlowDocument) -> Callable[[], Any]:
    """A tap on the first question: two fields written, the next question said, the why told."""
    record = Record(object="contacts", id="1512", fields={"firstname": "Ana", "whatsapp_last_answer": "no"})
    contact = Contact(id="c1", name="Ana Ruiz", last_inbound_at=NOW, records=(record,))
    state = begin(flow, Setting(), contact, NOW, version=1).state
    assert state is not None
    event = InboundMessage(
        id="wamid.1", at=NOW, number="1", type="button", text="One", answer={"id": "a", "title": "One"}
    )
    setting = Setting(answered=Answered(send="s1", at=NOW, step="bench.s0"))
    move = advance(flow, state, event, contact, NOW, setting)
    assert [c.kind for c in move.changes] == ["SetField", "SetField", "SendMessage"]
    return lambda: advance(flow, state, event, contact, NOW, setting)


def figures() -> dict[str, float]:
    """Microseconds of one step, seconds of one simulation, and how much it walked."""
    flow = document()
    took = microseconds(step(flow), rounds=100)
    begun = perf_counter()
    done = simulate(flow)
    seconds = perf_counter() - begun
    assert all(done.coverage.values())
    return {"step_us": round(took, 1), "simulate_s": round(seconds, 3), "moves": done.moves, "paths": done.paths}


def run() -> report.Result:
    """The part `flow` of `python -m tests.bench`."""
    found = figures()
    rows = [
        report.Row("one step of a conversation, its reasons included", found["step_us"], "microseconds", at_most=100),
        report.Row(f"every path of a flow of {STEPS} steps walked", found["simulate_s"], "seconds", at_most=1),
    ]
    return report.Result(rows, found)


if __name__ == "__main__":
    print(json.dumps(figures()))
