"""Meta's side: signed bodies straight to the hook, delivered until they are answered 200; answers are 1, 2, 3, ..."""

import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.works.stand_ins import ACCOUNTS
from tests.chaos.door import Door
from tests.chaos.stand_ins import WEBHOOK

DRIVERS = 6
LARGEST = 12  # contacts of one body
FREE = 5.0  # seconds until somebody has heard that their last message was taken
KEPT = 500  # bodies that may come again
AGAIN = 0.1  # the share of bodies that come once more although they were answered 200
PLAIN, SECRET = ACCOUNTS["whatsapp"]


@dataclass(slots=True)
class Load:
    """`sent` is {wa_id: its last number}, `taken` the last that was answered 200.

    Drivers wait until `allow` lets more messages go."""

    door: Door
    contacts: Sequence[str]
    events: int
    seed: int
    sent: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    _allowed: int = 0
    _given: int = 0
    _ready: list[str] = field(default_factory=list)
    _bodies: list[bytes] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._ready = list(self.contacts)
        for n in range(DRIVERS):
            dice = random.Random(self.seed * 1000 + n)
            self._threads.append(threading.Thread(target=self._drive, args=(dice,), name=f"driver {n}", daemon=True))
        for thread in self._threads:
            thread.start()

    def allow(self, share: float) -> None:
        """So much of all may have been sent by now."""
        with self.door.change:
            self._allowed = max(self._allowed, int(share * self.events))
            self.door.change.notify_all()

    def wait(self, timeout: float) -> bool:
        """Everything is sent and answered 200; False when that takes too long."""
        return joined(self._threads, timeout)

    def probe(self, dice: random.Random) -> tuple[str, float] | None:
        """One message at once, whatever is allowed: its id, and when it was answered 200; None when none is left."""
        with self.door.change:
            self.door.change.wait_for(lambda: self._ready or self._given >= self.events, FREE)
            if not self._ready or self._given >= self.events:
                return None
            chosen = [self._next(dice)]
        post(self.door, json.dumps(webhook([(wa_id, str(n)) for wa_id, n in chosen], dice)).encode())
        at = time.monotonic()
        self._done(chosen)
        return wamid(*chosen[0]), at

    # ---- a driver ------------------------------------------------------------------------------------------------
    def _drive(self, dice: random.Random) -> None:
        while not self.door.ended.is_set() and (chosen := self._choose(dice)):
            body = json.dumps(webhook([(wa_id, str(n)) for wa_id, n in chosen], dice)).encode()
            post(self.door, body)
            self._done(chosen)
            self._keep(body, dice)
            if dice.random() < AGAIN:
                old = dice.choice(self._bodies)
                self.door.repeat(WEBHOOK, old, lambda body=old: signed(body))
        self.door.leave()

    def _choose(self, dice: random.Random) -> list[tuple[str, int]]:
        """The next message of some contacts whose previous one was answered 200; [] when all are given out."""
        with self.door.change:
            while not self.door.ended.is_set() and self._given < self.events:
                room = min(dice.randint(1, LARGEST), len(self._ready), self._allowed - self._given)
                if room > 0:
                    return [self._next(dice) for _ in range(room)]
                self.door.change.wait()
            return []

    def _done(self, chosen: Sequence[tuple[str, int]]) -> None:
        """Answered 200: the next of each may go."""
        if self.door.ended.is_set():
            return
        with self.door.change:
            self.taken.update(chosen)
            self._ready += [wa_id for wa_id, _ in chosen]
            self.door.change.notify_all()

    def _keep(self, body: bytes, dice: random.Random) -> None:
        """Some of what was taken, to come once more."""
        if len(self._bodies) < KEPT:
            self._bodies.append(body)
        else:
            self._bodies[dice.randrange(KEPT)] = body

    def _next(self, dice: random.Random) -> tuple[str, int]:
        wa_id = self._ready.pop(dice.randrange(len(self._ready)))
        self.sent[wa_id] = self.sent.get(wa_id, 0) + 1
        self._given += 1
        return wa_id, self.sent[wa_id]


def joined(threads: Sequence[threading.Thread], timeout: float) -> bool:
    until = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def wamid(wa_id: str, text: object) -> str:
    """What WhatsApp calls this message: the same text of a person is the same message."""
    return f"wamid.{wa_id}.{text}"


def post(door: Door, body: bytes) -> None:
    """As Meta delivers it."""
    door.deliver(WEBHOOK, body, lambda: signed(body))


def signed(body: bytes) -> dict[str, str]:
    digest = hmac.new(SECRET["app_secret"].encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}


def webhook(chosen: Sequence[tuple[str, str]], dice: random.Random) -> dict[str, Any]:
    """One body with a text of each (wa_id, text), its items in any order, spread over one or two changes."""
    items = list(chosen)
    dice.shuffle(items)
    cut = dice.randint(0, len(items) - 1)
    changes = [{"field": "messages", "value": value(part)} for part in (items[:cut], items[cut:]) if part]
    return {"object": "whatsapp_business_account", "entry": [{"id": PLAIN["waba_id"], "changes": changes}]}


def value(items: Sequence[tuple[str, str]]) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": PLAIN["phone_number_id"]}
    people = [{"wa_id": wa_id, "profile": {"name": f"Customer {wa_id[-3:]}"}} for wa_id, _ in items]
    messages = [
        {
            "id": wamid(wa_id, text), "from": wa_id, "timestamp": str(int(time.time())), "type": "text",
            "text": {"body": text},
        }
        for wa_id, text in items
    ]  # fmt: skip
    return {"messaging_product": "whatsapp", "metadata": metadata, "contacts": people, "messages": messages}
