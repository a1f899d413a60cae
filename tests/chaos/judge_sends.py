"""What WhatsApp heard decides, every cause one message: by somebody who reads its ledger and knows no tables.

Our own word counts in one place only: a message that may have gone twice must carry the label that says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from tests.chaos.calls import QUIET, Call

Entry = Mapping[str, Any]
RESENT, FOR_PERSON = "resent_after_unknown", "for_person"
RANKS = {"": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}


class Key(NamedTuple):
    """Which message this is: its customer, and the two values the documents fill in."""

    kind: str
    who: str
    n: int


@dataclass(slots=True)
class Heard:
    """All requests for one message."""

    ids: set[str] = field(default_factory=set)  # biz_opaque_callback_data
    accepted: int = 0  # an answer that was lost does not unsend it
    dropped: int = 0  # lost before anybody read it
    refused: int = 0
    unasked: int = 0  # refused although nobody asked the stand-in to: too fast, too often, or not as it wants it


@dataclass(slots=True)
class SendVerdict:
    """Nothing wrong = the first numbers 0 and no words; the others are told."""

    lost: int = 0
    doubled: int = 0
    after_stop: int = 0
    quiet: int = 0
    wrong: list[str] = field(default_factory=list)
    sends: int = 0
    resent: int = 0  # labelled; `twice` of them reached WhatsApp both times
    twice: int = 0
    stopped: int = 0  # not sent, for the customer wrote STOP
    held: int = 0  # sent once more and lost again: a person decides

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.after_stop or self.quiet or self.wrong)


def judge_sends(
    ledger: Iterable[Entry],
    made: Sequence[Call],
    labels: Mapping[str, str],
    after: Mapping[str, int],
    held: Set[Key] = frozenset(),
) -> SendVerdict:
    """`made`: every call that was answered 200; `after`: {customer: attempts after their opt-out}; `held`: messages a
    person must decide on, which WhatsApp may never have heard of."""
    heard = listen(ledger)
    wanted = {Key(call.kind, call.who, call.n) for call in made if call.kind not in (*QUIET, "stop")}
    stopped = {call.who for call in made if call.kind == "stop"}
    verdict = SendVerdict(sends=len(wanted), after_stop=sum(after.values()), resent=len(labels))
    for key in sorted(wanted):
        if key in held and key not in heard:
            verdict.held += 1
            continue
        _weigh(key, heard.get(key, Heard()), key.who in stopped, labels, verdict)
    unasked = sum(one.unasked for one in heard.values())
    if unasked:
        verdict.wrong.append(f"WhatsApp itself refused {unasked} requests")
    for key in sorted(heard.keys() - wanted):
        if key.kind in QUIET:
            verdict.quiet += 1
        else:
            verdict.wrong.append(f"nobody asked for {key}")
    return verdict


def listen(ledger: Iterable[Entry]) -> dict[Key, Heard]:
    """The requests of the ledger, by what they are for."""
    found: dict[Key, Heard] = defaultdict(Heard)
    for entry in ledger:
        if entry["method"] != "POST" or not entry["path"].endswith("/messages") or not is_template(entry["body"]):
            continue
        heard = found[key_of(entry["body"])]
        heard.ids.add(entry["body"]["biz_opaque_callback_data"])
        heard.accepted += entry["status"] == 200
        heard.dropped += entry["status"] is None
        refused = entry["status"] not in (200, None)
        heard.refused += refused
        heard.unasked += refused and "fault" not in entry
    return dict(found)


def is_template(body: Any) -> bool:
    """What a conversation says is judged elsewhere (judge_talks)."""
    return isinstance(body, Mapping) and "template" in body


def key_of(body: Entry) -> Key:
    parts = {part["type"]: part["parameters"] for part in body["template"]["components"]}
    n, kind = (one["text"] for one in parts["body"])
    return Key(kind, body["to"].lstrip("+"), int(n))


def _weigh(key: Key, heard: Heard, stopped: bool, labels: Mapping[str, str], verdict: SendVerdict) -> None:
    said = {labels.get(id, "") for id in heard.ids}
    if len(heard.ids) > 1:
        verdict.wrong.append(f"{key} went out as {len(heard.ids)} messages")
    if heard.accepted and FOR_PERSON in said:
        verdict.wrong.append(f"{key} was accepted, and its statuses did not settle it")
    if not heard.accepted:
        held = said == {FOR_PERSON}
        verdict.held += held
        verdict.stopped += stopped and not held
        if not stopped and not held:
            verdict.lost += 1
            verdict.wrong.append(f"{key} is lost: {heard}")
    elif heard.accepted > 1:
        labelled = said == {RESENT} and heard.accepted == 2
        verdict.twice += labelled
        if not labelled:
            verdict.doubled += heard.accepted - 1
            verdict.wrong.append(f"{key} went out twice: {heard}")


# ---- what became of them, on the deals ---------------------------------------------------------------------------
def judge_truth(
    ledger: Iterable[Entry], messages: Iterable[Entry], deals: Mapping[tuple[str, int], str], stopped: Set[str],
    held: Set[Key] = frozenset(),
) -> list[str]:  # fmt: skip
    """Every deal ends at the furthest status of its message, `failed` where a STOP held it, and never goes back.

    One whose message a person must decide on (`held`) says nothing yet, also when its customer wrote STOP."""
    furthest: dict[Key, str] = {}
    for message in messages:
        if not is_template(message["message"]):
            continue
        names = [status["status"] for status in message["statuses"]]
        key = key_of(message["message"])
        furthest[key] = max([*names, furthest.get(key, "sent")], key=RANKS.__getitem__)
    series = _written(ledger)
    wrong = []
    for (who, n), deal in deals.items():
        values = ["", *series.get(deal, [])]
        key = Key("deal", who, n)
        should = furthest.get(key, "failed" if who in stopped and key not in held else "")
        if values[-1] != should:
            wrong.append(f"deal {n} of {who} says {values[-1]!r}, not {should!r}")
        if any(RANKS[b] < RANKS[a] for a, b in pairwise(values)):
            wrong.append(f"deal {n} of {who} went back: {values}")
    return wrong


def _written(ledger: Iterable[Entry]) -> dict[str, list[str]]:
    """{deal: what was written on it, in order}."""
    series: dict[str, list[str]] = defaultdict(list)
    for entry in ledger:
        if not entry["path"].endswith("/deals/batch/update") or entry["status"] not in range(200, 300):
            continue
        for one in entry["body"]["inputs"]:
            if str(one["id"]) in map(str, entry["record"]):
                series[str(one["id"])].append(one["properties"]["whatsapp_quote"])
    return series
