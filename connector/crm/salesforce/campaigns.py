"""Members of a Salesforce campaign: what became of each person's message, as the campaign's own status.

Every campaign has the statuses Sent and Responded from its beginning (object reference, CampaignMemberStatus, checked
2026-11). A member who responded stays so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.core.changes import Outcome
from connector.crm.salesforce.client import WRITE_BATCH, Client
from connector.crm.salesforce.find import batches, is_id, quoted, select
from connector.errors import Rejected
from connector.ports import Member

STATUSES = {"sent": "Sent", "answered": "Responded"}
FIELDS = {"Contact": "ContactId", "Lead": "LeadId"}


class Campaigns:
    """`enrol` of the port."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def enrol(self, campaign: str, members: Sequence[Member]) -> list[Outcome]:
        """One outcome each, in order; repeating it changes nothing. Raises Rejected for what is no campaign's id."""
        if not (is_id(campaign) and campaign.startswith("701")):
            hint = "Its id stands in its address: 701..."
            raise Rejected(f"{campaign[:40]!r} is no campaign's id.", hint=hint, code="campaign")
        done: list[Outcome] = []
        for start in range(0, len(members), WRITE_BATCH):
            done += self._some(campaign, members[start : start + WRITE_BATCH])
        return done

    def _some(self, campaign: str, members: Sequence[Member]) -> list[Outcome]:
        known = self._known(campaign, members)
        outcomes: dict[int, Outcome] = {}
        made: list[tuple[int, dict[str, Any]]] = []
        moved: list[tuple[int, dict[str, Any]]] = []
        for n, one in enumerate(members):
            column, status = FIELDS.get(one.object, ""), STATUSES.get(one.status, "")
            row = known.get(one.record[:15])
            if not column or not status:
                outcomes[n] = Outcome(
                    state="refused", code="member", text=f"A {one.object} is no member of a campaign."
                )
            elif row is None:
                fresh = {"CampaignId": campaign, column: one.record, "Status": status}
                made.append((n, {"attributes": {"type": "CampaignMember"}, **fresh}))
            elif row["Status"] in (status, STATUSES["answered"]):
                outcomes[n] = Outcome(state="done", record=str(row["Id"]))
            else:
                moved.append((n, {"attributes": {"type": "CampaignMember"}, "id": row["Id"], "Status": status}))
        for method, rows in (("POST", made), ("PATCH", moved)):
            outcomes |= self._write(method, rows)
        return [outcomes[n] for n in range(len(members))]

    def _known(self, campaign: str, members: Sequence[Member]) -> dict[str, Mapping[str, Any]]:
        """{contact or lead: its row}; ids compare by their first 15 characters."""
        found: dict[str, Mapping[str, Any]] = {}
        for object_, column in FIELDS.items():
            ids = sorted({one.record for one in members if one.object == object_ and is_id(one.record)})
            for group in batches(ids):
                more = f"CampaignId = {quoted(campaign)} AND "
                for row in self._client.query(select(["Id", column, "Status"], "CampaignMember", column, group, more)):
                    found[str(row[column])[:15]] = row
        return found

    def _write(self, method: str, rows: Sequence[tuple[int, dict[str, Any]]]) -> dict[int, Outcome]:
        if not rows:
            return {}
        body = {"allOrNone": False, "records": [row for _, row in rows]}
        answer = self._client.call(method, "composite/sobjects", body) or []
        return {n: _outcome(item) for (n, _), item in zip(rows, answer, strict=True)}


def _outcome(item: Mapping[str, Any]) -> Outcome:
    if item.get("success"):
        return Outcome(state="done", record=str(item.get("id") or ""))
    errors = item.get("errors") or [{}]
    code = str(errors[0].get("statusCode") or "refused")
    return Outcome(state="refused", code=code, text=str(errors[0].get("message") or code)[:300])
