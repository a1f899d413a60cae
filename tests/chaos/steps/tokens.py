"""Every access token ends at once, in the middle of everything: all workers find it out together, and one renews it.

Salesforce's account lives on a refresh token that changes with each use (where its stand-in and our code know that):
whoever shows a spent one has lost the person's leave.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from connector.app import kinds
from connector.sandbox.salesforce_settings import REFRESH_TOKEN
from connector.store import accounts
from connector.works.stand_ins import ACCOUNTS
from tests.chaos.rig import Rig
from tests.chaos.steps import Scene, step

TOKEN = ("/services/oauth2/token", "/oauth/2026-09/token")
CRM = "salesforce"


def prepare(rig: Rig) -> None:
    """The account as a person's leave makes it; behind a proxy that loses answers the app's own credentials are used,
    for an answer that is lost takes a rotating refresh token with it."""
    if "proxy" in rig.parts:
        return
    plain, secret = ACCOUNTS[CRM]
    given = {**plain, "base_url": rig.sandbox.url + plain["base_url"]}
    account = rig.app.add_account(kinds()[CRM], CRM, given, dict(secret))
    tokens = accounts.tokens(rig.app.store, rig.app.keyring, account.id)
    aged = {"access_token": "aged", "instance_url": given["base_url"], "refresh_token": REFRESH_TOKEN}
    tokens.refresh(None, lambda _: aged)


def after(scene: Scene) -> None:
    """One renewal each time; what a killed process had just been given is asked for again."""
    entries = scene.rig.sandbox.ledger(CRM)
    given, refused, spent = grants(entries)
    scene.count("tokens given", given)
    scene.wrong += [f"a token was refused: {n} times {why}" for why, n in refused.items()]
    scene.wrong += [f"{n} refresh tokens were used twice" for n in [spent] if n]
    killed = sum(1 for one in scene.rig.parts.get("kills", ()) if one)
    if given > scene.counts["expire"] + 2 + killed:
        scene.wrong.append(f"{given} tokens were given for {scene.counts['expire']} ends: not one at a time")


def grants(entries: Iterable[Mapping[str, Any]]) -> tuple[int, Counter[str], int]:
    """(tokens given, refusals by status, refresh tokens that were shown twice), as the ledger tells it."""
    given, refused, shown = 0, Counter[str](), Counter[str]()
    for entry in entries:
        if not entry["path"].partition("?")[0].endswith(TOKEN):
            continue
        given += entry["status"] == 200
        if entry["status"] not in (200, None, 503):
            refused[str(entry["status"])] += 1
        shown.update(parse_qs(str(entry["body"])).get("refresh_token", []))
    return given, refused, sum(1 for n in shown.values() if n > 1)


@step("expire", "all access tokens ended at once", prepare=prepare, after=after)
def expire(scene: Scene) -> None:
    scene.rig.sandbox.call("POST", "/_expire", {})
