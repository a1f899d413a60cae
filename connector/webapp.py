"""The web half of the composition root: what one web process is made of. Loads no SDK."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from connector import crm, webhooks, whatsapp
from connector.base import Base, crm_kinds, hook_path, kinds, webhook
from connector.bell import RedisBell
from connector.config import Config
from connector.core.address import is_loopback
from connector.errors import TryAgain
from connector.ports import Account, Choice, Choices, Webhook
from connector.store import api_tokens, counters, deliveries, documents, measures, scraping, templates
from connector.store.engine import schema_state
from connector.web.doors import Door, Doors
from connector.web.gathering import gathered
from connector.web.health import OK, Check, health
from connector.web.hooks import WSGI, Hooks, hooks
from connector.web.house import House
from connector.web.looking import Looking
from connector.web.metrics import Metrics, metrics
from connector.web.pages import pages
from connector.web.shield import Names, shield
from connector.web.tally import Tally


def web_app(config: Config) -> tuple[WSGI, Callable[[], None]]:
    """The WSGI application of one web process, and what to call after its last request."""
    bell = RedisBell(config.redis_url)
    app = Base(config, bell)
    intake = deliveries.Intake(app.store, on_commit=lambda: bell.ring("unpack"))

    def add(sums: Mapping[str, int]) -> None:
        with app.store.write() as conn:
            counters.add(conn, sums)

    tally = Tally(add)
    known = Doors(lambda: doors(app), strangers())
    the_hooks = Hooks(
        known, intake, tally.count, app.clock, config.public_url, lambda crm: choices(app, crm),
        hops=config.trusted_proxies,
    )  # fmt: skip

    def close() -> None:
        intake.close()
        tally.close()
        bell.close()
        app.close()

    needed, checks = probes(app, bell)
    inside = metrics(pages(house(app, checks)), measured(app, bell))
    whole = hooks(health(inside, needed, checks), the_hooks)
    names = Names(config.public_url, config.trusted_hosts)
    return gathered(shield(whole, names, https=config.public_url.startswith("https://")), config.web_threads), close


def measured(app: Base, bell: RedisBell) -> Metrics:
    """/metrics; prometheus_client is loaded at the first scrape."""
    config = app.config

    def load() -> tuple[measures.Measures, datetime]:
        now = app.clock.now()
        with app.store.read() as conn:
            return measures.load(conn, now), now

    def alive() -> dict[str, float]:
        try:
            return {"redis": float(bell.answers()), "workers": float(bell.workers())}
        except RedisError:
            return {"redis": 0.0, "workers": 0.0}

    def knows(token: str, address: str) -> bool:
        if not token.startswith(api_tokens.PREFIX):
            return False
        with app.store.read() as conn:
            return scraping.allowed(conn, token, "" if config.trusted_proxies else address, app.clock.now())

    def measure() -> bytes:
        from connector.web.exposition import maker

        return maker(load, alive, version("whatsapp-crm-connector"))()

    here = is_loopback(config.host) and is_loopback(urlsplit(config.public_url).hostname or "")
    return Metrics(measure, config.metrics_token, knows, local=here and not config.trusted_proxies)


def house(app: Base, checks: Mapping[str, Check]) -> House:
    """What the console's pages work with."""
    return House(
        store=app.store,
        keyring=app.keyring,
        clock=app.clock,
        ring=app.bell.ring,
        accounts=app.accounts,
        hook=hook_path,
        manifests=kinds(),
        public_url=app.config.public_url,
        sandbox=app.config.sandbox_url,
        proxies=app.config.trusted_proxies,
        checks=checks,
        alarm_targets=told_to(app.config),
    )


def told_to(config: Config) -> dict[str, str]:
    """Where alarms go: the host of the webhook (its path may be a secret), and the addresses of the e-mails."""
    s, found = config.alarms, dict[str, str]()
    if s.webhook_url:
        found["webhook"] = urlsplit(s.webhook_url).netloc
    if s.emails:
        found["email"] = ", ".join(s.emails)
    return found


def doors(app: Base) -> list[Door]:
    """Every account's webhook. A CRM may sign the address it calls, so each is told our public one."""
    found = []
    for account in app.accounts():
        if account.kind == webhooks.MANIFEST.kind:  # we call it
            continue
        system = "crm" if account.kind in crm_kinds() else account.kind
        settings = {"public_url": app.config.public_url, **account.settings}
        found.append(Door(account.id, account.name, system, app.webhook(replace(account, settings=settings))))
    return found


def choices(app: Base, crm: str) -> Choices:
    """What a workflow's editor may pick: approved templates, and the live send: documents of this CRM account."""
    with app.store.read() as conn:
        sendable = templates.approved(conn)
        live = documents.live(conn)
    mine = re.compile(rf"""^crm:[ \t]*["']?{re.escape(crm)}["']?[ \t]*(#.*)?$""", re.MULTILINE)  # no language here
    sends = [row.name for row in live if row.kind == "send" and mine.search(row.text)]
    return {
        "template": [Choice(f"{name}:{language}", f"{name} ({language})") for name, language in sendable],
        "document": [Choice(name, name) for name in sends],
    }


def strangers() -> dict[str, Webhook]:
    """Who verifies calls for accounts that do not exist: accounts of the same make, with secrets nobody knows."""
    made = {}
    for system, kind in (("whatsapp", whatsapp.MANIFEST.kind), ("crm", next(iter(crm.KINDS)))):
        unknown = {flag.name: secrets.token_hex(16) for flag in kinds()[kind].flags if flag.secret}
        made[system] = webhook(Account(id="", kind=kind, name="", secrets=unknown))
    link = Account(id="", kind=webhooks.LINK, name="", secrets={"secret": webhooks.standard.new_secret()})
    return made | {webhooks.LINK: webhook(link)}


def probes(app: Base, bell: RedisBell) -> tuple[dict[str, Check], dict[str, Check]]:
    """What webhooks need, and what the rest needs, each told in a word or two."""

    def schema() -> str:
        state = schema_state(app.store)
        return OK if state in ("current", "newer") else f"{state}: run connector db upgrade"

    needed = {"database": lambda: OK if schema_state(app.store) else "", "schema": schema}
    checks = {"redis": lambda: OK if bell.answers() else "away", "workers": lambda: OK if bell.workers() else "none"}
    return (
        {name: Looking(_told(check)) for name, check in needed.items()},
        {name: Looking(_told(check)) for name, check in checks.items()},
    )


def _told(check: Check) -> Check:
    def word() -> str:
        try:
            return check()
        except (TryAgain, RedisError):
            return "away"

    return word
