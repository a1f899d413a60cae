"""The load generator: a process of its own that posts signed replies over so many keep-alive connections.

`--rate 0`: each connection sends its next request when it has its answer (how much fits).
`--rate N`: N a second whatever the answers do; a latency counts from when the request was due (how long it takes).
"""

import argparse
import hashlib
import hmac
import json
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.report import percentile

ROOT = Path(__file__).parents[2]
SECRET, NUMBER, WABA = "app-secret-of-the-shop", "106540352242922", "102290129340398"
SIZE = 900  # bytes of a body
PATH = "/hooks/whatsapp/shop"
NOW = 1_795_442_531


def reply(n: int, wa_id: str, wamid: str, size: int = SIZE, at: int = NOW) -> bytes:
    """One customer's text as Meta posts it, padded to `size` bytes."""
    user = f"CO.{wa_id}"
    message: dict[str, Any] = {
        "from": wa_id,
        "from_user_id": user,
        "id": wamid,
        "timestamp": str(at),
        "type": "text",
        "text": {"body": f"answer {n} "},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": f"Customer {n}"}, "wa_id": wa_id, "user_id": user}],
        "messages": [message],
    }
    document = {
        "object": "whatsapp_business_account",
        "entry": [{"id": WABA, "changes": [{"value": value, "field": "messages"}]}],
    }
    missing = size - len(json.dumps(document, separators=(",", ":")))
    message["text"] = {"body": f"answer {n} " + "and more " * 100}
    message["text"]["body"] = message["text"]["body"][: len(f"answer {n} ") + max(0, missing)]
    return json.dumps(document, separators=(",", ":")).encode()


def post(body: bytes, path: str = PATH, secret: str = SECRET) -> bytes:
    """A signed HTTP request, ready to be sent."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: facebookexternalua\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nX-Hub-Signature-256: sha256={digest}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def requests(first: int, count: int) -> list[bytes]:
    """Different messages of 5,000 customers; the same number is the same message."""
    return [post(reply(n, f"57300{n % 5000:07}", f"wamid.bench{n:012}")) for n in range(first, first + count)]


@dataclass(slots=True)
class Line:
    """One connection: what it is waiting for since when."""

    sock: socket.socket
    due: float = 0.0
    heard: bytes = b""

    def send(self, request: bytes, due: float) -> None:
        self.due, self.heard = due, b""
        self.sock.sendall(request)  # a request fits the socket's buffer, so this never waits

    def status(self) -> int:
        """The answer's status once it is whole, 0 before. Raises ConnectionError when the server hung up."""
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection")
        self.heard += data
        head, end, body = self.heard.partition(b"\r\n\r\n")
        if not end:
            return 0
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return int(self.heard[9:12]) if len(body) >= int(length) else 0


@dataclass(slots=True)
class Load:
    """`run` posts until the requests or the seconds are over, and waits for what is under way."""

    port: int
    connections: int
    seconds: float
    warm: float = 0.0  # seconds that are not counted
    rate: float = 0.0
    took: list[tuple[float, float]] = field(default_factory=list)  # (when answered, seconds)
    refused: int = 0

    def run(self, bodies: Sequence[bytes]) -> dict[str, Any]:
        lines = {
            s.fileno(): Line(s)
            for s in (socket.create_connection(("127.0.0.1", self.port)) for _ in range(self.connections))
        }
        poll = select.epoll()
        for number, line in lines.items():
            line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(number, select.EPOLLIN)
        start = time.perf_counter()
        source = (self._paced if self.rate else self._eager)(bodies, start)
        self._drive(poll, lines, source, start)
        for line in lines.values():
            line.sock.close()
        return self._told(start)

    def _eager(self, bodies: Sequence[bytes], start: float) -> Callable[[float], tuple[bytes, float] | None]:
        left = iter(bodies)

        def following(now: float) -> tuple[bytes, float] | None:
            return (body, now) if now < start + self.warm + self.seconds and (body := next(left, None)) else None

        return following

    def _paced(self, bodies: Sequence[bytes], start: float) -> Callable[[float], tuple[bytes, float] | None]:
        count = min(len(bodies), int((self.warm + self.seconds) * self.rate))
        left: Iterator[tuple[int, bytes]] = enumerate(bodies[:count])
        waits: deque[tuple[int, bytes]] = deque()

        def following(now: float) -> tuple[bytes, float] | None:
            if not waits and (one := next(left, None)):
                waits.append(one)
            if not waits or start + waits[0][0] / self.rate > now:
                return None
            n, body = waits.popleft()
            return body, start + n / self.rate

        return following

    def _drive(self, poll: select.epoll, lines: dict[int, Line], source: Callable[[float], Any], start: float) -> None:
        idle, busy = deque(lines.values()), 0
        end = start + self.warm + self.seconds
        while busy or time.perf_counter() < end:
            while idle and (one := source(time.perf_counter())):
                idle.popleft().send(*one)
                busy += 1
            if not busy and not self.rate:
                return  # every request has its answer
            for number, _ in poll.poll(0.0005 if self.rate else 1.0):
                line = lines[number]
                if status := line.status():
                    now = time.perf_counter()
                    self.refused += status != 200
                    self.took.append((now, now - line.due))
                    idle.append(line)
                    busy -= 1

    def _told(self, start: float) -> dict[str, Any]:
        """All that were answered, and the rate and the latencies (ms) of those within the counted seconds."""
        begin = start + self.warm
        last = min(begin + self.seconds, max((at for at, _ in self.took), default=begin))
        counted = [took * 1000 for at, took in self.took if begin <= at <= last]
        found = {"all": len(self.took), "refused": self.refused, "rate": len(counted) / max(last - begin, 1e-9)}
        return found | {f"p{p}": percentile(counted, p) for p in (50, 95, 99)} if counted else found


def drive(
    port: int, first: int, count: int, connections: int, seconds: float, warm: float = 0.5, rate: float = 0
) -> dict[str, Any]:
    """Runs one load in a process of its own: {all, refused, rate, p50, p95, p99}."""
    given = {"port": port, "first": first, "count": count, "connections": connections, "seconds": seconds, "warm": warm}
    words = [word for name, value in {**given, "rate": rate}.items() for word in (f"--{name}", str(value))]
    argv = [sys.executable, "-m", "tests.bench.load", *words]
    done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, timeout=seconds + 120, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in {
        "port": int,
        "first": int,
        "count": int,
        "connections": int,
        "seconds": float,
        "warm": float,
        "rate": float,
    }.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    given = parser.parse_args()
    load = Load(given.port, given.connections, given.seconds, given.warm, given.rate)
    print(json.dumps(load.run(requests(given.first, given.count))))


if __name__ == "__main__":
    main()
