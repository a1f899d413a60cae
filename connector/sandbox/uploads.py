"""multipart/form-data, as far as the vendors' uploads use it."""

import re
from dataclasses import dataclass

from connector.sandbox.http import Request

_NAME = re.compile(r'(?:^|;)\s*name="([^"]*)"')
_FILE = re.compile(r'(?:^|;)\s*filename="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `filename` "" = a plain value."""

    filename: str
    type: str
    data: bytes

    @property
    def text(self) -> str:
        """A plain value."""
        return self.data.decode("utf-8", "replace")


def is_multipart(request: Request) -> bool:
    """Does the request carry a form?"""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


def parts(request: Request) -> dict[str, Part]:
    """The parts by name; ValueError for what is no such body."""
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    boundary = re.search(r'boundary="?([^";]+)"?', rest)
    if kind.strip().lower() != "multipart/form-data" or boundary is None:
        raise ValueError("the body is not multipart/form-data")
    found: dict[str, Part] = {}
    pieces = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise ValueError("the multipart body has no end")
    for piece in pieces[1:-1]:
        head, gap, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = dict(_header(line) for line in head.decode("utf-8", "replace").split("\r\n") if ":" in line)
        told = headers.get("content-disposition", "")
        name, file = _NAME.search(told), _FILE.search(told)
        if not gap or name is None:
            raise ValueError("a part has no name")
        found[name[1]] = Part(file[1] if file else "", headers.get("content-type", ""), data)
    return found


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
