"""Meta's webhooks: many updates in one envelope, signed over its bytes, and the handshake before any is sent."""

import hashlib
import heapq
import hmac
import itertools
import json
import random
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import urllib3

from connector.sandbox.graph.settings import WABA, GraphOptions
from connector.sandbox.poster import Webhook
from connector.sandbox.world import World

MOST_UPDATES = 1000  # in one POST, and at most 3 MB: webhooks overview, checked 2026-09
MOST_BYTES = 3 * 1024 * 1024
IN_A_CHANGE, IN_AN_ENTRY = 50, 4  # Meta says nothing of how it groups them: some of each, so that all loops are run


@dataclass(frozen=True)
class Update:
    """One thing that happened. `key` is the list of the value it goes into; account fields have none."""

    field: str
    key: str | None
    item: Mapping[str, Any]
    number: str = ""
    display: str = ""
    contact: Mapping[str, Any] | None = None

    @property
    def group(self) -> tuple[str, str, str | None]:
        """Updates of one group may share a change."""
        return self.field, self.number, self.key


@dataclass(frozen=True)
class Mess:
    """How untidy delivery is: the share of updates that come twice, and whether a batch keeps its order."""

    duplicate: float = 0.0
    shuffle: bool = False
    seed: int | None = None


class MetaWebhooks:
    """`deliver` builds, signs and posts. Nothing goes out while no URL is set or the app is not subscribed."""

    def __init__(self, world: World, options: GraphOptions) -> None:
        self._world = world
        self._options = options
        self._dice = random.Random(options.seed)  # noqa: S311
        self.subscribed = True
        self._gathered: list[tuple[float, int, Update]] = []  # a heap of statuses by when they are due
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._order = itertools.count()
        self._posting = False

    def reset(self) -> None:
        """Subscribed, and nothing gathered."""
        with self._lock:
            self._gathered.clear()
        self._dice.seed(self._options.seed)
        self.subscribed = True

    @property
    def on(self) -> bool:
        """Whether webhooks go anywhere."""
        return self.subscribed and "graph" in self._world.urls

    def deliver(self, updates: Sequence[Update], after: float = 0.0, mess: Mess | None = None) -> bool:
        """Post the updates as one webhook, in `after` seconds; False when nobody is subscribed."""
        if not self.on:
            return False
        mess = mess or Mess(self._options.duplicate, self._options.shuffle)
        dice = self._dice if mess.seed is None else random.Random(mess.seed)  # noqa: S311
        several = [u for update in updates for u in [update] * (2 if dice.random() < mess.duplicate else 1)]
        if mess.shuffle:
            dice.shuffle(several)
        body = envelope(several[:MOST_UPDATES], int(self._world.now() + after))
        for _ in range(2 if dice.random() < mess.duplicate else 1):
            self._world.post(self._webhook(body), after)
        return True

    def gather(self, update: Update, after: float) -> None:
        """Post it in `after` seconds, in one webhook with whatever else is due by then."""
        with self._lock:
            heapq.heappush(self._gathered, (time.monotonic() + after, next(self._order), update))
            started, self._posting = self._posting, True
        if not started:
            threading.Thread(target=self._post_gathered, name="statuses", daemon=True).start()

    def settled(self, timeout: float) -> bool:
        """Wait until nothing is gathered."""
        with self._settled:
            return self._settled.wait_for(lambda: not self._posting, timeout)

    def _post_gathered(self) -> None:
        while True:
            time.sleep(self._options.status_batch or 0.01)
            with self._lock:
                due: list[Update] = []
                while self._gathered and self._gathered[0][0] <= time.monotonic() and len(due) < MOST_UPDATES // 2:
                    due.append(heapq.heappop(self._gathered)[2])
                if not self._gathered and not due:
                    self._posting = False
                    self._settled.notify_all()
                    return
            if due:
                self.deliver(due)

    def handshake(self, url: str, verify_token: str | None = None) -> None:
        """Ask the URL for its challenge back; ValueError when it does not answer as Meta wants."""
        challenge = str(secrets.randbelow(10**10))
        token = verify_token or self._options.verify_token
        fields = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token}
        try:
            found = urllib3.request("GET", url, fields=fields, timeout=10, retries=False, redirect=False)
        except urllib3.exceptions.HTTPError as failure:
            raise ValueError(f"{url} could not be verified: {type(failure).__name__}") from failure
        if found.status != 200 or found.data != challenge.encode():
            raise ValueError(f"{url} could not be verified: it answered {found.status}, not 200 with the challenge")

    def _webhook(self, body: bytes) -> Webhook:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": sign(self._options.app_secret, body),
        }
        return Webhook("graph", self._world.urls["graph"], lambda _attempt: body, lambda _url, _body: headers)


def sign(secret: str, body: bytes) -> str:
    """The value of X-Hub-Signature-256 for these bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def envelope(updates: Sequence[Update], at: int) -> bytes:
    """The body of one webhook; raises ValueError over Meta's own size limit."""
    changes = [change for _, alike in groupby(updates, lambda u: u.group) for change in _changes(list(alike))]
    entries = []
    for start in range(0, len(changes), IN_AN_ENTRY):
        some = changes[start : start + IN_AN_ENTRY]
        about_account = any("metadata" not in change["value"] for change in some)
        entries.append({"id": WABA, **({"time": at} if about_account else {}), "changes": some})
    document = {"object": "whatsapp_business_account", "entry": entries}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MOST_BYTES:
        raise ValueError(f"the webhook would be {len(body)} bytes, Meta sends at most {MOST_BYTES}")
    return body


def _changes(alike: list[Update]) -> list[dict[str, Any]]:
    if alike[0].key is None:
        return [{"value": dict(update.item), "field": update.field} for update in alike]
    return [_change(alike[start : start + IN_A_CHANGE]) for start in range(0, len(alike), IN_A_CHANGE)]


def _change(some: list[Update]) -> dict[str, Any]:
    first = some[0]
    metadata = {"display_phone_number": first.display, "phone_number_id": first.number}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata}
    contacts = {str(update.contact.get("user_id")): update.contact for update in some if update.contact}
    if contacts:
        value["contacts"] = list(contacts.values())
    value[str(first.key)] = [update.item for update in some]
    return {"value": value, "field": first.field}
