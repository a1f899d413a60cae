"""The steps of setting up a house, each with its tick, what was seen, and where to go on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app

from connector.ports import Account, Manifest
from connector.store.setting_up import Steps
from connector.web import words
from connector.web.frame import t
from connector.web.house import House

STILL = timedelta(minutes=10)  # a chore is begun every half minute: later than this, nobody rings or nobody works
YES, NO, BAD, WAIT = "yes", "no", "bad", "wait"


@dataclass(frozen=True, slots=True)
class Step:
    """One line. `key` names its words, `state` is yes no bad wait; `to` is an endpoint with its values."""

    key: str
    state: str
    values: Mapping[str, Any] = field(default_factory=dict)
    to: tuple[str, Mapping[str, Any]] | None = None
    at: datetime | None = None
    issues: Sequence[Mapping[str, Any]] = ()
    said: str = ""  # why an account rests, in the words it was told


def why(event: str) -> tuple[str, dict[str, Any]]:
    """Where an event's why is shown: (endpoint, values)."""
    page = "activity.why.index"
    return (page, {"event": event}) if page in current_app.view_functions else ("activity.index", {"q": event})


def steps(house: House, seen: Steps) -> list[Step]:
    """Every line, in the order an admin needs them."""
    accounts = [a for a in house.accounts() if a.kind in house.manifests and house.manifests[a.kind].kind != "webhook"]
    whatsapp = [a for a in accounts if not house.manifests[a.kind].crm]
    crms = [a for a in accounts if house.manifests[a.kind].crm]
    found = [_account(a, seen, "whatsapp", house) for a in whatsapp] or [_none("whatsapp", house)]
    found += [_webhook(a, seen) for a in whatsapp] or [Step("webhook", NO)]
    found += [_account(a, seen, "crm", house) for a in crms] or [_none("crm", house)]
    return [
        *found, _templates(seen), _document(seen), _message(house, seen),
        Step("people", YES if seen.admins > 1 else NO, {"n": seen.admins}, ("settings.index", {})),
        Step("https", YES if house.https else NO, {"url": house.public_url}),
        *_machine(house, seen),
    ]  # fmt: skip


def _none(key: str, house: House) -> Step:
    """Nothing of that sort is connected: on to the form of the first that could be."""
    could = [one for one in house.manifests.values() if one.crm == (key == "crm")]
    values = {"systems": " / ".join(one.title for one in could)} if key == "crm" else {}
    return Step(f"{key}_none", NO, values, ("setup.connecting.new", {"kind": could[0].kind}))


def _account(account: Account, seen: Steps, key: str, house: House) -> Step:
    """Connected is: stored, not resting, and nothing that blocks was seen at the last look."""
    body, at = seen.checked.get(account.id, (None, None))
    manifest = house.manifests[account.kind]
    issues = list((body or {}).get("issues") or [])
    place = ("setup.connecting.account", {"name": account.name})
    if account.state != "ok":
        return Step(f"{key}_rests", BAD, {"name": account.name}, place, at, issues, account.reason)
    if any(issue.get("blocks") for issue in issues):
        return Step(f"{key}_wrong", BAD, {"name": account.name}, place, at, issues)
    if body is None:
        return Step(f"{key}_unseen", WAIT, {"name": account.name}, place)
    shown = _number(account, seen) if key == "whatsapp" else _crm(account, manifest, body.get("found") or {})
    shown["system"] = manifest.title
    return Step(key, WAIT if any(i.get("fix") for i in issues) else YES, shown, place, at, issues)


def _number(account: Account, seen: Steps) -> dict[str, Any]:
    row = next((row for row in seen.numbers if row.account == account.id), None)
    health = [*map(code_words, (row.health, row.quality)), _tier(row.tier)] if row is not None else []
    return {
        "name": account.name, "display": row.display if row is not None else "",
        "verified": row.verified_name if row is not None else "", "health": ", ".join(h for h in health if h),
    }  # fmt: skip


def code_words(code: str) -> str:
    """Meta's word for a number's health or quality, in the reader's."""
    return t(f"code.{code}") if f"code.{code}" in words.catalogue() else code


def _tier(tier: str) -> str:
    return t("setup.tier", n=tier.removeprefix("TIER_")) if tier.startswith("TIER_") else tier


def _crm(account: Account, manifest: Manifest, found: Mapping[str, Any]) -> dict[str, Any]:
    whose = next((found[name] for name in manifest.owners if found.get(name)), "")
    return {"name": account.name, "whose": str(whose), "fields": sum((found.get("fields") or {}).values())}


def _webhook(account: Account, seen: Steps) -> Step:
    at = seen.delivered.get(account.id)
    place = ("setup.connecting.account", {"name": account.name, "_anchor": "webhook"})
    return Step("webhook", YES if at else NO, {"name": account.name}, place, at)


def _templates(seen: Steps) -> Step:
    return Step("templates", YES if seen.templates else NO, {"n": seen.templates}, ("templates.index", {}))


def _document(seen: Steps) -> Step:
    values = {"n": len(seen.documents), "names": ", ".join(seen.documents[:3])}
    return Step("document", YES if seen.documents else NO, values, ("mappings.index", {}))


def _message(house: House, seen: Steps) -> Step:
    """A message that changed a record; one that was only heard is half of it."""
    if seen.mapped:
        return Step("message", YES, {}, why(seen.mapped))
    if seen.heard:
        return Step("message_heard", WAIT, {}, why(seen.heard))
    return Step("message_play", NO, {}, ("phone.index", {})) if house.sandbox else Step("message", NO)


def _machine(house: House, seen: Steps) -> list[Step]:
    now = house.clock.now()
    workers = _word(house.checks.get("workers"))
    rings = seen.chores is not None and seen.chores > now - STILL
    working = workers in ("", "ok") and rings
    redis = _word(house.checks.get("redis"))
    found = [Step("workers", YES if working else BAD if seen.chores else WAIT, {}, ("health.index", {}), seen.chores)]
    return found + ([Step("redis", YES if redis == "ok" else BAD, {}, ("health.index", {}))] if redis else [])


def _word(check: Callable[[], str] | None) -> str:
    return check() if check is not None else ""
