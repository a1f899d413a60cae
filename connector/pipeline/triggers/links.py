"""Trigger links: made, given a new secret, ended; the console and the command line do the same."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from connector.core import documents as language
from connector.errors import Rejected
from connector.ports import Account
from connector.store import accounts
from connector.store import documents as document_rows
from connector.store.engine import Store
from connector.store.secrets import Keyring

KIND = "link"
OVERLAP = timedelta(hours=24)  # both secrets are good while the caller is being changed

Noted = Callable[[Any, Account], None]  # (connection, link): who does it, for the audit


def nowhere(conn: Any, link: Account) -> None:
    """No audit."""


def crm_of(store: Store, document: str) -> str:
    """The CRM account that the newest version of the document names. Raises Rejected when no link can fire it."""
    with store.read() as conn:
        row = document_rows.latest(conn, document)
    if row is None:
        why = f"There is no document named {document!r}."
        raise Rejected(why, hint="Push it first, or name its CRM account with --crm.", code="document")
    found = language.read(row.text)
    if not isinstance(found, language.SendDocument):
        raise Rejected(f"{document} is a {found.kind}: only a send: document can be fired.", code="document")
    if not found.webhook:
        why = f"{document} does not wait for a call."
        raise Rejected(why, hint=f"Write under its when: webhook: {document}", code="document")
    return found.crm


def make(
    store: Store, keyring: Keyring, document: str, crm: str, secret: str, now: datetime, noted: Noted = nowhere
) -> Account:
    """A new link; `secret` is shown to its maker once. `noted` writes the audit in the same transaction."""
    about: dict[str, object] = {"document": document, "crm": crm}
    return _put(store, keyring, secrets.token_hex(16), about, {"secret": secret}, now, noted)


def rotate(
    store: Store, keyring: Keyring, link: Account, secret: str, now: datetime, noted: Noted = nowhere
) -> Account:
    """A new secret; the old one is good for another 24 hours."""
    settings = {**link.settings, "old_until": int((now + OVERLAP).timestamp())}
    given = {"secret": secret, "secret_old": link.secrets["secret"]}
    return _put(store, keyring, link.name, settings, given, now, noted)


def revoke(store: Store, link: Account, noted: Noted = nowhere) -> None:
    """From now on its calls are refused."""
    with store.write() as conn:
        accounts.delete(conn, link.id)
        noted(conn, link)


def _put(
    store: Store, keyring: Keyring, name: str, settings: dict[str, object], given: dict[str, str], now: datetime,
    noted: Noted,
) -> Account:  # fmt: skip
    with store.write() as conn:
        link = accounts.add(conn, keyring, KIND, name, settings, given, now)
        noted(conn, link)
        return link
