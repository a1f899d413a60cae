"""Meta's side: signed bodies straight to the hook, delivered until they are answered 200; answers are 1, 2, 3, ..."""

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from connector.cli.demo import ACCOUNTS, WEBHOOK

DRIVERS = 6
LARGEST = 12  # contacts of one body
AGAIN = 0.1  # the share of bodies that come once more although they were answered 200
PAUSE = 0.05  # seconds before a body is delivered again
PLAIN, SECRET = ACCOUNTS["whatsapp"]


@dataclass(slots=True)
class Load:
    """`sent` is {wa_id: its last number}. Drivers wait until `allow` lets more messages go."""

    port: int
    contacts: Sequence[str]
    events: int
    seed: int
    sent: dict[str, int] = field(default_factory=dict)
    broken: list[tuple[float, float]] = field(default_factory=list)  # posts that got no 200: from, to
    posts: int = 0
    again: int = 0
    under_way: int = 0
    _allowed: int = 0
    _given: int = 0
    _ready: list[str] = field(default_factory=list)
    _bodies: list[bytes] = field(default_factory=list)
    _change: threading.Condition = field(default_factory=threading.Condition)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._ready = list(self.contacts)
        for n in range(DRIVERS):
            dice = random.Random(self.seed * 1000 + n)
            self._threads.append(threading.Thread(target=self._drive, args=(dice,), name=f"driver {n}", daemon=True))
        for thread in self._threads:
            thread.start()

    def allow(self, events: int) -> None:
        """So many messages of all may have been sent by now."""
        with self._change:
            self._allowed = max(self._allowed, min(events, self.events))
            self._change.notify_all()

    def wait(self, timeout: float) -> bool:
        """Everything is sent and answered 200; False when that takes too long."""
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def busy(self, timeout: float) -> bool:
        """A request is under way now."""
        with self._change:
            return self._change.wait_for(lambda: self.under_way > 0, timeout)

    def close(self) -> None:
        self._ended.set()
        with self._change:
            self._change.notify_all()
        self.wait(15)

    # ---- a driver ------------------------------------------------------------------------------------------------
    def _drive(self, dice: random.Random) -> None:
        connection: list[http.client.HTTPConnection] = []
        while not self._ended.is_set() and (chosen := self._choose(dice)):
            body = json.dumps(webhook(chosen, dice)).encode()
            self._deliver(connection, body)
            with self._change:
                self._ready += [wa_id for wa_id, _ in chosen]
                self._bodies.append(body)
                self._change.notify_all()
            if dice.random() < AGAIN:
                self.again += 1
                self._deliver(connection, dice.choice(self._bodies))
        for one in connection:
            one.close()

    def _choose(self, dice: random.Random) -> list[tuple[str, int]]:
        """The next message of some contacts whose previous one was answered 200; [] when all are given out."""
        with self._change:
            while not self._ended.is_set() and self._given < self.events:
                room = min(dice.randint(1, LARGEST), len(self._ready), self._allowed - self._given)
                if room > 0:
                    return [self._next(dice) for _ in range(room)]
                self._change.wait()
            return []

    def _next(self, dice: random.Random) -> tuple[str, int]:
        wa_id = self._ready.pop(dice.randrange(len(self._ready)))
        self.sent[wa_id] = self.sent.get(wa_id, 0) + 1
        self._given += 1
        return wa_id, self.sent[wa_id]

    def _deliver(self, connection: list[http.client.HTTPConnection], body: bytes) -> None:
        while not self._ended.is_set():
            started = time.time()
            if self._post(connection, body) == 200:
                return
            self.broken.append((started, time.time()))
            self._ended.wait(PAUSE)

    def _post(self, connection: list[http.client.HTTPConnection], body: bytes) -> int:
        """The status; 0 for a connection that broke."""
        if not connection:
            connection.append(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5))
        self._count(1)
        try:
            connection[0].request("POST", WEBHOOK, body, signed(body))
            answer = connection[0].getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            with suppress(OSError):
                connection.pop().close()
            return 0
        else:
            return answer.status
        finally:
            self._count(-1)

    def _count(self, by: int) -> None:
        with self._change:
            self.under_way += by
            self.posts += by > 0
            if by > 0:
                self._change.notify_all()


def signed(body: bytes) -> dict[str, str]:
    digest = hmac.new(SECRET["app_secret"].encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}


def webhook(chosen: Sequence[tuple[str, int]], dice: random.Random) -> dict[str, Any]:
    """One body, its items in any order, spread over one or two changes."""
    items = list(chosen)
    dice.shuffle(items)
    cut = dice.randint(0, len(items) - 1)
    changes = [{"field": "messages", "value": value(part)} for part in (items[:cut], items[cut:]) if part]
    return {"object": "whatsapp_business_account", "entry": [{"id": PLAIN["waba_id"], "changes": changes}]}


def value(items: Sequence[tuple[str, int]]) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": PLAIN["phone_number_id"]}
    people = [{"wa_id": wa_id, "profile": {"name": f"Customer {wa_id[-3:]}"}} for wa_id, _ in items]
    messages = [
        {
            "id": f"wamid.{wa_id}.{n}", "from": wa_id, "timestamp": str(int(time.time())), "type": "text",
            "text": {"body": str(n)},
        }
        for wa_id, n in items
    ]  # fmt: skip
    return {"messaging_product": "whatsapp", "metadata": metadata, "contacts": people, "messages": messages}
