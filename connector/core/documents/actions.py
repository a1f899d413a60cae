"""What goes with the fields: log, consent, file, task, webhook, handoff, reply, flow; in this order."""

from datetime import UTC, datetime

from connector.core.changes import (
    AttachFile,
    CreateTask,
    Handoff,
    LogActivity,
    Notify,
    SendMessage,
    SetConsent,
    StartFlow,
)
from connector.core.documents.comparing import shown
from connector.core.documents.desk import Desk
from connector.core.documents.document import NOTHING, Actions
from connector.core.documents.quick import reason
from connector.core.documents.rules import settle


def act(desk: Desk, actions: Actions) -> None:
    """Adds the document's actions to the plan."""
    if actions is NOTHING:
        return
    event, scope = desk.scope.event, desk.scope
    at = iso(event.at or scope.now)
    if actions.log != "none":
        desk.changes.append(LogActivity(record=desk.ref, object=desk.object, what=actions.log, text=event.text, at=at))
    for category, state in actions.consent:
        desk.changes.append(SetConsent(category=category, state=state, evidence=event.text[:500]))
    if actions.attach and event.type == "media" and event.answer.get("id"):
        desk.changes.append(_attached(desk, at))
    if actions.task:
        title, owner, more = actions.task
        text = shown(more(scope)) if more else event.text
        desk.changes.append(
            CreateTask(record=desk.ref, object=desk.object, title=shown(title(scope)), owner=owner, text=text, at=at)
        )
    if actions.notify:
        webhook, values = actions.notify
        desk.changes.append(Notify(webhook=webhook, values={key: settle(run(scope)) for key, run in values}))
    if actions.handoff:
        words, who = actions.handoff
        desk.changes.append(Handoff(to=who, text=shown(words(scope))))
    _speak(desk, actions)


def _speak(desk: Desk, actions: Actions) -> None:
    """Our own words to the customer; they wait while a question is asked again."""
    if desk.asked:
        for name, wanted in (("reply", actions.reply), ("start", actions.start)):
            if wanted is not None:
                because = f"not now: {desk.asked} is asked again"
                desk.reasons.append(reason(name, because, "skip", "ask_again", None, None, None, None))
        return
    said = actions.reply(desk.scope) if actions.reply is not None else None
    if said is not None:
        desk.changes.append(SendMessage(text=said["text"]) if said["type"] == "text" else SendMessage(body=said))
    if actions.start is not None:
        desk.changes.append(StartFlow(flow=actions.start))


def _attached(desk: Desk, at: str) -> AttachFile:
    answer = desk.scope.event.answer
    name, caption = (str(answer.get(key) or "") for key in ("filename", "caption"))
    return AttachFile(record=desk.ref, object=desk.object, file=str(answer["id"]), name=name, text=caption, at=at)


def iso(at: datetime) -> str:
    """ISO, UTC."""
    return at.astimezone(UTC).isoformat() if at.tzinfo else at.isoformat()
