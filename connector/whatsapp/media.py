"""Files at WhatsApp: what we give it, and what customers gave it. Source: Meta, "Media", checked 2026-11."""

import binascii
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from connector.core.address import is_loopback
from connector.core.message.sniff import base, mismatch
from connector.errors import NotFound, Rejected, Unreachable
from connector.ports import FetchedFile, Multipart, StoredFile
from connector.whatsapp.download import MEDIA_HOSTS, Guard
from connector.whatsapp.values import Json, text

Call = Callable[..., Json]
FILE_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Media:
    """Uploads and downloads of one number; `call` makes Graph calls with the account's token."""

    number: str
    address: str  # of the API
    token: str
    call: Call

    def upload(self, file: StoredFile) -> str:
        """The id WhatsApp gives the file; good for 30 days, for this number only."""
        parts = {"messaging_product": ("", "whatsapp"), "type": ("", base(file.mime) or FILE_TYPE)}
        answer = self.call("POST", f"{self.number}/media", body=Multipart(parts, "file", file))
        if not (found := text(answer, "id")):
            raise Unreachable("Meta gave the file no id.", code="no_id")
        return found

    def download(self, media_id: str, into: BinaryIO, *, declared: str = "", sha256: str = "") -> FetchedFile:
        """A customer's file. Its address is asked for anew, as one lives 5 minutes. Raises NotFound after 7 days."""
        found = self.call("GET", media_id, {"phone_number_id": self.number})
        url = text(found, "url", 4096)
        if not url:
            raise NotFound("WhatsApp does not have this file any more.", code="gone")
        fetched = self._guard().fetch(url, into)
        wanted = {one for one in map(digest, (sha256, text(found, "sha256"))) if one}
        if wanted and fetched.sha256 not in wanted:
            raise Unreachable("The file is not the one that was sent: its hash differs.", code="hash")
        mime = declared or text(found, "mime_type") or fetched.mime
        if why := mismatch(mime, fetched.head):
            raise Rejected(why, code="type")
        return FetchedFile(mime=mime, size=fetched.size, sha256=fetched.sha256)

    def fetch(self, url: str, into: BinaryIO, most: int) -> FetchedFile:
        """A file of ours from a public address; nobody's token goes with it."""
        found = Guard(most=most, local=self._guard().local).fetch(url, into)
        mime = base(found.mime)
        if why := mismatch(mime, found.head):
            raise Rejected(why, code="type")
        return FetchedFile(mime=mime, size=found.size, sha256=found.sha256)

    def _guard(self) -> Guard:
        host = (urlsplit(self.address).hostname or "").lower()
        return Guard(token=self.token, token_hosts=(*MEDIA_HOSTS, host), local=is_loopback(host))


def digest(said: Any) -> str:
    """A sha256 as hex, from base64 (webhooks) or hex (Graph); "" for neither."""
    given = str(said or "").strip()
    if len(given) == 64 and all(c in "0123456789abcdefABCDEF" for c in given):
        return given.lower()
    try:
        raw = b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == 32 else ""
