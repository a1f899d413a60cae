"""Timeline entries and tasks: created once, with our ref in the text so that they can be found again."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from connector.core.changes import Outcome
from connector.crm.batch import chunks
from connector.crm.hubspot import client as hubspot
from connector.crm.hubspot.associations import Associations
from connector.crm.hubspot.find import BATCH, OWNER, Finder
from connector.crm.hubspot.rows import Row, settle
from connector.errors import Busy, ConnectorError, NeedsPerson, TryAgain
from connector.ports import ActivityChange

LONGEST = 65_536  # characters of a body
SUBJECT = 250
NEWEST = 500  # entries of one record among which a ref is looked for; an earlier try is among the newest
_REF = re.compile(r"\bref ([A-Za-z0-9-]{1,80})\s*(?:</\w+>\s*)*$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of activity: where it lives, and the association type to each object (docs: associate records)."""

    object: str
    body: str
    types: Mapping[str, int]
    fixed: Mapping[str, str]


KINDS = {
    "message": Kind(
        "communications",
        "hs_communication_body",
        {"contacts": 81, "tickets": 83, "deals": 85, "companies": 87},
        {"hs_communication_channel_type": "WHATS_APP", "hs_communication_logged_from": "CRM"},
    ),
    "note": Kind("notes", "hs_note_body", {"contacts": 202, "companies": 190, "deals": 214, "tickets": 228}, {}),
    "task": Kind(
        "tasks",
        "hs_task_body",
        {"contacts": 204, "companies": 192, "deals": 216, "tickets": 230},
        {"hs_task_status": "NOT_STARTED", "hs_task_type": "TODO"},
    ),
}


@dataclass(frozen=True, slots=True)
class ActivityWriter:
    """`write` of ActivityChanges, over one client. HubSpot has no external id for them: a repeat would double them."""

    client: hubspot.Client
    finder: Finder
    associations: Associations

    def write(self, changes: Sequence[ActivityChange]) -> list[Outcome]:
        """Same length, same order. An error after the first entry was created becomes `retry` for the rest."""
        outcomes: dict[int, Outcome] = {}
        numbered = list(enumerate(changes))
        for kind in dict.fromkeys((change.kind, change.object) for change in changes):
            mine = [(n, change) for n, change in numbered if (change.kind, change.object) == kind]
            for part in chunks(mine, BATCH):
                self._batch(part, outcomes)
        return [outcomes[n] for n, _ in numbered]

    def look(self, change: ActivityChange) -> Outcome | None:
        """The entry of an earlier try, when it stands on the record."""
        return self._look(KINDS[change.kind], change.object, [change]).get(change.ref)

    def write_one(self, change: ActivityChange, more: Mapping[str, str]) -> Outcome:
        """One entry with more properties than usual."""
        kind = KINDS[change.kind]
        row = _row(kind, change, None)
        row.properties.update(more)
        settle(self.client, hubspot.objects(kind.object, "batch", "create"), [row])
        assert row.outcome is not None
        return _as_activity(row.outcome)

    def _batch(self, part: Sequence[tuple[int, ActivityChange]], outcomes: dict[int, Outcome]) -> None:
        rows: dict[int, Row] = {}
        try:
            self._carry_out(part, rows, outcomes)
        except (TryAgain, NeedsPerson) as error:
            rows_done = any(row.outcome for row in rows.values())
            if not rows_done and not outcomes:
                raise
            later = _later(error)
            outcomes.update({n: later for n, _ in part if n not in outcomes})
        outcomes.update({n: _as_activity(row.outcome) for n, row in rows.items() if row.outcome})

    def _carry_out(
        self, part: Sequence[tuple[int, ActivityChange]], rows: dict[int, Row], outcomes: dict[int, Outcome]
    ) -> None:
        kind, name = KINDS.get(part[0][1].kind), part[0][1].object
        if kind is None or name not in kind.types:
            text = f"HubSpot takes no {part[0][1].kind} on {name}."
            outcomes.update({n: Outcome(state="refused", text=text, code="no_such_activity") for n, _ in part})
            return
        found = self._look(kind, name, [change for _, change in part if change.look_first])
        outcomes.update({n: found[change.ref] for n, change in part if change.ref in found and change.look_first})
        left = [(n, change) for n, change in part if n not in outcomes]
        owners = self._owners(name, [change for _, change in left])
        rows.update({n: _row(kind, change, owners.get(change.id)) for n, change in left})
        settle(self.client, hubspot.objects(kind.object, "batch", "create"), list(rows.values()))

    # ---- who shall do it -----------------------------------------------------------------------------------------
    def _owners(self, name: str, changes: Sequence[ActivityChange]) -> dict[str, str]:
        """Change id -> owner id: the record's owner, or whoever has that e-mail; absent = nobody."""
        asked = {change.id: change.record for change in changes if change.kind == "task" and change.owner == "owner"}
        records = self.finder.by_id(name, list(asked.values()), ()) if asked else {}
        found = {id_: owner for id_, record in asked.items() if record in records and (owner := records[record].owner)}
        mails = {change.id: change.owner.lower() for change in changes if change.kind == "task" and "@" in change.owner}
        people = {mail: self._owner_of(mail) for mail in set(mails.values())}
        return found | {id_: owner for id_, mail in mails.items() if (owner := people[mail])}

    def _owner_of(self, mail: str) -> str | None:
        results = self.client.get(hubspot.OWNERS, email=mail, limit="1").get("results") or []
        return str(results[0]["id"]) if results and str(results[0].get("email", "")).lower() == mail else None

    # ---- did an earlier try arrive? ------------------------------------------------------------------------------
    def _look(self, kind: Kind, name: str, changes: Sequence[ActivityChange]) -> dict[str, Outcome]:
        """Ref -> the outcome of the entry that already stands on the record. By association, for search lags behind."""
        if not changes:
            return {}
        wanted = {ref: change.ref for change in changes for ref in (change.former, change.ref) if ref}
        found: dict[str, Outcome] = {}
        for batch in chunks(self._entries(kind, name, [change.record for change in changes]), BATCH):
            for item in self.finder.read(kind.object, batch, [kind.body]):
                ref = _REF.search(str((item.get("properties") or {}).get(kind.body) or ""))
                if ref and ref.group(1) in wanted:
                    found[wanted[ref.group(1)]] = Outcome(
                        state="done", text="It had arrived at the first try.", code="found", activity=str(item["id"])
                    )
            if found.keys() >= set(wanted.values()):
                break
        return found

    def _entries(self, kind: Kind, name: str, records: Sequence[str]) -> list[str]:
        """Ids of the newest entries of each record, the newest first (HubSpot's ids grow)."""
        found = self.associations.of(name, records, kind.object)
        newest = (sorted((end.id for end in ends), key=_age)[-NEWEST:] for ends in found.values())
        return sorted({id_ for some in newest for id_ in some}, key=_age, reverse=True)


def _age(id_: str) -> tuple[int, str]:
    """The order of ids, which are numbers written as text."""
    return len(id_), id_


def _row(kind: Kind, change: ActivityChange, owner: str | None) -> Row:
    properties = {**kind.fixed, "hs_timestamp": str(round(change.at.timestamp() * 1000)), kind.body: body_of(change)}
    if change.kind == "task":
        properties["hs_task_subject"] = (change.title or change.text or "WhatsApp")[:SUBJECT]
    if owner:
        properties[OWNER] = owner
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind.types[change.object]}]
    return Row(trace=change.id, properties=properties, associations=({"to": {"id": change.record}, "types": types},))


def body_of(change: ActivityChange) -> str:
    """The entry as HTML: title, text (cut to HubSpot's limit), and a last line with our ref."""
    title = f"<p><strong>{html.escape(change.title)}</strong></p>" if change.title and change.kind != "task" else ""
    end = f"<p>ref {html.escape(change.ref)}</p>"
    room = LONGEST - len(title) - len(end) - len("<p></p>")
    text = "<br>".join(html.escape(change.text).splitlines())
    if len(text) > room:  # escaping can make six characters of one
        text = "<br>".join(html.escape(change.text[: room // 6]).splitlines())
    return f"{title}<p>{text}</p>{end}" if text else f"{title}{end}"


def _as_activity(outcome: Outcome) -> Outcome:
    """A row's record is the entry itself."""
    return replace(outcome, activity=outcome.record, record=None, created=outcome.state == "done")


def _later(error: ConnectorError) -> Outcome:
    after = error.after if isinstance(error, TryAgain) else None
    return Outcome(
        state="retry", text=error.message, code="busy" if isinstance(error, Busy) else error.code, after=after
    )
