"""One WhatsApp account at Meta: sending, templates, number, profile, and the check of the connection."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from connector.core.template import Template
from connector.errors import GiveUp, NotAllowed, NotFound, Unreachable
from connector.ports import (
    Account,
    FetchedFile,
    Issue,
    Multipart,
    NumberState,
    OutboundMessage,
    Receipt,
    StoredFile,
    fence,
)
from connector.whatsapp import checking
from connector.whatsapp.errors import translate
from connector.whatsapp.media import Media
from connector.whatsapp.number import FIELDS as NUMBER_FIELDS
from connector.whatsapp.number import read_number
from connector.whatsapp.profile import FIELDS as PROFILE_FIELDS
from connector.whatsapp.profile import fitting, read_profile
from connector.whatsapp.sending import broken, content, receipt, unanswered, unfit
from connector.whatsapp.settings import base_url, validate, value
from connector.whatsapp.template_list import FIELDS as TEMPLATE_FIELDS
from connector.whatsapp.template_list import MOST_PAGES, PAGE, read_template, submitted
from connector.whatsapp.values import Json, part, parts, text
from connector.whatsapp.wire import Wire

VERSION = "v26.0"  # live since 2026-07-29, for at least two years; Meta's Graph API changelog


class WhatsApp:
    """One account's API. Thread-safe; keep one per account and process. Its token is never shown or logged."""

    def __init__(self, account: Account) -> None:
        validate(account.settings)
        self._number = value(account.settings, "phone-number-id")
        self._waba = value(account.settings, "waba-id")
        self._token = value(account.secrets, "token")
        self._app_secret = value(account.secrets, "app-secret")
        self._wire = Wire(f"{base_url(account.settings)}/{VERSION}", self._token)
        self._media = Media(self._number, base_url(account.settings), self._token, self._call)
        self._messages = self._wire.target(f"{self._number}/messages")

    def close(self) -> None:
        """Gives the connections back."""
        self._wire.close()

    # ---- sending -------------------------------------------------------------------------------------------------
    def send(self, message: OutboundMessage, key: str) -> Receipt:
        """One request, never repeated in here; `key` is our send id. Every fault is an outcome; only fence.Late is
        raised, before anything has left."""
        try:
            body = content(message, key)
        except (ValueError, TypeError, RecursionError) as error:
            return unfit(error)
        try:
            return receipt(*self._wire.call("POST", self._messages, body))
        except Unreachable as error:
            return unanswered(error)
        except fence.Late:
            raise
        except Exception as error:  # noqa: BLE001 - the request may be out: an exception would lose that it is
            return broken(error)

    def mark_read(self, wamid: str, *, typing: bool = False) -> None:
        """Marks it and all before it as read; `typing` shows that we write, until we answer or 25 s have passed."""
        body: Json = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        self._call(
            "POST", f"{self._number}/messages", body=body | ({"typing_indicator": {"type": "text"}} if typing else {})
        )

    # ---- files ---------------------------------------------------------------------------------------------------
    def upload(self, file: StoredFile) -> str:
        """The id WhatsApp gives a file of ours."""
        return self._media.upload(file)

    def download(self, media_id: str, into: BinaryIO, *, declared: str = "", sha256: str = "") -> FetchedFile:
        """A customer's file, checked against its declared type and hash."""
        return self._media.download(_id(media_id, "a file"), into, declared=declared, sha256=sha256)

    def fetch(self, url: str, into: BinaryIO, most: int) -> FetchedFile:
        """A file of ours from a public address; no token goes with it."""
        return self._media.fetch(url, into, most)

    # ---- templates -----------------------------------------------------------------------------------------------
    def templates(self) -> list[Template]:
        """All of the account, over all pages."""
        query = {"fields": TEMPLATE_FIELDS, "limit": str(PAGE)}
        return [read_template(item) for item in self._pages(f"{self._waba}/message_templates", query)]

    def create_template(self, body: Mapping[str, Any]) -> Template:
        """Submits one for review: {name, language, category, parameter_format?, components}."""
        answer = self._call("POST", f"{self._waba}/message_templates", body=body)
        return submitted(body, answer)

    def edit_template(self, template_id: str, body: Mapping[str, Any]) -> None:
        """Replaces all its components; reviewed anew."""
        self._call("POST", _id(template_id), body=body)

    def delete_template(self, name: str, template_id: str = "") -> None:
        """One language by its id, else every language."""
        query = {"name": name, "hsm_id": template_id} if template_id else {"name": name}
        self._call("DELETE", f"{self._waba}/message_templates", query)

    # ---- number and profile --------------------------------------------------------------------------------------
    def number(self) -> NumberState:
        """The number as Meta shows it: quality, throughput, limit, health."""
        return read_number(self._call("GET", self._number, {"fields": NUMBER_FIELDS}))

    def profile(self) -> dict[str, Any]:
        """about address description email websites vertical profile_picture_url."""
        path = f"{self._number}/whatsapp_business_profile"
        return read_profile((parts(self._call("GET", path, {"fields": ",".join(PROFILE_FIELDS)}), "data") or [{}])[0])

    def update_profile(self, values: Mapping[str, Any]) -> None:
        """Changes these; limits are checked first."""
        self._call("POST", f"{self._number}/whatsapp_business_profile", body=fitting(values))

    # ---- check ---------------------------------------------------------------------------------------------------
    def check(self, *, fix: bool = False) -> list[Issue]:
        """What stands in the way of sending and receiving, in plain words. `fix` subscribes the webhooks.

        Raises Busy or Unreachable when Meta does not answer.
        """
        try:
            number = self._call("GET", self._number, {"fields": NUMBER_FIELDS})
        except NotAllowed as error:
            return [Issue("token", error.message, error.hint)]
        except GiveUp as error:
            return [Issue("phone_number_id", checking.NO_NUMBER, error.hint)]
        health = part(number, "health_status")
        app = checking.entity(health, "APP")
        found = [*checking.account_issues(health, self._waba), *checking.number_issues(number)]
        found += checking.health_issues(health)
        return [*found, *self._webhooks(app, fix), *self._template_access(), *self._access(app)]

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
            return [Issue("waba_id", checking.NO_ACCOUNT, error.hint or error.message)]
        return [Issue("not_subscribed", checking.NOT_SUBSCRIBED, "Run the check again with --fix.", fix=True)]

    def unsubscribe(self) -> None:
        """Meta sends nothing of this business account to our app any more."""
        self._call("DELETE", f"{self._waba}/subscribed_apps")

    def _template_access(self) -> list[Issue]:
        """A token for messages alone sends, but knows no template: every send would be refused at its gate."""
        try:
            self._call("GET", f"{self._waba}/message_templates", {"fields": "id", "limit": "1"})
        except NotAllowed as error:
            hint = f"The token needs {checking.SCOPES[1]}. {error.hint}".strip()
            return [Issue("templates", checking.NO_TEMPLATES, hint)]
        except GiveUp:
            return []  # the account itself cannot be read: told already
        return []

    def _access(self, app: str) -> list[Issue]:
        """What Meta says of our token. It is asked with the app secret, so a wrong secret is found too."""
        if not app or not self._app_secret:
            return []
        try:
            answer = self._call("GET", "debug_token", {"input_token": self._token}, token=f"{app}|{self._app_secret}")
        except (NotAllowed, GiveUp) as error:
            return [Issue("app_secret", checking.WRONG_SECRET, error.hint or checking.WHERE_SECRET)]
        return [*checking.token_issues(part(answer, "data")), *self._fields(app)]

    def _fields(self, app: str) -> list[Issue]:
        """The webhook fields of our app; Meta's references disagree whether WhatsApp apps may ask (2026-11)."""
        try:
            return checking.field_issues(self._call("GET", f"{app}/subscriptions", token=f"{app}|{self._app_secret}"))
        except (NotAllowed, GiveUp):
            return []

    # ---- calls ---------------------------------------------------------------------------------------------------
    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[Json]:
        """Every item of a list. All or an error: half a list would look like templates that are gone."""
        after = ""
        for _ in range(MOST_PAGES):
            answer = self._call("GET", path, {**query, **({"after": after} if after else {})})
            yield from parts(answer, "data")
            paging = part(answer, "paging")
            seen, after = after, text(part(paging, "cursors"), "after", 1024)
            if not paging.get("next"):
                return
            if not after or after == seen:
                break
        raise Unreachable("Meta's list of templates does not end.", hint="Try again later.", code="paging")

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | Multipart | None = None,
        token: str = "",
    ) -> Json:
        """One call; the decoded object. Raises what the code table says."""
        content: bytes | Multipart | None = body if body is None or isinstance(body, Multipart) else _json(body)
        answer = self._wire.call(method, self._wire.target(path, query), content, token)
        if answer.status == 200 and isinstance(answer.body, dict):
            return answer.body
        raise translate(answer.status, answer.body)


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def _id(given: str, what: str = "a template") -> str:
    if not (given.isascii() and given.isdigit()):
        hint = "Take it from the list of templates." if what == "a template" else ""
        raise NotFound(f"This is not the id of {what}.", hint=hint, code="bad_id")
    return given
