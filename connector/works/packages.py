"""What a CRM itself needs of us, as files: a HubSpot project, Salesforce metadata."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from connector import crm, errors
from connector.base import hook_path
from connector.connections import Connections
from connector.pipeline.tasks import Progress
from connector.ports import HOOK_MARK, Account
from connector.store import accounts
from connector.store.tasks import Task
from connector.works.accounts import named

Files = Mapping[str, str]


def package(kind: str) -> Any:
    """The module that writes it, named in the CRM's own folder. Raises Rejected for a CRM without one."""
    try:
        return import_module(f"{crm.KINDS[kind]}.package")
    except (KeyError, ModuleNotFoundError):
        raise errors.Rejected(f"There is no package for {kind}.", code="no_package") from None


def watched(connections: Connections, account: Account) -> dict[str, list[str]]:
    """{record word: fields} that the live send: documents of this account wait for."""
    found: dict[str, list[str]] = {}
    for live in connections.library.shelf(account.name).sends:
        fields = [(watch.word, watch.field) for watch in live.document.triggers]
        if goal := live.document.goal:
            fields.append((live.document.word if goal.word == "record" else goal.word, goal.field))
        fields += [(live.document.date.word, live.document.date.field)] if live.document.date else []
        for word, field in fields:
            if word and field and field not in found.setdefault(word, []):
                found[word].append(field)
    return found


def org(connections: Connections, account: Account) -> Any:
    """What asks a Salesforce org, and deploys to it."""
    return package("salesforce").client(account, accounts.tokens(connections.store, connections.keyring, account.id))


def hubspot(
    connections: Connections, account: Account, url: str, *, workflows: bool = True, oauth: bool = False
) -> Files:
    """A HubSpot project: webhooks for what the live documents wait for, and the workflow action."""
    made = package("hubspot")
    wanted = {word: list(fields) for word, fields in made.PROPERTIES.items()}
    for word, fields in watched(connections, account).items():
        wanted.setdefault(word, []).extend(fields)
    files: Files = made.files(url, account.name, wanted, workflows=workflows, oauth=oauth)
    return files


def salesforce(connections: Connections, account: Account, url: str, hook: str = "") -> Files:
    """The metadata of an org: fields, access, messages for what the live documents wait for, a sample flow."""
    made = package("salesforce")
    objects = connections.crm(account).can.objects
    waited = watched(connections, account)
    fields = [(objects[word], field) for word, found in waited.items() if word in objects for field in found]
    sends = [live.document.name for live in connections.library.shelf(account.name).sends]
    more = {"document": sends[0]} if sends else {}
    files: Files = made.files(
        url,
        account.name,
        hook or hook_path(account),
        username=made.username(org(connections, account)),
        watched=fields or made.WATCHED,
        **more,
    )
    return files


MAKERS = {"hubspot": hubspot, "salesforce": lambda c, account, url: salesforce(c, account, url, HOOK_MARK)}


def package_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{account, url?} -> {account, files}, with HOOK_MARK where the hook's address stands. Repeating it is harmless."""
    account = named(connections, task.args["account"])
    maker = MAKERS.get(account.kind)
    if maker is None:
        raise errors.Rejected(f"There is no package for {account.kind}.", code="no_package")
    url = str(task.args.get("url") or connections.config.public_url).rstrip("/")
    return {"account": account.name, "files": dict(maker(connections, account, url))}
