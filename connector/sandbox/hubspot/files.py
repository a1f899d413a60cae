"""HubSpot's file manager: upload, details, a signed address. Files guide of the dated API, checked 2026-11."""

import hashlib
import json
import secrets
from typing import Any

from connector.sandbox.http import Request, Response, answer
from connector.sandbox.hubspot.errors import Refused, not_found
from connector.sandbox.hubspot.portal import Portal
from connector.sandbox.hubspot.settings import PORTAL
from connector.sandbox.hubspot.values import iso
from connector.sandbox.uploads import Part, parts

ACCESS = ("PRIVATE", "PUBLIC_INDEXABLE", "PUBLIC_NOT_INDEXABLE")
FIRST = 180_000_000_001


def upload(portal: Portal, request: Request) -> Response:
    """201 with the file; the one that is there already where the options ask for it."""
    try:
        found = parts(request)
    except ValueError as wrong:
        raise Refused(f"Invalid request: {wrong}") from wrong
    file, folder, options = found.get("file"), _text(found, "folderPath"), _options(found)
    if file is None or not (folder or "folderId" in found):
        raise Refused("Invalid request: a file and one of folderId and folderPath are required")
    name = _text(found, "fileName") or file.filename
    same = (one for one in portal.files.values() if (one["path"], one["data"]) == (_path(folder, name), file.data))
    there = next(same, None) if options.get("duplicateValidationStrategy") == "RETURN_EXISTING" else None
    made = there or _keep(portal, folder, name, file, options)
    return answer(_shown(made), 201, record=made["id"])


def details(portal: Portal, _request: Request, id: str) -> Response:
    """GET /{id}."""
    return answer(_shown(_file(portal, id)))


def signed(portal: Portal, request: Request, id: str) -> Response:
    """GET /{id}/signed-url."""
    made = _file(portal, id)
    return answer({**_shown(made), "url": f"{request.base}/files-signed/{id}?{secrets.token_hex(8)}"})


def _file(portal: Portal, id: str) -> dict[str, Any]:
    if id not in portal.files:
        raise not_found(id)
    return portal.files[id]


def _options(found: dict[str, Part]) -> dict[str, Any]:
    try:
        options = json.loads(_text(found, "options") or "{}")
    except ValueError:
        options = None
    if not isinstance(options, dict) or options.get("access") not in ACCESS:
        raise Refused(f"Invalid request: options.access must be one of {', '.join(ACCESS)}")
    return options


def _keep(portal: Portal, folder: str, name: str, file: Part, options: dict[str, Any]) -> dict[str, Any]:
    id = str(FIRST + len(portal.files))
    portal.files[id] = {
        "id": id, "path": _path(folder, name), "name": name.rpartition(".")[0] or name,
        "extension": name.rpartition(".")[2] if "." in name else "", "type": file.type, "access": options["access"],
        "at": portal.world.now(), "data": file.data,
    }  # fmt: skip
    return portal.files[id]


def _path(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _text(found: dict[str, Part], name: str) -> str:
    return found[name].text if name in found else ""


def _shown(made: dict[str, Any]) -> dict[str, Any]:
    stamp = iso(made["at"])
    kept = {name: made[name] for name in ("id", "name", "path", "extension", "access")}
    return {
        **kept, "size": len(made["data"]), "type": "IMG" if made["type"].startswith("image/") else "DOCUMENT",
        "fileMd5": hashlib.md5(made["data"]).hexdigest(), "createdAt": stamp, "updatedAt": stamp,  # noqa: S324
        "archived": False, "parentFolderId": "175000000001", "sourceGroup": "CONTENT", "isUsableInContent": False,
        "url": f"https://{PORTAL}.fs1.hubspotusercontent-na1.net/hubfs/{PORTAL}{made['path']}",
    }  # fmt: skip
