"""The doctor's long look: what surrounds us. Calls out, so it is asked for and kept; each check says what to do."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from connector import errors, webhooks
from connector.base import kinds
from connector.bell import connect
from connector.connections import Connections
from connector.core.address import is_loopback
from connector.pipeline.chores import alarms
from connector.ports import Manifest
from connector.store import chores, probing, snapshots
from connector.store.engine import schema_state
from connector.store.migrations.run import revisions
from connector.works import accounts as works
from connector.works.alarms import HOW

NAME = "deep"  # of the snapshot, and of the chore
EVERY, FIRST = timedelta(hours=12), timedelta(minutes=10)  # a new house is still being connected
SKEW = 5.0  # seconds a clock may be off: signatures allow 300, quiet hours and leases want less
PATIENCE = 5.0  # seconds for one answer from outside


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: a code, a sentence, what to do."""

    code: str
    message: str
    hint: str


Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer from outside: its status, the seconds its clock is ahead of ours, its JSON (None = it is none)."""

    status: int
    ahead: float | None
    body: Any


def look(connections: Connections) -> dict[str, Any]:
    """{ok, findings: [{code, count, examples, hint}]} of everything around us, kept as the snapshot `deep`."""
    found = [finding for check in CHECKS for finding in _one(check, connections)]
    by_code: dict[str, list[Finding]] = {}
    for finding in found:
        by_code.setdefault(finding.code, []).append(finding)
    told = {"ok": not found, "findings": [
        {"code": code, "count": len(some), "examples": [one.message for one in some[:5]], "hint": some[0].hint}
        for code, some in by_code.items()
    ]}  # fmt: skip
    with connections.store.write() as conn:
        snapshots.put(conn, NAME, told, connections.clock.now())
    return told


def first(connections: Connections) -> bool:
    """The chore's first time: it comes again in FIRST."""
    c, now = connections, connections.clock.now()
    with c.store.write() as conn:
        if snapshots.get(conn, NAME) is not None or snapshots.get(conn, f"{NAME}:wait") is not None:
            return False
        snapshots.put(conn, f"{NAME}:wait", {}, now)
        chores.back(conn, NAME, now - EVERY + FIRST)
    return True


def kept(connections: Connections) -> tuple[dict[str, Any], datetime] | None:
    """What the last long look found, and when."""
    with connections.store.read() as conn:
        return snapshots.get(conn, NAME)


def _one(check: Callable[[Connections], Findings], connections: Connections) -> list[Finding]:
    """A check that cannot be made says so, and the others go on."""
    try:
        return list(check(connections))
    except errors.StoreDown:
        raise
    except errors.ConnectorError as error:
        return [Finding(check.__name__, error.message, error.hint)]


# ---- around us ---------------------------------------------------------------------------------------------------
def redis(c: Connections) -> Findings:
    """Bells survive in it, and none is thrown away for room. Losing them costs a second of latency and no message."""
    client = connect(c.config.redis_url)
    try:
        told = client.config_get("append*", "maxmemory-policy") or {}
    except RedisError as error:
        yield from _from_info(client, error)
        return
    finally:
        client.close()
    if told.get("appendonly") == "no":
        hint = "Set `appendonly yes`: a restart then forgets no bell. The sweep finds the work either way."
        yield Finding("redis_persistence", "Redis does not write to disk (appendonly no).", hint)
    yield from _policy(str(told.get("maxmemory-policy", "")))


def _from_info(client: Any, error: RedisError) -> Findings:
    """A hosted one may forbid CONFIG."""
    try:
        info = client.info()
    except RedisError:
        hint = "Work goes on without it, with a latency of a second. Is REDIS_URL right?"
        yield Finding("redis_away", f"Redis does not answer ({type(error).__name__}).", hint)
        return
    if info.get("aof_enabled") == 0:
        yield Finding("redis_persistence", "Redis does not write to disk.", "Switch append-only persistence on.")
    yield from _policy(str(info.get("maxmemory_policy", "")))


def _policy(policy: str) -> Findings:
    if policy not in ("", "noeviction"):
        hint = "Set `maxmemory-policy noeviction`: under any other, RQ's keys vanish when memory is short."
        yield Finding("redis_eviction", f"Redis throws keys away when it is full ({policy}).", hint)


def database(c: Connections) -> Findings:
    """Its tables, its journal, its clock."""
    state = schema_state(c.store)
    if state == "older":
        yield Finding("schema", "The database's tables are of an older version.", "Run: connector db upgrade")
    if state == "newer":
        text = f"The database's tables are newer than this program, which knows up to {revisions()[-1]}."
        yield Finding("schema", text, "It works, as migrations only add. Update this process.")
    with c.store.read() as conn:
        before = c.clock.now()
        at = probing.now(conn)
        mode = probing.journal(conn)
    if at is not None:
        yield from _clock("the database", (at - before).total_seconds())
    if mode not in ("", "wal"):
        hint = "SQLite keeps its files on a disk of this machine (no NFS), where -wal and -shm may be made beside it."
        yield Finding("journal_mode", f"SQLite's journal mode is {mode}, not wal.", hint)


def _clock(whose: str, ahead: float) -> Findings:
    if abs(ahead) > SKEW:
        way = "behind" if ahead > 0 else "ahead of"
        text = f"This machine's clock is {abs(ahead):.0f} seconds {way} that of {whose}."
        hint = "Run a time service (chrony, systemd-timesyncd): signatures and quiet hours need it."
        yield Finding("clock", text, hint)


def key_file(c: Connections) -> Findings:
    """Who may read the key that opens every token."""
    for path, what in ((c.config.home / "secret.key", "the key file"), (c.config.home, "CONNECTOR_HOME")):
        try:
            found = path.stat()
        except OSError:
            continue
        mode = stat.S_IMODE(found.st_mode)
        open_ = mode & (0o077 if what == "the key file" else 0o022)
        if open_ or found.st_uid != os.getuid():
            wanted = "600" if what == "the key file" else "700"
            text = f"Others may read or change {what} ({mode:o})."
            yield Finding("key_file", text, f"chmod {wanted} {path}, and let it belong to the user that runs us.")


def disk(c: Connections) -> Findings:
    """Room where we write."""
    import shutil

    places = [str(c.config.home), str(c.store.files.root)]
    for alarm in alarms.full(alarms.disks(places, shutil.disk_usage)):
        yield Finding(alarm.code, alarm.message, alarm.hint)


# ---- outside -----------------------------------------------------------------------------------------------------
def public_url(c: Connections) -> Findings:
    """The vendors reach us, over TLS, and it is us they reach."""
    url = c.config.public_url
    if urlsplit(url).scheme != "https" and not is_loopback(urlsplit(url).hostname or ""):
        yield Finding("public_url", f"PUBLIC_URL is {url}.", "Vendors call https only, with a public certificate.")
    heard = ask(f"{url}/healthz")
    if heard is None:
        hint = "Is the web server up, and does the proxy or tunnel lead to it?"
        yield Finding("public_url_away", f"PUBLIC_URL ({url}) does not answer from here.", hint)
    elif not (isinstance(heard.body, dict) and "ok" in heard.body):
        text = f"PUBLIC_URL ({url}) answers {heard.status}, but it is not the connector that answers."
        yield Finding("public_url_other", text, "Lead all paths of that host to the web server.")
    elif heard.body["ok"] is not True:
        yield Finding("public_url_ill", "The web server takes no webhooks now.", "/readyz says what is missing.")


def vendors(c: Connections) -> Findings:
    """The vendors' clocks: their signatures carry a time."""
    seen: set[str] = set()
    for account in c.accounts():
        manifest = kinds().get(account.kind)
        url = str(account.settings.get("base_url") or (_place(manifest) if manifest else ""))
        if url and url not in seen:
            seen.add(url)
            heard = ask(url)
            if heard is not None and heard.ahead is not None:
                yield from _clock(account.name, heard.ahead)


def _place(manifest: Manifest) -> str:
    """Where one of the vendor's servers is; "" for a system without."""
    default = next((flag.default for flag in manifest.flags if flag.name == "base-url"), "")
    return default or (f"https://{manifest.hosts[0]}" if manifest.hosts else "")


def systems(c: Connections) -> Findings:
    """Every account as its own check has it: token and its end, scopes, subscription, fields, templates."""
    for account in c.accounts():
        if account.kind == webhooks.LINK:
            continue
        for issue in works.check(c, account, fix=False).issues:
            yield Finding(issue.code or "account", f"{account.name}: {issue.message}", issue.hint)


def alarm_targets(c: Connections) -> Findings:
    """Somebody is told when nobody looks."""
    settings = c.config.alarms
    public = not is_loopback(urlsplit(c.config.public_url).hostname or "")
    if public and not (settings.webhook_url or settings.emails):
        yield Finding("alarms_unheard", "Alarms are told to nobody.", f"{HOW} Then: connector alarms test")


CHECKS: Sequence[Callable[[Connections], Findings]] = (
    database, redis, key_file, disk, public_url, vendors, systems, alarm_targets,
)  # fmt: skip


def ask(url: str) -> Heard | None:
    """One GET without credentials, not redirected; None = no answer."""
    import httpx

    try:
        sent = datetime.now(UTC)
        with httpx.Client(timeout=PATIENCE, follow_redirects=False) as client:
            response = client.get(url, headers={"User-Agent": "whatsapp-crm-connector"})
        took = datetime.now(UTC) - sent
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return None
    try:
        body = response.json() if len(response.content) < 100_000 else None
    except (ValueError, RecursionError):
        body = None
    return Heard(response.status_code, ahead_of(response.headers.get("date", ""), sent + took / 2), body)


def ahead_of(date: str, here: datetime) -> float | None:
    """Seconds that an answer's Date is ahead of our clock; it counts whole seconds, so half of one is added."""
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return None
    if at.tzinfo is None:
        return None
    return (at - here).total_seconds() + 0.5


def deep_task(connections: Connections, _: Any, __: Any) -> dict[str, Any]:
    """{} -> {ok, findings}. Repeating it is harmless."""
    return look(connections)
