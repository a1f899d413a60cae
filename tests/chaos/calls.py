"""Whatever makes us send: calls of links, deals that move in HubSpot; and customers who write STOP meanwhile."""

import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.sandbox.hubspot.webhooks import sign
from connector.works.stand_ins import ACCOUNTS
from tests.chaos.door import Door, Headers
from tests.chaos.load import AGAIN, KEPT, joined, post, webhook
from tests.chaos.stand_ins import Sandbox

DRIVERS = 3
SHARES = {"link": 70, "deal": 20, "wait": 5, "refuse": 5}  # of all calls; the last two are the quiet documents'
QUIET = ("wait", "refuse")  # documents whose hours are never open while a run lasts
STOP = "STOP"
HUBSPOT = "/hooks/crm/hubspot"
PORTAL = int(ACCOUNTS["hubspot"][0]["portal_id"])
SECRET = ACCOUNTS["hubspot"][1]["client_secret"]
STAGE = "presentationscheduled"  # what mappings/deal.yaml waits for


@dataclass(frozen=True, slots=True)
class Call:
    """One cause of one message: number `n` of its kind for this customer; or their STOP."""

    kind: str  # link deal wait refuse stop
    who: str
    n: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """One trigger link."""

    path: str
    secret: str


def plan(contacts: Sequence[str], sends: int, stoppers: float, seed: int) -> list[Call]:
    """So many calls in any order; a share of the customers stops some time behind one of theirs."""
    dice = random.Random(seed)
    calls = []
    for kind, share in SHARES.items():
        who = itertools.cycle(contacts)
        counts: Counter[str] = Counter()
        for one in itertools.islice(who, sends * share // sum(SHARES.values())):
            counts[one] += 1
            calls.append(Call(kind, one, counts[one]))
    dice.shuffle(calls)
    called = sorted({call.who for call in calls})
    for one in dice.sample(called, int(stoppers * len(called))):
        mine = [at for at, call in enumerate(calls) if call.who == one]
        calls.insert(dice.choice(mine) + dice.randint(1, len(calls) // 4), Call("stop", one))
    return calls


@dataclass(frozen=True, slots=True)
class Post:
    """One body on its way to us; its headers are made anew for each attempt, as HubSpot signs each."""

    path: str
    body: bytes
    headers: Headers


@dataclass(slots=True)
class Calls:
    """`planned` in this order; `made` were answered 200. Drivers wait until `allow` lets more go."""

    door: Door
    sandbox: Sandbox
    links: Mapping[str, Link]
    deals: Mapping[tuple[str, int], str]  # of one customer, by number: the deal's id
    planned: list[Call]
    seed: int
    made: list[Call] = field(default_factory=list)
    _allowed: int = 0
    _given: int = 0
    _trickled: int = 0
    _old: list[Post] = field(default_factory=list)
    _events: "itertools.count[int]" = field(default_factory=lambda: itertools.count(5_000_001))
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        for n in range(DRIVERS):
            dice = random.Random(self.seed * 77 + n)
            self._threads.append(threading.Thread(target=self._drive, args=(dice,), name=f"caller {n}", daemon=True))
        for thread in self._threads:
            thread.start()

    def allow(self, share: float) -> None:
        """So much of all may have been made by now."""
        with self.door.change:
            self._allowed = max(self._allowed, int(share * len(self.planned)))
            self.door.change.notify_all()

    def wait(self, timeout: float) -> bool:
        """Everything is made and answered 200; False when that takes too long."""
        return joined(self._threads, timeout)

    @property
    def stopped(self) -> set[str]:
        """Who wrote STOP."""
        return {call.who for call in self.made if call.kind == "stop"}

    def count(self, *kinds: str) -> int:
        return sum(1 for call in self.made if call.kind in kinds)

    def trickle(self) -> None:
        """One more call for somebody who did not stop: life goes on, so statuses of later messages come."""
        counts = Counter(call.who for call in self.made if call.kind == "link" and call.who not in self.stopped)
        who = sorted(counts)[self._trickled % len(counts)]
        self._trickled += 1
        self._make(Call("link", who, counts[who] + 1), random.Random(self._trickled))

    # ---- a driver ------------------------------------------------------------------------------------------------
    def _drive(self, dice: random.Random) -> None:
        while (call := self._next()) is not None:
            self._make(call, dice)
            if self._old and dice.random() < AGAIN:
                old = dice.choice(self._old)
                self.door.repeat(old.path, old.body, old.headers)
        self.door.leave()

    def _next(self) -> Call | None:
        with self.door.change:
            while not self.door.ended.is_set() and self._given < len(self.planned):
                if self._given < self._allowed:
                    self._given += 1
                    return self.planned[self._given - 1]
                self.door.change.wait()
            return None

    def _make(self, call: Call, dice: random.Random) -> None:
        if call.kind == "stop":
            post(self.door, json.dumps(webhook([(call.who, STOP)], dice)).encode())
        else:
            made = self._moved(call) if call.kind == "deal" else self._called(call)
            self.door.deliver(made.path, made.body, made.headers)
            if len(self._old) < KEPT:
                self._old.append(made)
        self.made.append(call)

    def _called(self, call: Call) -> Post:
        link = self.links[call.kind]
        body = json.dumps({"phone": f"+{call.who}", "n": str(call.n)}).encode()
        headers = {"Authorization": f"Bearer {link.secret}", "Idempotency-Key": f"{call.kind}-{call.who}-{call.n}"}
        return Post(link.path, body, lambda: headers)

    def _moved(self, call: Call) -> Post:
        """The deal is moved, and HubSpot tells of it."""
        deal = self.deals[call.who, call.n]
        self.sandbox.change("hubspot", "deals", deal, {"dealstage": STAGE})
        event = {
            "eventId": next(self._events), "subscriptionId": 7, "portalId": PORTAL, "appId": 1, "attemptNumber": 0,
            "occurredAt": int(time.time() * 1000), "subscriptionType": "object.propertyChange", "objectTypeId": "0-3",
            "changeSource": "CRM_UI", "sourceId": "userId:7", "objectId": int(deal), "propertyName": "dealstage",
            "propertyValue": STAGE, "isSensitive": False,
        }  # fmt: skip
        body = json.dumps([event]).encode()
        return Post(HUBSPOT, body, lambda: self._signed(body))

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp, url = str(int(time.time() * 1000)), f"http://127.0.0.1:{self.door.port}{HUBSPOT}"
        found = {"X-HubSpot-Request-Timestamp": stamp, "X-HubSpot-Signature-Version": "v3"}
        return found | {"X-HubSpot-Signature-v3": sign(SECRET, url, body, stamp)}
