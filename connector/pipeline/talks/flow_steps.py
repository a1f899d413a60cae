"""The sends of templates that steps of flows send: ready, waiting or refused with the reason, as any send."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.core.contact import Setting
from connector.core.events import InboundMessage
from connector.core.sending import Case
from connector.pipeline.preparing import prepare
from connector.pipeline.preparing.flow_templates import KEPT, document_of
from connector.pipeline.talks.voice import Step
from connector.ports import Account
from connector.store import waiting

FIRST = 0  # priority: a person waits
Json = dict[str, Any]


def rows(conn: Any, steps: Sequence[Step], account: Account, setting: Setting, now: datetime) -> list[Json]:
    """The send of each, ready, waiting or refused with the reason; from the number of its conversation."""
    if not steps:
        return []
    names = {one.number: one.name for one in waiting.senders(conn)}
    wanted = [_wanted(step, names, account, setting, now) for step in steps]
    made = prepare.make_rows(conn, wanted, now)
    return [_own(row, step) for row, step in zip(made, steps, strict=True)]


def _wanted(
    step: Step, names: Mapping[str, str], account: Account, setting: Setting, now: datetime
) -> prepare.Wanted:  # fmt: skip
    change, talk = step.change, step.taken.after
    assert talk is not None
    kept = {
        "template": change.template, "language": change.language, "buttons": list(change.buttons),
        "values": dict(change.values), "sender": names.get(talk.number, ""), "flow": talk.flow,
        "to": f"+{step.person.wa_id}" if step.person.wa_id else "",
    }  # fmt: skip
    document, called = document_of(kept, account.name)
    if talk.state is not None and talk.state.expires_at is not None:
        document = replace(document, give_up_after=talk.state.expires_at - now)
    event = InboundMessage(id=step.work.event, number=talk.number, type="")
    case = Case(event=event, contact=step.person, called=called, setting=setting, created_at=now)
    return prepare.Wanted(
        cause=step.cause, event=step.work.event, crm=account, document=document, version=talk.version, case=case,
        lane=step.work.lane, id=step.id, kept={KEPT: kept},
    )  # fmt: skip


def _own(row: Json, step: Step) -> Json:
    talk = step.taken.after
    assert talk is not None
    row |= {"step": step.change.awaits, "priority": FIRST, "buttons": row["buttons"]}
    return row | {"number": talk.number, "account": talk.source} if row["number"] else row
