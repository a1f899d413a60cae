"""Marketing consent on the CRM's own field (`--consent-field`), kept in step with WhatsApp both ways."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core import consent, events
from connector.core.changes import SetField, dump
from connector.core.contact import Contact, Record, RecordRef
from connector.core.text import clean
from connector.ids import new_id
from connector.ports import Account
from connector.store import contacts
from connector.store import events as event_rows
from connector.store.plans import Work

FIELD = "consent_field"
HAND = "by_hand"  # how: a person of ours set it
CATEGORIES = ("marketing", "utility", "authentication", "all")
STATES = ("opted_in", "opted_out")
YES = frozenset({"true", "yes", "1", "si", "sí", "sim", "opted_in"})


def from_crm(conn: Any, rows: Iterable[Mapping[str, Any]], accounts: Mapping[str, Account]) -> list[dict[str, Any]]:
    """Consent facts of events that say a person changed the field on a contact we know."""
    heard: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        account = accounts.get(row["account"])
        name = account.settings.get(FIELD) if account else None
        payload = row["payload"]
        if name and row["kind"] == "RecordChanged" and payload.get("field") == name and not payload.get("ours"):
            heard.setdefault(row["account"], []).append(row)
    out = []
    for account_id, mine in heard.items():
        known = contacts.by_records(conn, account_id, [row["payload"]["record"] for row in mine])
        out += [_fact(row, known[r]) for row in mine if (r := row["payload"]["record"]) in known]
    return out


def _fact(row: Mapping[str, Any], contact: str) -> dict[str, Any]:
    payload = row["payload"]
    value = str(payload.get("value") or "")
    at = payload.get("at")
    return {
        "contact": contact, "category": "marketing", "state": "opted_in" if value.lower() in YES else "opted_out",
        "how": "crm", "at": datetime.fromisoformat(at) if at else row["received_at"],
        "evidence": f"{payload['field']} = {value}"[:500], "event": row["dedupe_key"],
    }  # fmt: skip


def by_hand(
    conn: Any,
    person: Contact,
    category: str,
    state: str,
    evidence: str,
    receiver: str,
    crms: Sequence[str],
    now: datetime,
) -> str:
    """Consent that somebody of us sets, with what proves it: holds from this commit on. The id of its event.

    `receiver`: the account its event stands under; `crms` keep consent on a field, and are told by their handlers."""
    said = events.ConsentUpdate(
        id=f"by_hand:{new_id()}", at=now, raw={}, state=state, category=category, how=HAND, wa_id=person.wa_id,
        user_id=person.user_id, evidence=clean(evidence, 500),
    )  # fmt: skip
    row = {
        "id": new_id(), "delivery": None, "account": receiver, "dedupe_key": said.id, "lane": person.id,
        "kind": said.kind, "payload": events.dump(said), "received_at": now, "state": "new" if crms else "done",
        "attempts": 0, "error": None,
    }  # fmt: skip
    event_rows.add(conn, [row], crms)
    fact = {"contact": person.id, "category": category, "state": state, "how": HAND, "at": now}
    contacts.opt(conn, [fact | {"evidence": said.evidence, "event": said.id}])
    return str(row["id"])


def to_crm(
    work: Work, account: Account, linked: Mapping[str, RecordRef], said: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Change rows, without ordinal, that write to the field what one message or preference says of consent.

    `said`: consent facts of the mappings that judged it. START after STOP is no permission for marketing."""
    name, ref = account.settings.get(FIELD), linked.get(work.lane)
    if not name or ref is None:
        return []
    states = [fact["state"] for fact in said if fact["category"] in ("marketing", "all")] or _told(work)
    if not states:
        return []
    change = SetField(record=ref, object=ref.object, field=name, value=states[-1] == "opted_in")
    return [
        {
            "event": work.event, "account": work.account, "lane": work.lane, "object": ref.object, "record": ref.id,
            "kind": change.kind, "body": dump(change), "state": "new", "attempts": 0, "done_at": None, "outcome": None,
        }
    ]  # fmt: skip


def fields(account: Account) -> tuple[str, ...]:
    """What must be read of every person for `on_record`."""
    name = account.settings.get(FIELD)
    return (name,) if name else ()


def on_record(account: Account, person: Record | None) -> str | None:
    """What the CRM's field says of marketing; None when there is no such field, or nothing stands in it."""
    name = account.settings.get(FIELD)
    value = person.fields.get(name) if name and person is not None else None
    if value is None or value == "":
        return None
    return "opted_in" if str(value).lower() in YES else "opted_out"


def _told(work: Work) -> list[str]:
    event = events.load(work.kind, work.payload)
    if isinstance(event, events.ConsentUpdate) and event.category in ("marketing", "all"):
        return [event.state]
    if isinstance(event, events.InboundMessage) and event.type in ("text", "button"):
        return [word] if (word := consent.stop_word(event.text)) == "opted_out" else []
    return []
