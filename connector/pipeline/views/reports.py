"""Reports: funnels, answer times, what was billed, goals and silences; by template, document or number."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from connector.core import export, prices, spread
from connector.core.reasons import REASONS
from connector.errors import Rejected
from connector.pipeline.chores.reckoning import ASKING, COUNTED, WORDS, idle
from connector.store import report_days, reporting, snapshots, waiting
from connector.store.conversation_lists import TALKS
from connector.store.engine import Store
from connector.store.figures import DAY, beginning
from connector.store.report_days import DIMENSIONS, REACHED
from connector.store.reporting import LEFT
from connector.store.states import ENDED

PERIODS = (7, 30, 90)  # days that are offered
LONGEST = 400  # days of one report
DELIVERED = ("delivered", "read")
FREE = "free"  # `pricing.type` of what costs nothing begins so
PAGE = 50
Sums = Counter[tuple[str, str]]
NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, UTC; `until` is the first day after it."""

    since: datetime
    until: datetime

    @property
    def days(self) -> int:
        return (self.until - self.since).days

    @property
    def last(self) -> datetime:
        return self.until - DAY


@dataclass(frozen=True, slots=True)
class Billed:
    """Messages of one category to one country that WhatsApp said the price of."""

    category: str
    country: str  # ISO; "" = not known
    paid: int
    free: int
    amount: str | None  # of the paid ones, by the price table; None = it knows no price


@dataclass(frozen=True, slots=True)
class Why:
    """How many ended without being sent or delivered, by reason."""

    code: str
    text: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One template, document or number; or all of them. A share of nothing is None."""

    key: str
    name: str
    planned: int  # all that were made
    waiting: int
    sent: int  # WhatsApp took it, whatever came after
    delivered: int
    read: int
    answered: int
    failed: int  # failed, refused, expired or cancelled
    unknown: int
    why: list[Why]
    asked: int  # left, and wait for an answer
    unanswered: int  # of these, those that have none
    median: float | None  # seconds to the answer
    p90: float | None
    paid: int
    free: int
    amount: str  # what the paid ones cost by the price table ...
    unpriced: int  # ... without these, whose price it does not know
    billed: list[Billed]
    aimed: int  # left, and have a goal
    reached: int
    silent: int  # people, by day, whose last message nobody answered

    def share(self, n: int) -> float | None:
        """Of what was sent."""
        return n / self.sent if self.sent else None


@dataclass(frozen=True, slots=True)
class Day:
    """The messages that were made on one day."""

    at: datetime
    sent: int
    failed: int


@dataclass(frozen=True, slots=True)
class Report:
    """`counted_at`: when the chore last looked; None = not yet."""

    period: Period
    by: str
    only: Mapping[str, str]
    total: Line
    lines: list[Line]
    days: list[Day]
    counted_at: datetime | None
    currency: str  # of the price table
    priced_at: str  # the day its prices are of


def period(now: datetime, days: str = "", since: str = "", until: str = "") -> Period:
    """The last `days` with today, or from one day to another, both included. Raises Rejected."""
    today = beginning(now, DAY)
    if since or until:
        first, last = _day(since) if since else None, _day(until) if until else today
        first = first or last - 29 * DAY
        if first > last:
            raise Rejected("The first day is after the last.", code="period", hint="Change the two.")
        if (last - first).days >= LONGEST:
            raise Rejected(f"A report has at most {LONGEST} days.", code="period", hint="Take a shorter time.")
        return Period(first, last + DAY)
    n = int(days) if days.isascii() and days.isdigit() and len(days) < 4 else 30 if not days else 0
    if not 1 <= n <= LONGEST:
        raise Rejected(f"A report has 1 to {LONGEST} days.", code="period", hint="Take 7, 30 or 90.")
    return Period(today - (n - 1) * DAY, today + DAY)


def _day(text: str) -> datetime:
    try:
        found = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Rejected(f"'{text[:40]}' is not a day.", code="period", hint="Write it as 2026-11-24.") from None
    if not 2000 <= found.year <= 2200:
        raise Rejected(f"'{text[:40]}' is too far away.", code="period", hint="Write it as 2026-11-24.")
    return found


def report(conn: Any, during: Period, by: str = "template", only: Mapping[str, str] | None = None) -> Report:
    """Everything of these days. `only`: of one template, document or number."""
    if by not in DIMENSIONS:
        raise Rejected(f"'{by[:40]}' is not what a report is by.", code="by", hint=f"Take {', '.join(DIMENSIONS)}.")
    kept = {name: value for name, value in (only or {}).items() if name in DIMENSIONS and value}
    found = report_days.by(conn, by, during.since, during.until, kept)
    shown = titles(conn) if by == "number" else {}
    kept_words = snapshots.get(conn, WORDS)
    words = kept_words[0] if kept_words else {}
    lines = [line(key, shown.get(key, key), sums, words) for key, sums in found.items()]
    lines.sort(key=lambda one: (-one.sent, -one.planned, one.name))
    total = line("", "", sum(found.values(), Counter()), words)
    days = report_days.days(conn, during.since, during.until, kept)
    drawn = [_drawn(at, days.get(at, Counter())) for at in _each(during)]
    counted = snapshots.get(conn, COUNTED)
    table = prices.shipped()
    at = counted[1] if counted else None
    return Report(during, by, kept, total, lines, drawn, at, table.currency, table.effective.isoformat())


def titles(conn: Any) -> dict[str, str]:
    """{phone_number_id: what people call it}."""
    return {one.number: one.name for one in waiting.senders(conn) if one.number}


def line(key: str, name: str, sums: Sums, words: Mapping[str, str] = NONE) -> Line:
    """The sums of one line, read as a funnel: what was read was delivered, what was delivered was sent."""
    state = {group: n for (what, group), n in sums.items() if what == "state"}
    after = {int(step): n for (what, step), n in sums.items() if what == "after"}
    billed = _billed(sums)
    return Line(
        key=key, name=name, planned=sum(state.values()), waiting=state.get("waiting", 0),
        sent=sum(state.get(g, 0) for g in LEFT), delivered=sum(state.get(g, 0) for g in DELIVERED),
        read=state.get("read", 0), answered=sums["answered", ""], failed=sum(state.get(g, 0) for g in ENDED),
        unknown=state.get("unknown", 0), why=_why(sums, words), asked=sums["asked", ""],
        unanswered=sums["unanswered", ""], median=spread.quantile(after, 0.5), p90=spread.quantile(after, 0.9),
        paid=sum(b.paid for b in billed), free=sum(b.free for b in billed), billed=billed,
        amount=_money(sum((Decimal(b.amount) for b in billed if b.amount), Decimal())),
        unpriced=sum(b.paid for b in billed if b.amount is None), aimed=sums["aimed", ""], reached=sums[REACHED, ""],
        silent=sums["silent", ""],
    )  # fmt: skip


def _why(sums: Sums, words: Mapping[str, str]) -> list[Why]:
    found = [Why(code, words.get(code) or _words(code), n) for (what, code), n in sums.items() if what == "ended" and n]
    return sorted(found, key=lambda one: (-one.n, one.code))


def _words(code: str) -> str:
    """The plain sentence of a code, without what was known of one message only."""
    return re.sub(r"\[[^\]]*\]", "", REASONS[code].text) if code in REASONS else ""


def _billed(sums: Sums) -> list[Billed]:
    found: dict[tuple[str, str], list[int]] = {}
    for (what, key), n in sums.items():
        if what == "price":
            kind, category, country = [*key.split("/"), "", ""][:3]
            found.setdefault((category, country), [0, 0])[kind.startswith(FREE)] += n
    ordered = sorted(found.items(), key=lambda one: (-one[1][0], -one[1][1], one[0]))
    return [
        Billed(category, country, paid, free, _amount(category, country, paid))
        for (category, country), (paid, free) in ordered
    ]


def _amount(category: str, country: str, paid: int) -> str | None:
    """Service messages cost what utility does, since 2026-10-01 (pricing page, 2026-11)."""
    price = prices.shipped().price(country, "utility" if category == "service" else category)
    return None if price is None else _money(price * paid)


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _each(during: Period) -> list[datetime]:
    return [during.since + n * DAY for n in range(during.days)]


def _drawn(at: datetime, state: Counter[str]) -> Day:
    return Day(at, sum(state[g] for g in LEFT), sum(state[g] for g in ENDED))


def ends(conn: Any, flow: str, now: datetime, days: int = 30) -> list[tuple[str, int]]:
    """(word, n) of a flow's conversations that began in these days, "" = they run; the most frequent first."""
    during = period(now, str(days))
    found = report_days.by(conn, "document", during.since, during.until, {"document": flow}).get(flow, Counter())
    words = [(word, n) for (what, word), n in found.items() if what == TALKS]
    return sorted(words, key=lambda one: (-one[1], one[0]))


# ---- CSV ---------------------------------------------------------------------------------------------------------
HEAD = (
    "day", "document", "template", "number", "planned", "waiting", "sent", "delivered", "read", "answered", "failed",
    "unknown", "asked", "unanswered", "answer_seconds_median", "answer_seconds_p90", "billed", "free", "cost",
    "cost_unknown_for", "with_goal", "goal_reached", "people_unanswered", "reasons", "billed_by",
)  # fmt: skip


def csv(store: Store, during: Period, only: Mapping[str, str]) -> Iterator[str]:
    """A row for each day, document, template and number. A day is read at a time: nobody holds the database up."""
    return export.lines(chain([HEAD], (row for day in _each(during) for row in _rows(store, day, only))))


def _rows(store: Store, day: datetime, only: Mapping[str, str]) -> list[tuple[export.Cell, ...]]:
    with store.read() as conn:
        found = report_days.lines(conn, day, only)
    return [(f"{day:%Y-%m-%d}", *place, *_cells(line("", "", sums))) for place, sums in sorted(found.items())]


def _cells(one: Line) -> tuple[export.Cell, ...]:
    return (
        one.planned, one.waiting, one.sent, one.delivered, one.read, one.answered, one.failed, one.unknown, one.asked,
        one.unanswered, _whole(one.median), _whole(one.p90), one.paid, one.free,
        one.amount, one.unpriced, one.aimed, one.reached, one.silent,
        "; ".join(f"{w.code} {w.n}" for w in one.why),
        "; ".join(f"{b.category} {b.country or '?'} {b.paid}" for b in one.billed if b.paid),
    )  # fmt: skip


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


# ---- who did not answer ------------------------------------------------------------------------------------------
def unanswered(conn: Any, now: datetime, before: str = "", days: int = 30) -> tuple[list[Any], str]:
    """The newest messages that wait for an answer and have none, and where the next page begins."""
    asking = (snapshots.get(conn, ASKING) or ([], now))[0]
    return reporting.unanswered(conn, asking, now - timedelta(days=days), before or "~", PAGE)


def silent(conn: Any, day: datetime) -> list[Any]:
    """The people of one day whose last message nobody answered, the newest first; at most PAGE."""
    found = conn.execute(reporting.silent(day, day + DAY).limit(PAGE * 4))
    return sorted((row for row in found if not idle(row.payload)), key=lambda one: one.received_at, reverse=True)[:PAGE]
