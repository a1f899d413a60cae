"""A broadcast foretold: who would get it, who not and why, until when it takes, what it costs. Writes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.core import phone as phones
from connector.core.prices import Prices
from connector.pipeline.broadcasts.audience import Reader
from connector.pipeline.broadcasts.look import TWICE, Judged, Look
from connector.pipeline.sending.pacing import DEFAULT
from connector.ports import Clock
from connector.store import broadcast_facts
from connector.store.engine import Store

EXAMPLES = 5  # rows shown of each reason
HELD = 24  # times told one by one until which messages wait
ODD = 200  # rows named one by one with their lines
DAY = timedelta(hours=24)
TIERS: Mapping[str, int | None] = {  # unique people in 24 hours; Graph docs, messaging limits, checked 2026-09
    "TIER_50": 50, "TIER_250": 250, "TIER_1K": 1000, "TIER_2K": 2000, "TIER_10K": 10_000, "TIER_100K": 100_000,
    "TIER_UNLIMITED": None,
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What the rows came to so far."""

    read: int = 0
    sendable: int = 0
    held: Counter[datetime] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    words: dict[str, str] = field(default_factory=dict)  # code -> the first reason
    odd: list[dict[str, Any]] = field(default_factory=list)
    paid: Counter[tuple[str, str]] = field(default_factory=Counter)  # (category, country)
    numbers: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, Any]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def add(self, judged: Iterable[Judged]) -> None:
        for one in judged:
            self.read += 1
            keys = {hash(key) for key in (one.contact, one.to) if key}
            if not one.code and keys & self.seen:
                one.refuse("duplicate", TWICE)
            if one.code:
                self._refused(one)
                continue
            self.seen |= keys
            self._planned(one)

    def _refused(self, one: Judged) -> None:
        self.refused[one.code] += 1
        self.words.setdefault(one.code, one.reason)
        if self.shown[one.code] < EXAMPLES * 4 and len(self.odd) < ODD:
            self.shown[one.code] += 1
            told = {"line": one.entry.line, "phone": one.to or one.entry.phone, "name": one.entry.name}
            self.odd.append(told | {"code": one.code, "reason": one.reason[:300]})

    def _planned(self, one: Judged) -> None:
        row = one.row
        if row["state"] == "waiting":
            self.held[row["next_at"]] += 1
        else:
            self.sendable += 1
        self.numbers[row["number"]] += 1
        self.paid[str(row["category"]).lower(), country_of(row) or ""] += 1
        if len(self.samples) < EXAMPLES and row["body"]:
            self.samples.append({"to": one.to, "name": one.entry.name, "body": row["body"]})


@dataclass(slots=True)
class Forecaster:
    """Looks through the whole list once."""

    store: Store
    look: Look
    reader: Reader
    clock: Clock
    prices: Prices

    def run(self, progress: Callable[[int, int | None], None]) -> dict[str, Any]:
        """The forecast as JSON."""
        tally, total = Tally(), None
        for part in self.reader.parts():
            with self.store.read() as conn:
                tally.add(self.look.judge(conn, part.entries, self.clock.now()))
            total = part.total or total
            progress(tally.read, max(total or 0, tally.read))
            if part.cursor is None:
                break
        return self._told(tally)

    def _told(self, tally: Tally) -> dict[str, Any]:
        now = self.clock.now()
        held = sorted(tally.held.items())
        number = tally.numbers.most_common(1)[0][0] if tally.numbers else ""
        with self.store.read() as conn:
            facts = broadcast_facts.of_number(conn, number, now)
        pace = facts.throughput or DEFAULT
        limit = TIERS.get(facts.tier)
        left = None if limit is None else max(0, limit - facts.used)
        ends = finish(now, tally.sendable, held, pace, limit, left)
        return {
            "at": now.isoformat(), "read": tally.read, "sendable": tally.sendable, "held": sum(tally.held.values()),
            "held_until": [{"until": at.isoformat(), "count": n} for at, n in held[:HELD]],
            "held_last": held[-1][0].isoformat() if held else None,
            "refused": sum(tally.refused.values()),
            "reasons": [{"code": c, "count": n, "reason": tally.words[c]} for c, n in tally.refused.most_common()],
            "rows": tally.odd, "samples": tally.samples, "number": number, "tier": facts.tier, "tier_limit": limit,
            "tier_used": facts.used, "tier_left": left, "pace": pace, "ends_at": ends.isoformat(),
            "open_before": facts.open, "cost": cost(tally.paid, self.prices),
        }  # fmt: skip


def country_of(row: Mapping[str, Any]) -> str | None:
    """Of the phone, else of the user id, which begins with it."""
    if row["to"]:
        return phones.country(str(row["to"]))
    head = str(row["user_id"] or "").partition(".")[0]
    return head if len(head) == 2 else None


def finish(
    now: datetime, sendable: int, held: Sequence[tuple[datetime, int]], pace: float, limit: int | None, left: int | None
) -> datetime:
    """When the last one has left: by the number's pace, what quiet hours hold back, and Meta's limit of 24 hours."""
    free = now + timedelta(seconds=sendable / pace)
    for at, n in held:
        free = max(free, at) + timedelta(seconds=n / pace)
    over = sendable + sum(n for _, n in held) - (left or 0)
    if limit and left is not None and over > 0:
        free = max(free, now + DAY * -(-over // limit))
    return free


def cost(paid: Mapping[tuple[str, str], int], prices: Prices) -> dict[str, Any]:
    """By category and country; what has no price is named and not guessed."""
    lines, unknown, total = [], 0, Decimal(0)
    for (category, country), n in sorted(paid.items(), key=lambda item: -item[1]):
        price = prices.price(country, category)
        amount = None if price is None else price * n
        total += amount or 0
        unknown += n if price is None else 0
        lines.append({
            "category": category, "country": country, "count": n, "price": _text(price), "amount": _text(amount),
        })  # fmt: skip
    return {
        "currency": prices.currency, "effective": prices.effective.isoformat(), "total": _text(total),
        "without_price": unknown, "lines": lines,
    }  # fmt: skip


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
