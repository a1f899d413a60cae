"""The metrics by name: one moment's measures as Prometheus reads them. Labels are few: accounts, stages, codes."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from connector.store import totals
from connector.store.measures import Measures
from connector.store.tables import to_ms

TIERS = {"TIER_50": 50, "TIER_250": 250, "TIER_1K": 1000, "TIER_2K": 2000, "TIER_10K": 10_000, "TIER_100K": 100_000}
MOST_CODES = 100  # of one metric; the rarest beyond are told as `other`
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
Labels = Sequence[str]
Family = Iterator[Metric]


class _One(Collector):
    """One moment; a registry asks it once."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def text(found: Measures, alive: Mapping[str, float], version: str, now: datetime) -> bytes:
    """`alive`: what the database cannot tell: {"redis": 1 | 0, "workers": how many}."""
    registry = CollectorRegistry(auto_describe=False)
    families = [*_stages(found, now), *_totals(found), *_limits(found), *_state(found, alive, version, now)]
    registry.register(_One(families))
    return generate_latest(registry)


def gauge(name: str, about: str, labels: Labels, rows: Iterable[tuple[Labels, float]]) -> Metric:
    family = GaugeMetricFamily(f"connector_{name}", about, labels=labels)
    for values, n in rows:
        family.add_metric(values, n)
    return family


def counter(name: str, about: str, labels: Labels, rows: Iterable[tuple[Labels, float]]) -> Metric:
    """Its samples are called <name>_total; rows of equal labels are one."""
    family, sums = CounterMetricFamily(f"connector_{name}", about, labels=labels), dict[tuple[str, ...], float]()
    for values, n in rows:
        sums[tuple(values)] = sums.get(tuple(values), 0) + n
    for key in sorted(sums):
        family.add_metric(list(key), sums[key])
    return family


def bounded(rows: Sequence[tuple[tuple[str, ...], float]]) -> list[tuple[tuple[str, ...], float]]:
    """The last label is a code: those that look like one, and of these the most frequent; the rest is `other`."""
    tidy = [((*key[:-1], key[-1] if _CODE.fullmatch(key[-1]) else "other"), n) for key, n in rows]
    tidy.sort(key=lambda row: -row[1])
    return tidy[:MOST_CODES] + [((*key[:-1], "other"), n) for key, n in tidy[MOST_CODES:]]


# ---- what waits --------------------------------------------------------------------------------------------------
def _stages(found: Measures, now: datetime) -> Family:
    ages = [((lag.stage,), max(0.0, (now - lag.since).total_seconds()) if lag.since else 0.0) for lag in found.lags]
    yield gauge("lag_seconds", "Age of the oldest work that waits, by stage; 0 = nothing waits.", ["stage"], ages)
    about = "Rows that wait and whose time has come, by stage; 10000 = so many or more."
    yield gauge("waiting", about, ["stage"], [((stage,), n) for stage, n in found.waiting.items()])
    about = "Messages that have not ended, by state; 10000 = so many or more."
    yield gauge("sends_open", about, ["state"], [((state,), n) for state, n in found.open_sends.items()])


# ---- what happened, ever -----------------------------------------------------------------------------------------
def _totals(found: Measures) -> Family:
    def of(name: str) -> list[tuple[tuple[str, str], float]]:
        return [((row.a, row.b), row.n) for row in found.totals if row.name == name]

    def named(name: str) -> list[tuple[tuple[str, str], float]]:
        return [((found.names.get(a, "gone"), b), n) for (a, b), n in of(name)]

    def first(name: str) -> list[tuple[tuple[str], float]]:
        return [((a,), n) for (a, _), n in of(name)]

    heard = [((account,), n) for (account, _), n in named(totals.DELIVERIES)]
    yield counter("deliveries", "Webhooks stored, by account; up to a minute late.", ["account"], heard)
    yield counter("events", "Events made of webhooks and timers, by kind.", ["kind"], bounded(first(totals.EVENTS)))
    about = "CRM writes that ended, by account and outcome."
    yield counter("changes", about, ["account", "outcome"], named(totals.CHANGES))
    about = "Requests to WhatsApp, by account and what they came to."
    yield counter("send_requests", about, ["account", "outcome"], named(totals.SENDS))
    about = "Messages that ended without being delivered, by state."
    yield counter("sends_ended", about, ["state"], bounded(first(totals.ENDED)))
    yield counter("statuses", "What WhatsApp told of messages, by status.", ["status"], bounded(first(totals.STATUSES)))
    about = "Messages and CRM writes refused or failed, by code."
    yield counter("refusals", about, ["what", "code"], bounded(of(totals.REFUSALS)))
    refused = bounded([((name.removeprefix("refused."),), n) for name, n in found.refused_calls.items()])
    yield counter("refused_calls", "Calls of webhooks that were turned away, by reason.", ["reason"], refused)


# ---- limits ------------------------------------------------------------------------------------------------------
def _limits(found: Measures) -> Family:
    usage = [
        ((found.names[id_], found.kinds.get(id_, ""), limit), pair)
        for id_, limits in found.usage.items() if id_ in found.names for limit, pair in limits.items()
    ]  # fmt: skip
    labels = ["account", "system", "limit"]
    about = "Calls of a CRM's limit that are used, as its last answer said."
    yield gauge("api_limit_used", about, labels, [(key, pair[0]) for key, pair in usage])
    about = "Calls that a CRM's limit allows."
    yield gauge("api_limit_allowed", about, labels, [(key, pair[1]) for key, pair in usage])
    mine = [(row, found.names.get(row.account, row.name or "gone")) for row in found.numbers]
    speeds = [((name,), float(row.throughput)) for row, name in mine if row.throughput]
    yield gauge("number_throughput", "Messages a second that WhatsApp allows the number.", ["account"], speeds)
    tiers = [((name,), float(TIERS[row.tier])) for row, name in mine if row.tier in TIERS]
    about = "People a day the number may write to outside the window; absent = unlimited."
    yield gauge("number_tier", about, ["account"], tiers)
    looks = [((name, row.quality), 1.0) for row, name in mine if row.quality]
    yield gauge("number_quality", "Quality of the number: GREEN, YELLOW or RED.", ["account", "quality"], looks)
    health = [((name, row.health), 1.0) for row, name in mine if row.health]
    yield gauge("number_health", "May the number send: AVAILABLE, LIMITED, BLOCKED.", ["account", "health"], health)
    states = [((status or "unknown",), n) for status, n in found.templates.items()]
    yield gauge("templates", "Templates by Meta's status.", ["status"], states)


# ---- state -------------------------------------------------------------------------------------------------------
def _state(found: Measures, alive: Mapping[str, float], version: str, now: datetime) -> Family:
    def sums(name: str, about: str, rows: Mapping[str, int]) -> Metric:
        return gauge(name, about, ["code"], bounded([((code,), float(n)) for code, n in rows.items()]))

    yield sums("findings", "What needs mending, by code.", found.findings)
    yield sums("broken_promises", "Invariants that do not hold, as the doctor last found.", found.broken)
    yield sums("alarms", "Alarms that ring, by code.", found.alarms)
    about = "1 for the state an account is in: ok, paused, needs_person."
    states = [((found.names[id_], found.kinds[id_], state), 1.0) for id_, state in sorted(found.states.items())]
    yield gauge("account_state", about, ["account", "system", "state"], states)
    yield _single("redis_up", "1 = Redis answers.", alive["redis"])
    yield _single("workers", "Workers that listen, as Redis knows; 0 while it is away.", alive["workers"])
    yield _single("events_stored", "Events in the database.", found.events)
    yield _single("deliveries_stored", "Webhooks in the database.", found.deliveries)
    yield _single("database_bytes", "Size of the database.", found.bytes)
    if found.chored_at is not None:
        about = "Seconds since a regular chore was begun: clock and workers are alive."
        yield _single("chores_seconds", about, (now - found.chored_at).total_seconds())
    if found.backup is not None:
        yield _single("backup_timestamp_seconds", "When the last backup was finished.", to_ms(found.backup) / 1000)
    info = InfoMetricFamily("connector_build", "Version of the program and of the database's tables.")
    info.add_metric([], {"version": version, "schema": found.schema})
    yield info


def _single(name: str, about: str, value: float) -> Metric:
    return gauge(name, about, [], [([], float(value))])


def maker(
    load: Callable[[], tuple[Measures, datetime]], alive: Callable[[], Mapping[str, float]], version: str
) -> Callable[[], bytes]:
    """What makes the text of one scrape."""

    def make() -> bytes:
        found, now = load()
        return text(found, alive(), version, now)

    return make
