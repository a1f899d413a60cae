"""Customers' files: into HubSpot's file manager, private, and onto the record as a note that carries them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from connector.core.changes import Outcome
from connector.crm.hubspot import client as hubspot
from connector.crm.hubspot.activities import KINDS, ActivityWriter
from connector.errors import GiveUp, NotAllowed
from connector.ports import ActivityChange, FileChange, Multipart

FOLDER = "/whatsapp"
# The same file again (an earlier try arrived, its note did not) is not kept twice: files guide, duplicate detection
OPTIONS = {
    "access": "PRIVATE", "overwrite": False, "duplicateValidationStrategy": "RETURN_EXISTING",
    "duplicateValidationScope": "EXACT_FOLDER",
}  # fmt: skip
NO_SCOPE = "HubSpot does not take files: the private app needs the scope `files`."


@dataclass(frozen=True, slots=True)
class FileWriter:
    """`attach` of the port, over one client."""

    client: hubspot.Client
    activities: ActivityWriter

    def attach(self, files: Sequence[FileChange]) -> list[Outcome]:
        """One outcome each, in order; one bad file never raises."""
        return [self._one(change) for change in files]

    def _one(self, change: FileChange) -> Outcome:
        note = _note(change)
        if change.object not in KINDS["note"].types:
            text = f"HubSpot takes no file on {change.object}."
            return Outcome(state="refused", text=text, code="no_such_activity")
        if found := self.activities.look(note) if change.look_first else None:
            return found
        try:
            kept = self._upload(change)
        except NotAllowed as error:
            if error.code != "missing_scopes":
                raise
            return Outcome(state="refused", text=NO_SCOPE, code="scope")
        except GiveUp as error:
            return Outcome(state="refused", text=f"HubSpot does not take the file: {error.message}", code=error.code)
        return self.activities.write_one(note, {"hs_attachment_ids": kept})

    def _upload(self, change: FileChange) -> str:
        """The file's id. Its name begins with our ref, so that two photos of one name stay two."""
        name = f"{change.ref}-{change.file.name}"
        told = {
            "options": ("application/json", json.dumps(OPTIONS)), "folderPath": ("", FOLDER), "fileName": ("", name),
        }  # fmt: skip
        return str(self.client.upload(hubspot.FILES, Multipart(told, "file", change.file))["id"])


def _note(change: FileChange) -> ActivityChange:
    words = change.text or change.file.name
    return ActivityChange(
        id=change.id, ref=change.ref, kind="note", object=change.object, record=change.record, at=change.at,
        title="WhatsApp file", text=words, look_first=change.look_first, former=change.former,
    )  # fmt: skip
