"""A CRM that nobody has heard of, as another package would bring it: all that the product needs to know is here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector.core.events import RecordChanged
from connector.errors import NotAuthentic
from connector.ports import (
    CRM,
    Account,
    Files,
    Flag,
    Manifest,
    Package,
    Packing,
    RawRequest,
    Response,
    Routed,
    Starter,
    Switch,
    Tokens,
    Webhook,
)

MANIFEST = Manifest(
    kind="tiny",
    title="Tiny CRM",
    flags=(
        Flag("key", "Its key", secret=True, help="Tiny: Settings, Keys."),
        Flag("shop-id", "Its number", required=False, help="Read from Tiny when left empty."),
    ),
    hosts=("tiny.example",),
    owners=("shop_id",),
    words=Path(__file__).with_name("words.toml"),
    starter=Starter(
        record="order", field="state", value="paid", first_name="given", answers=("answer",), phones=("telephone",)
    ),
    audiences=("list",),
    package=Package(
        about="What Tiny needs to know of us.",
        help="Write a page for Tiny.",
        after="put {out} where Tiny looks for it",
        switches=(Switch("in-short", "A shorter page."),),
    ),
)


def connect(account: Account, tokens: Tokens) -> CRM:
    """The adapter of one account."""
    from tiny_crm.adapter import Tiny

    return Tiny(account)  # type: ignore[return-value]


def pack(wanted: Packing) -> Files:
    """One page."""
    waited = [] if "in-short" in wanted.switches else sorted(wanted.watched)
    return {"page.json": json.dumps({"hook": wanted.url + wanted.hook, "waits_for": waited})}


class TinyWebhook:
    """Its calls carry the key itself."""

    def __init__(self, account: Account) -> None:
        self._key = account.secrets.get("key", "")

    def verify(self, request: RawRequest) -> None:
        if request.headers.get("x-key") != self._key:
            raise NotAuthentic("No.")

    def parse(self, body: bytes, headers: Mapping[str, str]) -> list[Routed]:
        return [self._item(item) for item in json.loads(body)]

    def _item(self, item: dict[str, Any]) -> Routed:
        raise NotImplementedError(RecordChanged)

    def answer(self, request: RawRequest) -> Response:
        return Response(200)


def webhook(account: Account) -> Webhook:
    """The reader of its calls."""
    return TinyWebhook(account)
