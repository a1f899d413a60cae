"""A conversation, one event at a time: begin, advance, and what is decided between two flows."""

from datetime import datetime, timedelta

from connector.core.consent import stop_word
from connector.core.contact import Contact, Setting
from connector.core.documents.comparing import fold, length, shown
from connector.core.documents.conditions import words_in
from connector.core.documents.evaluate import candidates, choose
from connector.core.documents.flow_answers import STALE, UNDERSTOOD, judge, words_of
from connector.core.documents.flow_document import FlowDocument, FlowStep
from connector.core.documents.flow_walk import Walk
from connector.core.documents.words import Scope
from connector.core.events import InboundMessage, TimerDue
from connector.core.flow_state import Move, State

AGAIN = timedelta(seconds=10)  # a tap on an older button this soon is a double tap, and nothing is said to it
_NEVER = {"edit": "an edited message changes nothing", "revoke": "a deleted message changes nothing"}


# ---- between flows -----------------------------------------------------------------------------------------------
def starts(
    document: FlowDocument, event: InboundMessage, contact: Contact, now: datetime, setting: Setting
) -> tuple[bool, str]:
    """Does this message start the flow? With the plain-words reason."""
    why = "did not match: nothing in the flow says `start:`"
    record = choose(candidates(contact.records, document.objects), document.if_several)
    scope = Scope(event, contact, record.fields if record is not None else {}, setting, now)
    for start in document.starts:
        why = next((said for check in (*start.early, *start.late) if (said := check(scope)) is not None), "")
        if not why:
            return True, f"starts {document.name}"
    return False, why


def outranks(document: FlowDocument, running: str, priority: int) -> tuple[bool, str]:
    """May this flow interrupt the `running` one of that priority? One conversation at a time per contact."""
    own = document.priority
    if own > priority:
        return True, f"{document.name} (priority {own}) interrupts {running} (priority {priority})"
    return False, (
        f"{running} is running for this contact, with priority {priority}; {document.name} has {own}, and only a "
        "higher one interrupts"
    )


# ---- one conversation --------------------------------------------------------------------------------------------
def begin(
    document: FlowDocument,
    setting: Setting,
    contact: Contact,
    now: datetime,
    event: InboundMessage | None = None,
    entry: str = "",
    *,
    version: int = 0,
    steps: int = 0,
) -> Move:
    """The first move; `entry` is a step, "" the first. `event` None: something else than a message started it.

    `steps`: walked by the flows that led here, so that two that start one another end as one that goes in a circle."""
    state = State(flow=document.name, version=version, expires_at=now + document.expires, steps=steps)
    walk = Walk(document, contact, now, setting, event, state)
    walk.scope.language = _language(document, walk)
    return walk.go(entry or document.first)


def advance(
    document: FlowDocument,
    state: State,
    event: InboundMessage | TimerDue,
    contact: Contact,
    now: datetime,
    setting: Setting,
) -> Move:
    """The next move. Never raises for a document that `read` returned."""
    if isinstance(event, TimerDue):
        return _timer(Walk(document, contact, now, setting, None, state))
    return _message(Walk(document, contact, now, setting, event, state), event)


def resume(document: FlowDocument, state: State, contact: Contact, now: datetime, setting: Setting) -> Move:
    """A person gives the conversation back (`waits` person): it goes on behind the handoff."""
    walk = Walk(document, contact, now, setting, None, state)
    if _past(state.expires_at, now):
        return walk.over("expired")
    step = document.steps.get(state.step)
    if step is None:
        return walk.gone(state.step)
    if state.waits != "person":
        return walk.kept("no person has it, so there is nothing to give back", took=False)
    walk.said.append("a person gave the conversation back")
    return _on(walk, step) if step.handoff is not None else walk.go(step.name)


def move_to(
    document: FlowDocument,
    state: State,
    contact: Contact,
    now: datetime,
    setting: Setting,
    *,
    step: str = "",
    version: int = 0,
) -> Move:
    """A running conversation moved to another version of its flow, at its step or at `step`, which is then asked."""
    walk = Walk(document, contact, now, setting, None, _with(state, version=version))
    target = document.steps.get(step or state.step)
    if target is None:
        return walk.gone(step or state.step)
    if step:
        walk.note(step, f"moved to version {version}, at this step", "moved")
        return walk.go(step)
    if state.waits == "answer" and target.answer is None:
        walk.note(target.name, f"moved to version {version}, where it asks nothing", "moved")
        return walk.go(target.name)
    return walk.kept(f"moved to version {version}, the same step waits", version=version)


# ---- a message ---------------------------------------------------------------------------------------------------
def _message(walk: Walk, event: InboundMessage) -> Move:
    state, document = walk.state, walk.document
    if event.group_id is not None or event.type in _NEVER:
        walk.last_inbound = state.last_inbound_at
        return walk.kept(_NEVER.get(event.type, "messages in a group are no answer"), took=False)
    at = min(event.at or walk.now, walk.now)
    if _past(state.expires_at, at):
        return walk.over("expired", took=False)
    if _is_stop(event):
        return walk.over("opted_out")
    if event.type == "reaction":
        return walk.kept("a reaction is no answer", took=False)
    step = document.steps.get(state.step)
    if step is None:
        return walk.gone(state.step)
    if (to := _word(walk, step, event)) is not None:
        walk.note(step.name, f'"{words_of(event)[:60]}" leads to {to} from anywhere', "word")
        return walk.go(to)
    if state.waits == "person":
        return walk.kept("a person talks with them", took=False)
    if state.waits == "time":
        until = f" until {state.wake_at:%Y-%m-%d %H:%M}" if state.wake_at is not None else ""
        return walk.kept(f"it waits{until}; what is written meanwhile does not shorten it", took=False)
    return _answer(walk, step, event)


def _answer(walk: Walk, step: FlowStep, event: InboundMessage) -> Move:
    state, scope = walk.state, walk.scope
    if step.answer is None:
        walk.note(step.name, "the customer wrote, so the window is open again", "reopened")
        return walk.go(step.name)
    verdict, value, why = judge(walk.document, step, event, scope)
    if verdict == UNDERSTOOD and not (state.reopening and step.answer.wants != "choice"):
        scope.value = value
        walk.said.append(f"{step.name}: {why}")
        return _on(walk, step)
    if state.reopening:  # the template asked whether to go on; the question itself was never said
        walk.note(step.name, "the customer answered the template, so the window is open again", "reopened")
        return walk.go(step.name)
    if verdict == STALE:
        return _stale(walk, step, why)
    to = _word_inside(walk, event)
    if to is not None:
        walk.note(step.name, f"{why}; it says a word that leads to {to}", "word")
        return walk.go(to)
    return _odd(walk, step, why)


def _on(walk: Walk, step: FlowStep) -> Move:
    """The step's work after its wait, and onward."""
    if step.answer is not None:
        walk.act(step)
    after = walk.leave(step)
    return after if isinstance(after, Move) else walk.go(after)


def _stale(walk: Walk, step: FlowStep, why: str) -> Move:
    """A tap on another message's button: never an answer, never an attempt."""
    since = walk.state.since
    if since is not None and walk.now - since < AGAIN:
        return walk.kept(f"{why}; so soon it is a double tap, nothing is said")
    if not walk.say(step):
        return walk.kept(why)
    return walk.kept(f"{why}; the question is said once more")


def _odd(walk: Walk, step: FlowStep, why: str) -> Move:
    """Asked again as often as the flow says, then the way out."""
    rule, asked = walk.document.not_understood, walk.state.asked + 1
    if asked <= rule.times:
        again = step.ask_again(walk.scope) if step.ask_again is not None else None
        if not walk.say(step, again):
            return walk.closed(step)
        walk.note(step.name, f"{why}; asked again ({asked} of {rule.times})", "not_understood", "skip")
        return walk.waiting(step, "answer", asked=asked, reminded=walk.state.reminded)
    if rule.go:
        walk.note(step.name, f"{why}, asked again {rule.times} times; goes to {rule.go}", "not_understood")
        return walk.go(rule.go)
    walk.note(step.name, f"{why}, asked again {rule.times} times; a person is told", "not_understood", "review")
    walk.review("not_understood", f"{walk.document.name}: the answer to {step.name} was not understood.")
    return walk.over("not_understood", "ended: the answer was not understood")


# ---- a timer -----------------------------------------------------------------------------------------------------
def _timer(walk: Walk) -> Move:
    state, now = walk.state, walk.now
    if _past(state.expires_at, now):
        return walk.over("expired")
    step = walk.document.steps.get(state.step)
    if step is None:
        return walk.gone(state.step)
    if state.waits == "person" or not _past(state.wake_at, now):
        return walk.kept("the timer came before its time, nothing is due", took=False)
    if state.waits == "time":
        walk.said.append(f"{step.name}: the time is over")
        return _on(walk, step) if step.wait is not None else walk.go(step.name)
    return _silence(walk, step)


def _silence(walk: Walk, step: FlowStep) -> Move:
    """No answer: asked again once where the flow says so, then the way out."""
    rule = step.no_answer
    if rule is None:
        return walk.kept("nobody answered; it goes on waiting")
    if rule.again and not walk.state.reminded and not walk.reopening:
        again = rule.text(walk.scope) if rule.text is not None else None
        if walk.say(step, again):
            walk.note(step.name, f"no answer for {length(rule.after)}; asked again", "no_answer")
            return walk.waiting(step, "answer", asked=walk.state.asked, reminded=1)
        walk.note(step.name, "not asked again: more than 24 hours since the customer wrote", "window", "skip")
    walk.note(step.name, f"no answer for {length(rule.after)}", "no_answer")
    return walk.go(rule.then)


# ---- small questions ---------------------------------------------------------------------------------------------
def _past(limit: datetime | None, moment: datetime) -> bool:
    return limit is not None and moment >= limit


def _is_stop(event: InboundMessage) -> bool:
    """As everywhere: a word of the customer's own, or a template's quick reply; a button of ours may say anything."""
    spoken = event.type == "text" or event.raw.get("type") == "button"
    return spoken and stop_word(event.text) == "opted_out"


def _word(walk: Walk, step: FlowStep, event: InboundMessage) -> str | None:
    """The step that the whole message leads to; an answer that the step itself knows goes first."""
    always = walk.document.always
    if not always or event.type != "text":
        return None
    said = fold(words_of(event))
    if walk.state.waits == "answer" and step.answer is not None and said in step.answer.labels:
        return None
    return always.get(said)


def _word_inside(walk: Walk, event: InboundMessage) -> str | None:
    if event.type != "text" or not walk.document.always:
        return None
    said = f" {words_in(words_of(event))} "
    return next((to for word, to in walk.document.always.items() if f" {words_in(word)} " in said), None)


def _language(document: FlowDocument, walk: Walk) -> str:
    """The conversation's language: what `language:` says where there are texts in it, else the first."""
    known = document.languages
    said = shown(document.language(walk.scope)).strip() if document.language is not None else ""
    wanted = said.casefold().replace("-", "_")
    if wanted in known or not known:
        return wanted if wanted in known else ""
    short = wanted.partition("_")[0]
    near = next((name for name in known if name.partition("_")[0] == short), None)
    if near is None and said:
        walk.said.append(f"there are no texts in {said[:20]!r}, so {known[0]} is spoken")
    return near or known[0]


def _with(state: State, **more: object) -> State:
    values = {name: getattr(state, name) for name in State.__dataclass_fields__}
    return State(**(values | more))
