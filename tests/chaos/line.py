"""A TCP line that can be cut, on loopback: between a host and its database, or between callers and two hosts' web."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

HOST = "127.0.0.1"
CHUNK = 65_536
ASKED = 10.0  # seconds after which a silent connection is asked whether it still stands (keepalives_idle)
LINGER = struct.pack("ii", 1, 0)  # closing sends a reset
Way = Callable[[], "str | int | None"]  # where a connection goes now: a Unix socket, a port; None = nowhere


class Loop:
    """asyncio in a thread of its own, for whoever listens here."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Carries it out there; its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        """Everything that still goes on here is broken off."""
        self.do(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @staticmethod
    async def _cancel() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # what was closed is closed a turn later


class Listener:
    """A port of ours that can refuse: it stays ours meanwhile. `talk` is given each connection."""

    def __init__(
        self, loop: Loop, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> None:
        self._loop, self._talk = loop, talk
        self._place = socket.socket()  # bound, never listening: nobody else gets the port
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind((HOST, 0))
        self.port: int = self._place.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._lock = threading.Lock()
        self.listen()

    async def _guarded(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # asyncio's own callback cannot bear a cancelled task (3.11)
            await self._talk(reader, writer)
        writer.close()

    def listen(self) -> None:
        with self._lock:
            if self._server is None:
                self._server = self._loop.do(asyncio.start_server(self._guarded, HOST, self.port, backlog=512))

    def refuse(self) -> None:
        """New connections are refused; those that stand go on."""
        with self._lock:
            if self._server is not None:
                self._loop.do(_closed(self._server))
                self._server = None

    def close(self) -> None:
        self.refuse()
        self._place.close()


async def _closed(server: asyncio.Server) -> None:
    server.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """The other side hears a reset, not an end."""
    taken = writer.get_extra_info("socket")
    with suppress(OSError):
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    writer.transport.abort()


async def connect(way: str | int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(way, int):
        return await asyncio.open_connection(HOST, way)
    return await asyncio.open_unix_connection(way)


class Line:
    """Bytes both ways between whoever comes to `port` and where `way` leads, while the line stands."""

    def __init__(self, loop: Loop, way: Way) -> None:
        self._loop, self._way = loop, way
        self._flows = asyncio.Event()
        self._pairs: dict[asyncio.StreamWriter, asyncio.StreamWriter | None] = {}  # who came -> where it led
        self._given_up: set[asyncio.StreamWriter] = set()
        self._listener = Listener(loop, self._talk)
        self.port = self._listener.port
        loop.do(self._let(flow=True))

    # ---- what may befall it --------------------------------------------------------------------------------------
    def cut(self) -> None:
        """Every connection is reset on both sides, and new ones are refused."""
        self._listener.refuse()
        self._loop.do(self._break(callers=True))

    def stall(self) -> None:
        """Nothing is refused and nothing arrives: bytes are held on both sides."""
        self._loop.do(self._let(flow=False))

    def forget(self) -> None:
        """The far side has noticed that nobody is there (keep-alives) and ends its sessions; callers hear nothing.

        Nor when the line stands again, as long as they say nothing themselves: the reset answers their next word, or
        their own keep-alive."""
        self._loop.do(self._break(callers=False))

    def mend(self) -> None:
        """As before; what was held goes on its way."""
        self._loop.do(self._let(flow=True))
        self._listener.listen()

    def drop(self) -> None:
        """Whoever stands here must come again, and may be led elsewhere."""
        self._loop.do(self._break(callers=True))

    def close(self) -> None:
        self._listener.close()
        self._loop.do(self._break(callers=True))

    # ---- in the loop ---------------------------------------------------------------------------------------------
    async def _let(self, *, flow: bool) -> None:
        self._flows.set() if flow else self._flows.clear()

    async def _break(self, *, callers: bool) -> None:
        for near, far in list(self._pairs.items()):
            if far is not None:
                self._given_up |= set() if callers else {far}
                reset(far)
            if callers:
                reset(near)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._pairs[writer] = None
        end = asyncio.StreamWriter.close
        try:
            await self._flows.wait()
            way = self._way()
            if way is None:
                return
            back, far = await connect(way)
            self._pairs[writer] = far
            if await self._both(reader, far, back, writer):
                end = reset
        except OSError:
            end = reset  # one side is gone: so is the other
        finally:
            other = self._pairs.pop(writer)
            for one in (writer, other):
                if one is not None:
                    end(one)

    async def _both(
        self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, back: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:  # fmt: skip
        """Until one side ends; True = it was given up, and the caller must hear a reset."""
        there, here = asyncio.create_task(self._pump(reader, far)), asyncio.create_task(self._pump(back, writer))
        try:
            await asyncio.wait([there, here], return_when=asyncio.FIRST_COMPLETED)
            if far in self._given_up:
                await self._flows.wait()
                await asyncio.wait([there], timeout=ASKED)
            return far in self._given_up
        finally:
            self._given_up.discard(far)
            for one in (there, here):
                one.cancel()
            await asyncio.gather(there, here, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await self._flows.wait()
            if target.transport.is_closing():
                return
            target.write(data)
            await target.drain()
