"""A tiny Graph API in its own process: accepts every message after DELAY, notes when it came, knows a number's limit.

`python -m tests.bench.graph <messages a second, 0 = no limit>` prints its port; GET /_stats tells and forgets."""

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any

DELAY = 0.1  # seconds an answer takes
TOO_FAST = b'{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429}}'


class Notes:
    """What has come: keys in order with their times, how often each, the fullest second, the refusals."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.forget()

    def forget(self) -> None:
        self.times: dict[str, float] = {}
        self.doubled = self.refused = self.fullest = self.count = 0
        self._second: deque[float] = deque()
        self._tokens, self._at = float(self.limit), time.monotonic()

    def take(self, key: str) -> bool:
        """Room by Meta's rule: a burst of one second's worth, refilled evenly."""
        now = time.monotonic()
        self._second.append(now)
        while self._second[0] <= now - 1.0:
            self._second.popleft()
        self.fullest = max(self.fullest, len(self._second))
        self.count += 1
        self.doubled += key in self.times
        self.times[key] = time.time()
        if not self.limit:
            return True
        self._tokens = min(float(self.limit), self._tokens + (now - self._at) * self.limit)
        self._at = now
        if self._tokens < 1:
            self.refused += 1
            return False
        self._tokens -= 1
        return True

    def told(self) -> dict[str, Any]:
        return {
            "count": self.count, "doubled": self.doubled, "refused": self.refused, "fullest": self.fullest,
            "times": self.times,
        }  # fmt: skip


class Talk(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self._buffer) < end + 4 + size:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + size], self._buffer[end + 4 + size :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get"):
            told = json.dumps(self._notes.told()).encode()
            self._notes.forget()
            self._say(200, told)
            return
        message = json.loads(body)
        key = message["biz_opaque_callback_data"]
        if self._notes.take(key):
            contact = {"input": message["to"], "wa_id": message["to"][1:]}
            answer = {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": f"wamid.{key}"}]}
            asyncio.get_running_loop().call_later(DELAY, self._say, 200, json.dumps(answer).encode())
        else:
            asyncio.get_running_loop().call_later(DELAY, self._say, 400, TOO_FAST)

    def _say(self, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + body)


async def _serve(limit: int) -> None:
    notes = Notes(limit)
    server = await asyncio.get_running_loop().create_server(lambda: Talk(notes), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
