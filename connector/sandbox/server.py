"""A small threaded HTTP/1.1 server on loopback: a thread a connection, keep-alive, and answers that can be cut short.

The standard library's server reads headers with its e-mail parser and has no way to cut an answer; this one does both
in a few lines, and nothing outside loopback ever reaches it.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from connector.sandbox.http import Request, Response

HOST = "127.0.0.1"
LONGEST_LINE = 65_536
MOST_HEADERS = 200
LARGEST_BODY = 64 * 1024 * 1024
Stream = Any  # a buffered reader; its type has other names in each typeshed
PHRASES = {status.value: status.phrase for status in HTTPStatus}
Cut = Literal["whole", "half", "none", "reset"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: a response, and how much of it before the connection is closed ("whole" keeps it open)."""

    response: Response | None
    cut: Cut = "whole"


class RequestError(ValueError):
    """Bytes that are not a request this server reads; the status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Server:
    """`Server(handler, port)` listens at once; port 0 picks one. `close` ends every connection."""

    def __init__(self, handler: Callable[[Request], Reply], port: int = 0) -> None:
        self._handler = handler
        self._listener = socket.create_server((HOST, port), backlog=1024, reuse_port=False)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._accepting = threading.Thread(target=self._accept, name="accept", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Stop listening and close every connection."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(timeout=5)
        self._listener.close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                continue  # a caller that left before it was accepted, or the end
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            stream = connection.makefile("rb", LONGEST_LINE)
            with stream:
                self._answer_all(connection, stream)
        except OSError:
            pass  # the caller hung up: there is nobody left to tell
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _answer_all(self, connection: socket.socket, stream: Stream) -> None:
        while True:
            try:
                request = read(stream, connection)
            except RequestError as bad:
                send(connection, Response(bad.status, str(bad).encode()), close=True)
                return
            if request is None:
                return
            last = request.headers.get("connection", "").lower() == "close"
            if not _reply(connection, self._handler(request), last, request.method == "HEAD") or last:
                return


def read(stream: Stream, connection: socket.socket) -> Request | None:
    """The next request; None when the caller closed. Raises RequestError."""
    line = _line(stream)
    if not line:
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[1].startswith("/"):
        raise RequestError(400, "not an HTTP/1.1 request line")
    method, target, _ = parts
    headers = dict(_headers(stream))
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    path, _, query = target.partition("?")
    values = dict(parse_qsl(query, keep_blank_values=True))
    return Request(method.upper(), unquote(path), values, headers, _body(stream, headers), target)


def _line(stream: Stream) -> bytes:
    line: bytes = stream.readline(LONGEST_LINE)
    if len(line) == LONGEST_LINE:
        raise RequestError(431, "a line is too long")
    return line.rstrip(b"\r\n") if line.strip() else line[:0]


def _headers(stream: Stream) -> Iterator[tuple[str, str]]:
    for _ in range(MOST_HEADERS):
        line = _line(stream)
        if not line:
            return
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise RequestError(400, "a header without a colon")
        yield name.strip().lower(), value.strip()
    raise RequestError(431, "too many headers")


def _body(stream: Stream, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join(_chunks(stream))
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise RequestError(400, "Content-Length is not a number")
    return _exactly(stream, int(length)) if int(length) else b""


def _chunks(stream: Stream) -> Iterator[bytes]:
    total = 0
    while True:
        try:
            size = int(_line(stream).split(b";")[0], 16)
        except ValueError:
            raise RequestError(400, "a chunk without a size") from None
        total += size
        if size <= 0 or total > LARGEST_BODY:
            break
        yield _exactly(stream, size)
        _line(stream)
    if total > LARGEST_BODY or size < 0:
        raise RequestError(413, "the body is too large")
    while _line(stream):
        pass  # trailers


def _exactly(stream: Stream, size: int) -> bytes:
    if size > LARGEST_BODY:
        raise RequestError(413, "the body is too large")
    data: bytes = stream.read(size)
    if len(data) < size:
        raise RequestError(400, "the body ended early")
    return data


def send(connection: socket.socket, response: Response, close: bool = False, head: bool = False) -> None:
    """Write a whole response; with `head`, without its body."""
    connection.sendall(_bytes(response, close, head))


def _bytes(response: Response, close: bool = False, head: bool = False) -> bytes:
    phrase = PHRASES.get(response.status, "Unknown")
    lines = [f"HTTP/1.1 {response.status} {phrase}", f"Content-Length: {len(response.body)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if close:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if head else response.body)


def _reply(connection: socket.socket, reply: Reply, last: bool, head: bool) -> bool:
    """Write as much as the reply says; False when the connection is over."""
    if reply.cut == "whole" and reply.response is not None:
        send(connection, reply.response, close=last, head=head)
        return True
    if reply.cut == "half" and reply.response is not None:
        whole = _bytes(reply.response)
        connection.sendall(whole[: len(whole) - (len(reply.response.body) + 1) // 2])
    if reply.cut == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
