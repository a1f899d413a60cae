"""A new or changed account: made complete, tried against the real service before it is stored, then stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector import crm, errors, webhooks, whatsapp
from connector.base import crm_kinds, kinds
from connector.connections import Connections, messenger
from connector.pipeline.chores.tasks import Progress
from connector.ports import CONSENT, Account, Flag, Manifest, Tokens
from connector.store import accounts as rows
from connector.store.accounts import NAME_RULE, usable_name
from connector.store.tasks import Task, unsealed
from connector.works.accounts import Seen, as_issue, blocks, check, counted, crm_of, number_of

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Ready:
    """What an account is made of; `made` are secrets that were made here, to be shown once."""

    settings: dict[str, str]
    secrets: dict[str, str]
    made: dict[str, str]


def complete(
    connections: Connections, manifest: Manifest, name: str, settings: Mapping[str, str], secrets: Mapping[str, str],
    *, oauth: bool = False,
) -> Ready:  # fmt: skip
    """With what is there already, or the defaults of a new one. Raises Rejected (MISSING, facts: flags).

    `oauth`: a person will give leave, so that what it stands for is not needed."""
    if not usable_name(name):
        raise errors.Rejected(f"{name!r} is no name for an account.", hint=f"Use {NAME_RULE}.", code="name")
    known = _known(connections, name)
    settings, secrets = dict(settings), dict(secrets)
    if not known:
        settings = {_key(flag.name): flag.default for flag in manifest.flags if flag.default} | settings
        given = settings | secrets
        missing = [flag for flag in manifest.flags if _needed(manifest, flag, oauth) and not given.get(_key(flag.name))]
        if missing:
            text = f"Missing: {', '.join(flag.label for flag in missing)}."
            raise errors.Rejected(text, hint="Fill it in.", code=MISSING, flags=[flag.name for flag in missing])
    made = _sign(settings, secrets, known) if manifest.kind == webhooks.MANIFEST.kind else {}
    return Ready(settings, secrets, made)


def _needed(manifest: Manifest, flag: Flag, oauth: bool) -> bool:
    if oauth and manifest.oauth is not None:
        return flag.name in manifest.oauth.needs or (flag.required and flag.name != manifest.oauth.instead_of)
    return flag.required


def _key(flag: str) -> str:
    return flag.replace("-", "_")


def _known(connections: Connections, name: str) -> bool:
    """The account is there and opens: then only what changes has to be given."""
    try:
        return connections.account(name) is not None
    except errors.NotAllowed:
        return False


def _sign(settings: Mapping[str, str], secrets: Mapping[str, str], known: bool) -> dict[str, str]:
    """What we call has a signing secret from the start: {secret} when it is made here."""
    if "url" in settings or not known:
        webhooks.validate(settings.get("url", ""), secrets.get("secret", ""))
    return {} if known or secrets.get("secret") else {"secret": webhooks.standard.new_secret()}


# ---- tried -------------------------------------------------------------------------------------------------------
class _Unstored:
    """ports.Tokens of an account that has no row yet."""

    def __init__(self) -> None:
        self._token: Mapping[str, Any] | None = None

    def current(self) -> Mapping[str, Any] | None:
        return self._token

    def refresh(
        self, stale: str | None, fetch: Callable[[Mapping[str, Any] | None], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        del stale  # one thread, one try
        self._token = dict(fetch(self._token))
        return self._token


def look(account: Account, tokens: Tokens | None = None) -> Seen:
    """What the real service says to an account that is not stored; nothing is changed there. Raises.

    `tokens`: those of the stored account, where a person's leave goes on."""
    if account.kind == whatsapp.MANIFEST.kind:
        api = messenger(account)
        try:
            return number_of(api, fix=False)[0]
        finally:
            api.close()
    if account.kind == webhooks.MANIFEST.kind:
        return Seen(webhooks.check(account))
    connected = crm.connect(account, tokens or _Unstored())
    seen = crm_of(connected, fix=False)
    if any(blocks(issue) for issue in seen.issues):
        return seen
    fields = connected.fields(connected.can.object)
    return Seen(seen.issues, seen.found | counted({connected.can.object: fields}))


def _tried(connections: Connections, task: Task) -> tuple[Seen, Account | None]:
    """What was seen, and the account as it would be stored; None when not even that can be made of it."""
    account = None
    try:
        manifest = manifest_of(task.args["kind"])
        settings, _ = manifest.split(task.args["settings"])
        ready = complete(connections, manifest, task.args["name"], settings, secrets_of(connections, manifest, task))
        account = connections.prepare(manifest, task.args["name"], ready.settings, ready.secrets | ready.made)
        return look(account, _leave(connections, account)), account
    except errors.StoreDown:
        raise
    except errors.ConnectorError as error:
        return Seen([as_issue(error)]), account


def _leave(connections: Connections, account: Account) -> Tokens | None:
    """A refresh token may change with its use: a try goes by the stored one, under its lock."""
    if not account.id or not account.settings.get(CONSENT):
        return None
    return rows.tokens(connections.store, connections.keyring, account.id)


def secrets_of(connections: Connections, manifest: Manifest, task: Task) -> dict[str, str]:
    """Of the form; a field for a needed secret that was left empty means the stored one."""
    _, given = manifest.split(unsealed(connections.keyring, task))
    needed = {_key(flag.name) for flag in manifest.flags if flag.required}
    return {name: value for name, value in given.items() if value or name not in needed}


def manifest_of(kind: str) -> Manifest:
    """Raises Rejected for a system we do not know."""
    found = kinds().get(kind)
    if found is None:
        raise errors.Rejected(f"There is no system {kind!r}.", hint=f"Known: {', '.join(kinds())}.", code="kind")
    return found


def try_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{kind, name, settings} and sealed secrets -> {issues, found}. Repeating it is harmless."""
    return _tried(connections, task)[0].as_json()


def save_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """The same, stored unless a finding blocks: {..., force?, fix?} -> {saved, account, issues, found}.

    Repeating it stores the same once more."""
    seen, account = _tried(connections, task)
    name = {"kind": task.args["kind"], "name": task.args["name"]}
    if account is None or (any(blocks(issue) for issue in seen.issues) and not task.args.get("force")):
        return {"saved": False, "account": name, **seen.as_json()}
    account = replace(account, settings=owned(account, seen.found))
    manifest = manifest_of(account.kind)
    stored = connections.add_account(manifest, account.name, dict(account.settings), dict(account.secrets))
    checked = check(connections, stored, fix=bool(task.args.get("fix")))
    return {"saved": True, "account": name | {"id": stored.id}, **checked.as_json()}


def owned(account: Account, found: Mapping[str, Any]) -> dict[str, Any]:
    """A CRM's own id for the account, where nobody typed it in: what it sends us is routed by it."""
    if account.kind not in crm_kinds():
        return dict(account.settings)
    names = manifest_of(account.kind).owners
    told = {name: found[name] for name in names if found.get(name) and not account.settings.get(name)}
    return {**account.settings, **told}
