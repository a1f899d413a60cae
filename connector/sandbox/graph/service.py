"""The stand-in for Meta's Graph API, as far as a WhatsApp business uses it. Any version in the path will do."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from connector.sandbox.graph import media as graph_media
from connector.sandbox.graph.business import Business
from connector.sandbox.graph.customers import Sent
from connector.sandbox.graph.errors import ERRORS, TOO_MANY, GraphError, expired_token, no_object, no_token
from connector.sandbox.graph.review import Review
from connector.sandbox.graph.sending import Sending
from connector.sandbox.graph.settings import APP, PHONE_ID, WABA, GraphOptions
from connector.sandbox.graph.templates import Template
from connector.sandbox.graph.views import (
    account_view,
    fields_view,
    number_view,
    pick,
    profile_values,
    subscription_view,
    token_view,
)
from connector.sandbox.http import Record, Request, Response, answer
from connector.sandbox.world import World

VERSION = re.compile(r"^/v\d+\.\d+(?=/)")
FILTERS = ("name", "status", "language", "category")
STATUSES = ("sent", "delivered", "read", "played", "failed")
PAGE = 25  # Graph's own page size


class Graph:
    """`Graph(world)`; the stand-in is also where a customer's answers come from (`business.hear`)."""

    name = "graph"
    prefix = "/graph"

    def __init__(self, world: World, options: GraphOptions | None = None) -> None:
        self.options = options or GraphOptions()
        self.business = Business(world, self.options)
        self._world = world
        self.review = Review(self.business)
        self._sending = Sending(self.business)
        world.handshakes[self.name] = self._handshake

    def handle(self, request: Request) -> Response:
        """One call of the API."""
        token = _bearer(request)
        path = VERSION.sub("", request.path, count=1)
        if path != "/debug_token" and token != self.options.token:
            return no_token()
        for method, pattern, action in ROUTES:
            found = pattern.fullmatch(path)
            if found and method == request.method:
                try:
                    return action(self, request, *found.groups())
                except GraphError as refusal:
                    return refusal.response()
        return no_object(request.method, path.strip("/").split("/")[0])

    def reset(self) -> None:
        """Back to the seed."""
        self.business.reset()

    def limited(self, _request: Request) -> Response:
        """Meta's throttling: HTTP 400 with a code."""
        return GraphError(130429, TOO_MANY).response()

    def refused(self, code: int) -> Response:
        """Any code of Meta's table."""
        return GraphError(code, "The sandbox was asked to refuse this.").response()

    def expired(self, _request: Request) -> Response:
        """Code 190, subcode 463."""
        return expired_token()

    def records(self, object: str) -> list[Record]:
        """messages, customers, templates, media, or reads (what the business has marked)."""
        state = self.business.state
        with self.business.lock:
            if object == "messages":
                return [sent.shown() for sent in state.sent.values()]
            if object == "customers":
                return [customer.shown() for customer in state.customers.values()]
            if object == "templates":
                return list(state.templates.values())
            if object == "media":
                return [file.shown() for file in state.shelf.files.values()]
            if object == "reads":
                return list(state.marked.values())
        raise KeyError(object)

    def record(self, object: str, id: str) -> Record:
        """One of them."""
        for record in self.records(object):
            if record["id"] == id:
                return record
        raise KeyError(id)

    def change(self, object: str, id: str, fields: Mapping[str, Any]) -> Record:
        """A template's status, category or quality; a message's status (with `code`); what a customer is like."""
        if object == "customers":
            return self.business.describe(id, fields).shown()
        self.record(object, id)
        if object == "media":
            self.business.state.shelf.files[id].url = str(fields.get("url") or "")
            return self.record(object, id)
        if object == "messages":
            return self._change_message(self.business.state.sent[id], fields)
        return self.review.change(self.business.state.templates[id], fields)

    def _change_message(self, sent: Sent, fields: Mapping[str, Any]) -> Record:
        status, code = fields.get("status"), fields.get("code", 131026 if fields.get("status") == "failed" else None)
        if status not in STATUSES or (code is not None and code not in ERRORS):
            raise ValueError(f"a message's status is one of {', '.join(STATUSES)}; failed takes an error's code")
        self._sending.status(sent, status, code)
        return sent.shown()

    def _handshake(self, url: str) -> None:
        self.business.webhooks.handshake(url)
        self.business.webhooks.subscribed = True

    # ---- the routes ----------------------------------------------------------------------------------------------
    def _messages(self, request: Request, number: str) -> Response:
        if number != PHONE_ID:
            return no_object(request.method, number)
        body, wamid = self._sending.send(number, _document(request))
        return replace(answer(body, record=wamid), seconds=self.options.answer_seconds)

    def _object(self, request: Request, id: str) -> Response:
        state, url = self.business.state, self._world.urls.get(self.name)
        if id == PHONE_ID:
            return answer(pick(number_view(state.quality, self.options.limit, url), request.query.get("fields")))
        if id == WABA:
            return answer(pick(account_view(), request.query.get("fields")))
        if id in state.templates:
            return answer(pick(state.templates[id], request.query.get("fields")), record=id)
        file = state.shelf.there(id, self._world.now())
        if file is not None and request.query.get("phone_number_id", PHONE_ID) == PHONE_ID:
            return answer(graph_media.told(file, request.base, self._world.now()), record=id)
        return no_object(request.method, id)

    def _upload(self, request: Request, number: str) -> Response:
        if number != PHONE_ID:
            return no_object(request.method, number)
        with self.business.lock:
            return graph_media.upload(self.business.state.shelf, request, self._world.now())

    def _file(self, request: Request) -> Response:
        with self.business.lock:
            return graph_media.serve(self.business.state.shelf, request, self._world.now())

    def _remove(self, request: Request, id: str) -> Response:
        if self.business.state.shelf.files.pop(id, None) is None:
            return no_object(request.method, id)
        return answer({"success": True}, record=id)

    def _numbers(self, request: Request, waba: str) -> Response:
        if waba != WABA:
            return no_object(request.method, waba)
        number = number_view(self.business.state.quality, self.options.limit, self._world.urls.get(self.name))
        cursors = {"before": _cursor(0), "after": _cursor(1)}
        return answer({"data": [pick(number, request.query.get("fields"))], "paging": {"cursors": cursors}})

    def _templates(self, request: Request, waba: str) -> Response:
        if waba != WABA:
            return no_object(request.method, waba)
        wanted = {name: request.query[name] for name in FILTERS if name in request.query}
        with self.business.lock:
            found = [t for t in self.business.state.templates.values() if all(t[k] == v for k, v in wanted.items())]
        return _page(found, request)

    def _create(self, request: Request, waba: str) -> Response:
        if waba != WABA:
            return no_object(request.method, waba)
        made = self.review.create(_document(request))
        return answer({name: made[name] for name in ("id", "status", "category")}, record=made["id"])

    def _delete(self, request: Request, waba: str) -> Response:
        if waba != WABA:
            return no_object(request.method, waba)
        if not request.query.get("name"):
            raise GraphError(100, "The parameter name is required.")
        self.review.delete(request.query["name"], request.query.get("hsm_id"))
        return answer({"success": True})

    def _edit(self, request: Request, id: str) -> Response:
        template = self.business.state.templates.get(id)
        if template is None:
            return no_object(request.method, id)
        self.review.edit(template, _document(request))
        return answer(
            {"success": True, "id": id, "name": template["name"], "category": template["category"]}, record=id
        )

    def _profile(self, request: Request, number: str) -> Response:
        if number != PHONE_ID:
            return no_object(request.method, number)
        wanted = (request.query.get("fields") or "messaging_product").split(",")
        shown = {name: value for name, value in self.business.state.profile.items() if name in wanted}
        return answer({"data": [shown]})

    def _change_profile(self, request: Request, number: str) -> Response:
        if number != PHONE_ID:
            return no_object(request.method, number)
        with self.business.lock:
            self.business.state.profile.update(profile_values(_document(request)))
        return answer({"success": True})

    def _subscribe(self, request: Request, waba: str) -> Response:
        if waba != WABA:
            return no_object(request.method, waba)
        document = _document(request) if request.body else {}
        url, token = document.get("override_callback_uri"), document.get("verify_token")
        if url:
            try:
                self._world.subscribe(self.name, str(url), lambda u: self.business.webhooks.handshake(u, token))
            except ValueError as refused:
                raise GraphError(100, f"Callback verification failed: {refused}") from refused
        self.business.webhooks.subscribed = True
        return answer({"success": True})

    def _unsubscribe(self, request: Request, waba: str) -> Response:
        if waba != WABA:
            return no_object(request.method, waba)
        self.business.webhooks.subscribed = False
        return answer({"success": True})

    def _subscriptions(self, request: Request, waba: str) -> Response:
        if waba != WABA:
            return no_object(request.method, waba)
        url = self._world.urls.get(self.name)
        return answer({"data": [subscription_view(url)] if self.business.webhooks.subscribed else []})

    def _fields(self, request: Request, app: str) -> Response:
        if app != APP:
            return no_object(request.method, app)
        if _bearer(request) != f"{APP}|{self.options.app_secret}":
            return no_token()
        return answer({"data": [fields_view(self._world.urls.get(self.name))]})

    def _debug_token(self, request: Request) -> Response:
        if _bearer(request) not in (self.options.token, f"{APP}|{self.options.app_secret}"):
            return no_token()
        return answer({"data": token_view(request.query.get("input_token") == self.options.token)})


Action = Callable[..., Response]
ROUTES: Sequence[tuple[str, re.Pattern[str], Action]] = [
    (method, re.compile(pattern), action)
    for method, pattern, action in (
        ("POST", r"/([^/]+)/(?:marketing_)?messages", Graph._messages),
        ("POST", r"/([^/]+)/media", Graph._upload),
        ("GET", r"/whatsapp_business/attachments/?", Graph._file),
        ("GET", r"/([^/]+)/phone_numbers", Graph._numbers),
        ("GET", r"/([^/]+)/message_templates", Graph._templates),
        ("POST", r"/([^/]+)/message_templates", Graph._create),
        ("DELETE", r"/([^/]+)/message_templates", Graph._delete),
        ("GET", r"/([^/]+)/whatsapp_business_profile", Graph._profile),
        ("POST", r"/([^/]+)/whatsapp_business_profile", Graph._change_profile),
        ("POST", r"/([^/]+)/subscribed_apps", Graph._subscribe),
        ("GET", r"/([^/]+)/subscribed_apps", Graph._subscriptions),
        ("DELETE", r"/([^/]+)/subscribed_apps", Graph._unsubscribe),
        ("GET", r"/([^/]+)/subscriptions", Graph._fields),
        ("GET", r"/debug_token", Graph._debug_token),
        ("GET", r"/([^/]+)", Graph._object),
        ("DELETE", r"/([^/]+)", Graph._remove),
        ("POST", r"/([^/]+)", Graph._edit),
    )
]


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.query.get("access_token", "")


def _document(request: Request) -> dict[str, Any]:
    try:
        document = request.json()
    except ValueError as broken:
        raise GraphError(100, f"The request body is not JSON: {broken}") from broken
    if not isinstance(document, dict):
        raise GraphError(100, "The request body must be a JSON object")
    return document


def _page(found: list[Template], request: Request) -> Response:
    limit = request.query.get("limit", str(PAGE))
    start = max(0, _offset(request.query.get("after")))
    size = max(1, min(int(limit), 1000)) if limit.isascii() and limit.isdigit() else PAGE
    some = found[start : start + size]
    paging: dict[str, Any] = {"cursors": {"before": _cursor(start), "after": _cursor(start + len(some))}}
    if start + size < len(found):
        query = urlencode({**request.query, "after": paging["cursors"]["after"]})
        paging["next"] = f"{request.base}{request.path}?{query}"
    data = [pick(template, request.query.get("fields")) for template in some]
    return answer({"data": data, "paging": paging} if data else {"data": []})


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor + "==").decode("ascii") or "none")
    except ValueError:
        raise GraphError(100, "Invalid cursors values") from None
