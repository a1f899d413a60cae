"""Accounts that a person connects in the vendor's own screens: made ready for it, and connected with the code."""

from collections.abc import Mapping
from typing import Any

from connector import crm, errors
from connector.connections import Connections
from connector.pipeline.chores.tasks import Progress
from connector.ports import CONSENT, Account, Granted, Manifest
from connector.store import accounts as rows
from connector.store.tasks import Task, unsealed
from connector.works import connecting
from connector.works.accounts import check, named

WAITS = "Not connected yet."
BELLS = ("handle", "write", "trigger", "prepare", "truth")


def start_path(account: Account) -> str:
    """Where an admin's browser begins; it must be signed in to the console."""
    return f"/oauth/{account.kind}/start?account={account.name}"


def begin(
    connections: Connections, manifest: Manifest, name: str, settings: Mapping[str, str], secrets: Mapping[str, str]
) -> Account:
    """Stores what the consent page needs; one that works already goes on as it is until leave is given."""
    if manifest.oauth is None:
        raise errors.Rejected(f"{manifest.title} is not connected that way.", hint="Use its token.", code="no_oauth")
    ready = connecting.complete(connections, manifest, name, settings, secrets, oauth=True)
    new = connections.account(name) is None
    wanted = ready.settings | ({CONSENT: "yes"} if new else {})
    made = connections.add_account(manifest, name, wanted, ready.secrets)
    missing = [flag for flag in manifest.oauth.needs if not _value(made, flag)]
    if missing:
        labels = ", ".join(flag.label for flag in manifest.flags if flag.name in missing)
        raise errors.Rejected(f"Missing: {labels}.", hint="Fill it in.", code=connecting.MISSING, flags=missing)
    if made.settings.get(CONSENT) and rows.tokens(connections.store, connections.keyring, made.id).current() is None:
        with connections.store.write() as conn:
            rows.ask_person(conn, made.id, WAITS)
    return made


def _value(account: Account, flag: str) -> str:
    key = flag.replace("-", "_")
    return str(account.settings.get(key) or account.secrets.get(key) or "")


def begin_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{kind, name, settings} and sealed secrets -> {saved, account, start}. Repeating it stores the same once more."""
    manifest = connecting.manifest_of(task.args["kind"])
    settings, _ignored = manifest.split(task.args["settings"])
    given = connecting.secrets_of(connections, manifest, task)
    made = begin(connections, manifest, task.args["name"], settings, given)
    told = {"kind": made.kind, "name": made.name, "id": made.id}
    return {"saved": True, "account": told, "start": start_path(made), "issues": [], "found": {}}


def connect_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{account, redirect_uri} and the sealed code -> {saved, account, issues, found}. A code is good only once."""
    account = named(connections, task.args["account"])
    given = unsealed(connections.keyring, task)
    token = crm.exchange(account, Granted(given["code"], given["verifier"], task.args["redirect_uri"]))
    rows.tokens(connections.store, connections.keyring, account.id).keep(token)
    oauth = connecting.manifest_of(account.kind).oauth
    pasted = (oauth.instead_of if oauth else "").replace("-", "_")
    left = {name: value for name, value in account.secrets.items() if name != pasted}
    with connections.store.write() as conn:
        rows.connected(conn, connections.keyring, account, left)
    seen = check(connections, named(connections, account.id), fix=True)
    _settle(connections, account.id, seen.found)
    connections.bell.ring(*(f"{bell}:{account.id}" for bell in BELLS))
    told = {"kind": account.kind, "name": account.name, "id": account.id}
    return {"saved": True, "account": told, **seen.as_json()}


def _settle(connections: Connections, id_: str, found: Mapping[str, Any]) -> None:
    """The vendor's own id of the account, so that its webhooks are ours."""
    account = named(connections, id_)
    settings = connecting.owned(account, found)
    if settings != dict(account.settings):
        with connections.store.write() as conn:
            rows.set_settings(conn, account.id, settings)
