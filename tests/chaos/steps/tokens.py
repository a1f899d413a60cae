"""Every access token ends at once, in the middle of everything: all workers find it out together, and one renews it.

Both CRMs are connected by leave that a person gave, with refresh tokens that are good once: whoever shows a spent one
has lost the leave. Where processes are killed, or a proxy loses answers, a new one can be lost before it is stored, and
only the person can mend that: there HubSpot's refresh token lasts, and Salesforce's account lives on the app's own
credentials.
"""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from connector.app import kinds
from connector.sandbox.hubspot import settings as hubspot_settings
from connector.sandbox.salesforce import settings as salesforce_settings
from connector.store import accounts
from connector.works.stand_ins import ACCOUNTS
from tests.chaos.rig import Rig
from tests.chaos.stand_ins import CRMS
from tests.chaos.steps import Scene, step

TOKEN = ("/services/oauth2/token", "/oauth/2026-09/token")
NOTICED = 10.0  # seconds a step waits, on a quick machine, until somebody has noticed the last end
WORKS = 1.0  # seconds a new token is good
LOOK = 0.2  # seconds between two looks
FIRST = 1  # the first token of all
MORE = 1.2  # a worker that is killed between the answer and its commit leaves another to be asked for


def prepare(rig: Rig) -> None:
    """The accounts as a person's leave makes them."""
    if "proxy" in rig.parts:
        return
    once = rig.parts["once"] = not rig.kills
    if once:
        _connect(rig, "salesforce", {}, {}, salesforce_settings.REFRESH_TOKEN)
    rig.sandbox.call("PATCH", "/hubspot/_options", {"rotate": once})
    client = {"client_id": hubspot_settings.CLIENT_ID}
    _connect(rig, "hubspot", client, {"token": ""}, hubspot_settings.REFRESH_TOKEN)


def _connect(rig: Rig, name: str, more: Mapping[str, str], hidden: Mapping[str, str], refresh: str) -> None:
    plain, secret = ACCOUNTS[name]
    given = {**plain, **more, "base_url": rig.sandbox.url + plain["base_url"]}
    account = rig.app.add_account(kinds()[name], name, given, {**secret, **hidden})
    aged = {"access_token": "aged", "instance_url": given["base_url"], "refresh_token": refresh}
    accounts.tokens(rig.app.store, rig.app.keyring, account.id).refresh(None, lambda _: aged)


def after(scene: Scene) -> None:
    """One renewal for each end, and no refresh token twice."""
    rig, ends = scene.rig, scene.counts["expire"]
    for crm in CRMS:
        given, refused, twice = grants(rig.sandbox.ledger(crm))
        scene.count(f"tokens that {crm} gave", given)
        if "proxy" in rig.parts:
            continue
        scene.wrong += [f"{crm} refused a token with {status}: {n} times" for status, n in refused.items()]
        if rig.parts["once"] and twice:
            scene.wrong.append(f"{twice} refresh tokens of {crm} were shown twice")
        if given > FIRST + MORE * ends:
            scene.wrong.append(f"{crm} gave {given} tokens for {ends} ends: not one at a time")


def grants(entries: Iterable[Mapping[str, Any]]) -> tuple[int, Counter[str], int]:
    """(tokens given, refusals by status, refresh tokens that were shown twice), as a ledger tells it."""
    given, refused, shown = 0, Counter[str](), Counter[str]()
    for entry in entries:
        if not entry["path"].partition("?")[0].endswith(TOKEN):
            continue
        given += entry["status"] == 200
        refused[str(entry["status"])] += entry["status"] not in (200, None) and "fault" not in entry
        shown.update(parse_qs(str(entry["body"])).get("refresh_token", []))
    return given, +refused, sum(1 for n in shown.values() if n > 1)


@step("expire", "all access tokens ended at once", prepare=prepare, after=after)
def expire(scene: Scene) -> None:
    """Once somebody has found out about the last end: else two ends would be one."""
    since = scene.rig.parts.get("ended", 0.0)
    until = time.monotonic() + NOTICED * scene.rig.slowness
    while not renewed(scene.rig, since) and time.monotonic() < until:
        time.sleep(LOOK)
    time.sleep(WORKS * scene.rig.slowness)  # who renewed it must have used it: nobody ends tokens by the second
    scene.rig.parts["ended"] = time.time()
    scene.rig.sandbox.call("POST", "/_expire", {})


def renewed(rig: Rig, since: float) -> bool:
    """The CRM of our own leave has given a token since then."""
    path = f"{rig.sandbox.url}/_ledger?service=salesforce&since={since}"
    with urllib.request.urlopen(path, timeout=60) as answer:
        return bool(grants(json.loads(line) for line in answer)[0])
