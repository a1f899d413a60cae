"""Customers' files: a ContentVersion, published on the record, which makes its ContentDocumentLink."""

import json
from collections.abc import Sequence

from connector.core.changes import Outcome
from connector.crm.salesforce.client import Client
from connector.crm.salesforce.find import batches, is_id, select
from connector.errors import GiveUp
from connector.ports import FileChange, Multipart

TITLE, PATH, DESCRIPTION = 255, 500, 1000  # characters; ContentVersion, Object Reference


class Files:
    """`attach` of the port. A file has no external id: our ref stands at the end of its description."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def attach(self, files: Sequence[FileChange]) -> list[Outcome]:
        """One outcome each, in order; one bad file never raises."""
        return [self._one(change) for change in files]

    def _one(self, change: FileChange) -> Outcome:
        if not is_id(change.record):
            return Outcome(state="refused", text=f"{change.record} is not a record.", code="bad_id")
        try:
            there = self._there(change) if change.look_first else ""
            made = there or self._upload(change)
        except GiveUp as error:
            return Outcome(state="refused", text=f"Salesforce does not take the file: {error.message}", code=error.code)
        text = "It had arrived at the first try." if there else ""
        return Outcome(state="done", text=text, code="found" if there else "", record=change.record, activity=made)

    def _upload(self, change: FileChange) -> str:
        """The ContentVersion's id. The first location it is published in is the record: that links the two."""
        room = DESCRIPTION - len(change.ref) - len("\nref ")
        entity = {
            "Title": change.file.name[:TITLE], "PathOnClient": change.file.name[-PATH:],
            "Description": f"{change.text[:room]}\nref {change.ref}".strip(), "FirstPublishLocationId": change.record,
        }  # fmt: skip
        form = Multipart({"entity_content": ("application/json", json.dumps(entity))}, "VersionData", change.file)
        headers = {"Content-Type": form.content_type}
        answer = self._client.call("POST", "sobjects/ContentVersion", content=form, headers=headers)
        return str((answer or {}).get("id") or "")

    def _there(self, change: FileChange) -> str:
        """The file of an earlier try among the record's files; "" when it did not arrive."""
        refs = tuple(f"ref {ref}" for ref in (change.ref, change.former) if ref)
        links = self._client.query(
            select(["ContentDocumentId"], "ContentDocumentLink", "LinkedEntityId", [change.record])
        )
        for group in batches([str(row["ContentDocumentId"]) for row in links]):
            fields = ["Id", "Description"]
            latest = "IsLatest = true AND "
            for row in self._client.query(select(fields, "ContentVersion", "ContentDocumentId", group, latest)):
                if str(row.get("Description") or "").endswith(refs):
                    return str(row["Id"])
        return ""
