"""Secrets that are looked for everywhere they must not be: as they are, and as a URL or Base64 would write them."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from connector.app import App
from connector.sandbox.http import Request, Response, answer
from connector.sandbox.server import Reply, Server
from connector.store import accounts
from connector.store.tables import metadata


@dataclass
class Canaries:
    """`add` names a secret; `seen` says which of them a text holds."""

    known: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, *secrets: str) -> None:
        for n, secret in enumerate(secrets):
            assert len(secret) >= 8, name
            self.known[f"{name}:{n}"] = secret

    def add_accounts(self, app: App) -> None:
        """Every secret and token of every account, as it is now."""
        for account in app.accounts():
            self.add(account.name, *(value for value in account.secrets.values() if value))
            token = accounts.tokens(app.store, app.keyring, account.id).current() or {}
            self.add(f"{account.name} token", *(token[n] for n in ("access_token", "refresh_token") if token.get(n)))

    def seen(self, text: str | bytes, but: Iterable[str] = ()) -> list[str]:
        """Names of those in the text; `but` are names (or their beginnings) that may stand there."""
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        return sorted(
            name for name, secret in self.known.items()
            if not name.startswith(tuple(but)) and any(form in raw for form in _forms(secret))
        )  # fmt: skip


def _forms(secret: str) -> set[bytes]:
    raw = secret.encode()
    return {raw, quote(secret, safe="").encode(), base64.b64encode(raw).rstrip(b"="), repr(secret)[1:-1].encode()}


def dump(app: App) -> str:
    """Every column of every table as the database keeps it."""
    lines = []
    with app.store.read() as conn:
        for table in metadata.sorted_tables:
            query = sa.select(*(sa.type_coerce(c, sa.Text).label(c.name) for c in table.c))
            lines += [f"{table.name} {tuple(row)!r}" for row in conn.execute(query)]
    return "\n".join(lines)


class Parrot:
    """A vendor that answers everything with what it was sent: headers, address and body, in errors of all shapes."""

    def __init__(self) -> None:
        self.status = 400
        self._server = Server(self._answer)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        self._server.close()

    def _answer(self, request: Request) -> Reply:
        said = " ".join([request.target, *request.headers.values(), request.body.decode("utf-8", "replace")])
        given: dict[str, Any] = {
            "message": said, "status": "error", "category": "VALIDATION_ERROR", "correlationId": said, "error": said,
            "error_description": said, "errors": [{"message": said, "code": said, "context": {"propertyName": [said]}}],
        }  # fmt: skip
        if "/graph" in request.path:
            given["error"] = {"message": said, "code": 100, "error_data": {"details": said}, "error_user_msg": said}
        if "/salesforce/services/data" in request.path:
            shape: Any = [{"errorCode": said, "message": said, "fields": [said]}]
        else:
            shape = given
        if self.status == 299:
            return Reply(Response(200, said.encode(), {"Content-Type": "text/html"}))
        return Reply(answer(shape, self.status))
