"""Files at Meta: uploaded by the business, or sent by its customers; their addresses live five minutes.

`POST /{number}/media`, `GET /{id}`, `DELETE /{id}`, and the address that `GET /{id}` names.
Source: Meta, Media, checked 2026-11.
"""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.sandbox.graph.errors import GraphError
from connector.sandbox.graph.samples import SAMPLES, png
from connector.sandbox.http import Request, Response, answer
from connector.sandbox.uploads import parts

KEPT = 2000  # files remembered
FIVE_MINUTES, WEEK, MONTH = 300, 7 * 86400, 30 * 86400
MB = 1024 * 1024
LIMITS = {"image": 5 * MB, "video": 16 * MB, "audio": 16 * MB, "document": 100 * MB, "sticker": 500 * 1024}
KINDS = {
    **dict.fromkeys(("image/jpeg", "image/png"), "image"), "image/webp": "sticker",
    **dict.fromkeys(("video/mp4", "video/3gpp"), "video"),
    **dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/opus"), "audio"),
}  # fmt: skip
DOCUMENTS = ("application/", "text/")
_KEY = secrets.token_bytes(16)


@dataclass
class File:
    """One file. `url` replaces the address that is told: what a hostile answer would say."""

    id: str
    mime: str
    data: bytes
    ends: float
    url: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def shown(self) -> dict[str, Any]:
        """As a record."""
        return {"id": self.id, "mime_type": self.mime, "size": len(self.data), "sha256": self.sha256, "url": self.url}


class Shelf:
    """All files of one business; the business's lock is held by the caller."""

    def __init__(self) -> None:
        self.files: OrderedDict[str, File] = OrderedDict()

    def keep(self, mime: str, data: bytes, ends: float, id: str = "") -> File:
        """A new file; the oldest make room."""
        made = File(id or str(secrets.randbelow(9 * 10**15) + 10**15), mime, data, ends)
        self.files[made.id] = made
        while len(self.files) > KEPT:
            self.files.popitem(last=False)
        return made

    def there(self, id: str, now: float) -> File | None:
        """A file that is not too old."""
        found = self.files.get(id)
        return found if found is not None and found.ends > now else None


def heard(answer: Mapping[str, Any], message: dict[str, Any]) -> tuple[str, str, bytes] | None:
    """(id, mime, bytes) of the file a customer's message brings; its sha256 is put right. None: it brings none."""
    kind = str(message.get("type"))
    media, given = message.get(kind), answer.get("media")
    if kind not in SAMPLES or not isinstance(media, dict) or given is None:
        return None
    data = SAMPLES[kind]
    if isinstance(given, dict) and isinstance(given.get("data"), str):
        data = base64.b64decode(given["data"])
    elif media["mime_type"] == "image/png":
        data = png()
    if not (isinstance(given, dict) and given.get("sha256")):
        media["sha256"] = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return str(media["id"]), str(media["mime_type"]), data


# ---- the endpoints ---------------------------------------------------------------------------------------------------
def upload(shelf: Shelf, request: Request, now: float) -> Response:
    """201 is not Graph's way: 200 `{"id": ...}`."""
    try:
        found = parts(request)
    except ValueError as wrong:
        raise GraphError(100, str(wrong)) from wrong
    if "messaging_product" not in found or found["messaging_product"].text != "whatsapp":
        raise GraphError(100, "(#100) The parameter messaging_product is required.")
    file = found.get("file")
    if file is None or not file.data:
        raise GraphError(100, "(#100) The parameter file is required.")
    mime = (file.type or (found["type"].text if "type" in found else "")).partition(";")[0].strip().lower()
    kind = KINDS.get(mime) or ("document" if mime.startswith(DOCUMENTS) else None)
    if kind is None:
        raise GraphError(100, f"Param file must be a file with one of the following types: {', '.join(sorted(KINDS))}.")
    if len(file.data) > LIMITS[kind]:
        raise GraphError(131053, f"The file is {len(file.data)} bytes large, {LIMITS[kind]} are allowed")
    made = shelf.keep(mime, file.data, now + MONTH)
    return answer({"id": made.id}, record=made.id)


def told(file: File, base: str, now: float) -> dict[str, Any]:
    """What `GET /{id}` says. In life the address is of lookaside.fbsbx.com; here it is the sandbox's own."""
    ext = int(now) + FIVE_MINUTES
    url = f"{base}/whatsapp_business/attachments?mid={file.id}&ext={ext}&hash={_sign(file.id, ext)}"
    return {
        "messaging_product": "whatsapp", "url": file.url or url, "mime_type": file.mime, "sha256": file.sha256,
        "file_size": str(len(file.data)), "id": file.id,
    }  # fmt: skip


def serve(shelf: Shelf, request: Request, now: float) -> Response:
    """The bytes, to who has the token and an address that is not too old."""
    id, ext, given = (request.query.get(name, "") for name in ("mid", "ext", "hash"))
    file = shelf.there(id, now)
    if file is None or not (ext.isascii() and ext.isdigit()) or int(ext) < now or given != _sign(id, int(ext)):
        return Response(404, b"", {"Content-Type": "text/plain"})
    return Response(200, file.data, {"Content-Type": file.mime, "Content-Disposition": "attachment"}, record=id)


def _sign(id: str, ext: int) -> str:
    return hmac.new(_KEY, f"{id}:{ext}".encode(), "sha256").hexdigest()[:24]
