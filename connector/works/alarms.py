"""Where alarms go, as the settings say; and the look that raises them."""

import shutil
from collections.abc import Mapping
from functools import partial
from typing import Any

from connector import webhooks, whatsapp
from connector.base import crm_kinds
from connector.config import AlarmSettings, Config
from connector.connections import Connections
from connector.mail import Mailer, Server
from connector.pipeline.chores import alarms
from connector.pipeline.chores.alarms import Target, Teller
from connector.pipeline.writing.notify import Answer
from connector.ports import Account
from connector.store import alarms as rows

WEBHOOK, EMAIL = "webhook", "email"
HOW = "Set ALARM_WEBHOOK_URL and ALARM_WEBHOOK_SECRET, or ALARM_EMAIL and SMTP_URL."


class _Webhook:
    """A signed POST to an operator's address; a client is made for each call, they are few."""

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings

    def tell(self, id_: str, kind: str, at: Any, data: Mapping[str, Any]) -> Answer:
        s = self._settings
        account = Account(
            id=WEBHOOK, kind=webhooks.MANIFEST.kind, name="alarms", settings={"url": s.webhook_url},
            secrets={"secret": s.webhook_secret},
        )  # fmt: skip
        client = webhooks.connect(account, s.hosts)
        try:
            return client.call(id_, kind, at, data)
        finally:
            client.close()


def targets(config: Config) -> dict[str, Target]:
    """By name; {} = nobody is told."""
    s, found = config.alarms, dict[str, Target]()
    if s.webhook_url:
        found[WEBHOOK] = _Webhook(s)
    if s.emails:
        found[EMAIL] = Mailer(Server(s.smtp_url), s.emails, s.sender, config.public_url)
    return found


def look(connections: Connections) -> int:
    """One look; how many calls are to be made. Rings for them."""
    c, config = connections, connections.config
    systems = {a.id: a.name for a in c.accounts() if a.kind in crm_kinds() or a.kind == whatsapp.MANIFEST.kind}
    places = [str(config.home), str(c.store.files.root)]
    calls = alarms.look(c.store, systems, alarms.disks(places, shutil.disk_usage), list(targets(config)), c.clock.now())
    if calls:
        c.bell.ring(alarms.BELL)
    return calls


def teller(connections: Connections) -> Teller:
    """What makes the calls."""
    return Teller(connections.store, targets(connections.config), connections.clock)


def try_out(connections: Connections) -> dict[str, tuple[str, str]]:
    """A call to each target, made here and now: {target: (done | new | failed, what it said)}."""
    c = connections
    known = targets(c.config)
    with c.store.write() as conn:
        ids = rows.try_out(conn, list(known), c.clock.now())
    return {row.target: (row.state, row.outcome) for row in map(partial(_made, c), ids)}


def _made(connections: Connections, id_: str) -> Any:
    with connections.store.read() as conn:
        row = rows.call(conn, id_)
    teller(connections).make(row)
    with connections.store.read() as conn:
        return rows.call(conn, id_)


def try_task(connections: Connections, _: Any, __: Any) -> dict[str, Any]:
    """{} -> {target: [state, what it said]}. Repeating it tells once more."""
    return {name: list(told) for name, told in try_out(connections).items()}
