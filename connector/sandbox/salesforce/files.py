"""Salesforce Files: a ContentVersion comes as a form, and makes its ContentDocument and the links to records.

REST API guide, "Insert or Update Blob Data"; Object Reference, ContentVersion; checked 2026-11.
"""

import hashlib
import json
from typing import Any

from connector.sandbox.http import Request, Response, answer
from connector.sandbox.salesforce.errors import not_found, refuse, unreadable
from connector.sandbox.salesforce.org import Org, live
from connector.sandbox.salesforce.settings import USER
from connector.sandbox.uploads import parts


def upload(org: Org, request: Request) -> Response:
    """POST sobjects/ContentVersion as multipart/form-data: entity_content (JSON), VersionData (the bytes)."""
    try:
        found = parts(request)
        values = json.loads(found["entity_content"].text) if "entity_content" in found else None
    except ValueError:
        values = None
    if not isinstance(values, dict) or "VersionData" not in found:
        raise unreadable("an object", "a form without entity_content and VersionData")
    if not values.get("PathOnClient"):
        raise refuse("REQUIRED_FIELD_MISSING", "Required fields are missing: [PathOnClient]", ["PathOnClient"])
    data = found["VersionData"].data
    with org.store.together():
        row = _make(org, values, data)
    return answer({"id": row.id, "success": True, "errors": []}, 201, record=row.id)


def _make(org: Org, values: dict[str, Any], data: bytes) -> Any:
    place = values.pop("FirstPublishLocationId", None)
    linked = _record(org, str(place)) if place else None
    title = str(values.get("Title") or values["PathOnClient"])
    document = org.create("ContentDocument", {"Title": title}, True)
    row = org.create("ContentVersion", {**values, "Title": title}, True)
    name = str(values["PathOnClient"])
    told: dict[str, Any] = {"ContentDocumentId": document.id, "FirstPublishLocationId": linked, "IsLatest": True}
    told |= {"ContentSize": len(data), "FileExtension": name.rpartition(".")[2] if "." in name else None}
    org.store.put(row, {**told, "Checksum": hashlib.md5(data).hexdigest()})  # noqa: S324
    org.store.put(document, {"LatestPublishedVersionId": row.id, "ContentSize": len(data)})
    org.blobs[row.id[:15]] = data
    for entity in dict.fromkeys([USER, *([linked] if linked else [])]):
        share = "I" if entity == USER else "V"
        link = {"ContentDocumentId": document.id, "LinkedEntityId": entity, "ShareType": share}
        org.create("ContentDocumentLink", link, True)
    return row


def _record(org: Org, id: str) -> str:
    """A record files may be shared with."""
    for object in ("Contact", "Lead", "Account", "Opportunity", "Case", "Order", "Quote", "Visit__c"):
        row = org.store.get(object, id)
        if row is not None and not row.deleted:
            return row.id
    raise refuse("FIELD_INTEGRITY_EXCEPTION", "First Publish Location ID: id value of incorrect type: " + id,
                 ["FirstPublishLocationId"])  # fmt: skip


def read(org: Org, _request: Request, id: str) -> Response:
    """GET sobjects/ContentVersion/{id}/VersionData: the bytes."""
    row = live(org, "ContentVersion", id)
    if row.id[:15] not in org.blobs:
        raise not_found()
    return Response(200, org.blobs[row.id[:15]], {"Content-Type": "application/octetstream"}, record=row.id)
