"""A proxy on every way out of the house: it refuses, breaks off, delays and spoils, as often as it is asked to.

It stands between our processes and the stand-ins, one port for each system; the stand-ins' ledgers tell what came
through. Whether a request was passed on before it went wrong decides what is true; what the caller may conclude from
what it saw is architecture, section 6.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tests.chaos.line import HOST, Listener, Loop, reset

PASSED_ON = {  # the request arrives and is done, whatever the caller hears
    "after": "reset when it was passed on, before the answer",
    "amid": "reset in the middle of the answer",
    "short": "the answer ends too early",
    "slow": "the answer comes when nobody waits for it any more",
    "page": "a page of its own in place of the answer, with 200",
    "gateway": "504 of its own, though it was passed on",
    "trickle": "the answer comes a few bytes at a time",
    "late": "it is passed on only when its caller has given up",
}
KEPT_BACK = {  # the request never arrives
    "unread": "reset before it is read",
    "garbage": "bytes that are no HTTP",
    "unavailable": "502 of its own",
    "silent": "nobody answers and it goes nowhere",
}
KINDS: Mapping[str, str] = {**KEPT_BACK, **PASSED_ON}  # besides these: `refuse`, for connections
LARGEST = 64 * 1024 * 1024
PIECE, BREATH = 60, 0.1  # bytes and seconds of a trickle
PAGE = b"<!DOCTYPE html><title>Sign in</title><p>Please accept the terms of this network."
GARBAGE = b"\x16\x03\x01\x00\xff not HTTP \x00\r\n\r\n"
Weather = Sequence[tuple[str, float]]  # kinds, and how often each strikes


class Proxy:
    """`Proxy({"graph": port, ...}, seed, patience)`; `patience` is how long its callers wait for an answer."""

    def __init__(self, to: Mapping[str, int], seed: int = 0, patience: float = 20.0) -> None:
        self._loop = Loop()
        self.struck: Counter[str] = Counter()
        self.gates = {name: Gate(self, self._loop, name, port, seed, patience) for name, port in to.items()}

    def url(self, service: str) -> str:
        """The stand-in's address by way of the proxy."""
        return f"http://{HOST}:{self.gates[service].port}"

    def weather(self, kinds: Weather, *services: str) -> None:
        """From now on; [] = fair. For these services, or for all."""
        for name in services or self.gates:
            self.gates[name].weather = list(kinds)

    def refuse(self, service: str) -> None:
        """No new connections, and those that stand end once they are idle."""
        self.gates[service].refuse()
        self.struck["refuse"] += 1

    def open(self, service: str) -> None:
        self.gates[service].open()

    def close(self) -> None:
        for gate in self.gates.values():
            gate.close()
        self._loop.close()


class Gate:
    """The way to one system."""

    def __init__(self, proxy: Proxy, loop: Loop, name: str, to: int, seed: int, patience: float) -> None:
        self._proxy, self._loop, self._to = proxy, loop, to
        self._late, self._slow = patience + 0.5, patience + 1.5
        self._dice = random.Random(f"{seed} {name}")
        self._idle: set[asyncio.StreamWriter] = set()
        self._shut = threading.Event()
        self.weather: list[tuple[str, float]] = []
        self._listener = Listener(loop, self._talk)
        self.port = self._listener.port

    def refuse(self) -> None:
        self._shut.set()
        self._listener.refuse()
        self._loop.do(self._end_idle())

    def open(self) -> None:
        self._shut.clear()
        self._listener.listen()

    def close(self) -> None:
        self._listener.close()

    async def _end_idle(self) -> None:
        for writer in self._idle:
            writer.close()

    # ---- one connection ------------------------------------------------------------------------------------------
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while first := await self._next(reader, writer):
                kind = self._strikes()
                if kind == "unread":
                    reset(writer)
                    return
                request = await read_message(reader, first)
                if kind in KEPT_BACK:
                    await self._spoil(writer, kind)
                    return
                if kind == "late":
                    await asyncio.sleep(self._late)
                upstream = upstream or await asyncio.open_connection(HOST, self._to)
                upstream[1].write(request)
                await upstream[1].drain()
                if not await self._answer(upstream[0], writer, kind):
                    return
        except asyncio.IncompleteReadError:
            pass  # whoever spoke broke off
        except OSError:
            reset(writer)
        finally:
            for one in (writer, upstream[1] if upstream else None):
                if one is not None:
                    one.close()

    async def _next(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """The first byte of the next request; b"" when the caller left, or nobody is let in any more."""
        if self._shut.is_set():
            return b""
        self._idle.add(writer)
        try:
            return await reader.read(1)
        finally:
            self._idle.discard(writer)

    def _strikes(self) -> str:
        """What befalls this request; "" = nothing."""
        roll = self._dice.random()
        for kind, rate in self.weather:
            roll -= rate
            if roll < 0:
                self._proxy.struck[kind] += 1
                return kind
        return ""

    async def _spoil(self, writer: asyncio.StreamWriter, kind: str) -> None:
        if kind == "silent":
            await asyncio.sleep(self._slow)
            return
        writer.write(GARBAGE if kind == "garbage" else page(502, "Bad Gateway"))
        await writer.drain()

    async def _answer(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str) -> bool:
        """The answer, or what is left of it; False when the connection is over."""
        try:
            answer = await read_message(upstream, b"")
        except asyncio.IncompleteReadError as broken:
            writer.write(broken.partial)  # the stand-in itself broke off: so does the caller's
            return False
        if kind == "after":
            reset(writer)
        elif kind == "amid":
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
            reset(writer)
        elif kind == "short":
            writer.write(answer[: len(answer) - len(answer) // 4 - 1])
            await writer.drain()
        elif kind in ("page", "gateway"):
            writer.write(page(200, "OK") if kind == "page" else page(504, "Gateway Timeout"))
            await writer.drain()
        else:
            await self._whole(writer, answer, kind)
            return kind in ("", "trickle")
        return False

    async def _whole(self, writer: asyncio.StreamWriter, answer: bytes, kind: str) -> None:
        if kind == "slow":
            await asyncio.sleep(self._slow)
        step = PIECE if kind == "trickle" else len(answer)
        for start in range(0, len(answer), step):
            if writer.transport.is_closing():
                return  # its caller has given up
            with suppress(ConnectionError):
                writer.write(answer[start : start + step])
                await writer.drain()
            if kind == "trickle" and start < 20 * step:
                await asyncio.sleep(BREATH)


def page(status: int, words: str) -> bytes:
    head = f"HTTP/1.1 {status} {words}\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + PAGE


async def read_message(reader: asyncio.StreamReader, start: bytes) -> bytes:
    """One request or answer, as it came: its length in front, or in chunks. Raises IncompleteReadError."""
    head = start + await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        return head + await _chunks(reader)
    length = int(fields.get(b"content-length", b"0"))
    assert length <= LARGEST, length
    try:
        return head + await reader.readexactly(length)
    except asyncio.IncompleteReadError as broken:
        raise asyncio.IncompleteReadError(head + broken.partial, None) from None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        found += size + await reader.readexactly(int(size.split(b";")[0], 16) + 2)
        if int(size.split(b";")[0], 16) == 0:
            return found
