"""What an answer of WhatsApp makes of a send, and what must rest because of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.core import pace, retry
from connector.ports import Receipt
from connector.store.outcomes import Result
from connector.store.sending import Started

LOOK = timedelta(
    seconds=60
)  # an unknown send is left alone so long: its request may still be under way (read time-out 20 s)
LONGEST = 60.0  # seconds a number rests at most after refusals in a row
TEMPLATE = 3600.0  # seconds a template rests that Meta does not take
MARKETING_ONLY = frozenset({131049})  # Meta holds one category back from a person, not the others
STOPPED_MARKETING = 131050
Place = tuple[str, str]  # scope, key


@dataclass(frozen=True, slots=True)
class Rest:
    """One thing must rest. `account`: only a person can mend it."""

    place: Place
    until: datetime
    reason: str


def place_of(send: Started, receipt: Receipt) -> Place | None:
    """What rests besides this message."""
    if receipt.outcome == "not_sent":
        return "number", send.number
    key = {
        "number": send.number,
        "account": send.account,
        "template": f"{send.account}:{send.template}" if send.template else "",
        "contact": f"{send.lane}:{send.category}" if receipt.code in MARKETING_ONLY else send.lane,
    }.get(receipt.park)
    return (receipt.park, key) if key else None


def asks_person(receipt: Receipt) -> bool:
    """Token, permission, billing: the account rests until a person mends it, and nothing is dropped."""
    return receipt.outcome == "failed" and receipt.park == "account"


def rest_of(send: Started, receipt: Receipt, now: datetime, tries: Mapping[Place, int]) -> Rest | None:
    """How long it rests: as Meta says, longer with every refusal in a row of the same thing."""
    place = place_of(send, receipt)
    if place is None or asks_person(receipt):
        return None
    n = tries.get(place, 0)
    if receipt.outcome in ("not_sent", "again") and place[0] != "contact":
        wait = min(max(LONGEST, receipt.wait or 0.0), (receipt.wait or 1.0) * 2.0 ** min(n, 10))
    elif receipt.outcome == "again":
        wait = pace.backoff(n + 1).total_seconds()
    else:
        wait = receipt.wait if receipt.wait is not None else TEMPLATE
    return Rest(place, now + timedelta(seconds=wait), receipt.text)


def result(send: Started, receipt: Receipt, now: datetime, rest: Rest | None) -> Result:
    """The send's next state by the outcome; nothing that surely was not sent is given up."""
    code = f"graph_{receipt.code}" if receipt.code is not None else receipt.outcome
    if receipt.outcome == "accepted":
        return Result(send=send, outcome="accepted", state="accepted", wamid=receipt.wamid, label=receipt.held)
    if receipt.outcome == "failed" and not asks_person(receipt):
        return Result(send=send, outcome="failed", state="failed", code=code, reason=receipt.text, who=receipt.who)
    if receipt.outcome == "unknown":
        return Result(
            send=send, outcome="unknown", state="unknown", code=code, reason=receipt.text, who=receipt.who,
            next_at=now + LOOK,
        )  # fmt: skip
    until = rest.until if rest else retry.next_try(send.n, now, after=receipt.wait, base=1.0, cap=60.0) or now
    return Result(
        send=send, outcome=receipt.outcome, state="ready", code=code, reason=receipt.text, who=receipt.who,
        next_at=now if asks_person(receipt) else until,
    )  # fmt: skip
