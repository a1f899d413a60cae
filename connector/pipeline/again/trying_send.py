"""Try of a `send:` document: would this event start it, to whom, through which gates, with what words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.core import documents as language
from connector.core import events
from connector.core.documents import SendDocument
from connector.core.events import RecordChanged
from connector.core.sending import Case
from connector.core.template import Template
from connector.pipeline.again.replay import BEGINNING
from connector.pipeline.documents import publish
from connector.pipeline.documents.library import LiveSend, shelf_of
from connector.pipeline.preparing.prepare import looks
from connector.pipeline.triggers.claim import Claim
from connector.pipeline.triggers.firing import Judge, Ledger, watched
from connector.ports import CRM, Account
from connector.store import waiting
from connector.store.engine import Store
from connector.store.plans import Work

Json = dict[str, Any]


def sample(document: SendDocument, given: Mapping[str, Any], templates: Sequence[Template] | None) -> Json:
    """A made-up case; the templates there are, else one that fits is made up."""
    named = [t for t in templates or () if t.name == document.template]
    starts, because, sent = language.show_sample(document, given, named or None)
    return _told(starts, because, [sent] if sent else [])


def past(store: Store, account: Account, crm: CRM, document: SendDocument, row: Any, now: datetime) -> Json:
    """A stored event of the CRM, as if it came now and nothing were known of its record; nothing is stored."""
    claim = _claim(store, account, crm, document, row, now)
    judged = claim.judged[0]
    if not judged.fired:
        because = next((p.because for p in judged.plans), "") or f"did not match: it waits for no {row.kind}"
        return _told(False, because, [])
    sent = [language.show(document, case, templates, now) for case, templates in _seen(store, claim)]
    stopped = [w.refused or w.nobody or (w.ask.text if w.ask else "") for w in claim.wishes]
    said = next(filter(None, stopped), "")
    return _told(bool(sent) or any(w.ask for w in claim.wishes), said or judged.fired[0].because, sent)


def cases(
    store: Store, account: Account, crm: CRM, document: SendDocument, row: Any, now: datetime
) -> list[tuple[Case, Sequence[Template]]]:
    """What the gates would look at, of each message this event would send."""
    return _seen(store, _claim(store, account, crm, document, row, now))


def _claim(store: Store, account: Account, crm: CRM, document: SendDocument, row: Any, now: datetime) -> Claim:
    """Judged, read and prepared, and never committed."""
    event = events.load(row.kind, row.payload)
    if isinstance(event, RecordChanged):
        event = replace(event, snapshot=False, source="", ours=False)
    shelf = shelf_of([], [LiveSend(document, 0, BEGINNING)])
    claim = Claim(store, account, crm, shelf, now)
    work = Work(row.id, account.id, row.seq, row.lane or "", 0, row.kind, row.payload, row.received_at, row.account)
    judge = Judge(shelf, crm.can.objects, watched(shelf, crm.can.objects), now)
    claim.judged.append(judge.judge(work, event, Ledger({}, {})))
    if claim.judged[0].fired:
        claim.gather()
        claim.prepare()
    return claim


def _seen(store: Store, claim: Claim) -> list[tuple[Case, Sequence[Template]]]:
    with store.read() as conn:
        return looks(conn, [out.wanted for out in claim.outs.values()])


def _told(starts: bool, because: str, sent: Sequence[Json]) -> Json:
    outcome = (sent[0]["state"] if sent else "review") if starts else "no_match"
    messages = [{"type": "template", "text": s["text"], "to": s["to"]} for s in sent if s["state"] == "ready"]
    return {
        "matched": starts, "because": because, "outcome": outcome, "sends": list(sent), "messages": messages
    }  # fmt: skip


def templates_of(store: Store) -> publish.Templates:
    """The templates as last read, of every number there is; no adapter is loaded."""

    def look(document: language.Document) -> Sequence[Template] | None:
        with store.read() as conn:
            senders = {s.account: s.name for s in waiting.senders(conn)}
        known = [Account(id=id_, kind="whatsapp", name=name) for id_, name in senders.items()]
        return publish.templates_of(store, known)(document)

    return look
