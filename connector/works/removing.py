"""Disconnecting an account: our leave is taken back at the vendor, then its secrets go, whatever the vendor said."""

from typing import Any

from connector import crm, errors, whatsapp
from connector.base import crm_kinds, kinds
from connector.connections import Connections
from connector.pipeline.chores.tasks import Progress
from connector.ports import Account
from connector.store import accounts as rows
from connector.store import removing
from connector.store.tasks import Task

WRITER = 60.0  # seconds to wait for a writer of the account: it stops at a row boundary


def remove(connections: Connections, account: Account) -> dict[str, Any]:
    """{account, revoked, hint, ended}: from `begin` on nobody finds it; repeating goes on where it was left."""
    with connections.store.write() as conn:
        removing.begin(conn, account.id, connections.clock.now())
    return finish(connections, account.id, account.name)


def remove_task(connections: Connections, task: Task, _: Progress) -> dict[str, Any]:
    """{id, name} of an account that was marked -> {account, revoked, hint, ended}. Repeating it is harmless."""
    return finish(connections, task.args["id"], task.args["name"])


def finish(connections: Connections, id_: str, name: str) -> dict[str, Any]:
    """Revokes, deletes, ends what waits."""
    store, now = connections.store, connections.clock.now
    tokens = rows.tokens(store, connections.keyring, id_)
    hint, revoked = "", True
    with store.read() as conn:
        secrets_left = removing.has_secrets(conn, id_)
    if secrets_left:
        revoked, hint = _revoke(connections, id_)
        with store.locks.wait(tokens.lock, WRITER), store.write() as conn:
            removing.forget(conn, id_)
    with store.locks.wait(f"account:{id_}", WRITER):  # what is in flight now has no owner
        ended = removing.end_work(store, id_, now())
    return {"account": name, "revoked": revoked, "hint": hint, "ended": ended}


def _revoke(connections: Connections, id_: str) -> tuple[bool, str]:
    """(it was taken back there, what to do by hand). Nothing that goes wrong here keeps the secrets alive."""
    by_hand = ""
    try:
        with connections.store.read() as conn:
            account = rows.gone(conn, connections.keyring, id_)
        if account is None:
            return False, ""
        manifest = kinds().get(account.kind)  # a trigger link has none
        by_hand = manifest.revoke_by_hand if manifest else ""
        return (True, "") if _revoked(connections, account) else (False, by_hand)
    except errors.StoreDown:
        raise
    except errors.ConnectorError as error:
        return False, f"{error.message} {by_hand}".strip()


def _revoked(connections: Connections, account: Account) -> bool:
    if account.kind == whatsapp.MANIFEST.kind:
        waba = account.settings.get("waba_id")
        if any(one.settings.get("waba_id") == waba for one in connections.accounts() if one.kind == account.kind):
            return False  # another number of the same business account goes on receiving
        whatsapp.leave(account)
        return False  # the token itself is revoked in Meta's screens only
    if account.kind not in crm_kinds():
        return True  # a webhook or a link: the secret was ours
    token = rows.tokens(connections.store, connections.keyring, account.id).current()
    # without a person's leave only a session ends: whoever has the app's own secret gets another
    return crm.revoke(account, token) and bool((token or {}).get("refresh_token"))
