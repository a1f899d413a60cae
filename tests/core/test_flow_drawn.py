"""Random flows driven by random events: no exception, no step lost, and every state explains itself."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.changes import SendMessage
from connector.core.contact import Answered, Contact, Record, Setting
from connector.core.documents import FlowDocument, read
from connector.core.documents.flow_simulate import simulate
from connector.core.events import InboundMessage, TimerDue
from connector.core.flow import Move, State, advance, begin, dump, load, move_to, resume
from connector.core.message import check
from tests.core.documents.make import NOW
from tests.depth import examples

IDS = ("yes", "no", "👍", "a b", "نعم")
WORDS = st.sampled_from(
    ["yes", "hello", "12", "ana@example.com", "STOP", "agent", "2026-12-01", "", "x" * 4096, "שלום", "👍"]
)


@st.composite
def steps(draw: st.DrawFn, names: list[str]) -> str:
    """One step that may lead to any other."""
    to = st.sampled_from(names)
    kind = draw(
        st.sampled_from(["ask", "buttons", "list", "say", "wait", "end", "if", "handoff", "typed", "template", "place"])
    )
    if kind == "ask":
        return f"{{ask: What?, remember: kept, go: {draw(to)}}}"
    if kind == "typed":
        as_ = draw(st.sampled_from(["integer", "number", "date", "yes_no", "email", "phone", "media", "anything"]))
        return f"{{ask: What?, as: {as_}, save: field_{draw(st.integers(0, 2))}, ask_again: Again?, go: {draw(to)}}}"
    if kind in ("buttons", "list"):
        ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True))
        labels = ", ".join(f'"{id_}": "L {n}"' for n, id_ in enumerate(ids))
        ways = ", ".join(f'"{id_}": {draw(to)}' for id_ in ids[:-1])
        ways += f"{', ' if ways else ''}else: {draw(to)}"
        return f"{{ask: Which?, {kind}: {{{labels}}}, save: choice, go: {{{ways}}}}}"
    if kind == "say":
        return f'{{say: "Hi {{{{ flow.kept | default(contact.name) }}}}", set: {{stage: lead}}, go: {draw(to)}}}'
    if kind == "wait":
        return f"{{wait: {draw(st.integers(1, 30))} hours, task: Wait, go: {draw(to)}}}"
    if kind == "if":
        return f"{{clear: [old], go: [{{if: flow.kept > 5, to: {draw(to)}}}, {{else: {draw(to)}}}]}}"
    if kind == "handoff":
        return f"{{handoff: Help, {draw(st.sampled_from(['end: helped', f'go: {draw(to)}']))}}}"
    if kind == "template":
        return f"{{template: {{name: offer, buttons: [yes, no]}}, go: {{else: {draw(to)}}}}}"
    if kind == "place":
        return f"{{ask: Where?, {draw(st.sampled_from(['location', 'contact']))}: ask, remember: kept, go: {draw(to)}}}"
    return draw(st.sampled_from(["{end: done}", "{start: other}", "{say: Bye, end: done}"]))


@st.composite
def flows(draw: st.DrawFn) -> FlowDocument:
    names = [f"s{n}" for n in range(draw(st.integers(1, 7)))]
    lines = [f"  {name}: {draw(steps(names))}" for name in names]
    lines.append("  kept: {ask: What?, remember: kept, go: s0}")
    head = ["flow: drawn", "crm: hubspot", f"expires: {draw(st.integers(1, 90))} hours", "reopen: come_back"]
    head += ["start: [{says: [go]}]"] if draw(st.booleans()) else []
    tail = ["always:"] if (some := draw(st.lists(st.sampled_from(["n", "u", "w"]), unique=True))) else []
    again = draw(st.sampled_from(["yes", "no", "{say: Still?}"]))
    then = draw(st.sampled_from([*names, "{end: silent}"]))
    told = {
        "n": f"  no_answer: {{after: 2 hours, ask_again: {again}, then: {then}}}",
        "u": f"  not_understood: {{times: {draw(st.integers(1, 3))}, go: {draw(st.sampled_from(names))}}}",
        "w": f"  words: {{agent: {draw(st.sampled_from(names))}}}",
    }
    document = read(
        "\n".join([*head[: draw(st.integers(3, len(head)))], "steps:", *lines, *tail, *(told[s] for s in some)])
    )
    assert isinstance(document, FlowDocument)
    return document


ANSWERS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "text": st.fixed_dictionaries({"text": WORDS}),
    "button": st.fixed_dictionaries({"id": st.sampled_from([*IDS, "other", ""]), "title": WORDS}),
    "list": st.fixed_dictionaries({"id": st.sampled_from(IDS)}),
    "media": st.fixed_dictionaries({}, optional={"kind": st.just("image"), "id": st.just("m"), "url": st.just(None)}),
    "location": st.fixed_dictionaries({}, optional={"latitude": st.floats(), "longitude": st.none() | st.integers()}),
    "form": st.dictionaries(st.sampled_from(["budget", "id"]), st.none() | st.text(max_size=5) | st.just(["a"])),
    "contact": st.fixed_dictionaries({}, optional={"phone": WORDS, "email": WORDS}),
    "reaction": st.fixed_dictionaries({"emoji": st.just("👍")}),
    "order": st.fixed_dictionaries({}, optional={"items": st.lists(st.integers(), max_size=2)}),
    "edit": st.just({}), "revoke": st.just({}), "unsupported": st.just({}),
}  # fmt: skip


@st.composite
def happenings(draw: st.DrawFn) -> tuple[Any, ...]:
    """(what, how many minutes later, ...)."""
    later = draw(st.sampled_from([0, 1, 60, 130, 60 * 25, 60 * 24 * 40]))
    kind = draw(st.sampled_from(["timer", "wake", "resume", *ANSWERS, "text", "button", "list"]))
    if kind not in ANSWERS:
        return kind, later
    step = draw(st.sampled_from([None, "", "drawn.s1", "other.x"]))
    return kind, later, draw(ANSWERS[kind]), step, draw(st.booleans())


def sound(document: FlowDocument, before: State | None, move: Move) -> None:
    """What holds after every move."""
    assert move.because
    assert all(reason.because and reason.field for reason in move.reasons)
    assert (move.state is None) == bool(move.end)
    assert set(move.walked) <= set(document.steps)
    for reason in move.reasons:
        assert reason.change is None or move.changes[reason.change].kind in ("SetField", "Ask")
    if move.state is None:
        return
    state = move.state
    assert state.step in document.steps
    assert state.waits in ("answer", "time", "person")
    assert state.wake_at is not None  # nobody waits for ever: it expires at last
    assert state.expires_at is not None
    assert state.wake_at <= state.expires_at
    assert load(json.loads(json.dumps(dump(state)))) == state
    assert len(state.path) <= 50
    if before is not None and move.walked:
        assert state.steps == before.steps + len(move.walked)
        assert state.path[-1] == move.walked[-1] == state.step
    if before is not None and not move.walked:
        assert state.step == before.step


@settings(max_examples=examples(150), deadline=None)
@given(flows(), st.lists(happenings(), max_size=12), st.sampled_from([0, 1, 2]), st.booleans())
def test_any_flow_takes_any_events(
    document: FlowDocument, events: list[tuple[Any, ...]], records: int, silent: bool
) -> None:
    now = NOW
    last = None if silent else now
    found = tuple(Record(object="contacts", id=str(n), fields={"stage": "lead"}) for n in range(records))

    def person() -> Contact:
        return Contact(id="c1", name="Ana", wa_id="573001112222", last_inbound_at=last, records=found)

    move = begin(document, Setting(), person(), now)
    sound(document, None, move)
    for n, (kind, later, *rest) in enumerate(events):
        state = move.state
        if state is None:
            break
        now += timedelta(minutes=later)
        if kind in ("timer", "wake"):
            now = max(now, state.wake_at) if kind == "wake" and state.wake_at is not None else now
            move = advance(document, state, TimerDue(id=f"t{n}", document="drawn"), person(), now, Setting())
        elif kind == "resume":
            move = resume(document, state, person(), now, Setting())
        else:
            answer, step, dated = rest
            text = str(answer.get("text") or answer.get("title") or "")
            event = InboundMessage(
                id=f"m{n}", at=now if dated else None, number="1", type=kind, text=text, answer=answer
            )
            name = f"drawn.{state.step}" if step == "" else step
            setting = Setting(answered=Answered(send="s", at=now, step=name) if name else None)
            last = now if kind not in ("edit", "revoke", "unsupported") else last
            move = advance(document, state, event, person(), now, setting)
            assert move == advance(document, state, event, person(), now, setting)  # for ever the same
        sound(document, state, move)
    if move.state is not None:
        other = move_to(document, move.state, person(), now, Setting(), version=2)
        sound(document, move.state, other)


@settings(max_examples=examples(40), deadline=None)
@given(flows())
def test_any_flow_can_be_simulated(document: FlowDocument) -> None:
    done = simulate(document)
    assert done.paths >= 1
    assert set(done.coverage) == set(document.steps)
    assert all(finding.message for finding in done.findings)
    assert done.moves < 30_000


FILLED = """\
flow: filled
crm: hubspot
expires: 20 hours
steps:
  kept: {ask: What?, remember: kept, go: tap}
  tap:
    header: "{{ flow.kept }}"
    footer: "{{ flow.kept }}"
    KIND
    end: done
"""
TOP = 'ask: "{{ flow.kept }}"\n    remember: choice\n    '
ROW = '"{{ flow.kept }} | {{ flow.kept }}"'
KINDS = (
    TOP + 'buttons: {yes: "{{ flow.kept }}", no: No}',
    TOP + f'list: {{Times: {{am: {ROW}}}}}\n    button: "{{{{ flow.kept }}}}"',
    'say: "{{ flow.kept }}"\n    link: {text: "{{ flow.kept }}", url: "https://example.com"}',
)


@settings(max_examples=examples(100), deadline=None)
@given(st.sampled_from(KINDS), st.text("a👍ñ", min_size=1, max_size=5000))
def test_whatever_fills_a_step_is_cut_to_the_one_table(kind: str, words: str) -> None:
    """An emoji counts as two there: what is cut here must not be refused when it leaves."""
    document = read(FILLED.replace("KIND", kind))
    assert isinstance(document, FlowDocument)
    person = Contact(id="c1", name="Ana", wa_id="573001112222", last_inbound_at=NOW)
    asked = begin(document, Setting(), person, NOW)
    assert asked.state is not None
    event = InboundMessage(id="m1", at=NOW, number="1", type="text", text=words, answer={"text": words})
    moved = advance(document, asked.state, event, person, NOW, Setting())
    bodies = [change.body for change in moved.changes if isinstance(change, SendMessage)]
    assert bodies
    assert [fault for body in bodies for fault in check(body)] == []
