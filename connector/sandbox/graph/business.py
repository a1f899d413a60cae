"""The made-up business at Meta: its number, templates, customers, and every message either side sent."""

import random
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connector.sandbox.graph.customers import SETTABLE, Customer, Sent, Wrote, newcomer, spellings
from connector.sandbox.graph.errors import TOO_MANY, GraphError
from connector.sandbox.graph.media import WEEK, Shelf, heard
from connector.sandbox.graph.replies import ANSWERS_LAST, AnswerError, build
from connector.sandbox.graph.settings import DISPLAY, PHONE_ID, PROFILE, WINDOW, GraphOptions
from connector.sandbox.graph.templates import Template, seed
from connector.sandbox.graph.webhooks import Mess, MetaWebhooks, Update
from connector.sandbox.world import World

KEPT = 100_000  # sent messages remembered
CLOSED = ("reaction", "system")  # these open no window
PAIR = (45, 1 / 6)  # messages to one person: a burst of 45, then one every 6 seconds
SLACK = 1.05  # a number's throughput: a caller that counts the same second differs by what the network does to it


@dataclass
class Bucket:
    """Room for `size` at once, refilled at `rate` a second."""

    size: float
    rate: float
    left: float = -1.0
    at: float = 0.0

    def take(self, now: float) -> bool:
        """Whether there was room for one more."""
        self.left = self.size if self.left < 0 else min(self.size, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass
class Second:
    """Room for so many in any one second."""

    taken: deque[float] = field(default_factory=deque)

    def take(self, now: float, most: int) -> bool:
        """Whether there was room for one more."""
        while self.taken and self.taken[0] <= now - 1:
            self.taken.popleft()
        if len(self.taken) >= most:
            return False
        self.taken.append(now)
        return True


@dataclass
class State:
    """Everything a reset forgets."""

    templates: dict[str, Template] = field(default_factory=lambda: {t["id"]: t for t in seed()})
    customers: dict[str, Customer] = field(default_factory=dict)
    sent: OrderedDict[str, Sent] = field(default_factory=OrderedDict)
    quality: str = "GREEN"
    shelf: Shelf = field(default_factory=Shelf)
    marked: dict[str, dict[str, Any]] = field(default_factory=dict)  # wamid the business has read -> when, and typing
    profile: dict[str, Any] = field(default_factory=lambda: dict(PROFILE))
    deleted: dict[tuple[str, str], float] = field(default_factory=dict)  # a deleted template's name and language: when
    edited: dict[str, float] = field(default_factory=dict)  # a template's id: when its text was last changed
    seconds: dict[str, Second] = field(default_factory=dict)
    pairs: dict[tuple[str, str], Bucket] = field(default_factory=dict)


class Business:
    """State and its rules. `lock` is held by whoever reads or changes `state`."""

    def __init__(self, world: World, options: GraphOptions) -> None:
        self.world = world
        self.options = options
        self._start = replace(options)
        self.lock = threading.RLock()
        self.state = State()
        self.webhooks = MetaWebhooks(world, options)
        self.dice = random.Random(options.seed)  # noqa: S311

    def reset(self) -> None:
        """Back to the seed."""
        with self.lock:
            self.state = State()
            self.options.restore(self._start)
            self.dice.seed(self.options.seed)
            self.webhooks.reset()

    def customer(self, key: str) -> Customer:
        """By wa_id in any national spelling, or by BSUID; somebody unknown is made up."""
        with self.lock:
            people = self.state.customers
            if "." in key:
                found = next((person for person in people.values() if person.user_id == key), None)
                return found or people.setdefault(key, newcomer("", key))
            known = next((people[spelling] for spelling in spellings(key) if spelling in people), None)
            return known or people.setdefault(key, newcomer(key))

    def describe(self, key: str, fields: Mapping[str, Any]) -> Customer:
        """Set what is known of a customer; ValueError for what a customer does not have."""
        wrong = [name for name, value in fields.items() if not isinstance(value, SETTABLE.get(name, ()))]
        if wrong:
            raise ValueError(f"a customer has no {wrong[0]} like that; settable: {', '.join(SETTABLE)}")
        with self.lock:
            customer = self.customer(key)
            for name, value in fields.items():
                setattr(customer, name, value)
            return customer

    def room(self, number: str, customer: Customer) -> None:
        """Count one message against Meta's two rate limits; raises GraphError when there is no room."""
        now, limit = self.world.now(), self.options.limit
        if limit and not self.state.seconds.setdefault(number, Second()).take(now, int(limit * SLACK)):
            raise GraphError(130429, TOO_MANY)
        if not self.state.pairs.setdefault((number, customer.key), Bucket(*PAIR)).take(now):
            raise GraphError(131056, "Too many messages were sent from this number to the same person in a short time")

    def window_open(self, number: str, customer: Customer) -> bool:
        """Whether the customer wrote to this number in the last 24 hours."""
        return self.world.now() - customer.wrote_at.get(number, float("-inf")) < WINDOW

    def keep(self, sent: Sent, customer: Customer) -> None:
        """Remember a message the business sent."""
        self.state.sent[sent.wamid] = sent
        customer.last_sent[sent.number] = sent.wamid
        customer.talk.append(sent)
        while len(self.state.sent) > KEPT:
            self.state.sent.popitem(last=False)

    def hear(self, key: str, answer: Mapping[str, Any], wamid: str) -> Update:
        """A customer writes: the update that goes into a webhook. AnswerError for what nobody can do."""
        number = str(answer.get("number", PHONE_ID))
        with self.lock:
            customer = self.describe(key, {name: answer[name] for name in SETTABLE if answer.get(name) is not None})
            sent_id = answer.get("reply_to") or self._last(customer, number, answer)
            message = build(answer, self.state.sent.get(sent_id or ""))
            if (brought := heard(answer, message)) is not None:
                self.state.shelf.keep(brought[1], brought[2], self.world.now() + WEEK, brought[0])
            at = int(answer.get("timestamp") or self.world.now())
            if message["type"] not in CLOSED:
                customer.wrote_at[number] = max(customer.wrote_at.get(number, 0.0), float(at))
            item = {**_sender(customer, message["type"]), "id": wamid, "timestamp": str(at), **message}
            if sent_id and "reaction" not in answer:
                item = {"context": {"from": display_of(number), "id": sent_id}, **item}
            customer.talk.append(Wrote(wamid, float(at), item))
            contact = None if message["type"] == "system" else customer.profile()
            return Update("messages", "messages", item, number, display_of(number), contact)

    def prefer(self, key: str, value: str) -> Update:
        """A customer stops or resumes marketing in WhatsApp's own settings."""
        if value not in ("stop", "resume"):
            raise AnswerError('marketing is "stop" or "resume"')
        with self.lock:
            customer = self.describe(key, {"marketing": value == "resume"})
            contact = customer.profile()
            item = {
                **{name: value for name, value in contact.items() if name != "profile"},
                "detail": f"User requested to {value} marketing messages",
                "category": "marketing_messages",
                "value": value,
                "timestamp": int(self.world.now()),
            }
            return Update("user_preferences", "user_preferences", item, PHONE_ID, DISPLAY, contact)

    def deliver(self, updates: list[Update], mess: Mess | None = None) -> bool:
        """Post updates as one webhook; False when nobody is subscribed."""
        return self.webhooks.deliver(updates, mess=mess)

    def tell(self, status: Update, after: float) -> None:
        """One status, in `after` seconds: alone, or with the others that are due by then."""
        self.webhooks.gather(status, after) if self.options.status_batch else self.webhooks.deliver([status], after)

    def _last(self, customer: Customer, number: str, answer: Mapping[str, Any]) -> str | None:
        if "reply_to" in answer or not any(kind in answer for kind in ANSWERS_LAST):
            return None  # "reply_to": null is an answer that names no message
        return customer.last_sent.get(number)


def _sender(customer: Customer, kind: str) -> dict[str, str]:
    """Who wrote; a phone that is hidden is absent, and a system message names no BSUID outside its own part."""
    phone = {} if customer.hides_phone or not customer.wa_id else {"from": customer.wa_id}
    return phone if kind == "system" else {**phone, "from_user_id": customer.user_id}


def display_of(number: str) -> str:
    """Our number as webhooks write it; a number that is not ours gets one made of its id."""
    return DISPLAY if number == PHONE_ID else "1555" + number[-7:].rjust(7, "0")
