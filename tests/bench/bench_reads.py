"""What the console reads, with a million events, 100,000 contacts and 400,000 sends, on both databases.

The settings are those of tests.bench.bench_console."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from connector.pipeline.views import activity, healthy, people, reviewing, sent
from connector.store import counts, days, document_lists, send_lists
from connector.store.engine import Store, open_store
from tests.bench import big, servers
from tests.bench.bench_console import address
from tests.bench.report import Result, Row

TRIES = 15
MOST = 100  # ms, the queries of one page
Read = Callable[[Any], Any]


def run() -> Result:
    """Both databases, one after the other."""
    share = float(os.environ.get("CONSOLE_SHARE", "1"))
    result, rounds = Result(), dict[str, Any]()
    for dialect in ("sqlite", "postgresql"):
        with ExitStack() as stack:
            home = stack.enter_context(servers.folder())
            url, kept, server = address(stack, dialect, home)
            took = 0.0 if kept else big.fill(url, share)
            store = open_store(url, home=home)
            stack.callback(store.close)
            rounds[dialect] = {"fill_s": round(took), **_measure(store, dialect, server, result)}
    result.rounds = rounds
    return result


def _measure(store: Store, dialect: str, server: int, result: Result) -> dict[str, Any]:
    now = datetime.now(UTC)
    chores = {
        "first tally": lambda: [days.tally(store) for _ in range(4)],
        "first figures": lambda: days.count(store, now),
        "tally": lambda: days.tally(store),
        "figures": lambda: days.count(store, now),
    }
    rounds: dict[str, Any] = {}
    for name, chore in chores.items():
        started = time.perf_counter()
        chore()
        rounds[f"chore: {name}"] = round((time.perf_counter() - started) * 1000, 1)
        result.rows.append(Row(f"{dialect}: chore {name}", rounds[f"chore: {name}"], "ms"))
    for name, read in reads(now):
        times, cpu = _times(store, read, server)
        rounds[name] = [round(t, 2) for t in times]
        median, p95 = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
        result.rows.append(
            Row(f"{dialect}: {name}", round(median, 1), "ms", at_most=MOST, note=f"p95 {p95:.1f} ms, CPU {cpu:.1f} ms")
        )
        print(f"{dialect:<11} {name:<44} {median:8.1f} {p95:8.1f} cpu {cpu:7.1f}", flush=True)
    return rounds


def _times(store: Store, read: Read, server: int) -> tuple[list[float], float]:
    """Milliseconds of each try; and of CPU per try, of ours and of Postgres: what a busy machine does not change."""
    times = []
    before = servers.cpu(os.getpid(), server) if server else time.process_time()
    for _ in range(TRIES):
        started = time.perf_counter()
        with store.read() as conn:
            read(conn)
        times.append((time.perf_counter() - started) * 1000)
    after = servers.cpu(os.getpid(), server) if server else time.process_time()
    return times, (after - before) / TRIES * 1000


def reads(now: datetime) -> Iterator[tuple[str, Read]]:
    """Every list of the console, as its pages ask for it."""
    names = {big.WHATSAPP: "shop", big.HUBSPOT: "hubspot", big.SALESFORCE: "salesforce"}

    def page(**how: Any) -> Read:
        return lambda conn: activity.activity(conn, names, now, **how)

    def deep(**how: Any) -> Read:
        def walk(conn: Any) -> Any:
            first = activity.activity(conn, names, now, limit=1, **how)
            half = f"{first.rows[0].seq // 2}.{first.rows[0].id}" if first.rows else ""
            return activity.activity(conn, names, now, before=half, **how)

        return walk

    yield "activity", page()
    yield "activity, half way back", deep()
    for state in ("done", "waiting", "review", "refused"):
        yield f"activity, {state}", page(state=state)
    yield "activity, out", page(direction="out")
    yield "activity, statuses", page(direction="status")
    yield "activity, of a kind that never was", page(kinds=("IdentityChange",))
    yield "activity, a document", page(document="nps-answer")
    yield "activity, a document in review", page(document="nps-answer", state="review")
    yield "activity, a document that never was", page(document="nothing")
    yield "activity, an account", page(account=big.HUBSPOT)
    yield "activity, a phone", page(query="+57 300 000 4242")
    yield "activity, a national phone", page(query="300 0004242")
    yield "activity, a phone's beginning", page(query="57300000")
    yield "activity, a common name", page(query="maria")
    yield "activity, two names", page(query="garcia jose")
    yield "activity, names nobody has", page(query="maria zzz")
    yield "activity, an id", page(query="key.500001")
    yield "activity, a send's id or wamid", page(query="wamid.500000")
    yield from _people(names, now)
    yield from _sends(names, now)
    yield "review", lambda conn: reviewing.load(conn, names, now)
    yield "mappings", lambda conn: document_lists.listing(conn, now)
    yield "health", lambda conn: healthy.load(conn, names, now)
    yield "doctor.counts, exact", lambda conn: counts.counts(conn)
    yield "doctor.counts, of a page", lambda conn: counts.last_counts(conn)


def _people(names: Any, now: datetime) -> Iterator[tuple[str, Read]]:
    def some(conn: Any) -> str:
        return people.contacts(conn, names, now, limit=1).rows[0].who.id

    yield "contacts", lambda conn: people.contacts(conn, names, now)
    yield "contacts, a name", lambda conn: people.contacts(conn, names, now, query="sof")
    yield "contact", lambda conn: people.contact(conn, names, now, some(conn))
    yield "contact's timeline", lambda conn: people.timeline_of(conn, names, now, some(conn))


def _sends(names: Any, now: datetime) -> Iterator[tuple[str, Read]]:
    def page(**how: Any) -> Read:
        return lambda conn: sent.sends(conn, names, now, **how)

    yield "sends", page()
    for group in send_lists.GROUPS:
        yield f"sends, {group}", page(group=group)
    yield "sends, a document", page(document="deal-won")
    yield "sends, a document that never was", page(document="nothing")
    yield "sends, failed of a template", page(group="failed", template="welcome_v1")
    yield "sends, a phone", page(query="+57 300 000 4242")
    yield "sends, summary", lambda conn: sent.summary(conn, now)
