"""The Graph API over HTTP: the only module that knows httpx."""

import logging
from collections.abc import Mapping
from typing import Any

import httpx

from connector.errors import GiveUp, NotAllowed, Unreachable
from connector.ports import Account, Issue
from connector.whatsapp.errors import translate
from connector.whatsapp.settings import base_url, validate, value
from connector.whatsapp.values import Json, part, parts, text, time

VERSION = "v26.0"  # live since 2026-07-29, for at least two years; Meta's Graph API changelog
SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
FIELDS = "id,display_phone_number,verified_name,quality_rating,name_status,status,health_status,webhook_configuration"
_TIMEOUT = httpx.Timeout(20.0, connect=3.0)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

for _name in ("httpx", "httpcore"):  # they log addresses and headers, and debug_token carries a token in its address
    logging.getLogger(_name).setLevel(logging.WARNING)


class WhatsApp:
    """One account's API. Thread-safe; keep one per account and process. Its token is never shown or logged."""

    def __init__(self, account: Account) -> None:
        validate(account.settings)
        self._number = value(account.settings, "phone-number-id")
        self._waba = value(account.settings, "waba-id")
        self._token = value(account.secrets, "token")
        self._app_secret = value(account.secrets, "app-secret")
        self._http = httpx.Client(base_url=f"{base_url(account.settings)}/{VERSION}", timeout=_TIMEOUT)

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()

    def check(self, *, fix: bool = False) -> list[Issue]:
        """What stands in the way of sending and receiving, in plain words. `fix` subscribes the webhooks.

        Raises Busy or Unreachable when Meta does not answer.
        """
        try:
            number = self._call("GET", self._number, {"fields": FIELDS})
        except NotAllowed as error:
            return [Issue("token", error.message, error.hint)]
        except GiveUp as error:
            return [Issue("phone_number_id", "There is no such number, or the token may not see it.", error.hint)]
        health = part(number, "health_status")
        app = _entity(health, "APP")
        return [*self._ids(health), *_state(number), *_health(health), *self._webhooks(app, fix), *self._access(app)]

    def _ids(self, health: Json) -> list[Issue]:
        waba = _entity(health, "WABA")
        if waba in ("", self._waba):
            return []
        return [Issue("waba_id", "The number belongs to another WhatsApp account.", f"Its waba-id is {waba}.")]

    def _webhooks(self, app: str, fix: bool) -> list[Issue]:
        """Without a subscription of the account to our app Meta sends nothing at all."""
        path = f"{self._waba}/subscribed_apps"
        try:
            apps = [text(part(a, "whatsapp_business_api_data"), "id") for a in parts(self._call("GET", path), "data")]
            if app in apps or (apps and not app):
                return []
            if fix and self._call("POST", path).get("success") is True:
                return []
        except (NotAllowed, GiveUp) as error:
            return [Issue("waba_id", "The WhatsApp account cannot be read.", error.hint or error.message)]
        words = "The app is not subscribed to this WhatsApp account: no message will arrive."
        return [Issue("not_subscribed", words, "Run the check again with --fix.", fix=True)]

    def _access(self, app: str) -> list[Issue]:
        """What Meta says of our token. It is asked with the app secret, so a wrong secret is found too."""
        if not app or not self._app_secret:
            return []
        try:
            answer = self._call("GET", "debug_token", {"input_token": self._token}, token=f"{app}|{self._app_secret}")
        except (NotAllowed, GiveUp) as error:
            words = "The app secret is wrong: every webhook would be refused."
            return [Issue("app_secret", words, error.hint or "Copy it from the app's Settings > Basic.")]
        return _token_issues(part(answer, "data"))

    def _call(self, method: str, path: str, query: Mapping[str, str] | None = None, *, token: str = "") -> Json:
        """One call; the decoded object. Raises what the code table says."""
        headers = {"Authorization": f"Bearer {token or self._token}"}
        try:
            response = self._http.request(method, path, params=query, headers=headers)
        except _NOT_SENT as error:
            raise Unreachable("Meta cannot be reached.", sent=False, code=type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Unreachable("Meta did not answer.", code=type(error).__name__) from None
        body = _decoded(response)
        if response.status_code == 200 and isinstance(body, dict):
            return body
        raise translate(response.status_code, body)


def _decoded(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _entity(health: Json, kind: str) -> str:
    return next((text(e, "id") for e in parts(health, "entities") if e.get("entity_type") == kind), "")


def _state(number: Json) -> list[Issue]:
    found, name = [], text(number, "display_phone_number")
    status = text(number, "status")
    if status not in ("", "CONNECTED"):
        found.append(
            Issue("number_status", f"The number {name} is {status}.", "It must be CONNECTED: register it again.")
        )
    if text(number, "quality_rating") == "RED":
        found.append(
            Issue("quality", f"The quality of {name} is low.", "Send less, and only to people who asked for it.")
        )
    if text(number, "name_status") in ("DECLINED", "EXPIRED", "NONE"):
        found.append(Issue("name_status", f"{name} has no approved display name.", "Ask for one in WhatsApp Manager."))
    return found


def _health(health: Json) -> list[Issue]:
    """Meta's own list of what blocks sending, by entity."""
    return [
        Issue(
            f"health_{text(entity, 'entity_type').lower()}",
            text(error, "error_description", 1024) or "Meta limits sending.",
            text(error, "possible_solution", 1024),
        )
        for entity in parts(health, "entities")
        if entity.get("can_send_message") in ("LIMITED", "BLOCKED")
        for error in parts(entity, "errors") or [{}]
    ]


def _token_issues(token: Json) -> list[Issue]:
    if token.get("is_valid") is not True:
        return [Issue("token", "The access token is not valid.", "Make a new system-user token.")]
    scopes, ends = token.get("scopes"), time(token, "expires_at")
    missing = [scope for scope in SCOPES if type(scopes) is list and scope not in scopes]
    found = [Issue("scopes", f"The token lacks {', '.join(missing)}.", "Make a token with both.")] if missing else []
    if ends:
        found.append(
            Issue("token_expires", f"The token ends on {ends.date()}.", "Use a system user's token that never expires.")
        )
    return found
